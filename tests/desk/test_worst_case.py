"""Right for the worst case: whatever is pending or unknown, no order is larger than it may be.

The orders are those that a desk draws: planned on a measured book, cut by the gate, in whole lots.
"""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.book.measure import measure
from bot.book.numeraire import future_delta
from bot.domain.deribit import parse
from bot.domain.orders import OrderState
from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy
from bot.strategy.edge_order import plan_edge
from bot.strategy.policies import Fixed
from tests.builders.books import PERPETUAL, book, quote
from tests.builders.exposures import conditions, exposure
from tests.builders.scripted_desk import CALL, ScriptedDesk, desk_rules, placed

NEXT = "BTC-27MAR26"
OWNER = Band(-0.10, 0.0, 0.10)
S = OrderState


def _rules(ratio, to):
    return desk_rules(delta=DeltaPolicy(OWNER, Fixed(0.05), Landing(to), ratio=ratio))


def _delta(name, quantity, index=60_000.0):
    return future_delta(parse(name), float(quantity), index, index)


lots = st.integers(-2_000, 2_000).map(lambda n: 10.0 * n)


@given(lots, st.lists(st.tuples(st.sampled_from([PERPETUAL, NEXT]), lots), max_size=5))
def test_the_interval_holds_every_set_of_fills(held, pending):
    """All, none and any part of what may still fill."""
    made = book().perpetual(held).future(NEXT, 0)
    for name, quantity in pending:
        made = made.pending(name, quantity)
    found = made.measure()
    for part in product((0.0, 0.4, 1.0), repeat=len(pending)):
        fills = sum(
            share * _delta(name, quantity)
            for share, (name, quantity) in zip(part, pending, strict=True)
        )
        assert found.low - 1e-9 <= found.delta + fills <= found.high + 1e-9


@settings(max_examples=60, deadline=None)
@given(
    held=st.integers(-4_000, 4_000),
    first=st.floats(0.0, 1.0),
    ratio=st.floats(0.2, 1.0),
    to=st.sampled_from(TradeTo),
    moves=st.lists(st.sampled_from([-400.0, 0.0, 400.0]), min_size=4, max_size=6),
)
def test_no_order_exceeds_the_ratio_of_the_smallest_distance(held, first, ratio, to, moves):
    """Beside an order of unknown fate that may have filled in any part, and after it."""
    desk = ScriptedDesk(
        rules=_rules(ratio, to),
        positions={PERPETUAL: str(10 * held)},
        futures=(PERPETUAL, NEXT),
    ).started()
    orders = placed(desk.commands)
    for order in orders:
        _holds(order, book().perpetual(10 * held).measure(), ratio, desk.index)
        if int(abs(first * float(order.quantity)) / 10.0):
            part = 10 * int(first * float(order.quantity) / 10.0)
            desk.fills(order, part)
            desk.told()
    for move in moves:  # nobody answers any more
        desk.wait(5.0)
        table, now_ns = desk.core.floor.orders, desk.now_ns
        asked = desk.market(desk.index + move)
        for sent in placed(asked):
            others = [p for p in table.pending("BTC") if p[0] != sent.instrument]
            before = measure(desk.core.floor.book, "BTC", now_ns, others)
            _holds(sent, before, ratio, desk.index)
        unknown = table.unknown("BTC")
        assert len({o.intent.instrument for o in table}) == len(list(table))
        assert len([o for o in unknown if o.intent.instrument == PERPETUAL]) <= 1


def _holds(sent, before, ratio, index):
    """Check an order against every point of the interval that it was sent in."""
    change = _delta(sent.instrument, sent.quantity, index)
    ends = (before.low, before.high)
    assert all(end > 0.0 for end in ends) or all(end < 0.0 for end in ends)
    nearest = min(map(abs, ends))
    back = nearest - OWNER.upper  # a breach is brought back inside whatever the ratio
    # One future's quote is a moment older than the other's: up to 0.7 % of its price.
    assert abs(change) <= max(ratio * nearest, back) * 1.01
    for end in ends:
        assert abs(end + change) <= abs(end)
        assert end * (end + change) >= -1e-9


@pytest.mark.parametrize("unknown_s,instruments", [(9.0, []), (11.0, [NEXT])])
def test_beside_an_unknown_order_only_another_instrument_hedges_and_only_late(
    unknown_s, instruments
):
    """After ten seconds, once, and for what is too much even if the unknown one was filled."""
    desk = ScriptedDesk(positions={CALL.name: "-1"}, futures=(PERPETUAL, NEXT)).started()
    (order,) = placed(desk.commands)
    desk.wait(2.0).market()
    assert [o.state for o in desk.core.floor.orders] == [S.UNKNOWN]
    desk.wait(unknown_s)
    sent = placed(desk.market(61_790.0))
    assert [o.instrument for o in sent] == instruments
    for other in sent:
        before = measure(
            desk.core.floor.book, "BTC", desk.now_ns, [(PERPETUAL, float(order.quantity))]
        )
        _holds(other, before, 1.0, 61_790.0)


@given(
    st.floats(0.001, 0.05),
    st.floats(0.005, 1.0),
    st.sampled_from(TradeTo),
    st.booleans(),
    st.floats(0.2, 2.0),
)
def test_a_resting_order_is_right_for_the_book_at_its_own_price(away, gamma, to, above, ratio):
    """There it trades the ratio of the distance at most; filled at once it leaves no band."""
    policy = DeltaPolicy(OWNER, Fixed(0.05), Landing(to, 0.5), ratio=ratio, rest_at_edges=True)
    levels, market = policy.levels(conditions()), quote()
    here = away if above else -away
    plan = plan_edge(exposure(here, gamma=gamma), policy, levels, market, 1e-4)
    if plan is None or plan.rest_at is None:
        return
    there = here + 100.0 * gamma * (plan.rest_at / market.mark - 1.0)
    spread = 100.0 * gamma * 1e-5
    assert abs(plan.change) <= min(ratio, 1.0) * abs(there) + 1e-9
    assert levels.band.holds(here + plan.change)
    assert abs(there + plan.change) <= levels.band.upper + spread
    assert there * (there + plan.change) >= -1e-9
