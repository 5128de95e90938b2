"""Starting, stopping and coming back: the operator's words and the way up to RUNNING."""

import pytest

from bot.domain.records import CommandOutcome, Decision, StateChange
from bot.domain.states import State
from bot.risk.limits import LimitRules
from tests.builders.scripted_desk import (
    CALL,
    ScriptedDesk,
    cancelled,
    desk_rules,
    noted,
    placed,
    queried,
)

SHORT = {CALL.name: "-1"}
OUTSIDE = 61_500.0  # where the short call has thrown the hedged book out of its band


def _hedged():
    desk = ScriptedDesk(positions=dict(SHORT)).started()
    (order,) = placed(desk.commands)
    desk.completes(order)
    desk.commands.clear()
    return desk


def _outcome(commands):
    (outcome,) = noted(commands, CommandOutcome)
    return outcome


def test_the_way_up_is_boot_reconciling_ready_running():
    """Instruments, positions, prices; each step written down."""
    desk = ScriptedDesk(positions=dict(SHORT))
    assert desk.stands() is State.BOOT
    assert "positions" in queried(desk.listed())
    assert desk.stands() is State.RECONCILING
    desk.told()
    assert desk.stands() is State.RECONCILING
    desk.wait(0.5).told()
    assert desk.stands() is State.READY
    desk.market()
    desk.wait(0.5).market()
    assert desk.stands() is State.RUNNING
    changes = [c.after for c in noted(desk.commands, StateChange) if c.coin == "BTC"]
    assert changes == [State.RECONCILING, State.READY, State.RUNNING]


def test_nothing_is_sent_before_running():
    """However far outside the book is."""
    desk = ScriptedDesk(positions=dict(SHORT))
    desk.market()
    desk.wait(0.5).listed()
    desk.wait(0.5).market()
    assert desk.stands() is State.RECONCILING
    assert placed(desk.commands) == []


def test_prices_that_stay_incomplete_lead_to_reduced_operation():
    """After ten seconds, with the reason; and on to RUNNING when they are there."""
    desk = ScriptedDesk(positions=dict(SHORT))
    desk.begins()
    for _ in range(9):
        desk.wait(1.0).price()
    assert desk.stands() is State.READY
    for _ in range(3):
        desk.wait(1.0).price()
    assert desk.stands() is State.REDUCE_DELTA_ONLY
    for _ in range(7):
        desk.wait(1.0).market()
    assert desk.stands() is State.RUNNING


def test_a_pause_stops_everything_and_a_resume_reconciles_first():
    """Nothing goes out while paused; then positions are asked for, and hedging goes on."""
    desk = _hedged()
    outcome = _outcome(desk.says("pause", "BTC"))
    assert (outcome.accepted, outcome.outcome) == (True, "PAUSED")
    for _ in range(5):
        assert placed(desk.wait(1.0).market(OUTSIDE)) == []
    asked = desk.says("resume", "BTC")
    assert _outcome(asked).accepted
    assert queried(asked) == ["positions"]
    assert desk.stands() is State.RECONCILING
    assert placed(desk.wait(1.0).market()) == []
    orders = placed(desk.told())
    assert desk.stands() is State.RUNNING
    assert len(orders) == 1


def test_one_coin_resumed_under_a_halt_of_everything_is_told_what_remains():
    """Its own state is free; nothing is sent until the other word is taken back as well."""
    desk = _hedged()
    desk.says("halt", "BTC")
    desk.wait(1.0).says("halt")
    outcome = _outcome(desk.wait(1.0).says("resume", "BTC"))
    assert outcome.accepted
    assert outcome.outcome == (
        "HALTED (everything is HALTED until `resume` without a coin); "
        "BTC was HALTED: operator(ann: test)"
    )


