"""Takers walk the ladder, makers wait in their queue."""

import math
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.orders import OrderState
from tests.builders.intents import intent
from tests.builders.scripted_market import ScriptedMarket, Terms
from tests.sim.exchange.desk import PERPETUAL, desk, fills, updates

D = Decimal
CALL = "BTC-30JAN26-60000-C"


def toy_match(best, gap, size, depth, growth, want, limit, buying):
    """Fill contract by contract of 10 USD from a plain list of levels: slow, obviously right."""
    sign = 1 if buying else -1
    got: dict[Decimal, int] = {}
    left = want
    for k in range(40):
        price = best + sign * gap * k
        contracts = int((size if k == 0 else depth * (1 + growth * k)) / 10 + 1e-9)
        while contracts and left and sign * (limit - price) >= 0:
            got[price] = got.get(price, 0) + 10
            contracts -= 1
            left -= 10
    return got


@given(
    contracts=st.integers(1, 3_000),
    collar_ticks=st.integers(-3, 40),
    buying=st.booleans(),
    size=st.integers(10, 9_000),
    depth=st.integers(10, 3_000),
    gap_ticks=st.integers(1, 6),
)
def test_an_ioc_fills_what_an_independent_toy_matcher_fills(
    contracts, collar_ticks, buying, size, depth, gap_ticks
):
    """Price by price, the pieces of an IOC equal those of the toy."""
    gap = D("0.5") * gap_ticks
    terms = Terms(size_usd=size, depth_usd=depth, gap_usd=float(gap))
    at = desk(ScriptedMarket({"BTC": [60_000.0]}, terms={"BTC": terms}))
    best = D("60000.5") if buying else D("59999.5")
    limit = best + D("0.5") * collar_ticks * (1 if buying else -1)
    want = contracts * 10
    filled, report = at.place(intent(PERPETUAL, str(want if buying else -want), str(limit)))
    expected = toy_match(best, gap, size, depth, 0.1, want, limit, buying)
    assert {fill.price: abs(fill.quantity.value) for fill in filled} == expected
    total = sum(expected.values())
    assert abs(report.filled.value) == total
    assert report.state is (OrderState.FILLED if total == want else OrderState.CANCELLED)


def test_liquidity_that_was_taken_is_missing_until_the_market_moves_and_returns_by_half():
    """A second order at the same limit finds nothing; two seconds later it finds half."""
    at = desk()
    order = intent(PERPETUAL, "200000", "60000.5")
    assert at.place(order)[1].filled.value == 100_000
    assert at.place(order)[1].filled.value == 0
    at.step(2)
    assert at.place(order)[1].filled.value == 50_000


def test_an_order_that_takes_what_is_left_starts_at_the_next_level():
    """After the best level is gone, the next order pays the next price."""
    at = desk()
    at.place(intent(PERPETUAL, "100000", "60000.5"))
    filled, _ = at.place(intent(PERPETUAL, "50000", "60010", label="a2"))
    assert [fill.price for fill in filled] == [D("60001.5")]


def test_a_limit_order_takes_what_crosses_and_rests_with_the_remainder():
    """A limit at the best ask takes its size and then works."""
    at = desk()
    filled, report = at.place(intent(PERPETUAL, "130000", "60000.5", ioc=False))
    assert [fill.quantity.value for fill in filled] == [100_000]
    assert report.state is OrderState.WORKING
    assert [order.remaining for order in at.exchange.working] == [30_000]


def test_an_option_order_walks_from_the_best_size_to_worse_and_larger_levels():
    """Five coins at the best ask, seven and a half at the next, each at least a tick dearer."""
    at = desk(ScriptedMarket({"BTC": [60_000.0]}, (CALL,)))
    filled, report = at.place(intent(CALL, "14", "0.2"))
    assert [fill.quantity.value for fill in filled] == [D(5), D("7.5"), D("1.5")]
    prices = [fill.price for fill in filled]
    assert prices == sorted(set(prices))
    assert report.state is OrderState.FILLED


def test_an_option_between_batches_trades_where_its_market_maker_would_be():
    """After a fall of the index a call's ask is lower, by about its coin delta."""
    market = ScriptedMarket({"BTC": [60_000.0, 57_600.0]}, (CALL,))
    at = desk(market)
    before, _ = at.place(intent(CALL, "0.1", "0.2"))
    at.step()
    after, _ = at.place(intent(CALL, "0.1", "0.2", label="a2"))
    # delta 0.53 and price 0.052: net delta about 0.47 coin per 100 %, 4 % down
    fall = float(before[0].price - after[0].price)
    assert 0.013 < fall < 0.021


def queued_desk(sold_usd, path=(60_000.0,), size="20000", price="59999.5"):
    """Return a desk with one resting bid of 20,000 USD behind 100,000 USD."""
    terms = Terms(sold_usd=sold_usd)
    at = desk(ScriptedMarket({"BTC": list(path)}, terms={"BTC": terms}))
    at.place(intent(PERPETUAL, size, price, ioc=False, post_only=True))
    return at


