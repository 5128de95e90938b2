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
    "why": [],
    "unknown_orders": 0,
    "off": None,
    "hold": None,
    "moved": None,
    "parked": [],
}
LINES = dict.fromkeys(("gamma", "theta", "vega", "fees", "slippage"), 0.0)
DAY: dict[str, Any] = {
    "total": -1_100.0,
    "lines": LINES | {"translation": -1_000.0, "unexplained": -30.0},
    "watched_s": 60.0,
}
HEDGE = {
    "coin": "BTC",
    "ts_ns": T0,
    "kind": "delta",
    "delta_before_coin": 0.2,
    "delta_after_coin": 0.01,
    "reason": "delta_above_owner(delta=0.2)",
}


def text(
    *,
    stale=False,
    monitor=None,
    disconnected=(),
    hedges=(HEDGE,),
    day=DAY,
    beat_age_s=0.4,
    **one: Any,
) -> str:
    """Return what is drawn of one coin."""
    status = {
        "instance": "demo",
        "mode": "paper",
        "market": "synthetic",
        "state": "RUNNING",
        "stale": stale,
        "ts_ns": T0,
        "monitor": monitor,
        "disconnected": dict.fromkeys(disconnected, T0),
        "underlyings": {"BTC": ONE | one},
    }
    page = io.StringIO()
    seen = Glance(status, hedges, {"BTC": day} if day else {}, beat_age_s, "no bot is running")
    Console(file=page, width=160, color_system=None).print(drawn(seen))
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
    stop = {"reason": "operator", "subject": "ann: lunch", "numbers": {}}
    old = {"reason": "stale_chain", "subject": "BTC-30JAN26-90000-C", "numbers": {"age_s": 90.25}}
    shown = text(
        stale=True,
        disconnected=("public stream",),
        unknown_orders=2,
        why=[{"state": "PAUSED", "since": "06:00", "reasons": [stop]}],
        doubts=[old],
        off={"until": None, "why": "ann: rolling"},
        hold={"until": "07:30", "why": "bob"},
        moved={"until": None, "why": "eve: drift"},
        parked=[
            {"until": "07:00", "instrument": "BTC-PERPETUAL", "quantity": -10.0, "unit": "usd"}
        ],
    )
    for part in (
        "STALE: no bot is running",
        "DISCONNECTED since 2026-01-05T06:30:00.000Z: public stream",
        "the fate of 2 orders is unknown",
        "PAUSED since 06:00: operator(ann: lunch)",
        "cannot be trusted: stale_chain(BTC-30JAN26-90000-C: age_s=90.25)",
        "hedging is off until `on BTC` (ann: rolling)",
        "what is traded by hand is held until 07:30 (bob)",
        "the target was moved (eve: drift)",
        "parked, not hedged before 07:00: BTC-PERPETUAL -10 usd",
    ):
        assert part in shown, shown


def test_the_end_of_a_snooze_is_said():
    """Who looks at night wants to know whether it comes back by itself."""
    shown = text(off={"until": "07:00", "why": "root@vm"}, state="PAUSED")
    assert "hedging is snoozed until 07:00 (root@vm)" in shown


def test_why_a_coin_does_not_run_is_said_before_it_is_measured():
    """A halt of an earlier run has no figures yet."""
    why = {"state": "HALTED", "since": "06:00", "reasons": []}
    assert "HALTED since 06:00: no reason told" in text(measured=False, index=None, why=[why])


@pytest.mark.parametrize(
    "monitor, stale, told", [(False, False, True), (False, True, False), (True, False, False)]
)
def test_that_nobody_is_told_stands_out(monitor, stale, told):
    """Of a bot that lives: whoever waits for an alarm waits in vain."""
    assert ("NOBODY IS TOLD" in text(monitor=monitor, stale=stale)) is told


def test_what_a_dead_bot_was_is_no_state():
    """Neither the bot's own nor a coin's."""
    shown = text(stale=True)
    assert " · was RUNNING · " in shown
    assert "was RUNNING  index 92,137.90" in shown
    assert "was " not in text()


def test_delta_outside_its_band_is_said_in_words():
    """Colour only repeats it."""
    assert "delta +0.8343 is OUTSIDE its band -0.1 to 0.1" in text(delta_coin=0.8343)
    assert "was OUTSIDE" in text(delta_coin=-0.8, stale=True)
    assert "OUTSIDE" not in text()


def test_a_day_of_which_nothing_is_known_yet_has_no_zeros():
    """Its sums are of no rows before the first step."""
    unknown = DAY | {"total": 0.0, "lines": dict.fromkeys([*DAY["lines"]], 0.0), "watched_s": 0.0}
    (line,) = (line for line in text(day=unknown).splitlines() if "today" in line)
    parts = "gamma + theta –, vega –, fees –, slippage –, unexplained –"
    assert line.strip().split(maxsplit=2) == ["today", "–", parts]
    (line,) = (line for line in text().splitlines() if "today" in line)
    assert "fees 0, slippage 0, unexplained −$30" in line


def test_what_is_not_there_is_left_out():
    """No margin, no day, no hedge, nothing measured."""
    shown = text(margin=None, day=None, hedges=(), beat_age_s=None)
    assert "margin" not in shown
    assert "today" not in shown
    assert "hedged" not in shown
    assert "no heartbeat yet" in shown
    assert "not measured yet" in text(measured=False, index=None)
