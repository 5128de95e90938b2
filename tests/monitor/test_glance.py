"""A bot at a glance: where delta lies in its band, and what stands out."""

import io
from typing import Any

import pytest
from rich.console import Console

from bot.monitor.glance import BAR, Glance, bar, drawn
from tests.journal.records import T0

ONE: dict[str, Any] = {
    "state": "RUNNING",
    "measured": True,
    "index": 92_137.9,
    "delta_coin": 0.05,
    "lower": -0.1,
    "upper": 0.1,
    "gamma_coin_per_pct": -0.2283,
    "gamma_expiring_coin_per_pct": -0.0191,
    "vega_usd": -43.0,
    "theta_usd_day": 667.0,
    "equity_usd": 454_255.0,
    "margin": {"funds": 1.0, "maintenance_margin": 0.09, "down": -0.66, "up": float("inf")},
    "doubts": [],
    "unknown_orders": 0,
    "off": None,
    "hold": None,
    "moved": None,
    "parked": [],
}
LINES = dict.fromkeys(("gamma", "theta", "vega", "fees", "slippage"), 0.0)
DAY = {"total": -1_100.0, "lines": LINES | {"translation": -1_000.0, "unexplained": -30.0}}
HEDGE = {
    "coin": "BTC",
    "ts_ns": T0,
    "kind": "delta",
    "delta_before_coin": 0.2,
    "delta_after_coin": 0.01,
    "reason": "delta_above_owner(delta=0.2)",
}


def text(stale=False, disconnected=(), hedges=(HEDGE,), day=DAY, beat_age_s=0.4, **one: Any) -> str:
    """Return what is drawn of one coin."""
    status = {
        "instance": "demo",
        "mode": "paper",
        "market": "synthetic",
        "state": "RUNNING",
        "stale": stale,
        "ts_ns": T0,
        "disconnected": dict.fromkeys(disconnected, 1),
        "underlyings": {"BTC": ONE | one},
    }
    page = io.StringIO()
    seen = Glance(status, hedges, {"BTC": day} if day else {}, beat_age_s, "no bot is running")
    Console(file=page, width=120, color_system=None).print(drawn(seen))
    return page.getvalue()


@pytest.mark.parametrize(
    "value,place",
    [
        (0.0, 20),
        (0.1, 33),
        (-0.1, 7),
        (0.05, 26),
        (0.11, 34),
        (99.0, 40),
        (-99.0, 0),
    ],
)
def test_delta_lies_in_its_band_where_it_is(value, place):
    """The edges are a third from the ends; what is far outside sticks to the end."""
    drawn_bar = bar(value, -0.1, 0.1)
    assert (len(drawn_bar.plain), drawn_bar.plain.index("●")) == (BAR, place)
    assert drawn_bar.plain.count("[") + (place == 7) == 1


@pytest.mark.parametrize(
    "value,style", [(0.02, "green"), (0.09, "yellow"), (0.1001, "bold red"), (-0.3, "bold red")]
)
def test_what_is_near_an_edge_or_outside_stands_out(value, style):
    """Colour is for what matters."""
    found = bar(value, -0.1, 0.1)
    at = found.plain.index("●")
    assert [str(span.style) for span in found.spans if span.start <= at < span.end] == [style]


@pytest.mark.parametrize("value", [None, float("nan")])
def test_what_is_not_known_has_no_place(value):
    """A mark in the middle would look like a hedged book."""
    assert "●" not in bar(value, -0.1, 0.1).plain
    assert "?" in text(delta_coin=value) if value is None else True


def test_one_look_says_what_matters():
    """State, delta, gamma, money, margin, the day, the last hedge."""
    shown = text()
    for part in (
        "demo · paper · synthetic · RUNNING · 2026-01-05 06:30:00 UTC · heartbeat 0.4 s",
        "+0.0500 coin",
        "−0.1 to +0.1",
        "−0.2283 coin per 1 %, expiring −0.0191",
        "−$43 a point, theta +$667 a day",
        "$454,255  margin 9.00 %, liquidation at −66.00 %",
        "−$70  gamma + theta",
        "delta +0.2000 → +0.0100, delta above owner",
    ):
        assert part in shown, shown


def test_trouble_is_said():
    """Stale figures, lost connections, doubts, orders of unknown fate, words that stand."""
    shown = text(
        stale=True,
        disconnected=("public stream",),
        unknown_orders=2,
        doubts=[{"reason": "stale_chain", "subject": "BTC-30JAN26-90000-C"}],
        off={"why": "ann: rolling"},
        parked=[{"until": "07:00", "instrument": "BTC-PERPETUAL"}],
    )
    for part in (
        "STALE: no bot is running",
        "disconnected: public stream",
        "the fate of 2 orders is unknown",
        "stale chain BTC-30JAN26-90000-C",
        "hedging is off: ann: rolling",
        "parked until 07:00: BTC-PERPETUAL",
    ):
        assert part in shown, shown


def test_what_is_not_there_is_left_out():
    """No margin, no day, no hedge, nothing measured."""
    shown = text(margin=None, day=None, hedges=(), beat_age_s=None)
    assert "margin" not in shown
    assert "today" not in shown
    assert "hedged" not in shown
    assert "no heartbeat yet" in shown
    assert "not measured yet" in text(measured=False, index=None)
