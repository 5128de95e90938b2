"""Every figure on paths that can be worked out by hand."""

from itertools import pairwise

import pytest

from bot.domain.orders import OrderState
from bot.domain.records import HedgeDone, OrderTransition
from bot.domain.units import NS_PER_S
from bot.lab.scorecard import Promise
from bot.sim.market.jumps import Jump
from tests.builders.scripted_market import START_NS
from tests.lab.scorecard.walk import PERPETUAL, Walk, promise

LONG = {PERPETUAL: "60000"}
PRICES = (60_000.0, 60_100.0, 60_000.0, 59_900.0, 60_050.0, 60_050.0)


def near(value, rel=1e-9):
    """Return a value to compare with, up to rounding."""
    return pytest.approx(value, rel=rel, abs=1e-7)


def test_hedgeable_effectiveness_sums_squares_of_start_delta_times_move():
    """Hedged after the second row's price: two of five steps go through unhedged."""
    walk = Walk(positions=LONG).begin().run(*PRICES[:2]).fill("-60000", "60100").run(*PRICES[2:])
    found = walk.result()
    delta = [60_000 / price for price in PRICES]
    squares = [(d * (b - a)) ** 2 for d, a, b in zip(delta, PRICES, PRICES[1:], strict=False)]
    assert found["hedge_sum_book"] == near(sum(squares))
    assert found["hedge_sum_net"] == near(sum(squares[:2]))
    assert found["hedgeable_effectiveness"] == near(1 - sum(squares[:2]) / sum(squares))


def test_delta_counts_from_the_target():
    """A book at its target has nothing to hedge, whatever the price does."""
    walk = Walk(promise((0.9, 1.0, 1.1)), positions=LONG).begin().run(60_000, 60_600, 60_600)
    found = walk.result()
    assert found["hedge_sum_book"] == near(0.0)
    assert found["max_abs_delta_coin"] == near(1.0)


def test_profit_and_loss_of_an_inverse_position_is_coins_times_the_price_when_earned():
    """Unhedged keeps N USD throughout; hedged sells them at the bid and pays its fee."""
    walk = Walk(promise((-2.0, 0.0, 2.0)), positions=LONG).begin().run(*PRICES[:2])
    found = walk.fill("-60000", "60050", fee=0.0005).run(*PRICES[2:]).result()
    unhedged = sum(60_000 / a * (b - a) for a, b in pairwise(PRICES))
    sold = 60_000 / 60_000 * 100 - (60_000 / 60_050 - 60_000 / 60_100) * 60_000
    assert found["pnl_unhedged_usd"] == near(unhedged)
    assert found["pnl_hedged_usd"] == near(sold - 0.0005 * 60_100)
    assert found["pnl_naive_usd"] == near(unhedged)
    assert found["fees_usd"] == near(0.0005 * 60_100)


def test_the_parts_of_a_profit_add_up():
    """Delta, fees, funding and trading explain a book of futures completely."""
    walk = Walk(positions=LONG).begin().run(*PRICES[:2], funding=0.01)
    walk.fill("-60000", "60050", fee=0.0005).run(*PRICES[2:], funding=0.01)
    walk.result()
    for parts in walk.card.books().values():
        assert parts.unexplained == near(0.0)
    assert walk.card.books()["hedged"].fees == near(-0.0005 * 60_100)
    assert walk.card.books()["hedged"].trading == near((60_000 / 60_100 - 60_000 / 60_050) * 60_000)


def test_funding_is_paid_on_what_was_held_until_the_price_moved():
    """A rate of 1 % in eight hours for one second on one coin, paid by longs."""
    walk = Walk(positions=LONG).run(60_000, 60_000, funding=0.01)
    walk.fill("-60000", "60000").run(60_000, funding=0.01)
    walk.result()
    per_second = 0.01 / 28_800 * 60_000
    assert walk.card.books()["hedged"].funding == near(-per_second)
    assert walk.card.books()["unhedged"].funding == near(-2 * per_second)


