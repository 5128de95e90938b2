"""Hedging from the first order to the last: resting, crossing, slicing, settling, and why not."""

from decimal import Decimal

import pytest

from bot.book.book import UnderlyingRules
from bot.book.numeraire import Numeraire
from bot.domain.commands import Note, Place
from bot.domain.orders import OrderState, TimeInForce
from bot.domain.reasons import Reason
from bot.domain.records import Decision, ExposureSample, HedgeDone
from bot.domain.states import State
from bot.execution.tactics import TacticRules
from bot.risk.limits import LimitRules
from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy
from bot.strategy.hedge_cost import HedgePolicy
from bot.strategy.policies import Fixed
from tests.builders.books import NOW, PERPETUAL, OptionRow, contract_of
from tests.builders.scripted_desk import (
    CALL,
    ScriptedDesk,
    cancelled,
    desk_rules,
    noted,
    placed,
)

SHORT = {CALL.name: "-1"}  # delta -0.352: far outside


def _started(**more):
    return ScriptedDesk(positions=dict(SHORT), **more).started()


def _first(desk):
    (order,) = placed(desk.commands)
    return order


def test_a_book_outside_its_band_is_hedged_as_soon_as_it_runs():
    """An immediate order for the whole distance, on the grid, with the decision written first."""
    desk = _started()
    order = _first(desk)
    assert (order.instrument, order.time_in_force) == (PERPETUAL, TimeInForce.IOC)
    assert order.quantity.value == Decimal(21130)  # 0.352226 coin, whole lots towards zero
    assert order.price == Decimal("60018.0")  # 3 bp above the mark
    assert order.reduce_delta
    assert order.valid_until_ns == desk.now_ns + 2_000_000_000
    (decision,) = noted(desk.commands, Decision)
    assert decision.id == order.decision
    assert (decision.kind, decision.refused) == ("delta", ())
    assert decision.reasons[0].reason is Reason.DELTA_BELOW_OWNER
    assert decision.delta_after_coin == pytest.approx(0.0, abs=2e-4)
    kinds = [c.record if isinstance(c, Note) else c for c in desk.commands]
    assert kinds.index(decision) < next(i for i, c in enumerate(kinds) if isinstance(c, Place))


def test_nothing_else_is_sent_while_an_order_is_unresolved():
    """One order at a time on a hedge instrument."""
    desk = _started()
    for _ in range(10):
        assert placed(desk.wait(0.1).market(60_500.0)) == []


def test_a_filled_hedge_is_summed_up_once():
    """From the first order to the last: before, after, cost."""
    desk = _started()
    (done,) = noted(desk.completes(_first(desk)), HedgeDone)
    assert done.delta_before_coin == pytest.approx(-0.352226, abs=1e-5)
    assert done.delta_after_coin == pytest.approx(0.0, abs=2e-4)
    assert (done.filled, done.unit, done.orders) == (21130.0, "usd", 1)
    assert done.fee_usd == pytest.approx(1e-5 * 60_000.0)
    assert done.slippage_usd == pytest.approx(21130.0 * 0.0003, rel=1e-3)
    assert placed(desk.wait(1.0).market()) == []
    assert noted(desk.wait(1.0).market(), HedgeDone) == []


def test_a_fill_that_is_told_twice_counts_once():
    """In the holdings, in the fees and in the summary."""
    desk = _started()
    order = _first(desk)
    desk.fills(order, 10_000, trade="t1")
    desk.fills(order, 10_000, trade="t1")
    floor = desk.core.floor
    assert floor.book.holdings.total(PERPETUAL) == Decimal(10_000)
    assert floor.day("BTC", desk.now_ns).fees_usd == pytest.approx(0.6)
    episode = desk.core.delta["BTC"].episode
    assert episode is not None
    assert episode.filled == 10_000.0


def test_what_did_not_fill_is_a_new_order_further_up_the_ladder():
    """From fresh state, under a new label, 10 bp from the mark."""
    desk = _started()
    order = _first(desk)
    desk.fills(order, 10_000)
    (second,) = placed(desk.ends(order, OrderState.CANCELLED, 10_000))
    assert second.label != order.label
    assert second.quantity.value == Decimal(11130)
    assert second.price == Decimal("60060.0")


@pytest.mark.parametrize("changes", [{"mark": 1e308}, {"ask": 1e308}, {"bid_size": 1e308}])
def test_no_hedge_leaves_on_what_was_quoted_before_an_impossible_quote(changes):
    """However fresh that is, the next good quote of the instrument is waited for."""
    desk = _started()
    order = _first(desk)
    desk.fills(order, 10_000)
    desk.price(**changes)
    assert placed(desk.ends(order, OrderState.CANCELLED, 10_000)) == []
    assert len(placed(desk.wait(0.5).price())) == 1


def _near(delta=0.06):
    """Return a desk whose delta is a little outside its policy band, inside the owner's."""
    desk = ScriptedDesk(positions={PERPETUAL: str(round(delta * 6_000) * 10)})
    return desk.started()


