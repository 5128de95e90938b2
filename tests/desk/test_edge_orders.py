"""A long book's hedge that rests at the band's edge: sent, kept, filled, and out of the way."""

from dataclasses import replace

import pytest

from bot.domain.commands import AskMargin, QueryPositions
from bot.domain.orders import OrderState, TimeInForce
from bot.domain.positions import Balance
from bot.domain.records import Decision, HedgeDone
from bot.domain.states import State
from bot.domain.units import NS_PER_S
from bot.risk.limits import LimitRules
from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy
from bot.strategy.policies import Fixed
from tests.builders.books import PERPETUAL, OptionRow
from tests.builders.scripted_desk import (
    CALL,
    ScriptedDesk,
    cancelled,
    desk_rules,
    noted,
    placed,
)

EDGES = DeltaPolicy(
    Band(-0.10, 0.0, 0.10), Fixed(0.05), Landing(TradeTo.TARGET), rest_at_edges=True
)


def _resting(policy=EDGES, perpetual="-21000", **more):
    """Return a desk long one call, hedged, whose order at an edge stands; and the order."""
    positions = {CALL.name: "1", PERPETUAL: perpetual}
    desk = ScriptedDesk(rules=desk_rules(delta=policy), positions=positions, **more).started()
    orders = placed(desk.commands)
    if orders:
        desk.commands.clear()
        desk.accepts(orders[0])
    return desk, orders


def test_the_next_hedge_rests_at_the_edge():
    """Post-only, where delta will be .05, with its decision."""
    positions = {CALL.name: "1", PERPETUAL: "-21000"}
    desk = ScriptedDesk(rules=desk_rules(delta=EDGES), positions=positions).started()
    (order,) = placed(desk.commands)
    assert (order.time_in_force, order.post_only, order.purpose) == (TimeInForce.GTC, True, "edge")
    (decision,) = noted(desk.commands, Decision)
    assert decision.kind == "edge"
    exposure = desk.core.sample("BTC", desk.now_ns)
    moved = 100.0 * (float(order.price) / 60_000.0 - 1.0)
    delta = exposure.delta_coin + moved * exposure.gamma_coin_per_pct
    assert delta == pytest.approx(0.05, abs=1e-3)
    assert float(order.quantity) == pytest.approx(-0.05 * 60_000.0, abs=20.0)


def test_only_who_asks_for_it_has_one():
    """The default hedges when the band is left."""
    plain = DeltaPolicy(Band(-0.10, 0.0, 0.10), Fixed(0.05), Landing(TradeTo.TARGET))
    assert _resting(plain)[1] == []


def test_it_stays_where_it_is_while_little_happens():
    """No cancel and no second order."""
    desk, (order,) = _resting()
    for index in (60_010.0, 59_990.0, 60_050.0):
        desk.wait(20.0).market(index)
        desk.wait(0.3).tick()
    assert (placed(desk.commands), cancelled(desk.commands)) == ([], [])
    assert desk.core.floor.orders.orders[order.label].state is OrderState.WORKING


def test_its_fill_is_a_hedge_of_its_own_kind_and_the_next_one_rests():
    """The price came to it: delta is back at the target, and the spread was earned."""
    desk, (order,) = _resting()
    desk.wait(5.0).market(float(order.price) - 1.0)
    desk.wait(0.3)
    desk.index = float(order.price)
    desk.completes(order)
    desk.wait(1.0).market(desk.index)
    (hedge,) = noted(desk.commands, HedgeDone)
    assert (hedge.kind, hedge.orders) == ("edge", 1)
    following = placed(desk.commands)
    assert [o.purpose for o in following] == ["edge"]


@pytest.mark.parametrize("verb", ["pause", "halt"])
def test_an_operator_who_stops_it_sees_it_cancelled(verb):
    """Nothing rests in a market that nobody watches."""
    desk, (order,) = _resting()
    desk.says(verb)
    desk.wait(1.0).market()
    assert cancelled(desk.commands) == [order.label]


def test_a_price_that_runs_the_other_way_is_hedged_after_its_cancel():
    """Delta below the lower edge: the sale goes first, then the purchase crosses."""
    desk, (order,) = _resting()
    desk.wait(1.0).market(57_500.0)
    desk.wait(0.3).tick()
    assert cancelled(desk.commands) == [order.label]
    assert placed(desk.commands) == []
    desk.commands.clear()
    desk.ends(order, OrderState.CANCELLED)
    desk.wait(0.3).market(57_500.0)
    (hedge,) = placed(desk.commands)
    assert (hedge.purpose, hedge.is_buy) == ("delta", True)