def test_the_naive_twin_sells_at_the_bid_and_pays_the_taker_fee_when_beyond_its_threshold():
    """One trade at the first look, back to the target, and no other while delta stays close."""
    walk = Walk(positions=LONG).run(60_000, 60_100, 60_000)
    walk.result()
    naive, twin = walk.card.books()["naive"], walk.card.cards["BTC"].twin
    assert (twin.quantity, twin.trades) == (-60_000, 1)
    fee, slip = 0.0005 * 60_000 / 59_999.5 * 60_000, (60_000 / 59_999.5 - 1) * 60_000
    assert naive.fees == near(-fee)
    assert naive.trading == near(-slip)
    assert naive.total == near(-fee - slip, rel=1e-7)


def test_the_naive_threshold_is_the_narrower_side_of_the_band():
    """Its delta of one coin is beyond 0.9 but not beyond 1.1."""
    for lower, trades in ((-0.9, 1), (-1.1, 0)):
        walk = Walk(promise((lower, 0.0, 5.0)), positions=LONG).run(60_000, 60_000)
        walk.result()
        assert walk.card.cards["BTC"].twin.trades == trades


def test_the_naive_twin_waits_for_a_side_to_trade_on():
    """Without a bid it keeps its delta until there is one."""
    walk = Walk(positions=LONG).run(60_000, half=float("nan")).run(60_100, 60_000)
    walk.result()
    assert walk.card.cards["BTC"].twin.quantity == -60_000


def test_time_in_band_and_breaches_are_those_of_the_whole_book():
    """Five seconds outside, of which two are excused; inside as soon as the fill is known."""
    walk = Walk(positions=LONG).begin().run(*[60_000] * 5).fill("-60000", "60000")
    found = walk.run(*[60_000] * 11).result()
    assert found["time_in_band_delta"] == near(10 / 13)
    assert found["breach_p99_s"] == 5.0
    assert found["excess_coin_s"] == near(5 * 0.9)
    assert found["max_abs_delta_coin"] == near(1.0)
    assert found["time_in_band_gamma"] is None


def test_a_fill_that_is_told_twice_counts_once():
    """Trades are known by their id."""
    walk = Walk(positions=LONG).begin().run(60_000)
    walk.fill("-60000", "60000", fee=0.001, trade_id="x")
    found = walk.fill("-60000", "60000", fee=0.001, trade_id="x").run(60_000, 60_000).result()
    assert (found["fills"], found["fees_usd"]) == (1, near(60.0))
    assert walk.card.cards["BTC"].tape.held(PERPETUAL) == 0


def test_jump_recovery_runs_from_the_end_of_the_jump():
    """Outside for four seconds, the jump's end after the first of them."""
    walk = Walk().begin().run(*[60_000] * 3).fill("6000000", "60000").run(*[60_000] * 4)
    walk.fill("-6000000", "60000").run(*[60_000] * 5)
    second = [START_NS + n * NS_PER_S for n in range(20)]
    jumps = [Jump("BTC", second[2], second[4], -0.02), Jump("BTC", second[8], second[9], -0.02)]
    assert walk.result(jumps)["jump_recovery_max_s"] == 3.0
    assert walk.result(jumps[1:])["jump_recovery_max_s"] == 0.0
    assert walk.result()["jump_recovery_max_s"] == 0.0