def test_near_its_policy_band_a_hedge_rests_first():
    """Post-only at its own side's best price."""
    order = _first(_near())
    assert (order.time_in_force, order.post_only) == (TimeInForce.GTC, True)
    assert order.price == Decimal("60000.5")
    assert order.quantity.value == Decimal(-3600)


def test_a_hedge_that_has_rested_in_vain_crosses():
    """After a minute it is cancelled, and the next one takes."""
    desk = _near()
    order = _first(desk)
    desk.accepts(order)
    assert cancelled(desk.wait(59.9).market()) == []
    assert cancelled(desk.wait(0.3).market()) == [order.label]
    assert cancelled(desk.wait(0.3).market()) == []
    (second,) = placed(desk.ends(order, OrderState.CANCELLED))
    assert second.time_in_force is TimeInForce.IOC


def test_a_resting_hedge_is_cancelled_when_the_market_leaves_it():
    """Three basis points, long before its time is over."""
    desk = _near()
    desk.accepts(_first(desk))
    assert cancelled(desk.wait(1.0).market(59_990.0)) == []
    assert cancelled(desk.wait(1.0).market(59_970.0)) == [_first(desk).label]


def test_a_hedge_that_the_market_leaves_rests_again_and_is_not_chased():
    """Once more at the new best price; ten basis points from the first it takes."""
    desk = _near()
    order = _first(desk)
    desk.accepts(order)
    desk.wait(3.0).market(59_970.0)
    (second,) = placed(desk.ends(order, OrderState.CANCELLED))
    assert (second.post_only, second.price) == (True, Decimal("59970.5"))
    desk.accepts(second)
    assert cancelled(desk.wait(1.0).market(59_930.0)) == [second.label]
    (third,) = placed(desk.ends(second, OrderState.CANCELLED))
    assert third.time_in_force is TimeInForce.IOC


def test_a_hedge_does_not_follow_the_market_with_the_last_orders_of_a_minute():
    """Half of them are spent: what stands stays, and what comes next takes."""
    desk = _near()
    order = _first(desk)
    desk.accepts(order)
    desk.core.floor.budget("BTC", desk.now_ns).common.sent_ns.extend([desk.now_ns] * 5)
    assert cancelled(desk.wait(4.0).market(59_970.0)) == []
    (second,) = placed(desk.ends(order, OrderState.CANCELLED))
    assert second.time_in_force is TimeInForce.IOC


def test_a_resting_hedge_is_cancelled_when_delta_comes_home_by_itself():
    """It would carry the book out on the other side."""
    desk = _near()
    order = _first(desk)
    desk.accepts(order)
    desk.positions[PERPETUAL] = "0"
    assert cancelled(desk.fills(order, -1200)) == [order.label]


def test_a_hedge_goes_out_in_slices_under_a_small_cap():
    """5,000 USD at a time, each from fresh state, until delta is inside its policy band."""
    desk = _started(rules=desk_rules(limits=LimitRules(order_usd=5_000.0)))
    sizes: list[Decimal] = []
    while (orders := placed(desk.commands)) and len(sizes) < 20:
        desk.commands.clear()
        sizes.append(orders[0].quantity.value)
        desk.completes(orders[0])
    assert sizes == [Decimal(5_000)] * 4


def test_the_same_refusal_is_told_once():
    """And again when its reason has changed and come back."""
    rules = desk_rules(limits=LimitRules(order_usd=1e6, position_coin=0.0))
    desk = _started(rules=rules)
    refused = noted(desk.commands, Decision)
    assert [[b.reason for b in d.refused] for d in refused] == [[Reason.POSITION_LIMIT]]
    assert placed(desk.commands) == []
    for _ in range(5):
        assert noted(desk.wait(1.0).market(), Decision) == []


def test_a_stale_hedge_instrument_is_no_hedge():
    """The chain keeps the book measured; nothing is sent until the quote is fresh again."""
    desk = ScriptedDesk(positions=dict(SHORT))
    desk.begins()
    desk.market()
    desk.wait(60.0).market(ts_venue_ns=desk.now_ns - 3_000_000_000)
    assert desk.stands() is State.REDUCE_DELTA_ONLY
    assert placed(desk.commands) == []
    stale = [b.reason for d in noted(desk.commands, Decision) for b in d.refused]
    assert stale == [Reason.STALE_QUOTE]
    assert len(placed(desk.wait(0.5).market())) == 1


def test_a_future_hedges_where_the_perpetual_is_stale():
    """In the owner's order of preference."""
    desk = ScriptedDesk(positions=dict(SHORT), futures=(PERPETUAL, "BTC-27MAR26"))
    desk.begins()
    desk.market()
    desk.wait(3.0)
    desk.price("BTC-27MAR26")
    assert [o.instrument for o in placed(desk.commands)] == ["BTC-27MAR26"]