def test_a_smile_that_moves_the_edge_moves_the_order():
    """Delta jumps with volatility; where the edge is now another order rests."""
    desk, (order,) = _resting()
    desk.rows = [OptionRow(CALL, vol=0.68)]
    desk.wait(1.0).market()
    desk.wait(0.5).tick()
    assert cancelled(desk.commands) == [order.label]
    desk.commands.clear()
    desk.ends(order, OrderState.CANCELLED)
    desk.wait(0.5).market()
    (other,) = placed(desk.commands)
    assert (other.purpose, other.price != order.price) == ("edge", True)


def test_it_goes_when_only_reducing_is_allowed():
    """An order at an edge reduces nothing: quotes of the chain grow old, and it is cancelled."""
    desk, (order,) = _resting()
    for _ in range(70):
        desk.wait(0.5).price()
    assert desk.core.floor.machine.at("BTC") is State.REDUCE_DELTA_ONLY
    assert cancelled(desk.commands) == [order.label]
    desk.ends(order, OrderState.CANCELLED)
    desk.commands.clear()
    for _ in range(5):
        desk.wait(0.5).price()
    assert placed(desk.commands) == []


def test_it_goes_when_delta_leaves_the_owners_band():
    """Also where the policy's band reaches as far: the promise does not wait for a fill."""
    wide = replace(EDGES, width=Fixed(0.1))
    desk, (order,) = _resting(wide, perpetual="-16200")
    desk.rows = [OptionRow(CALL, vol=0.66)]
    desk.wait(1.0).market()
    desk.wait(0.5).tick()
    assert desk.core.sample("BTC", desk.now_ns).delta_coin > 0.1
    assert cancelled(desk.commands) == [order.label]


def _refusals(desk, seconds):
    """Let a desk look four times a second; return its decisions and its questions on margin."""
    desk.commands.clear()
    for _ in range(round(4 * seconds)):
        desk.wait(0.25).market()
    asked = [c for c in desk.commands if isinstance(c, AskMargin)]
    return noted(desk.commands, Decision), asked


@pytest.mark.parametrize(
    "more",
    [{"after": Balance("BTC", 5.0, 5.0, 4.9, 4.8)}, {"limits": LimitRules(position_coin=0.35)}],
)
def test_one_that_is_refused_is_asked_for_once_a_minute(more):
    """It is no need: neither the journal nor the venue hears of it at every look."""
    limits = {"limits": more.pop("limits")} if "limits" in more else {}
    rules = desk_rules(delta=EDGES, **limits)
    positions = {CALL.name: "1", PERPETUAL: "-21000"}
    desk = ScriptedDesk(rules=rules, positions=positions, **more).started()
    told, asked = _refusals(desk, 30.0)
    assert placed(desk.commands) == []
    assert len(told) <= 1
    assert len(asked) <= 1


def test_one_that_is_rejected_is_not_tried_again_at_once():
    """Neither is the order budget spent on it."""
    positions = {CALL.name: "1", PERPETUAL: "-21000"}
    desk = ScriptedDesk(rules=desk_rules(delta=EDGES), positions=positions).started()
    sent = 0
    for _ in range(120):
        for order in placed(desk.commands):
            sent += 1
            desk.commands.clear()
            desk.ends(order, OrderState.REJECTED, code="10009")
        desk.wait(0.25).market()
    assert sent == 1


def test_a_cooldown_counts_from_its_fill():
    """Not from when it was sent, minutes before."""
    desk, (order,) = _resting()
    sent_ns = desk.now_ns
    desk.wait(200.0)
    desk.index = float(order.price)
    desk.completes(order)
    desk.wait(0.5).market()
    last = desk.core.delta["BTC"].attempts.last
    assert last.ts_ns >= sent_ns + 200 * NS_PER_S
    assert last.index == float(order.price)


def test_it_rests_five_minutes_at_a_time_and_positions_are_settled_in_between():
    """Then a report that nothing is open in, then the next one."""
    desk, (order,) = _resting()
    for _ in range(14):
        desk.wait(20.0).market()
    desk.told()
    assert (cancelled(desk.commands), placed(desk.commands)) == ([], [])
    desk.wait(25.0).market()
    desk.wait(0.3).tick()
    assert cancelled(desk.commands) == [order.label]
    desk.commands.clear()
    desk.ends(order, OrderState.CANCELLED)
    for _ in range(3):
        desk.wait(0.5).market()
    assert placed(desk.commands) == []
    desk.told()
    desk.wait(0.5).market()
    assert [o.purpose for o in placed(desk.commands)] == ["edge"]


def test_positions_are_asked_for_no_more_often_because_it_rests():
    """Every half minute as without it; a report does not make it hurry."""
    desk, _ = _resting()
    desk.told()
    for _ in range(60):
        desk.wait(0.5).market()
    assert len([c for c in desk.commands if isinstance(c, QueryPositions)]) == 1
