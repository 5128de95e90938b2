"""The gate: every named check, passed and refused; what is proven to reduce and what is cut."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.deribit import parse
from bot.domain.positions import Balance
from bot.domain.reasons import Because, Reason
from bot.domain.states import State
from bot.risk.gate import Circumstances, Proposal, examine, reduces
from bot.risk.limits import Caps, Cost, LimitRules
from bot.risk.twin import Twin
from tests.builders.exposures import exposure
from tests.struck import struck

PERPETUAL = parse("BTC-PERPETUAL")
OPTION = parse("BTC-27MAR26-60000-C")
CAPS = Caps(1.0, 20.0, 10.0, 180.0, 5_000.0, 500.0)


def order(delta=-0.5, **changes):
    """Return a hedge of a change of delta at 60,000."""
    figures: dict[str, Any] = {
        "instrument": PERPETUAL,
        "quantity": delta * 60_000.0,
        "delta_coin": delta,
        "limit": 60_000.0,
        "reference": 60_000.0,
        "notional_usd": abs(delta) * 60_000.0,
        "purpose": "delta",
    }
    return Proposal(**(figures | changes))


LIMIT_S = 10.0


def now(**changes):
    """Return circumstances in which a coin of delta may be hedged."""
    figures: dict[str, Any] = {
        "exposure": exposure(1.0),
        "target": 0.0,
        "state": State.RUNNING,
        "caps": CAPS,
        "rules": LimitRules(),
        "lower": -2.0,
        "upper": 2.0,
        "position_low": 0.0,
        "position_high": 0.0,
        "unresolved": False,
        "unknown_s": None,
        "unknown_limit_s": LIMIT_S,
        "fees_day_usd": 0.0,
        "loss_day_usd": 0.0,
        "balance": Balance("BTC", 5.0, 5.0, 1.0, 0.5),
        "after": Balance("BTC", 5.0, 5.0, 1.0, 0.5),
    }
    return Circumstances(**(figures | changes))


RISING = order(0.5, purpose="gamma", instrument=OPTION, quantity=0.5)


def _refused(proposal, circumstances):
    verdict = examine(proposal, circumstances)
    assert (verdict.proposal is None) == bool(verdict.reasons)
    return [because.reason for because in verdict.reasons]


def test_a_hedge_that_reduces_delta_passes_as_it_is():
    """Nothing cut, nothing noted."""
    verdict = examine(order(), now())
    assert (verdict.proposal, verdict.reducing, verdict.reasons) == (order(), True, ())


def test_an_order_that_adds_delta_passes_where_nothing_forbids_it():
    """Options are bought for gamma, whatever their delta."""
    verdict = examine(RISING, now())
    assert (verdict.proposal, verdict.reducing) == (RISING, False)


@pytest.mark.parametrize("state", State)
def test_only_two_states_let_a_reducing_order_through(state):
    """PAUSED, HALTED and everything before RUNNING forbid it."""
    found = _refused(order(), now(state=state))
    sends = state in (State.RUNNING, State.REDUCE_DELTA_ONLY)
    assert found == ([] if sends else [Reason.STATE_FORBIDS])


def test_reduced_operation_refuses_what_does_not_reduce():
    """Gamma waits until the doubts are gone."""
    reduced = now(state=State.REDUCE_DELTA_ONLY)
    assert _refused(RISING, reduced) == [Reason.NOT_REDUCING]
    assert _refused(replace(RISING, delta_coin=-0.5), reduced) == []


def test_nothing_is_sent_on_an_exposure_that_is_not_trusted():
    """The doubt itself is the reason, also for what would reduce."""
    doubt = Because(Reason.UNKNOWN_INSTRUMENT, "BTC-1JAN99-1-C")
    blind = exposure(1.0, trusted=False, doubts=(doubt,))
    assert examine(order(), now(exposure=blind)).reasons == (doubt,)


def test_nothing_is_sent_on_an_endless_interval():
    """Without an index nothing reduces and nothing is trusted."""
    blind = exposure(0.0, math.inf, low=-math.inf)
    assert Reason.NO_QUOTE in _refused(order(), now(exposure=blind))


@pytest.mark.parametrize("delta", [0.1, -2.5])
def test_a_hedge_on_the_wrong_side_or_far_too_large_is_refused(delta):
    """Buying more, or selling past the other side."""
    caps = replace(CAPS, order_coin=9.0)
    assert _refused(order(delta), now(caps=caps)) == [Reason.WRONG_SIDE]


def test_an_unwind_may_move_delta_inside_the_band():
    """The settlement schedule is not a correction of delta."""
    unwind = order(0.01, purpose="unwind")
    assert _refused(unwind, now(exposure=exposure(0.0))) == []


@pytest.mark.parametrize("purpose", ["delta", "unwind", "gamma"])
@pytest.mark.parametrize("delta", [-1.0, -0.5, -0.01, 0.01, 0.5])
def test_an_unresolved_order_on_the_instrument_bars_it(delta, purpose):
    """Also for what would reduce, and whichever side it is on."""
    second = order(delta, purpose=purpose)
    assert Reason.UNRESOLVED_ORDER in _refused(second, now(unresolved=True))
    assert Reason.UNRESOLVED_ORDER not in _refused(second, now())
    struck("F87")


def test_an_unresolved_order_alone_is_reason_enough():
    """For a hedge that nothing else forbids."""
    assert _refused(order(), now(unresolved=True)) == [Reason.UNRESOLVED_ORDER]


def test_an_unknown_order_bars_its_underlying_until_it_is_old():
    """Then only what reduces worst-case delta may go around it."""
    assert _refused(order(), now(unknown_s=0.0)) == [Reason.UNKNOWN_ORDER]
    assert _refused(order(), now(unknown_s=LIMIT_S)) == [Reason.UNKNOWN_ORDER]
    assert _refused(order(), now(unknown_s=LIMIT_S + 0.1)) == []
    assert _refused(RISING, now(unknown_s=LIMIT_S + 0.1)) == [Reason.UNKNOWN_ORDER]


@pytest.mark.parametrize(
    "quantity,limit,refused",
    [
        (-1.0, 59_400.0, False),
        (-1.0, 59_399.0, True),
        (1.0, 60_600.0, False),
        (1.0, 60_601.0, True),
    ],
)
def test_a_reducing_order_has_the_wide_collar(quantity, limit, refused):
    """100 bp of the mark on the side that hurts."""
    side = math.copysign(0.5, quantity)
    proposal = order(side, limit=limit)
    found = _refused(proposal, now(exposure=exposure(-2.0 * side)))
    assert found == ([Reason.COLLAR] if refused else [])


@pytest.mark.parametrize("limit,refused", [(60_300.0, False), (60_301.0, True), (50_000.0, False)])
def test_any_other_order_has_the_narrow_collar(limit, refused):
    """50 bp; a price that helps is never too far."""
    unwind = order(0.01, purpose="unwind", limit=limit)
    found = _refused(unwind, now(exposure=exposure(0.0)))
    assert found == ([Reason.COLLAR] if refused else [])


def twin(**changes):
    """Return the order of `order()` as it was sent just before, or another."""
    like = Twin(PERPETUAL.name, order().quantity, 60_000.0, 60_000.0, 0)
    return replace(like, **changes)


def test_the_same_order_again_is_refused_though_it_reduces():
    """Nothing has happened since that would ask for it."""
    assert _refused(order(), now(twin=twin())) == [Reason.DUPLICATE_ORDER]


@pytest.mark.parametrize("field", ["instrument", "quantity", "limit", "reference"])
def test_an_order_that_differs_in_anything_is_no_duplicate(field):
    """Size, side, price and mark."""
    other = "ETH-PERPETUAL" if field == "instrument" else 1.0
    assert _refused(order(), now(twin=twin(**{field: other}))) == []


@pytest.mark.parametrize(
    "changes,reason",
    [
        ({"loss_day_usd": 5_000.1}, Reason.LOSS_LIMIT),
        ({"fees_day_usd": 500.1}, Reason.FEE_LIMIT),
        ({"cost_day": Cost(500.1, 100.0, 200.0)}, Reason.SLIPPAGE_LIMIT),
        ({"cost_day": Cost(math.nan, 100.0, 200.0)}, Reason.SLIPPAGE_LIMIT),
        ({"after": Balance("BTC", 5.0, 5.0, 3.01, 1.0)}, Reason.MARGIN),
        ({"after": Balance("BTC", 5.0, 5.0, 3.0, 2.51)}, Reason.MARGIN),
    ],
)
def test_spent_money_stops_all_but_what_reduces(changes, reason):
    """Loss, fees and margin: one cent beyond each limit."""
    assert _refused(RISING, now(**changes)) == [reason]
    assert _refused(order(), now(**changes)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"loss_day_usd": 5_000.0},
        {"fees_day_usd": 500.0},
        {"cost_day": Cost(500.0, 100.0, 200.0)},
        {"after": Balance("BTC", 5.0, 5.0, 3.0, 2.5)},
        {"balance": None},
    ],
)
def test_money_on_the_limit_is_not_spent(changes):
    """A limit belongs to what is allowed; what the venue has not told is not guessed."""
    assert _refused(RISING, now(**changes)) == []


@pytest.mark.parametrize(
    "before,after,passes",
    [
        ((4.0, 3.0), (3.9, 2.9), True),
        ((4.0, 3.0), (4.0, 3.0), True),
        ((4.0, 3.0), (3.9, 3.1), False),
        ((1.0, 0.5), (math.nan, 0.5), False),
    ],
)
def test_margin_beyond_its_limit_may_only_shrink(before, after, passes):
    """A book in trouble may buy its way out of it; a figure that is no number is refused."""
    here, there = (Balance("BTC", 5.0, 5.0, *margins) for margins in (before, after))
    assert (_refused(RISING, now(balance=here, after=there)) == []) is passes


@pytest.mark.parametrize("after", [Balance("BTC", 0.0, 0.0, 0.1, 0.0, margin_balance=-0.1)])
def test_nothing_that_margin_could_be_held_against_carries_nothing(after):
    """Spent funds are no small share of anything."""
    assert _refused(RISING, now(after=after)) == [Reason.MARGIN]


def test_what_adds_risk_is_asked_about_and_told_as_it_would_be_sent():
    """The order is already cut to the caps; where something else is wrong nobody is asked."""
    verdict = examine(RISING, now(after=None))
    assert (verdict.proposal, verdict.asks) == (None, RISING)
    assert [because.reason for because in verdict.reasons] == [Reason.MARGIN_UNASKED]
    large = now(after=None, rules=LimitRules(order_usd=18_000.0))
    cut = examine(RISING, large).asks
    assert cut is not None
    assert cut.quantity == pytest.approx(0.3)
    spent = examine(RISING, now(after=None, fees_day_usd=500.1))
    assert spent.asks is None


def test_an_option_is_asked_about_even_where_it_reduces_delta():
    """Its delta is not all the risk that it brings."""
    sold = replace(RISING, delta_coin=-0.5, quantity=-0.5)
    verdict = examine(sold, now(after=None))
    assert verdict.reducing
    assert verdict.asks == sold


def test_a_reducing_hedge_waits_for_nobody_and_is_cut_to_what_the_funds_carry():
    """Where the venue would refuse the rest; nothing is left below a lot."""
    assert _refused(order(), now(after=None)) == []
    cut = examine(order(), now(after=None, room_sell=0.2, room_buy=0.0))
    assert cut.proposal is not None
    assert cut.proposal.delta_coin == pytest.approx(-0.2, abs=2e-4)
    assert [because.reason for because in cut.reasons] == [Reason.NO_FUNDS]
    assert _refused(order(), now(room_sell=1e-5)) == [Reason.NO_FUNDS]


def test_the_first_large_hedge_waits_for_its_confirmation():
    """With before and after in both numeraires; later and smaller ones do not wait."""
    asked = now(
        rules=LimitRules(confirm_usd=20_000.0), confirmed=False, delta_in={"usd": 1.0, "coin": 0.8}
    )
    (because,) = examine(order(), asked).reasons
    assert because.reason is Reason.NEEDS_CONFIRMATION
    assert because.numbers["before_in_coin_book"] == 0.8
    assert because.numbers["after_in_coin_book"] == pytest.approx(0.3)
    assert because.numbers["after_in_usd_book"] == pytest.approx(0.5)
    assert _refused(order(), replace(asked, confirmed=True)) == []
    assert _refused(order(-0.3), asked) == []


def test_every_refusal_is_told_at_once():
    """An operator sees all that stands in the way."""
    found = _refused(RISING, now(state=State.PAUSED, unresolved=True, loss_day_usd=1e9))
    assert found == [Reason.STATE_FORBIDS, Reason.UNRESOLVED_ORDER, Reason.LOSS_LIMIT]


def test_a_large_hedge_is_cut_to_the_order_cap_in_whole_lots():
    """Five coins go out in slices of one."""
    verdict = examine(order(-4.3), now(exposure=exposure(5.0)))
    cut = verdict.proposal
    assert cut is not None
    assert cut.quantity == pytest.approx(-60_000.0)
    assert cut.delta_coin == pytest.approx(-1.0)
    assert cut.notional_usd == pytest.approx(60_000.0)
    assert [b.reason for b in verdict.reasons] == [Reason.ORDER_TOO_LARGE]


def test_the_owners_cap_in_dollars_holds_at_todays_price():
    """25,000 USD stay 25,000 USD when the caps were derived at another index."""
    rules = LimitRules(order_usd=25_000.0)
    caps = replace(CAPS, order_coin=1.0)
    cut = examine(order(-0.9), now(rules=rules, caps=caps)).proposal
    assert cut is not None
    assert cut.quantity == pytest.approx(-25_000.0)


def test_the_owners_cap_holds_for_options_too():
    """Cut to whole lots of its notional; what is derived binds hedges alone."""
    leg = replace(RISING, quantity=2.0, delta_coin=1.0, notional_usd=120_000.0)
    capped = now(rules=LimitRules(order_usd=50_000.0))
    cut = examine(leg, capped).proposal
    assert cut is not None
    assert cut.quantity == pytest.approx(0.8)
    assert cut.delta_coin == pytest.approx(0.4)
    assert examine(leg, now(caps=replace(CAPS, order_coin=0.01))).proposal == leg
    assert _refused(leg, now(rules=LimitRules(order_usd=5_000.0))) == [Reason.ORDER_TOO_LARGE]


def test_a_hedge_is_cut_to_the_room_that_the_position_has():
    """Twenty coins at most: at -19.8 a fifth of a coin is left to sell."""
    owner = LimitRules(position_coin=20.0)
    verdict = examine(order(-0.5), now(position_low=-19.8, position_high=-19.8, rules=owner))
    assert verdict.proposal is not None
    assert verdict.proposal.delta_coin == pytest.approx(-0.2, abs=2e-4)
    assert [b.reason for b in verdict.reasons] == [Reason.POSITION_LIMIT]
    assert _refused(order(-0.5), now(position_low=-20.0, position_high=-20.0, rules=owner)) == [
        Reason.POSITION_LIMIT
    ]


def test_a_derived_position_cap_leaves_no_book_unhedged():
    """Nobody set it: a proven reduction passes whole, what does not reduce is still cut."""
    assert examine(order(-0.5), now(position_low=-20.0, position_high=-20.0)).proposal == order(
        -0.5
    )
    adding = order(0.5, purpose="unwind")
    assert _refused(adding, now(position_low=20.0, position_high=20.0)) == [Reason.POSITION_LIMIT]


def test_a_full_position_does_not_stop_what_makes_it_smaller():
    """Buying back from -25 with a cap of 20."""
    hedge = order(0.5)
    found = examine(hedge, now(exposure=exposure(-1.0), position_low=-25.0, position_high=-25.0))
    assert found.proposal == hedge


def test_an_order_cut_below_one_lot_is_refused_with_the_cap():
    """The smallest order is one lot."""
    tiny = replace(CAPS, order_coin=0.0001)
    assert _refused(order(), now(caps=tiny)) == [Reason.ORDER_TOO_LARGE]


@given(st.floats(0.001, 0.3), st.floats(0.5, 8.0))
def test_slices_under_a_tiny_cap_bring_any_delta_home(cap, delta):
    """As many orders as the caps ask for, each allowed, and no more."""
    caps, left, orders = replace(CAPS, order_coin=cap), delta, 0
    while left > 0.1 and orders < 10_000:
        verdict = examine(order(-left), now(exposure=exposure(left), caps=caps))
        assert verdict.proposal is not None
        assert abs(verdict.proposal.delta_coin) <= cap * (1.0 + 1e-9)
        left += verdict.proposal.delta_coin
        orders += 1
    lot = 10.0 / 60_000.0
    assert orders <= math.ceil(delta / (cap - lot)) + 1


intervals = st.tuples(st.floats(-10.0, 10.0), st.floats(0.0, 8.0))


@given(
    intervals, st.floats(-5.0, 5.0), st.floats(-20.0, 20.0), st.floats(0.0, 1.0), st.floats(0, 1)
)
def test_what_is_said_to_reduce_never_widens_the_worst_case(interval, target, change, part, where):
    """For any part of the fill, and wherever in the interval the truth lies."""
    low, width = interval
    seen = exposure(low, low + width)
    if reduces(seen, target, change):
        ends = (low - target, low + width - target)
        worst = max(abs(end) for end in ends)
        moved = change * part
        assert max(abs(end + moved) for end in ends) <= worst + 1e-9
        truth = low + where * width - target
        assert abs(truth + moved) <= worst + 1e-9
        assert max(abs(end + change) for end in ends) < worst


@given(st.floats(0.1, 10.0), st.floats(-5.0, 5.0), st.floats(0.01, 1.0))
def test_a_hedge_towards_the_target_is_recognised(distance, target, share):
    """Any part of the way, from either side."""
    for side in (1.0, -1.0):
        seen = exposure(target + side * distance)
        assert reduces(seen, target, -side * distance * share)
        assert not reduces(seen, target, side * distance * share)


def test_no_order_and_no_bounds_reduce_nothing():
    """Zero is no reduction, and nothing is proven without bounds."""
    assert not reduces(exposure(1.0), 0.0, 0.0)
    assert not reduces(exposure(0.0, math.inf, low=-math.inf), 0.0, -1.0)


@pytest.mark.parametrize("quantity,limit,refused", [
    (0.5, 0.0520, False), (0.5, 0.0521, True), (-0.5, 0.0480, False), (-0.5, 0.0479, True),
    (0.5, 0.01, False), (-0.5, 0.09, False),
])  # fmt: skip
def test_an_options_price_is_bounded_by_its_tolerance_on_the_worse_side(quantity, limit, refused):
    """In the price unit, from the reference; a better price is always welcome."""
    leg = replace(RISING, quantity=quantity, limit=limit, reference=0.05)
    assert _refused(leg, now()) == []
    found = _refused(replace(leg, tolerance=0.002), now())
    assert found == ([Reason.COLLAR] if refused else [])


def test_an_unwind_never_leaves_the_owners_band():
    """Inside it may go either way; what would end outside is refused."""
    inside = exposure(-1.5)
    step = order(-0.4, purpose="unwind")
    assert _refused(step, now(exposure=inside)) == []
    beyond = order(-0.6, purpose="unwind")
    assert _refused(beyond, now(exposure=inside)) == [Reason.WRONG_SIDE]


@given(
    st.floats(-5.0, 5.0), st.floats(0.0, 3.0), st.floats(-3.0, 3.0), st.booleans(),
    st.one_of(st.none(), st.floats(0.0, 60.0)), st.sampled_from(["delta", "edge", "unwind"]),
)  # fmt: skip
def test_beside_an_unknown_order_only_a_late_reduction_elsewhere_passes(
    low, width, change, unresolved, unknown_s, purpose
):
    """On another instrument, after its time limit, proven for the whole interval."""
    case = now(
        exposure=exposure(low, low + width),
        caps=replace(CAPS, order_coin=9.0),
        unresolved=unresolved,
        unknown_s=unknown_s,
        lower=-9.0,
        upper=9.0,
    )
    verdict = examine(order(change, purpose=purpose), case)
    if verdict.proposal is None:
        return
    assert not unresolved
    if unknown_s is not None:
        assert unknown_s > LIMIT_S
        assert reduces(case.exposure, case.target, verdict.proposal.delta_coin)
