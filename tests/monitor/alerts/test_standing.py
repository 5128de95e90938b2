"""What stands and lasts: told, told again, and told when it is over."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S
from bot.monitor.alerts.alert import Severity
from bot.monitor.alerts.standing import Standing
from bot.monitor.alerts.troubles import Trouble
from bot.monitor.outlet import Sight

ONE: dict[str, Any] = {
    "state": "RUNNING",
    "delta_coin": 0.02,
    "lower": -0.1,
    "upper": 0.1,
    "unknown_orders": 0,
    "margin": None,
    "why": [],
    "off": None,
    "hold": None,
}
MARGIN = {"maintenance_margin": 0.1, "funds": 1.0, "down": -0.6, "up": float("inf")}


def because(reason: Reason, subject: str = "", **numbers: float) -> dict[str, Any]:
    """Return a reason as the journal holds it."""
    return {"reason": str(reason), "subject": subject, "numbers": numbers}


def sight(second: float, *, alive=True, ended=False, stale=False, status=True, **one: Any) -> Sight:
    """Return how a bot stands at a second."""
    shown = {
        "stale": stale,
        "state": one.pop("whole", "RUNNING"),
        "disconnected": one.pop("disconnected", {}),
        "underlyings": {"BTC": ONE | one},
        "ts_ns": 0,
    }
    return Sight(round(second * NS_PER_S), alive, ended, shown if status else None, why="damaged")


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
    assert seen(210) == []
    (over,) = seen(230)
    assert over.text == "it lasted 70 s"


def titles(alerts) -> list[str]:
    """Return what is told."""
    return [alert.title for alert in alerts]


def test_a_band_that_is_left_is_told_after_a_minute_again_and_at_its_end():
    """A hedge takes its time; what is still outside is said until somebody comes."""
    standing = Standing(remind_s=300.0)
    standing.see(sight(-1))
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
    assert standing.see(sight(2)) == []
    assert titles(standing.see(sight(22))) == ["the bot is back"]
    assert standing.see(sight(23, alive=False, ended=True, stale=True)) == []


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
    assert titles(standing.see(sight(40))) == ["the journal can be read again"]
    assert titles(standing.see(sight(60))) == ["the bot is back"]


def test_a_bot_that_hung_and_died_has_not_decided_again():
    """And a stream that it lost before is not there again; both are told by the next that lives."""
    standing = Standing(300.0)
    lost = {"public stream": 0}
    standing.see(sight(0, disconnected=lost))
    assert titles(standing.see(sight(60, disconnected=lost))) == ["disconnected: public stream"]
    standing.see(sight(70, stale=True))
    assert titles(standing.see(sight(85, stale=True))) == ["the bot hangs: no decision any more"]
    (gone,) = standing.see(sight(90, stale=True, alive=False))
    assert (gone.kind, gone.text) == ("gone", "since 1970-01-01T00:01:30.000Z")
    assert titles(standing.see(sight(100))) == [
        "connected again: public stream",
        "the bot decides again",
    ]
    assert titles(standing.see(sight(120))) == ["the bot is back"]


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
    lost = {"public stream": 0}
    assert standing.see(sight(0, unknown_orders=2, disconnected=lost)) == []
    assert titles(standing.see(sight(30, unknown_orders=2, disconnected=lost))) == [
        "BTC: the fate of 2 orders is unknown"
    ]
    assert titles(standing.see(sight(60, unknown_orders=2, disconnected=lost))) == [
        "disconnected: public stream"
    ]
    long, _ = standing.see(sight(300, disconnected=lost))
    assert (long.severity, long.text) == (Severity.CRITICAL, "still, for 300 s")


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
    assert standing.see(sight(80)) == []
    standing.see(sight(90, alive=False, ended=True, stale=True))
    assert standing.see(sight(200, status=False, alive=False)) == []


def test_the_last_look_at_a_run_whose_journal_was_taken_away_waits_for_nothing():
    """Who followed that run alone ends now: a moment later nobody could tell it."""
    standing = Standing(300.0)
    standing.see(sight(0))
    (gone,) = standing.see(replace(sight(1, status=False, alive=False), final=True))
    assert gone.title == "the journal is gone, and the bot with it: nobody hedges"


# who stopped what

WHY = [because(Reason.OPERATOR, "ann: lunch", size=0.5)]


def stopped(state: str) -> dict[str, Any]:
    """Return how a coin is that is stopped by itself."""
    return {"state": state, "why": [{"state": state, "since": "then", "reasons": WHY}]}


@pytest.mark.parametrize(
    "state,severity",
    [("HALTED", "CRITICAL"), ("PAUSED", "WARNING"), ("REDUCE_DELTA_ONLY", "WARNING")],
)
def test_a_stop_is_told_with_its_reasons_now_and_then_again_and_at_its_end(state, severity):
    """Also by a monitor that begins when it stands already; the way up is not its end."""
    standing = Standing(300.0)
    (told,) = standing.see(sight(1, **stopped(state)))
    assert (told.severity, told.title) == (Severity[severity], f"BTC is {state}")
    assert told.text == "operator (ann: lunch: size 0.5), since then"
    assert standing.see(sight(3_600, **stopped(state))) == []
    assert titles(standing.see(sight(3_601, **stopped(state)))) == [f"BTC is {state}"]
    for way_up in ("RECONCILING", "READY"):
        assert standing.see(sight(3_602, state=way_up)) == []
    assert titles(standing.see(sight(3_603))) == [f"BTC: no longer {state}, it is RUNNING"]


def test_a_stop_of_everything_is_told_once_and_its_end_names_what_stays():
    """Each coin is halted by it; a coin's own looser stop adds nothing."""
    standing = Standing(300.0)
    whole = {"whole": "HALTED", "state": "HALTED"}
    why = [{"state": "HALTED", "since": "then", "reasons": WHY}]
    paused = {"state": "PAUSED", "since": "then", "reasons": WHY}
    (told,) = standing.see(sight(0, **whole, why=[*why, paused]))
    assert (told.title, told.text.splitlines()[0]) == (
        "everything is HALTED",
        "operator (ann: lunch: size 0.5), since then",
    )
    assert titles(standing.see(sight(1, state="PAUSED", why=[paused]))) == [
        "BTC is PAUSED",
        "everything is RUNNING, but BTC PAUSED",
    ]


