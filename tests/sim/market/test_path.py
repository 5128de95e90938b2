"""Prices move as much as they are told to, together, and no faster than their jumps."""

import numpy as np
import pytest

from bot.domain import deribit
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from bot.sim.market import EPOCH_NS, REGIMES, SyntheticMarket
from bot.sim.market.params import JUMPS, VOLATILITY
from bot.sim.market.path import Path

DAY_BLOCKS = 24


def day(seed, regime, blocks=DAY_BLOCKS):
    """Return a path and its blocks."""
    path = Path(seed, REGIMES[regime], EPOCH_NS, ("BTC", "ETH"))
    return path, [path.next_block() for _ in range(blocks)]


def joined(blocks, name):
    """Return an array of all blocks in a row."""
    return np.concatenate([getattr(block, name) for block in blocks], axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_a_days_realised_variance_is_the_set_variance_and_the_jumps(seed):
    """Over 86,400 seconds the diffusion's variance is known to about half a percent."""
    path, blocks = day(seed, "normal")
    steps = np.diff(np.log(joined(blocks, "price")), axis=1)
    told = joined(blocks, "realised")[:, 1:] / np.sqrt(SECONDS_PER_YEAR)
    quiet = np.ones(steps.shape, dtype=bool)
    for jump in path.jumps(EPOCH_NS + 86_400 * NS_PER_S):
        first, last = ((ns - EPOCH_NS) // NS_PER_S for ns in (jump.start_ns, jump.end_ns))
        quiet[("BTC", "ETH").index(jump.coin), first : last + 1] = False
    ratio = (steps**2 * quiet).sum(axis=1) / (told**2 * quiet).sum(axis=1)
    assert ratio == pytest.approx([1.0, 1.0], abs=0.03)


def test_coins_move_together():
    """One-second returns of BTC and ETH are correlated as they were in the recording."""
    _, blocks = day(5, "calm")
    shocks = joined(blocks, "shock")
    assert np.corrcoef(shocks)[0, 1] == pytest.approx(0.9, abs=0.02)


def test_volatility_rises_when_the_price_falls():
    """Moves of log-volatility lean against moves of the price."""
    _, blocks = day(6, "calm")
    moves = np.diff(joined(blocks, "fast")[0])
    assert np.corrcoef(joined(blocks, "shock")[0, 1:], moves)[0, 1] == pytest.approx(
        VOLATILITY.spot_correlation, abs=0.03
    )


def test_the_price_is_continuous_from_block_to_block():
    """No step at a block's edge is larger than others: deviations stay below seven."""
    _, blocks = day(7, "calm", 12)
    logs = np.log(joined(blocks, "price"))
    edges = np.arange(1, 12) * 3_600
    told = joined(blocks, "realised")[:, edges] / np.sqrt(SECONDS_PER_YEAR)
    assert np.abs(logs[:, edges] - logs[:, edges - 1]).max() < 7.0 * told.max()


def test_jumps_add_no_drift_to_volatility():
    """The mean of the slow factor over many markets' days stays near zero."""
    ends = []
    for seed in range(30):
        path = Path(seed, REGIMES["normal"], EPOCH_NS, ("BTC",))
        blocks = [path.next_block() for _ in range(24)]
        ends.append(blocks[-1].slow[0, -1])
    # one day's deviation is 0.71/sqrt(365) = 0.037; the mean of 30 has a fifth of that
    assert abs(np.mean(ends)) < 0.02


def test_the_crash_jumps_down_three_times_in_a_day_and_volatility_follows():
    """The scripted jumps are in the schedule, move the price, and lift the month's volatility."""
    path, blocks = day(1, "crash")
    large = [jump for jump in path.jumps(EPOCH_NS + 86_400 * NS_PER_S)
             if jump.coin == "BTC" and jump.log_size < -0.025]  # fmt: skip
    assert len(large) == 3
    logs = np.log(joined(blocks, "price")[0])
    slow = joined(blocks, "slow")[0]
    for jump in large:
        first, last = ((ns - EPOCH_NS) // NS_PER_S for ns in (jump.start_ns, jump.end_ns))
        assert 2 <= last - first <= 20
        assert logs[last] - logs[first] == pytest.approx(jump.log_size, abs=0.004)
        assert slow[last] - slow[first] == pytest.approx(-3.95 * jump.log_size, abs=0.02)


def test_jumps_are_known_beforehand_and_are_what_happens():
    """The schedule needs no path: a market that has not moved knows all its jumps."""
    until = EPOCH_NS + 5 * 86_400 * NS_PER_S
    still, moved = SyntheticMarket(9), SyntheticMarket(9)
    moved.advance(until)
    assert still.jumps(until) == moved.jumps(until)
    assert all(a.start_ns <= b.start_ns for a, b in zip(still.jumps(until), still.jumps(until)[1:],
                                                        strict=False))  # fmt: skip


def test_jumps_arrive_as_often_as_set():
    """Over 400 days of seeds their number is Poisson: within four deviations."""
    count = sum(
        sum(jump.coin == "BTC" for jump in Path(
            seed, REGIMES["normal"], EPOCH_NS, ("BTC",)
        ).jumps(EPOCH_NS + 20 * 86_400 * NS_PER_S - 1))
        for seed in range(20)
    )  # fmt: skip
    expected = 400 * JUMPS.per_day * 0.5 * (1.0 + JUMPS.common_share)
    assert abs(count - expected) < 4.0 * expected**0.5


@pytest.mark.parametrize("coin,size", [("BTC", -0.0408), ("ETH", -0.051)])
def test_the_demo_jumps_at_minute_25(coin, size):
    """The script is at its place: minus four percent in six seconds, thin and wide afterwards."""
    market = SyntheticMarket(42, "demo")
    jump, push = [j for j in market.jumps(EPOCH_NS + 10_800 * NS_PER_S) if j.coin == coin]
    assert (push.start_ns - EPOCH_NS) // NS_PER_S == 2_704  # small, for the lost reply of minute 45
    assert push.log_size == pytest.approx(0.005 if coin == "BTC" else 0.00625)
    assert (jump.start_ns - EPOCH_NS) // NS_PER_S == 1_500
    assert (jump.end_ns - EPOCH_NS) // NS_PER_S == 1_506
    assert jump.log_size == pytest.approx(size)
    at = market.coins.index(coin)
    before = market.advance(jump.start_ns)[at]
    early = market.chain(coin, jump.start_ns)
    after = market.advance(jump.end_ns)[at]
    late = market.chain(coin, jump.end_ns)
    later = market.advance(jump.end_ns + 900 * NS_PER_S)[at]
    assert np.log(after.quote.index / before.quote.index) == pytest.approx(size, abs=0.003)
    assert after.depth_usd < before.depth_usd / 5.0
    assert after.quote.ask - after.quote.bid > 5.0 * (before.quote.ask - before.quote.bid)
    assert later.depth_usd > 2.5 * after.depth_usd
    # the smile follows spot: at the money a month out there is about a fifth more volatility
    month = early.listing.expiry_ns == deribit.expiry_ns("30JAN26")
    levels = []
    for chain in (early, late):
        moneyness = np.log(chain.listing.strike[month] / chain.forward[month])
        levels.append(np.interp(0.0, moneyness[::2], chain.vol[month][::2]))
    assert 0.1 < np.log(levels[1] / levels[0]) < 0.3


def test_the_demo_widens_option_spreads_threefold():
    """The median spread near the money is about three times as wide right after the jump."""
    market = SyntheticMarket(42, "demo")
    jump = next(j for j in market.jumps(EPOCH_NS + 10_800 * NS_PER_S) if j.coin == "BTC")
    spreads = []
    for now in (jump.start_ns, jump.end_ns):
        market.advance(now)
        chain = market.chain("BTC", now)
        week = (chain.listing.expiry_ns - now) > 6 * 86_400 * NS_PER_S
        near = np.abs(np.log(chain.listing.strike / chain.forward)) < 0.03
        spreads.append(np.median((chain.ask - chain.bid)[near & week]))
    assert 2.4 < spreads[1] / spreads[0] < 4.0
