"""The demo's script, minute by minute, on the embedded settings."""

from functools import cache
from typing import Any

import config
from bot.domain.orders import OrderState
from bot.domain.records import OrderTransition, StateChange
from bot.domain.states import State
from bot.domain.units import utc_ns
from tests.simulation.drive import (
    PERPETUAL,
    START_NS,
    Drive,
    agree,
    seconds,
    start,
    venue_orders,
)
from tests.simulation.watch import Band, Limits, OneAtATime

MINUTE = 60.0
JUMP_NS = START_NS + seconds(25 * MINUTE)
LOST_NS = START_NS + seconds(45 * MINUTE)
SETTLEMENT_NS = utc_ns(2026, 1, 5, 8)
COINS = ("BTC", "ETH")


LIMITS, SINGLE, BAND = Limits(), OneAtATime(), Band()


@cache
def demo() -> Drive:
    """Return the first 92 minutes, watched."""
    settings = config.load().settings
    drive = start(settings, LIMITS, SINGLE, BAND, seed=settings.sim.seed)
    return drive.until(START_NS + seconds(92 * MINUTE))


def jumps():
    """Return the scripted jump of each coin."""
    market: Any = demo().paper.market
    return {jump.coin: jump for jump in market.jumps(JUMP_NS + seconds(60))}


def test_the_first_hedge_comes_within_three_seconds_of_ready():
    """Both coins start outside their bands and are hedged as soon as they may be."""
    ready = min(r.ts_ns for r in demo().of(StateChange) if r.after is State.READY)
    for coin in COINS:
        first = next(ts for ts, p in demo().sent if p.intent.instrument == f"{coin}-PERPETUAL")
        assert 0 <= first - ready <= seconds(3)


def test_the_book_starts_outside_both_bands():
    """The first decision of BTC finds too much delta and too little gamma."""
    first = demo().decisions("delta")[0]
    assert first.delta_coin > first.upper
    assert first.gamma_coin_per_pct < demo().core.rules["BTC"].gamma.band.lower


def test_a_gamma_plan_with_priced_candidates_follows_within_ten_seconds():
    """Every candidate says what a unit of gamma costs and which theta is given up."""
    plan = demo().decisions("gamma")[0]
    assert plan.ts_ns - START_NS <= seconds(10)
    assert plan.trades
    assert plan.gamma_after_coin_per_pct > demo().core.rules["BTC"].gamma.band.lower
    assert all(c.cost_usd > 0.0 and c.gamma_coin_per_pct > 0.0 for c in plan.candidates)
    assert all(c.theta_usd_day < 0.0 for c in plan.candidates)


def test_minute_25_falls_by_four_per_cent():
    """The scripted jump takes both coins down together."""
    assert jumps().keys() == set(COINS)
    assert all(jump.start_ns == JUMP_NS for jump in jumps().values())
    assert -0.045 < jumps()["BTC"].log_size < -0.035


def test_delta_is_back_inside_within_five_seconds_of_the_jump_s_end():
    """The owner's band is left while prices fall, and held again at once."""
    for jump in jumps().values():
        spells = BAND.spells[jump.coin]
        assert any(jump.start_ns <= begun <= jump.end_ns for begun, _ in spells)
        last = max(over for begun, over in spells if begun < jump.end_ns + seconds(60))
        assert last - jump.end_ns <= seconds(5)


def test_the_jump_brings_partial_fills():
    """Thinned books give some hedge of the jump only a part of its size."""
    during = [p for ts, p in demo().sent if JUMP_NS <= ts <= JUMP_NS + seconds(30)]
    pieces = {
        place.intent.label: [
            fill.fill.quantity.value
            for _, fill in demo().fills
            if fill.fill.label == place.intent.label
        ]
        for place in during
    }
    partial = [p for p in during if 0 != sum(pieces[p.intent.label]) != p.intent.quantity.value]
    assert partial


def test_one_acknowledgement_is_lost_and_resolved_to_exactly_one_order():
    """SENT, UNKNOWN, and then what the venue says of it: recorded, and booked once."""
    lost = [r for r in demo().of(OrderTransition) if r.after is OrderState.UNKNOWN]
    assert len(lost) == 1
    label = lost[0].label
    assert LOST_NS <= lost[0].ts_ns <= LOST_NS + seconds(30)
    first, second, third, *rest = demo().steps(label)
    assert first == (OrderState.INTENDED, OrderState.SENT)
    assert second == (OrderState.SENT, OrderState.UNKNOWN)
    assert third[0] is OrderState.UNKNOWN
    assert [third, *rest][-1][1] in {OrderState.FILLED, OrderState.CANCELLED}
    assert venue_orders(demo())[label] == 1


def test_no_label_is_booked_twice_and_none_is_missing_at_the_venue():
    """Whatever was sent exists exactly once."""
    assert set(venue_orders(demo()).values()) == {1}


def test_minute_90_settles_and_leaves_no_expiring_position():
    """At 08:00 UTC both expiring puts are gone, in the bot's book and at the venue."""
    gone = {"BTC-5JAN26-91000-P", "ETH-5JAN26-3100-P"}
    assert {event.instrument for event in demo().settled} == gone
    assert {event.ts_ns for event in demo().settled} == {SETTLEMENT_NS}
    assert not gone & demo().core.floor.book.holdings.held().keys()
    assert agree(demo()) == {}


def test_the_hedge_is_unwound_through_the_settlement_window():
    """Both coins trade at least thirty steps of the window, and end inside their bands."""
    for coin in COINS:
        steps = [d for d in demo().decisions("unwind") if d.coin == coin]
        assert len(steps) >= 30
        assert all(SETTLEMENT_NS - seconds(1_800) <= d.ts_ns < SETTLEMENT_NS for d in steps)
        assert demo().core.rules[coin].delta.owner.holds(demo().delta(coin))


def test_no_order_passes_a_limit_and_none_is_sent_beside_an_open_one():
    """Seen from outside: caps, collars and one order at a time, through the whole script."""
    assert len(demo().sent) > 100
    assert LIMITS.orders == len(demo().sent)
    assert LIMITS.broken == []
    assert SINGLE.broken == []


def test_the_measured_delta_is_the_delta_of_the_venue_s_positions():
    """What the bot believes it holds, the exchange holds."""
    assert float(demo().exchange.holdings[PERPETUAL].quantity) == float(
        demo().core.floor.book.holdings.total(PERPETUAL)
    )