def test_a_stop_that_another_takes_the_place_of_is_not_called_over():
    """HALTED after PAUSED is worse, PAUSED after HALTED is no all-clear."""
    standing = Standing(300.0)
    assert titles(standing.see(sight(0, **stopped("PAUSED")))) == ["BTC is PAUSED"]
    assert titles(standing.see(sight(1, **stopped("HALTED")))) == ["BTC is HALTED"]
    assert titles(standing.see(sight(70, **stopped("PAUSED")))) == ["BTC is PAUSED"]


def test_a_coin_that_is_off_or_on_hold_is_told_and_its_end_says_how_it_is_then():
    """`off` ends and the coin is paused: that is no all-clear."""
    standing = Standing(300.0)
    off, hold = {"until": None, "why": "ann: rolling"}, {"until": "noon", "why": "bob: legs"}
    told = standing.see(sight(0, state="PAUSED", off=off, hold=hold))
    assert [(one.severity, one.title) for one in told] == [
        (Severity.WARNING, "BTC: off, nothing is hedged until taken back"),
        (Severity.INFO, "BTC: on hold, what is traded by hand is not hedged until noon"),
    ]
    assert told[0].text == "ann: rolling"
    assert titles(standing.see(sight(1, **stopped("PAUSED"), hold=hold))) == [
        "BTC is PAUSED",
        "BTC: no longer off, it is PAUSED",
    ]
    assert titles(standing.see(sight(2))) == [
        "BTC: the hold is over, what is traded by hand counts again; it is RUNNING",
        "BTC: no longer PAUSED, it is RUNNING",
    ]


@pytest.mark.parametrize("blind", [{"alive": False}, {"status": False}], ids=["dead", "no journal"])
def test_a_dead_bot_is_not_running_again(blind):
    """Halted, resumed, dead between two looks: nobody is told that it runs, or hedges."""
    standing = Standing(300.0)
    standing.see(sight(0, whole="HALTED", state="HALTED", off={"until": None, "why": ""}))
    told = standing.see(sight(1, stale=True, **blind))
    assert all("RUNNING" not in one.title and "no longer" not in one.title for one in told)


