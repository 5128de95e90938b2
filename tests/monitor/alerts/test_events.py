"""What happened and is worth a message."""

from typing import Any

import pytest

from bot.domain.reasons import Reason
from bot.journal.tail import News
from bot.monitor.alerts.alert import Severity
from bot.monitor.alerts.events import told

WALL_NS = 7_000_000_000


def news(kind: str, /, **fields: Any) -> News:
    """Return a row."""
    return News(kind, 1, 1, WALL_NS, fields)


def because(reason: Reason, subject: str = "", **numbers: float) -> dict[str, Any]:
    """Return a reason as the journal holds it."""
    return {"reason": str(reason), "subject": subject, "numbers": numbers}


@pytest.mark.parametrize(
    "changed,worth",
    [
        ({}, True),
        ({"refused": []}, False),
        ({"delta_coin": 0.05}, False),
        ({"kind": "gamma"}, False),
        ({"delta_coin": None}, False),
    ],
)
def test_a_hedge_that_is_refused_outside_the_band_is_told(changed, worth):
    """Inside it can wait, and what was not refused is under way."""
    row = {"coin": "BTC", "kind": "delta", "delta_coin": 0.3, "lower": -0.1, "upper": 0.1}
    row |= {"refused": [because(Reason.NO_FUNDS, "BTC")]} | changed
    assert (told(news("decision", **row)) is not None) is worth


@pytest.mark.parametrize(
    "ended,outcome,severity",
    [
        (None, None, Severity.INFO),
        (5, "stopped", Severity.INFO),
        (5, "failed: no disk", Severity.CRITICAL),
        (5, "orders left open", Severity.CRITICAL),
        (None, "interrupted", None),
    ],
)
def test_the_beginning_and_the_end_of_a_run(ended, outcome, severity):
    """An earlier run that the next one finds interrupted was told when it went silent."""
    run = {"mode": "paper", "market": "synthetic", "version": "1", "ended_ns": ended}
    found = told(news("run", **run, outcome=outcome))
    assert (None if found is None else found.severity) == severity


def test_who_halts_is_told():
    """Others at the desk should know; a pause shows as a state."""
    row = {"verb": "halt", "coin": "", "who": "ann@desk", "why": "news", "outcome": "HALTED"}
    found = told(news("command", **row, accepted=1))
    assert found is not None
    assert (found.title, found.text, found.urgent) == ("ann@desk: halt", "news; HALTED", True)
    assert told(news("command", **row, accepted=0)) is None
    assert told(news("command", **(row | {"verb": "pause"}), accepted=1)) is None


def test_other_rows_are_no_message():
    """Hedges, orders and fills are the bot's daily work."""
    for kind in ("hedge", "order", "fill", "intent", "paid", "exposure", "margin"):
        assert told(news(kind)) is None
