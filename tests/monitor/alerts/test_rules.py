"""What is worth a message: news of rows, and what stands and lasts."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S
from bot.journal.tail import News
from bot.monitor.alerts.alert import Severity
from bot.monitor.alerts.rules import Events, Standing
from bot.monitor.outlet import Sight

ONE: dict[str, Any] = {
    "state": "RUNNING",
    "delta_coin": 0.02,
    "lower": -0.1,
    "upper": 0.1,
    "unknown_orders": 0,
    "margin": None,
}
MARGIN = {"maintenance_margin": 0.1, "funds": 1.0, "down": -0.6, "up": float("inf")}


def news(kind: str, /, **fields: Any) -> News:
    """Return a row."""
    return News(kind, 1, 1, 0, fields)


def because(reason: Reason, subject: str = "", **numbers: float) -> dict[str, Any]:
    """Return a reason as the journal holds it."""
    return {"reason": str(reason), "subject": subject, "numbers": numbers}


def sight(second: float, *, alive=True, ended=False, stale=False, status=True, **one: Any) -> Sight:
    """Return how a bot stands at a second."""
    shown = {
        "stale": stale,
        "disconnected": one.pop("disconnected", {}),
        "underlyings": {"BTC": ONE | one},
        "ts_ns": 0,
    }
    return Sight(round(second * NS_PER_S), alive, ended, shown if status else None, why="damaged")


def test_a_coin_that_is_switched_off_or_on_hold_is_told_and_so_is_its_end():
    """A coin that is off is not hedged, however quiet it is: `off` moves no state of its own."""
    events = Events()
    why = because(Reason.OPERATOR, "ann: rolling")
    row = {"coin": "BTC", "word": "off", "until_ns": None, "because": why, "stands": True}
    off = events.hear(news("standing", **row))
    assert off is not None
    assert (off.severity, off.urgent, off.text) == (Severity.WARNING, True, "ann: rolling")
    assert off.title == "BTC: off, nothing is hedged until taken back"
    snoozed = events.hear(news("standing", **(row | {"until_ns": 3_600 * NS_PER_S})))
    assert snoozed is not None
    assert snoozed.title.endswith("until 1970-01-01T01:00:00.000Z")
    held = events.hear(news("standing", **(row | {"word": "hold"})))
    assert held is not None
    assert held.severity is Severity.INFO
    on = events.hear(news("standing", coin="BTC", word="off", stands=False))
    assert on is not None
    assert (on.severity, on.title) == (Severity.INFO, "BTC: on, it is hedged again")
    assert (
        events.hear(news("standing", **(row | {"word": "target"}))) is None
    )  # its command is told


def test_what_a_bot_no_longer_says_is_counted_from_when_it_was_last_heard():
    """Not from the first look of a monitor that may have come later."""
    standing = Standing(300.0)
    beat_ns = 100 * NS_PER_S

    def seen(second, **how):
        return standing.see(replace(sight(second, **how), beat_ns=beat_ns))

    assert seen(106, stale=True) == []
    (silent,) = seen(115, stale=True)
    assert silent.kind == "silent"
    beat_ns = 140 * NS_PER_S
    (over,) = seen(140)
    assert over.text == "it lasted 40 s"
    (gone,) = seen(200, alive=False, stale=True)
    assert gone.kind == "gone"
    (over,) = seen(210)
    assert over.text == "it lasted 70 s"


# what happened


@pytest.mark.parametrize(
    "after,severity",
    [("HALTED", "CRITICAL"), ("PAUSED", "WARNING"), ("REDUCE_DELTA_ONLY", "WARNING")],
)
def test_a_stop_is_told_with_its_reasons_and_so_is_its_end(after, severity):
    """The way up passes through other states; the end of the stop is told once."""
    events = Events()

    def moved(before: str, now: str):
        why = [because(Reason.OPERATOR, "ann: lunch", size=0.5)]
        return events.hear(news("state", coin="BTC", before=before, after=now, reasons=why))

    told = moved("RUNNING", after)
    assert (told.severity, told.title) == (Severity[severity], f"BTC is {after}")
    assert told.text == "operator (ann: lunch: size 0.5)"
    assert moved(after, "RECONCILING") is None
    assert moved("RECONCILING", "READY") is None
    back = moved("READY", "RUNNING")
    assert (back.severity, back.title) == (Severity.INFO, "BTC is RUNNING")
    assert moved("READY", "RUNNING") is None


def test_the_way_up_after_a_start_is_no_news():
    """A start is told as one."""
    events = Events()
    for before, after in (("BOOT", "RECONCILING"), ("RECONCILING", "READY"), ("READY", "RUNNING")):
        moved = news("state", coin="", before=before, after=after, reasons=[])
        assert events.hear(moved) is None


@pytest.mark.parametrize(
    "reason,severity",
    [
        (Reason.ANOTHER_BOT, Severity.CRITICAL),
        (Reason.RUNAWAY, Severity.CRITICAL),
        (Reason.UNHEDGED, Severity.CRITICAL),
        (Reason.PNL_UNEXPLAINED, Severity.WARNING),
        (Reason.STALE_QUOTE, None),
    ],
)
def test_a_doubt_is_told_where_a_person_can_do_something(reason, severity):
    """An old quote mends itself, or stops the coin, which is told."""
    told = Events().hear(news("doubt", coin="BTC", because=because(reason), active=1))
    assert (None if told is None else told.severity) == severity
    assert Events().hear(news("doubt", coin="BTC", because=because(reason), active=0)) is None


@pytest.mark.parametrize(
    "changed,told",
    [
        ({}, True),
        ({"refused": []}, False),
        ({"delta_coin": 0.05}, False),
        ({"kind": "gamma"}, False),
        ({"delta_coin": None}, False),
    ],
)
def test_a_hedge_that_is_refused_outside_the_band_is_told(changed, told):
    """Inside it can wait, and what was not refused is under way."""
    row = {"coin": "BTC", "kind": "delta", "delta_coin": 0.3, "lower": -0.1, "upper": 0.1}
    row |= {"refused": [because(Reason.NO_FUNDS, "BTC")]} | changed
    assert (Events().hear(news("decision", **row)) is not None) is told


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
    told = Events().hear(news("run", **run, outcome=outcome))
    assert (None if told is None else told.severity) == severity


def test_who_halts_is_told():
    """Others at the desk should know; a pause shows as a state."""
    row = {"verb": "halt", "coin": "", "who": "ann@desk", "why": "news", "outcome": "HALTED"}
    told = Events().hear(news("command", **row, accepted=1))
    assert told is not None
    assert (told.title, told.text, told.urgent) == ("ann@desk: halt", "news; HALTED", True)
    assert Events().hear(news("command", **row, accepted=0)) is None
    assert Events().hear(news("command", **(row | {"verb": "pause"}), accepted=1)) is None


def test_other_rows_are_no_message():
    """Hedges, orders and fills are the bot's daily work."""
    for kind in ("hedge", "order", "fill", "intent", "paid", "exposure", "margin"):
        assert Events().hear(news(kind)) is None