def test_what_comes_and_goes_is_told_once_in_a_while_and_never_after_its_end():
    """Within the cooldown only what cannot wait, or is worse; what waited is told if it stands."""
    standing = Standing(300.0, cooldown_s=900.0)
    paused, halted = stopped("PAUSED"), stopped("HALTED")
    assert len(standing.see(sight(0, **paused))) == 1
    assert len(standing.see(sight(1))) == 1
    assert standing.see(sight(2, **paused)) == []
    assert standing.see(sight(3)) == []  # nobody was told that it was paused again
    assert standing.see(sight(30, **paused)) == []
    assert titles(standing.see(sight(61, **paused))) == ["BTC is PAUSED"]
    assert len(standing.see(sight(62, **halted))) == 1
    assert len(standing.see(sight(63))) == 1
    assert len(standing.see(sight(64, **halted))) == 1


def test_a_coin_that_does_not_come_up_is_told():
    """Nothing hedges it, and nobody stopped it."""
    standing = Standing(300.0)
    assert standing.see(sight(0, state="RECONCILING")) == []
    (told,) = standing.see(sight(60, state="READY"))
    assert (told.severity, told.title) == (Severity.WARNING, "BTC: not hedged, READY")
    assert titles(standing.see(sight(61))) == ["BTC: no longer waiting, it is RUNNING"]


def test_a_broker_that_takes_nothing_is_told_by_the_other_ways():
    """Nobody can stop the bot by it."""
    standing = Standing(300.0)
    assert standing.see(sight(59), {"mqtt": 0}) == []
    (told,) = standing.see(sight(60), {"mqtt": 0, "alerts 1 (JSON)": 0})
    assert told.kind == "mqtt"
    assert titles(standing.see(sight(61), {})) == ["the broker takes what is told again"]


def test_all_that_stands_can_be_said_at_once():
    """To a channel that missed it."""
    standing = Standing(300.0)
    assert standing.now() == (Severity.INFO, "")
    standing.see(sight(0, **stopped("HALTED"), delta_coin=0.3))
    worst, text = standing.now()
    assert (worst, text) == (Severity.CRITICAL, "BTC is HALTED")  # outside is not told so far
    standing.see(sight(60, **stopped("HALTED"), delta_coin=0.3))
    assert standing.now()[1].splitlines() == [
        "BTC is HALTED",
        "BTC: delta +0.3000 is outside -0.1 to 0.1 (HALTED)",
    ]


def test_the_end_of_a_stop_names_what_is_off():
    """It is not hedged either, and no resume changes that."""
    standing = Standing(300.0)
    off = {"until": "noon", "why": "ann: rolling"}
    standing.see(sight(0, whole="HALTED", state="HALTED", off=off))
    assert titles(standing.see(sight(1, state="PAUSED", off=off))) == [
        "everything is RUNNING, but BTC off"
    ]


def test_what_people_were_not_told_does_not_stand_for_them():
    """A journal that has been away for seconds is no death that anybody knows of."""
    standing = Standing(300.0)
    standing.see(sight(0))
    standing.see(sight(1, status=False, alive=False))
    assert not standing.stands("gone")
    standing.see(sight(16, status=False, alive=False))
    assert standing.stands("gone")


def test_a_clock_that_is_set_back_silences_nobody():
    """What stands is told again, what was gone is back, what comes again is no repetition."""
    standing = Standing(300.0, cooldown_s=900.0)
    day = 86_400.0
    assert len(standing.see(sight(day, **stopped("PAUSED")))) == 1
    assert len(standing.see(sight(day + 1, alive=False))) == 1
    assert standing.see(sight(day + 2, **stopped("PAUSED"))) == []
    told = titles(standing.see(sight(100, **stopped("PAUSED"))))
    assert told == ["BTC is PAUSED", "the bot is back"]
    assert len(standing.see(sight(101))) == 1
    assert titles(standing.see(sight(day + 9, **stopped("PAUSED")))) == ["BTC is PAUSED"]