def test_a_resting_order_waits_until_the_queue_in_front_has_traded():
    """With 60,000 sold a second, the order behind 100,000 fills in the second second."""
    at = queued_desk(60_000.0)
    assert fills(at.step()) == []
    events = at.step()
    assert [fill.quantity.value for fill in fills(events)] == [20_000]
    assert [(fill.maker, fill.price) for fill in fills(events)] == [(True, D("59999.5"))]
    assert [report.state for report in updates(events)] == [OrderState.FILLED]


def test_a_resting_order_is_filled_in_part_by_what_reaches_it():
    """The queue goes and a part of the order follows; the rest works on."""
    at = queued_desk(100_000.0, size="200000")
    events = at.step()
    first = fills(events)[0].quantity.value if fills(events) else 0
    assert first < 100_000
    events = at.step()
    assert [report.state for report in updates(events)] == [OrderState.WORKING]
    assert fills(events)[0].quantity.value == 100_000


def test_without_traded_volume_cancellations_alone_never_fill_an_order():
    """The queue thins out, but nobody sells to us."""
    at = queued_desk(0.0)
    assert fills(at.step(300)) == []
    assert at.exchange.working[0].ahead < 1_000


def test_a_resting_order_is_filled_whole_when_the_market_trades_through_it():
    """Adverse selection: the ask falls to our bid and all of it fills at our price."""
    at = queued_desk(0.0, path=(60_000.0, 59_990.0))
    filled = fills(at.step())
    assert [(f.quantity.value, f.price) for f in filled] == [(D(20_000), D("59999.5"))]
    assert at.exchange.equity()["BTC"] < 10.0


def test_a_resting_order_left_behind_by_the_market_gets_nothing():
    """Sellers hit the new best bid, not ours."""
    at = queued_desk(500_000.0, path=(60_000.0, 60_010.0))
    assert fills(at.step(5)) == []


def test_a_resting_order_inside_the_spread_is_first_in_line():
    """A better price has no queue: the first seller is ours."""
    terms = Terms(half_spread=2.0, sold_usd=5_000.0)
    at = desk(ScriptedMarket({"BTC": [60_000.0]}, terms={"BTC": terms}))
    at.place(intent(PERPETUAL, "20000", "59999", ioc=False, post_only=True))
    assert [fill.quantity.value for fill in fills(at.step())] == [5_000]


def test_a_resting_sell_mirrors_a_resting_buy():
    """Buyers fill an offer behind its queue as sellers fill a bid."""
    terms = Terms(bought_usd=130_000.0)
    at = desk(ScriptedMarket({"BTC": [60_000.0]}, terms={"BTC": terms}))
    at.place(intent(PERPETUAL, "-20000", "60000.5", ioc=False, post_only=True))
    assert [fill.quantity.value for fill in fills(at.step())] == [-20_000]


def test_a_resting_option_order_fills_when_the_other_side_comes_to_it():
    """A bid between bid and ask of a call fills once the chain's ask has fallen to it."""
    market = ScriptedMarket({"BTC": [60_000.0] * 5 + [55_000.0]}, (CALL,))
    at = desk(market)
    view = market.chain("BTC", market.start_ns)
    inside = D(str(round(float(view.mark[0]) / 0.0005) * 0.0005)).quantize(D("0.0001"))
    assert at.place(intent(CALL, "2", str(inside), ioc=False, post_only=True))[0] == []
    assert fills(at.step(4)) == []
    filled = fills(at.step(1))
    assert [(fill.quantity.value, fill.maker) for fill in filled] == [(D(2), True)]


def test_a_cancelled_order_never_fills():
    """After its cancellation a through-trade leaves an order alone."""
    at = queued_desk(0.0, path=(60_000.0, 59_990.0))
    assert updates(at.exchange.cancel("a1", at.now_ns))[0].state is OrderState.CANCELLED
    assert fills(at.step()) == []


SLOW = "BTC-27MAR26"


def slow_desk(path):
    """Return a desk with a dated future that moves every tenth second."""
    market = ScriptedMarket({"BTC": path}, dated=(SLOW,), terms={"BTC": Terms(sold_usd=60_000.0)})
    return desk(market)


def test_a_future_that_moves_seldom_is_carried_along_with_the_index():
    """Between its own quotes it cannot be picked off at the price of seconds ago."""
    at = slow_desk([60_000.0, 60_600.0])
    at.step()
    filled, _ = at.place(intent(SLOW, "1000", "70000"))
    assert [fill.price for fill in filled] == [D("60601.0")]  # 60,600.505 on the grid


def test_the_volume_of_a_move_counts_once_for_a_future_that_moves_seldom():
    """For nine seconds the queue in front stands still; the tenth takes the move's volume off."""
    at = slow_desk([60_000.0])
    at.place(intent(SLOW, "200000", "59999.5", ioc=False, post_only=True))
    at.step(9)
    assert at.exchange.working[0].ahead == 100_000.0
    at.step()
    order = at.exchange.working[0]
    in_front = order.ahead + 60_000.0 - float(order.filled)
    assert 100_000.0 * math.exp(-2.0) <= in_front <= 100_000.0