def test_no_hedge_leaves_without_its_collar():
    """A quote that is a per cent away from the mark is not chased."""
    desk = ScriptedDesk(positions=dict(SHORT))
    desk.begins()
    desk.market()
    desk.wait(0.5).market(bid=61_000.0, ask=61_100.0)
    (order,) = placed(desk.commands)
    assert order.price <= Decimal("60600.0")


def test_an_owner_who_never_rests_is_obeyed():
    """Every hedge takes."""
    desk = ScriptedDesk(
        rules=desk_rules(tactics=TacticRules(passive=False)), positions={PERPETUAL: "3600"}
    ).started()
    assert _first(desk).time_in_force is TimeInForce.IOC


@pytest.mark.parametrize(
    "numeraire,collateral,dollars",
    [("usd", "exclude", 0.0), ("usd", "include", -5.0 * 60_000.0), ("coin", "include", 0.0)],
)
def test_collateral_is_hedged_as_the_owner_said(numeraire, collateral, dollars):
    """Five coins of cash are five coins long in a dollar book that counts them."""
    rules = desk_rules(
        measure=UnderlyingRules("BTC", Numeraire(numeraire), collateral, ("perpetual",)),
        delta=DeltaPolicy(Band(-0.10, 0.0, 0.10), Fixed(0.05), Landing(TradeTo.TARGET)),
        limits=LimitRules(position_coin=50.0, order_usd=1e9),
    )
    desk = ScriptedDesk(rules=rules).started()
    assert [float(o.quantity) for o in placed(desk.commands)] == [dollars][: bool(dollars)]


def test_the_expiring_hedge_leaves_step_by_step():
    """Inside the last half hour, in the band, sixty equal orders, and nothing left at the end."""
    option = contract_of(40_000.0, expiry_ns=NOW + 1_810 * 1_000_000_000)
    desk = ScriptedDesk(
        positions={option.name: "-1", PERPETUAL: "60000"}, rows=[OptionRow(option)]
    ).started()
    assert placed(desk.commands) == []
    sold = []
    while desk.now_ns < NOW + 1_809 * 1_000_000_000:
        for order in placed(desk.wait(1.0).market()):
            sold.append(float(order.quantity))
            desk.completes(order)
    assert len(sold) == 60
    assert sum(sold) == pytest.approx(-60_000.0, abs=30.0)
    assert sold == pytest.approx([-1_000.0] * 60, abs=15.0)
    deltas = [s.delta_coin for s in noted(desk.commands, ExposureSample) if s.index > 0.0]
    assert len(deltas) > 20
    assert max(abs(delta) for delta in deltas) < 0.05


NOISE = DeltaPolicy(Band(-0.30, 0.0, 0.30), Fixed(0.05), Landing(TradeTo.TARGET), settle_s=5.0)


def _calm():
    """Return a desk whose delta is inside its band, one option and its hedge, and a new smile."""
    positions = {CALL.name: "-1", PERPETUAL: "21130"}
    desk = ScriptedDesk(positions=positions, rules=desk_rules(delta=NOISE))
    desk.started()
    assert placed(desk.commands) == []
    return desk


def _smile(desk, vol):
    desk.rows = [OptionRow(CALL, vol=vol)]
    told = desk.wait(1.0).market()
    return placed(told + desk.wait(0.5).tick())


def test_a_volatility_that_jumps_is_hedged_only_when_it_stays():
    """Five seconds; what comes back meanwhile was noise, and the next jump begins anew."""
    desk = _calm()
    assert [_smile(desk, 0.9) for _ in range(3)] == [[]] * 3
    assert _smile(desk, 0.6) == []
    assert [_smile(desk, 0.9) for _ in range(4)] == [[]] * 4
    (order,) = _smile(desk, 0.9)
    assert order.instrument == PERPETUAL


def test_a_price_that_jumps_is_hedged_at_once():
    """Gamma explains where delta went."""
    desk = _calm()
    (order,) = placed(desk.wait(1.0).market(63_000.0))
    assert order.instrument == PERPETUAL


def test_a_limit_on_basis_is_held_against_what_is_traded():
    """All the way to the target would pass .45 coin in the expiry; to the band's edge does not."""
    future = "BTC-27MAR26"
    edge = DeltaPolicy(Band(-0.10, 0.0, 0.10), Fixed(0.05), Landing(TradeTo.EDGE))
    rules = desk_rules(
        measure=UnderlyingRules("BTC", Numeraire.USD, "exclude", ("future",)),
        delta=edge,
        hedge=HedgePolicy(basis_coin=0.45),
    )
    held = {CALL.name: "1.3", future: "-20100"}
    desk = ScriptedDesk(rules=rules, positions=held, futures=(future,)).started()
    order = _first(desk)
    assert order.instrument == future
    assert float(order.quantity) == pytest.approx(-0.073 * 60_000.0, rel=0.02)