def test_what_stood_at_the_first_look_began_nobody_knows_when():
    """A monitor that starts does not say that a halt began with it."""
    standing = Standing(300.0)
    (told,) = standing.see(sight(0, margin=MARGIN | {"maintenance_margin": 0.6}))
    assert told.text == ""
    (over,) = standing.see(sight(10, margin=MARGIN))
    assert over.text == "it lasted at least 10 s"
    (told,) = standing.see(sight(20, margin=MARGIN | {"maintenance_margin": 0.6}))
    assert told.text == "since 1970-01-01T00:00:20.000Z"


@pytest.mark.parametrize("funds", [0.0, -5.0])
def test_margin_without_funds_is_the_worst_and_not_the_best(funds):
    """It is no share of anything."""
    standing = Standing(300.0)
    assert len(standing.see(sight(0, margin=MARGIN | {"maintenance_margin": 0.6}))) == 1
    (worse,) = standing.see(sight(1, margin=MARGIN | {"funds": funds}))
    assert (worse.severity, worse.title) == (
        Severity.CRITICAL,
        "BTC: maintenance margin is needed and there are no funds",
    )


@pytest.mark.parametrize(
    "before,unknown",
    [
        ({"margin": MARGIN | {"down": -0.04}}, {"margin": MARGIN | {"down": None}}),
        ({"margin": MARGIN | {"maintenance_margin": 0.9}}, {"margin": MARGIN | {"funds": None}}),
        ({"unknown_orders": 2}, {"unknown_orders": None}),
        ({"disconnected": {"public": 0}}, {"whole": "BOOT"}),
    ],
    ids=["liquidation", "margin", "orders", "connection"],
)
def test_a_figure_that_is_not_known_ends_nothing(before, unknown):
    """A run that begins has shown nothing of it so far; the end is told when it is seen."""
    standing = Standing(300.0)
    standing.see(sight(0, **dict(before)))
    assert len(standing.see(sight(60, **dict(before)))) <= 1
    assert standing.since
    assert standing.see(sight(61, **unknown)) == []
    assert len(standing.see(sight(62, margin=MARGIN))) == 1


def test_a_bot_that_starts_does_not_hang():
    """It holds the journal of the run before, and takes its time; a minute is too long."""
    standing = Standing(300.0)
    beat: dict[str, Any] = {"beat_ns": 5 * NS_PER_S}
    standing.see(replace(sight(100, alive=False, ended=True, stale=True), **beat))
    for second in (200, 259):
        assert standing.see(replace(sight(second, ended=True, stale=True), **beat)) == []
    (late,) = standing.see(replace(sight(260, ended=True, stale=True), **beat))
    assert late.title == "the bot has been starting for a minute: no decision so far"
    died = Standing(300.0)
    died.see(replace(sight(100, alive=False, stale=True), **beat))
    assert died.see(replace(sight(200, stale=True), **beat)) == []


def test_the_end_of_a_stop_is_told_where_what_came_after_it_was_not():
    """Else PAUSED would be the last word for ever."""
    standing = Standing(300.0, cooldown_s=900.0)
    for second, state in ((0, "REDUCE_DELTA_ONLY"), (1, None), (2, "PAUSED")):
        standing.see(sight(second, **(stopped(state) if state else {})))
    assert titles(standing.see(sight(3, **stopped("REDUCE_DELTA_ONLY")))) == [
        "BTC: no longer PAUSED, it is REDUCE_DELTA_ONLY"
    ]


def test_doubts_stand_while_the_bot_is_seen():
    """And end when it no longer has them, not with it."""
    standing = Standing(300.0)
    doubt = Trouble("doubt another_bot", "BTC", Severity.CRITICAL, "BTC: another bot", rarely=12.0)
    assert titles(standing.see(sight(0), {}, [doubt])) == ["BTC: another bot"]
    assert standing.see(sight(1), {}, [doubt]) == []
    assert titles(standing.see(sight(2, alive=False), {}, [doubt])) == [
        "the bot is gone: nobody hedges"
    ]
    assert standing.see(sight(3), {}, [doubt]) == []
    assert titles(standing.see(sight(4))) == ["BTC: no longer another bot"]