@pytest.mark.parametrize("coin", ["", "BTC"])
@pytest.mark.parametrize("verb", ["pause", "halt"])
def test_a_resumed_instance_hedges_again(verb, coin):
    """Whether one coin was stopped or all of them."""
    desk = _hedged()
    desk.says(verb, coin)
    assert placed(desk.wait(3.0).market(OUTSIDE)) == []
    desk.says("resume", coin)
    desk.wait(1.0).told()
    desk.wait(1.0).market()
    desk.wait(1.0).market()
    assert desk.stands() is State.RUNNING
    assert len(placed(desk.commands)) == 1


def test_a_halt_cancels_what_works():
    """At once, and nothing follows."""
    desk = ScriptedDesk(positions={"BTC-PERPETUAL": "3600"}).started()
    (order,) = placed(desk.commands)
    desk.accepts(order)
    assert cancelled(desk.says("halt")) == [order.label]
    assert desk.stands() is State.HALTED
    assert placed(desk.wait(5.0).market(70_000.0)) == []


def test_a_pause_cancels_what_rests():
    """An order that rests could fill while nobody looks."""
    desk = ScriptedDesk(positions={"BTC-PERPETUAL": "3600"}).started()
    (order,) = placed(desk.commands)
    desk.accepts(order)
    assert cancelled(desk.says("pause")) == [order.label]


@pytest.mark.parametrize("word", [State.PAUSED, State.HALTED])
@pytest.mark.parametrize("coin", ["", "BTC"])
def test_a_pause_or_halt_survives_a_restart(word, coin):
    """Neither positions nor prices undo it."""
    desk = ScriptedDesk(positions=dict(SHORT), states={coin: word}).started()
    for _ in range(20):
        desk.wait(1.0).market()
        desk.told()
    assert desk.stands() is word
    assert placed(desk.commands) == []


def test_an_unknown_coin_or_word_is_refused_with_what_was_expected():
    """And changes nothing."""
    desk = _hedged()
    stranger = _outcome(desk.says("pause", "DOGE"))
    assert (stranger.accepted, stranger.outcome) == (False, "expected one of BTC, found DOGE")
    desk.says("halt")
    word = _outcome(desk.says("unhalt"))
    assert (word.accepted, "found unhalt" in word.outcome) == (False, True)
    assert desk.stands() is State.HALTED


def test_a_resume_is_refused_while_an_order_is_unknown():
    """What it did has to be known first."""
    desk = ScriptedDesk(positions=dict(SHORT)).started()
    (order,) = placed(desk.commands)
    desk.tick(2.1)
    desk.says("pause")
    refused = _outcome(desk.says("resume"))
    assert (refused.accepted, order.label in refused.outcome) == (False, True)
    desk.completes(order)
    assert _outcome(desk.says("resume")).accepted


def test_reduced_operation_still_hedges():
    """A doubt about something else does not leave the book unhedged."""
    desk = _hedged()
    desk.wait(1.0).market()
    desk.price(mark=float("nan"))
    desk.wait(0.5).tick()
    assert desk.stands() is State.REDUCE_DELTA_ONLY
    desk.wait(0.3)
    bad = desk.market(OUTSIDE)
    assert [d.refused for d in noted(bad, Decision)] == [()]
    assert len(placed(bad)) == 1


def test_a_large_first_hedge_waits_for_its_typed_confirmation():
    """The words are asked for, wrong ones are refused, right ones let it go."""
    rules = desk_rules(limits=LimitRules(order_usd=1e6, confirm_usd=1_000.0))
    desk = ScriptedDesk(rules=rules, positions=dict(SHORT))
    desk.core.floor.unconfirmed.add("BTC")
    desk.started()
    assert placed(desk.commands) == []
    words = desk.core.floor.words["BTC"]
    assert _outcome(desk.says("confirm", "BTC", "yes")).accepted is False
    assert placed(desk.wait(1.0).market()) == []
    confirmed = desk.says("confirm", "BTC", words)
    assert _outcome(confirmed).accepted is True
    assert len(placed(confirmed)) == 1
