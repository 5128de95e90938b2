"""Hedging of one underlying switched off, on, or off for a while: apart from pause and resume."""

import pytest

from bot.domain.records import CommandOutcome, Standing, StateChange, Word
from bot.domain.states import State
from bot.domain.units import NS_PER_S, iso
from tests.builders.scripted_desk import (
    CALL,
    ScriptedDesk,
    cancelled,
    noted,
    placed,
    queried,
)

SHORT = {CALL.name: "-1"}
OUTSIDE = 61_500.0


def hedged():
    """Return a running desk that has just been hedged."""
    desk = ScriptedDesk(positions=dict(SHORT)).started()
    (order,) = placed(desk.commands)
    desk.completes(order)
    desk.commands.clear()
    return desk


def answer(commands):
    """Return the outcome of the only command."""
    (outcome,) = noted(commands, CommandOutcome)
    return outcome


def test_off_sends_nothing_however_far_delta_runs():
    """PAUSED for whoever asks; who said it and why is written down."""
    desk = hedged()
    said = desk.says("off", "BTC", "maintenance")
    assert answer(said).accepted
    assert answer(said).outcome == "PAUSED (BTC is off until `on BTC`)"
    (word,) = noted(said, Standing)
    assert (word.coin, word.word, word.until_ns, word.active) == ("BTC", Word.OFF, None, True)
    assert word.because.subject == "ann: maintenance"
    for _ in range(5):
        assert placed(desk.wait(1.0).market(OUTSIDE)) == []
    assert desk.stands() is State.PAUSED


@pytest.mark.parametrize("why, said", [("", "ann"), ("maintenance", "ann: maintenance")])
def test_what_is_kept_of_a_person_ends_with_what_they_said(why, said):
    """A reason that nobody gave leaves nothing behind it."""
    (word,) = noted(hedged().says("off", "BTC", why), Standing)
    assert word.because.subject == said


def test_off_cancels_what_rests():
    """An order that rests could fill while nobody hedges."""
    desk = ScriptedDesk(positions={"BTC-PERPETUAL": "3600"}).started()
    (order,) = placed(desk.commands)
    desk.accepts(order)
    assert cancelled(desk.says("off", "BTC")) == [order.label]


@pytest.mark.parametrize("stop", ["pause", "halt"])
def test_a_resume_does_not_switch_on(stop):
    """Only `on` does, and then hedging goes on through a look at the positions."""
    desk = hedged()
    desk.says("off", "BTC")
    desk.says(stop)
    resumed = answer(desk.says("resume", "BTC"))
    assert resumed.outcome.endswith("until `resume` without a coin; BTC is off until `on BTC`)")
    whole = answer(desk.says("resume"))
    assert whole.outcome.startswith("RECONCILING; everything was ")
    assert whole.outcome.endswith("; BTC stays off until `on BTC`")
    for _ in range(3):
        desk.wait(1.0).told()
        assert placed(desk.wait(1.0).market(OUTSIDE)) == []
    said = desk.says("on", "BTC")
    assert answer(said).outcome == "RECONCILING"
    assert queried(said) == ["positions"]
    assert [c.after for c in noted(said, StateChange)] == [State.RECONCILING]
    desk.wait(1.0).told()
    desk.wait(1.0).market()
    assert desk.stands() is State.RUNNING
    assert len(placed(desk.commands)) == 1


@pytest.mark.parametrize("stop,state", [("pause", State.PAUSED), ("halt", State.HALTED)])
def test_switching_on_leaves_a_stop_in_force(stop, state):
    """One person's `on` does not undo another's halt."""
    desk = hedged()
    desk.says("off", "BTC")
    desk.says(stop, "BTC")
    said = answer(desk.says("on", "BTC"))
    assert (said.accepted, said.outcome) == (True, str(state))
    desk.wait(1.0).told()
    desk.wait(1.0).market(OUTSIDE)
    assert desk.stands() is state


def test_on_is_refused_while_an_order_is_unknown():
    """As resume is: a person cannot wave an unknown order away."""
    desk = ScriptedDesk(positions=dict(SHORT)).started()
    (order,) = placed(desk.commands)
    desk.says("off", "BTC")
    desk.tick(2.1)
    refused = answer(desk.says("on", "BTC"))
    assert (refused.accepted, order.label in refused.outcome) == (False, True)
    assert desk.stands() is State.PAUSED


def test_on_where_nothing_was_off_says_so():
    """Harmless, and nothing is reconciled for it."""
    desk = hedged()
    said = desk.says("on", "BTC")
    assert answer(said).outcome == "RUNNING: it was not off"
    assert (queried(said), desk.stands()) == ([], State.RUNNING)


