"""The market as the exchange sees it: time, order, determinism and cost of misuse."""

import numpy as np
import pytest

from bot.domain.units import NS_PER_S, utc_ns
from bot.sim.market import EPOCH_NS, SyntheticMarket
from bot.sim.market.streams import stream


def played(market, seconds, every=1):
    """Return every move and chain of the first seconds, in order."""
    seen = []
    for step in range(0, seconds, every):
        now = market.start_ns + step * NS_PER_S
        seen += market.advance(now)
        seen += [market.chain(coin, now) for coin in market.coins if market.chain_due(coin, now)]
    return seen


def fingerprint(seen):
    """Return what was seen as plain numbers."""
    numbers = []
    for item in seen:
        if hasattr(item, "quote"):
            numbers += [item.quote.bid, item.quote.ask, item.bought_usd, item.sold_usd]
        else:
            numbers += [item.index, *item.vol, *item.mark, *item.bid_size]
    return np.array(numbers)


@pytest.mark.parametrize("regime", ["calm", "normal", "crash", "demo"])
def test_same_seed_gives_the_same_market(regime):
    """A seed and a regime describe a market completely."""
    one = fingerprint(played(SyntheticMarket(3, regime), 40))
    again = fingerprint(played(SyntheticMarket(3, regime), 40))
    assert one.tobytes() == again.tobytes()


def test_different_seeds_give_different_markets():
    """Another seed is another path."""
    prices = {SyntheticMarket(seed).advance(EPOCH_NS + 60 * NS_PER_S)[0].quote.index
              for seed in range(5)}  # fmt: skip
    assert len(prices) == 5


def test_a_coin_moves_the_same_whether_or_not_another_is_there():
    """Streams of chance are named: taking one away leaves the others as they were."""
    now = EPOCH_NS + 5_000 * NS_PER_S
    together = SyntheticMarket(11)
    alone = SyntheticMarket(11, coins=("BTC",))
    left = [move.quote for move in together.advance(now) if move.quote.coin == "BTC"]
    right = [move.quote for move in alone.advance(now)]
    assert left == right
    assert together.chain("BTC", now).bid.tobytes() == alone.chain("BTC", now).bid.tobytes()


def test_skipping_ahead_arrives_at_the_same_prices():
    """Prices at a time do not depend on the steps that led there."""
    now = EPOCH_NS + 9_000 * NS_PER_S
    strider, walker = SyntheticMarket(4), SyntheticMarket(4)
    (ended,) = [m for m in strider.advance(now) if m.quote.instrument == "BTC-PERPETUAL"]
    traded, last = 0.0, None
    for step in range(9_001):
        for move in walker.advance(EPOCH_NS + step * NS_PER_S):
            if move.quote.instrument == "BTC-PERPETUAL":
                last, traded = move, traded + move.bought_usd
    assert last is not None
    assert ended.quote == last.quote
    assert ended.bought_usd == pytest.approx(traded, rel=1e-12)
    assert strider.chain("ETH", now).mark.tobytes() == walker.chain("ETH", now).mark.tobytes()


def test_chains_come_every_eight_seconds_in_turn_and_all_at_the_start():
    """Each coin publishes at the start and then on its own second of eight."""
    market = SyntheticMarket(1)
    due = {
        coin: [s for s in range(33) if market.chain_due(coin, EPOCH_NS + s * NS_PER_S)]
        for coin in market.coins
    }
    assert due == {"BTC": [0, 8, 16, 24, 32], "ETH": [0, 4, 12, 20, 28]}
    assert not market.chain_due("BTC", EPOCH_NS + NS_PER_S // 2)


def test_the_market_moves_on_whole_seconds():
    """Between seconds nothing moves, and the next time is the next second."""
    market = SyntheticMarket(1)
    half = EPOCH_NS + NS_PER_S // 2
    assert market.next_time(EPOCH_NS - 1) == EPOCH_NS
    assert market.next_time(EPOCH_NS) == EPOCH_NS + NS_PER_S
    assert market.next_time(half) == EPOCH_NS + NS_PER_S
    assert len(market.advance(EPOCH_NS)) == 6
    assert market.advance(half) == ()
    assert [move.quote.coin for move in market.advance(EPOCH_NS + NS_PER_S)] == ["BTC", "ETH"]


def test_time_does_not_run_backwards():
    """An earlier time than the last is refused."""
    market = SyntheticMarket(1)
    market.advance(EPOCH_NS + 10 * NS_PER_S)
    with pytest.raises(ValueError, match="expected a time at or after step 10"):
        market.advance(EPOCH_NS + 9 * NS_PER_S)
    with pytest.raises(ValueError, match="expected the time of the last advance"):
        market.chain("BTC", EPOCH_NS)


@pytest.mark.parametrize(
    "arguments,words",
    [
        ({"regime": "wild"}, "expected a regime of calm, normal, crash, demo, found 'wild'"),
        ({"coins": ("BTC", "DOGE")}, "expected coins of BTC, ETH, found DOGE"),
        ({"coins": ()}, "found none"),
        ({"start_ns": EPOCH_NS + 1}, "expected a start at a whole second"),
        ({"seed": -1}, "expected a seed of 0 or more, found -1"),
    ],
)
def test_what_is_not_a_market_is_refused(arguments, words):
    """The message says what was expected and what was found."""
    with pytest.raises(ValueError, match=words):
        SyntheticMarket(**{"seed": 1, **arguments})


def test_streams_of_different_names_are_different():
    """A name is part of the seed."""
    draws = {float(stream(1, *name).random()) for name in (("a",), ("b",), ("a", 0), ("a", "b"))}
    assert len(draws) == 4


def test_a_market_may_start_inside_the_settlement_window():
    """The average then begins with the first price seen."""
    market = SyntheticMarket(2, start_ns=utc_ns(2026, 1, 6, 7, 45))
    market.advance(market.start_ns)
    chain = market.chain("BTC", market.start_ns)
    assert market.average("BTC") == chain.index
    assert np.isfinite(chain.mark).all()
