"""What stands of a bot, in words."""

import math
from typing import Any

import pytest

from bot.domain.reasons import Because, Reason
from bot.journal.rows import from_json, to_json
from bot.monitor import wording
from config.schema.telling import TOLD_BY


def one(**found: Any) -> dict[str, Any]:
    """Return of a coin what its delta and its band are."""
    return {"delta_coin": 0.0, "lower": -0.1, "upper": 0.1} | found


@pytest.mark.parametrize(
    "delta, said",
    [
        (0.8343, "delta +0.8343 is OUTSIDE its band -0.1 to 0.1"),
        (-0.25, "delta -0.2500 is OUTSIDE its band -0.1 to 0.1"),
        (0.1000001, "delta +0.1000001 is OUTSIDE its band -0.1 to 0.1"),
        (0.1, ""),
        (-0.1, ""),
        (None, ""),
        (math.nan, ""),
    ],
)
def test_delta_is_outside_when_it_is_beyond_an_edge(delta, said):
    """The edge itself is inside, and what is not known is nowhere; no amount looks inside."""
    assert wording.outside(one(delta_coin=delta), stale=False) == said


@pytest.mark.parametrize("edge", ["lower", "upper"])
def test_without_a_band_nothing_is_outside(edge):
    """A coin that is not measured has none."""
    assert wording.outside(one(delta_coin=9.0) | {edge: None}, stale=False) == ""


def test_a_dead_bot_s_delta_was_outside():
    """What it is now nobody knows."""
    said = wording.outside(one(delta_coin=1.0), stale=True)
    assert said == "delta +1.0000 was OUTSIDE its band -0.1 to 0.1"


@pytest.mark.parametrize(
    "because",
    [
        Because(Reason.OPERATOR, "ann: lunch"),
        Because(Reason.CLEARED),
        Because(Reason.STALE_QUOTE, "BTC-PERPETUAL", {"age_s": 12.345678, "limit_s": 5.0}),
        Because(Reason.RUNAWAY, "", {"orders": 40.0}),
    ],
)
def test_a_journalled_reason_reads_as_it_does_elsewhere(because):
    """As the log and the answers of a bot print it."""
    assert wording.because(from_json(to_json(because))) == str(because)


def test_a_number_that_is_none_is_no_fault():
    """JSON has no word for NaN."""
    told = from_json(to_json(Because(Reason.BAD_NUMBER, "BTC", {"bid": math.nan})))
    assert wording.because(told) == "bad_number(BTC: bid=?)"


def test_whom_the_settings_name_is_known_here_too():
    """A way to tell that the settings learn must not be a silent one."""
    assert wording.TOLD_BY == TOLD_BY
    assert not wording.somebody({"mqtt": {"url": None}, "alerts": {"urls": []}})
    assert wording.somebody({"alerts": {"urls_file": "alerts.urls"}})