@pytest.mark.parametrize("coin", ["", "BTC"])
def test_a_snooze_ends_by_itself_through_reconciliation(coin):
    """Nothing until its time; then positions are asked for, and the band is held again."""
    desk = hedged()
    end = iso(desk.now_ns + 30 * NS_PER_S)
    said = answer(desk.says("snooze", coin, for_s=30.0))
    assert said.outcome == f"PAUSED (BTC is snoozed until {end})"
    desk.wait(29.0)
    assert placed(desk.market(OUTSIDE)) == []
    assert desk.stands() is State.PAUSED
    over = desk.tick(1.0)
    assert desk.stands() is State.RECONCILING
    assert "positions" in queried(over)
    (word,) = noted(over, Standing)
    assert (word.word, word.active) == (Word.OFF, False)
    desk.wait(0.5).told()
    desk.wait(0.5).market()
    assert desk.stands() is State.RUNNING
    assert len(placed(desk.commands)) == 1


def test_a_resume_of_everything_names_what_stays_off():
    """The bot runs and a coin of it does not: until when, and with which word that ends."""
    desk = hedged()
    desk.says("snooze", "BTC", for_s=3_600.0)
    end = iso(desk.now_ns + 3_600 * NS_PER_S)
    said = answer(desk.says("resume"))
    assert (said.accepted, said.outcome) == (True, f"RUNNING; BTC stays snoozed until {end}")
    desk.says("on", "BTC")
    assert answer(desk.says("resume")).outcome == "RUNNING"


def test_on_ends_a_snooze_sooner():
    """The same word for both."""
    desk = hedged()
    desk.says("snooze", "BTC", for_s=3_600.0)
    desk.says("on", "BTC")
    desk.wait(3.0).told()
    desk.wait(1.0).market()
    assert desk.stands() is State.RUNNING


def test_a_snooze_does_not_end_what_is_off():
    """Off stays off when its time is over."""
    desk = hedged()
    desk.says("off", "BTC")
    said = desk.says("snooze", for_s=10.0)
    assert answer(said).outcome == "PAUSED (BTC is off until `on BTC`)"
    assert noted(said, Standing) == []
    desk.tick(11.0)
    assert desk.stands() is State.PAUSED


@pytest.mark.parametrize("for_s", [None, 0.0, -5.0, 86_401.0, float("nan"), float("inf")])
def test_a_snooze_without_a_sensible_end_is_refused(for_s):
    """At most a day: whoever means longer says off."""
    desk = hedged()
    said = answer(desk.says("snooze", "BTC", for_s=for_s))
    assert not said.accepted
    assert said.outcome.startswith("expected a time from 1 to 86400 s with snooze, found ")
    assert desk.stands() is State.RUNNING


@pytest.mark.parametrize("verb", ["off", "on", "hold", "hedge"])
def test_a_verb_for_one_coin_is_refused_without_one(verb):
    """And for a stranger, with the coins that there are."""
    desk = hedged()
    said = answer(desk.says(verb, for_s=5.0))
    assert (said.accepted, said.outcome) == (
        False,
        f"expected a coin with {verb} (pause stops everything), found none",
    )
    stranger = answer(desk.says(verb, "DOGE", for_s=5.0))
    assert (stranger.accepted, stranger.outcome) == (False, "expected one of BTC, found DOGE")
    assert desk.stands() is State.RUNNING


def restarted(desk, *words, after_s=0.0):
    """Return the next run of a desk's bot, told which words its journal holds."""
    again = ScriptedDesk(positions=dict(desk.positions), now_ns=desk.now_ns, epoch=2)
    again.wait(after_s)
    again.commands += again.core.remember(words, (), again.now_ns)
    return again


def test_off_survives_a_restart():
    """The way up is climbed beneath it."""
    desk = hedged()
    (word,) = noted(desk.says("off", "BTC"), Standing)
    again = restarted(desk, word).started()
    assert (again.stands(), placed(again.commands)) == (State.PAUSED, [])
    assert again.core.floor.machine.states["BTC"] is State.RUNNING


def test_a_snooze_survives_a_restart_until_its_time():
    """And ends in the next run as it would have in this one."""
    desk = hedged()
    (word,) = noted(desk.says("snooze", "BTC", for_s=60.0), Standing)
    again = restarted(desk, word, after_s=10.0).started()
    assert again.stands() is State.PAUSED
    again.wait(50.0).market()
    again.wait(1.0).told()
    again.wait(1.0).market()
    assert again.stands() is State.RUNNING


def test_a_snooze_that_ran_out_meanwhile_is_over():
    """The journal is told so."""
    desk = hedged()
    (word,) = noted(desk.says("snooze", "BTC", for_s=60.0), Standing)
    again = restarted(desk, word, after_s=60.0)
    (over,) = noted(again.commands, Standing)
    assert not over.active
    assert again.started().stands() is State.RUNNING


def test_a_snooze_lasts_no_longer_where_the_market_s_time_went_back():
    """A new paper market begins at its beginning: the snooze begins anew, at most."""
    desk = hedged()
    desk.wait(86_400.0)
    (word,) = noted(desk.says("snooze", "BTC", for_s=60.0), Standing)
    again = restarted(desk, word, after_s=-86_400.0)
    assert again.core.floor.machine.off_until == {"BTC": again.now_ns + 60 * NS_PER_S}
    (told,) = noted(again.commands, Standing)
    assert (told.active, told.until_ns) == (True, again.now_ns + 60 * NS_PER_S)