def test_the_frictionless_twin_of_futures_earns_nothing_at_a_zero_target():
    """All it could lose is hedged away, so tracking error is the hedged book's own deviation."""
    prices = [60_000.0 + 10.0 * ((n // 60) % 2) for n in range(241)]
    walk = Walk(positions=LONG).run(*prices)
    found = walk.result()
    assert walk.card.books()["frictionless"].total == near(0.0)
    changes = [60_000 / 60_000 * 10, -60_000 / 60_010 * 10] * 2
    mean = sum(changes) / 4
    deviation = (sum((change - mean) ** 2 for change in changes) / 3) ** 0.5
    assert found["tracking_error_usd"] == near(deviation * 1_440**0.5)
    assert found["total_effectiveness"] == near(0.0)


def test_counted_collateral_is_delta_and_earns_its_price_move():
    """Two counted coins are hedged and judged with the book."""
    walk = Walk(promise(collateral=2.0), positions=LONG).begin().run(60_000, 60_600, 60_600)
    found = walk.result()
    assert found["hedge_sum_book"] == near((3 * 600) ** 2)
    assert found["pnl_unhedged_usd"] == near(3 * 600)


def test_a_coarse_market_is_judged_in_seconds():
    """A fill right after a word of the market ends the breach there, not at the next word."""
    walk = Walk(positions=LONG).begin().run(60_000, step_s=300)
    found = walk.fill("-60000", "60000").run(60_600, 60_000, step_s=300).result()
    assert found["breach_p99_s"] == 1.0
    assert found["time_in_band_delta"] == 1.0
    assert found["hedge_sum_net"] == near(0.0)
    assert found["hedge_sum_book"] == near(600**2 + (60_000 / 60_600 * 600) ** 2)


def test_two_coins_pool_sums_and_show_the_worst():
    """Sums add up over coins; shares, durations and excess are those of the worse one."""
    eth = promise((-0.5, 0.0, 0.5), coin="ETH")
    held = LONG | {"ETH-PERPETUAL": "3000"}
    walk = Walk(promise((-2.0, 0.0, 2.0)), eth, positions=held, listed=(*held,))
    walk.begin().begin("ETH")
    for btc, ether in ((60_000, 3_000), (60_060, 3_030), (60_060, 3_030)):
        walk.run(btc)
        walk.now_ns -= NS_PER_S
        walk.run(ether, coin="ETH")
    found = walk.result()
    assert found["hedge_sum_book"] == near(60**2 + 30**2)
    assert found["pnl_unhedged_usd"] == near(90.0)
    assert found["breach_p99_s"] == 2.0
    assert found["underlyings"]["BTC"]["breach_p99_s"] == 0.0
    assert found["underlyings"]["ETH"]["excess_coin_s"] == near(0.5 + 3_000 / 3_030 - 0.5)


def test_records_are_counted_once_per_order():
    """An order that was ever unknown stays counted; a hedge cycle is a finished hedge."""
    walk, s = Walk().begin().run(60_000), OrderState
    path = (s.INTENDED, s.SENT, s.UNKNOWN, s.WORKING, s.UNKNOWN, s.REJECTED)
    for before, after in pairwise(path):
        walk.card.note(OrderTransition(START_NS, "a1", PERPETUAL, before, after, "test"))
    walk.card.note(
        HedgeDone(
            *("d1", START_NS, "BTC", "delta"),
            delta_before_coin=0.5,
            delta_after_coin=0.0,
            gamma_before_coin_per_pct=-0.2,
            gamma_after_coin_per_pct=-0.2,
            lower=-0.1,
            upper=0.1,
            index=60_000.0,
            filled=-30_000.0,
            unit="usd",
            fee_usd=1.0,
            slippage_usd=0.5,
            seconds=0.2,
            orders=1,
            reason="delta_above_policy",
        )
    )
    found = walk.result()
    names = ("hedge_cycles", "orders", "fills", "rejects", "unknown_orders")
    assert [found[name] for name in names] == [1, 1, 0, 1, 1]


def test_a_result_names_every_figure_in_its_order():
    """Readers and scripts rely on the names, scripts on their order."""
    assert list(Walk().result()) == [
        "operator_stopped_s",
        *("hedge_cycles", "orders", "fills", "rejects", "unknown_orders"),
        *("time_in_band_delta", "time_in_band_gamma", "breach_p99_s", "jump_recovery_max_s"),
        *("excess_coin_s", "hedgeable_effectiveness", "hedge_sum_net", "hedge_sum_book"),
        *("tracking_error_usd", "pnl_hedged_usd", "pnl_unhedged_usd", "pnl_naive_usd"),
        *("fees_usd", "max_abs_delta_coin", "total_effectiveness", "total_effectiveness_ci"),
        "underlyings",
    ]


def test_twins_are_the_books_as_their_readers_know_them():
    """A coin's twins and everybody's agree where there is one coin."""
    walk = Walk(positions=LONG).begin().run(*PRICES)
    walk.card.finish()
    one, everybody = walk.card.twins("BTC"), walk.card.twins()
    assert (one.coin, everybody.coin) == ("BTC", "")
    assert one.hedged == everybody.hedged == walk.card.books()["hedged"].pnl()
    assert one.naive.fees_usd < 0.0 == one.unhedged.fees_usd
    assert one.ts_ns == START_NS + 5 * NS_PER_S


def test_a_promise_names_its_coin():
    """The coin is that of the measurement rules."""
    assert isinstance(promise(), Promise)
    assert promise(coin="ETH").coin == "ETH"
