"""`hedge`: delta to its target now, through the same checks as every hedge."""

import pytest

from bot.domain.orders import OrderState, TimeInForce
from bot.domain.records import CommandOutcome, Decision, HedgeDone
from bot.domain.states import State
from bot.risk.limits import LimitRules
from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy
from bot.strategy.policies import Fixed
from tests.builders.scripted_desk import ScriptedDesk, cancelled, desk_rules, noted, placed

INSIDE = {"BTC-PERPETUAL": "1800"}  # 0.03 coin, inside the policy's band


def answer(commands):
    """Return the outcome of the only command."""
    (outcome,) = noted(commands, CommandOutcome)
    return outcome


def running(positions=None, **rules):
    """Return a desk that runs, inside its bands unless told."""
    return ScriptedDesk(rules=desk_rules(**rules), positions=dict(positions or INSIDE)).started()


def test_delta_inside_the_band_is_traded_to_the_target_across_the_spread():
    """At once, as one immediate order, and the answer says what."""
    desk = running()
    assert placed(desk.commands) == []
    said = desk.says("hedge", "BTC")
    assert answer(said).accepted
    assert answer(said).outcome == (
        "trades -0.0300 coin within 60 s: delta +0.0300 to the target +0.0000 coin"
    )
    (order,) = placed(said)
    assert order.quantity.value == -1800
    assert order.time_in_force is TimeInForce.IOC
    done = desk.completes(order)
    (hedge,) = noted(done, HedgeDone)
    assert hedge.reason == "hedge_now"
    assert hedge.delta_after_coin == pytest.approx(0.0)
    for _ in range(5):
        assert placed(desk.wait(1.0).market()) == []


def test_cooldown_and_minimum_move_do_not_hold_it_back():
    """A person has decided."""
    policy = DeltaPolicy(
        Band(-0.10, 0.0, 0.10), Fixed(0.05), Landing(TradeTo.TARGET), cooldown_s=3_600.0,
        min_move_bps=500.0,
    )  # fmt: skip
    desk = running({"BTC-PERPETUAL": "3600"}, delta=policy)
    (first,) = placed(desk.commands)
    desk.completes(first)
    desk.positions["BTC-PERPETUAL"] = "4200"
    for _ in range(5):
        desk.wait(1.0).told()
        desk.market()
    assert [order.label for order in placed(desk.commands)] == [first.label]
    (order,) = placed(desk.says("hedge", "BTC"))
    assert order.quantity.value == -4200


def test_what_is_left_of_a_partial_fill_follows():
    """Until delta is within one smallest order of the target."""
    desk = running()
    (order,) = placed(desk.says("hedge", "BTC"))
    desk.fills(order, -1000)
    (rest,) = placed(desk.ends(order, OrderState.CANCELLED, -1000))
    assert rest.quantity.value == -800
    assert rest.time_in_force is TimeInForce.IOC
    desk.completes(rest)
    assert placed(desk.wait(1.0).market()) == []


def test_caps_cut_it_into_slices():
    """The largest order stays the largest order."""
    desk = running(limits=LimitRules(order_usd=1_000.0))
    (order,) = placed(desk.says("hedge", "BTC"))
    assert abs(order.quantity.value) <= 1_000
    (rest,) = placed(desk.completes(order))
    assert order.quantity.value + rest.quantity.value == -1800


def test_an_order_that_rests_makes_way():
    """It waits for a maker's fill; what was asked for does not."""
    desk = running({"BTC-PERPETUAL": "3600"})
    (resting,) = placed(desk.commands)
    assert resting.time_in_force is TimeInForce.GTC
    desk.accepts(resting)
    said = desk.says("hedge", "BTC")
    assert (cancelled(said), placed(said)) == ([resting.label], [])
    (order,) = placed(desk.ends(resting, OrderState.CANCELLED))
    assert order.quantity.value == -3600
    assert order.time_in_force is TimeInForce.IOC


def test_there_may_be_nothing_to_trade():
    """That is an answer and no refusal."""
    desk = running({"BTC-PERPETUAL": "0"})
    said = answer(desk.says("hedge", "BTC"))
    assert said.accepted
    assert said.outcome.startswith("nothing to trade: delta +0.0000 is within one order (0.00016")
    assert desk.core.delta["BTC"].at_once_ns is None


@pytest.mark.parametrize("verb,state", [("pause", "PAUSED"), ("halt", "HALTED"), ("off", "PAUSED")])
def test_a_state_that_sends_nothing_refuses_it(verb, state):
    """Whose word it was is said with it, and nothing is remembered for later."""
    desk = running()
    desk.says(verb, "BTC")
    said = answer(desk.says("hedge", "BTC"))
    assert not said.accepted
    assert said.outcome.startswith(f"expected BTC RUNNING or REDUCE_DELTA_ONLY, found {state}")
    desk.says("on" if verb == "off" else "resume", "BTC")
    desk.wait(1.0).told()
    desk.wait(1.0).market()
    assert desk.stands() is State.RUNNING
    assert placed(desk.commands) == []


def test_reduced_operation_obeys_it():
    """A hedge to the target is what that state is for."""
    desk = running()
    desk.price(mark=float("nan"))
    desk.wait(0.5).tick()
    assert desk.stands() is State.REDUCE_DELTA_ONLY
    desk.price()
    assert len(placed(desk.says("hedge", "BTC"))) == 1


def test_without_a_price_to_hedge_at_it_is_refused():
    """A stale quote is no price, and the wish is not kept for a later one."""
    desk = running()
    desk.wait(10.0)
    said = answer(desk.says("hedge", "BTC"))
    assert (said.accepted, "stale_quote" in said.outcome) == (False, True)
    assert placed(desk.wait(0.5).market()) == []


def test_the_wish_runs_out_after_a_minute():
    """Nothing that was asked a minute ago surprises anybody."""
    desk = running()
    (order,) = placed(desk.says("hedge", "BTC"))
    for _ in range(59):
        sent = placed(desk.ends(order, OrderState.CANCELLED))
        sent += placed(desk.wait(1.0).market(desk.index + 0.01))
        assert len(sent) == 1
        order = sent[0]
    assert placed(desk.wait(1.0).market()) == []
    assert placed(desk.ends(order, OrderState.CANCELLED)) == []
    for _ in range(3):
        assert placed(desk.wait(1.0).market()) == []
    assert desk.core.delta["BTC"].at_once_ns is None


def test_a_pause_ends_the_wish():
    """It does not come back with the resume."""
    desk = running()
    (order,) = placed(desk.says("hedge", "BTC"))
    desk.says("pause", "BTC")
    desk.ends(order, OrderState.CANCELLED)
    desk.says("resume", "BTC")
    desk.wait(1.0).told()
    desk.commands.clear()
    assert placed(desk.wait(1.0).market()) == []
    assert desk.stands() is State.RUNNING


def test_the_decision_says_whose_wish_it_was():
    """Its reason has delta and target."""
    desk = running()
    (made,) = noted(desk.says("hedge", "BTC"), Decision)
    (because,) = made.reasons
    assert str(because) == "hedge_now(delta_coin=0.03, target_coin=0)"