# what stands


def titles(alerts) -> list[str]:
    """Return what is told."""
    return [alert.title for alert in alerts]


def test_a_band_that_is_left_is_told_after_a_minute_again_and_at_its_end():
    """A hedge takes its time; what is still outside is said until somebody comes."""
    standing = Standing(remind_s=300.0)
    told = {s: standing.see(sight(s, delta_coin=0.3)) for s in (0, 30, 59, 60, 61, 200, 359, 360)}
    assert {second: len(alerts) for second, alerts in told.items() if alerts} == {60: 1, 360: 1}
    (first,), (again,) = told[60], told[360]
    assert first.severity is Severity.CRITICAL
    assert first.title == "BTC: delta +0.3000 is outside -0.1 to 0.1 (RUNNING)"
    assert again.text == "still, for 360 s"
    (over,) = standing.see(sight(400))
    assert (over.title, over.text) == ("BTC: delta is inside its band again", "it lasted 400 s")
    assert standing.see(sight(401)) == []


def test_what_ends_before_it_was_told_is_not_told_at_its_end():
    """Nobody knew of it."""
    standing = Standing(300.0)
    assert standing.see(sight(0, delta_coin=0.3)) == []
    assert standing.see(sight(20)) == []


def test_a_bot_that_is_gone_is_told_at_once():
    """Nobody hedges from now on; one that was stopped in order is another thing."""
    standing = Standing(300.0)
    assert standing.see(sight(0)) == []
    (gone,) = standing.see(sight(1, alive=False, stale=True))
    assert (gone.severity, gone.title) == (Severity.CRITICAL, "the bot is gone: nobody hedges")
    assert titles(standing.see(sight(2))) == ["the bot is back"]
    assert standing.see(sight(3, alive=False, ended=True, stale=True)) == []


def test_a_bot_that_hangs_and_a_journal_that_cannot_be_read_are_told_when_it_lasts():
    """A breath of silence is none."""
    standing = Standing(300.0)
    assert standing.see(sight(0, stale=True)) == []
    assert titles(standing.see(sight(15, stale=True))) == ["the bot hangs: no decision any more"]
    standing = Standing(300.0)
    assert standing.see(sight(0, status=False)) == []
    assert titles(standing.see(sight(15, status=False))) == ["no journal: damaged"]
    assert titles(standing.see(sight(16, status=False, alive=False))) == []
    (gone,) = standing.see(sight(31, status=False, alive=False))
    assert gone.title == "the journal is gone, and the bot with it: nobody hedges"
    assert titles(standing.see(sight(40))) == ["the bot is back", "the journal can be read again"]


def test_a_bot_that_hung_and_died_has_not_decided_again():
    """And a stream that it lost before is not there again; both are told by the next that lives."""
    standing = Standing(300.0)
    lost = {"public stream": 1}
    standing.see(sight(0, disconnected=lost))
    assert titles(standing.see(sight(60, disconnected=lost))) == ["disconnected: public stream"]
    standing.see(sight(70, stale=True))
    assert titles(standing.see(sight(85, stale=True))) == ["the bot hangs: no decision any more"]
    (gone,) = standing.see(sight(90, stale=True, alive=False))
    assert (gone.kind, gone.text) == ("gone", "since 1970-01-01T00:01:30.000Z")
    assert titles(standing.see(sight(100))) == [
        "the bot is back",
        "connected again: public stream",
        "the bot decides again",
    ]


@pytest.mark.parametrize(
    "margin,severity",
    [
        ({}, None),
        ({"maintenance_margin": 0.5}, Severity.WARNING),
        ({"maintenance_margin": 0.8}, Severity.CRITICAL),
        ({"down": -0.09}, Severity.WARNING),
        ({"up": 0.04}, Severity.CRITICAL),
        ({"funds": 0.0, "maintenance_margin": None, "down": None, "up": None}, None),
    ],
)
def test_margin_and_the_way_to_liquidation_are_told_at_once(margin, severity):
    """A share of the funds, or a move of the index."""
    told = Standing(300.0).see(sight(0, margin=MARGIN | margin))
    assert [alert.severity for alert in told] == ([] if severity is None else [severity])


def test_what_gets_worse_is_told_at_once():
    """The reminder's time is not waited for."""
    standing = Standing(300.0)
    assert len(standing.see(sight(0, margin=MARGIN | {"maintenance_margin": 0.6}))) == 1
    assert standing.see(sight(1, margin=MARGIN | {"maintenance_margin": 0.7})) == []
    (worse,) = standing.see(sight(2, margin=MARGIN | {"maintenance_margin": 0.9}))
    assert worse.severity is Severity.CRITICAL


def test_orders_of_unknown_fate_and_a_lost_connection_are_told_when_they_last():
    """Half a minute, a minute."""
    standing = Standing(300.0)
    lost = {"public stream": 1}
    assert standing.see(sight(0, unknown_orders=2, disconnected=lost)) == []
    assert titles(standing.see(sight(30, unknown_orders=2, disconnected=lost))) == [
        "BTC: the fate of 2 orders is unknown"
    ]
    assert titles(standing.see(sight(60, unknown_orders=2, disconnected=lost))) == [
        "disconnected: public stream"
    ]


@pytest.mark.parametrize(
    "blind",
    [
        {"delta_coin": None},
        {"status": False},
        {"stale": True},
        {"stale": True, "alive": False},
    ],
    ids=["unmeasured", "no journal", "hangs", "dead"],
)
def test_what_cannot_be_seen_is_not_over(blind):
    """A band that was left stays left until somebody has seen delta inside."""
    standing = Standing(300.0)
    standing.see(sight(0, delta_coin=0.3))
    assert len(standing.see(sight(60, delta_coin=0.3))) == 1
    assert [a.title for a in standing.see(sight(61, **blind)) if "outside" in a.title] == []
    assert "BTC: delta is inside its band again" in titles(standing.see(sight(70)))


def test_a_bot_that_was_stopped_leaves_no_troubles_and_claims_no_end_of_them():
    """Nobody knows where delta is from now on."""
    standing = Standing(300.0)
    for second in (0, 60):
        standing.see(sight(second, delta_coin=0.3))
    assert standing.see(sight(61, alive=False, ended=True, stale=True)) == []
    assert standing.see(sight(70)) == []


def test_a_journal_that_is_taken_away_under_a_bot_is_told_and_one_that_never_was_is_not():
    """Deleted or moved: its bot ended with it. After an end in order it is somebody's right."""
    standing = Standing(300.0)
    assert standing.see(sight(0, status=False, alive=False)) == []
    assert standing.see(sight(60, status=False, alive=False)) == []
    assert standing.see(sight(61)) == []
    assert standing.see(sight(62, status=False, alive=False)) == []
    (gone,) = standing.see(sight(77, status=False, alive=False))
    assert (gone.severity, gone.title) == (
        Severity.CRITICAL,
        "the journal is gone, and the bot with it: nobody hedges",
    )
    assert titles(standing.see(sight(80))) == ["the bot is back"]
    standing.see(sight(90, alive=False, ended=True, stale=True))
    assert standing.see(sight(200, status=False, alive=False)) == []
