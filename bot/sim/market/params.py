"""Every number of the synthetic market, with its unit and where it comes from.

`lab.calibrate` fits the figures of `VOLATILITY`, `SMILE`, `CARRY`, `JUMPS`, `ACTIVITY` and
`SPREADS` to recorded BTC chains, DVOL and minute prices, and prints them beside these. Figures that
no recording identifies (depth, flow, the half-lives of basis and stress) are chosen and marked so.
Model: docs/market-model.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.domain.units import NS_PER_S, utc_ns

EPOCH_NS: Final = utc_ns(2026, 1, 5, 6, 30)
STEP_NS: Final = NS_PER_S
BLOCK_STEPS: Final = 3_600
CHAIN_EVERY_S: Final = 8
FUTURES_EVERY_S: Final = 5


@dataclass(frozen=True, slots=True)
class Volatility:
    """Two log-volatility factors; rates per day, volatilities per square root of a year."""

    fast_per_day: float = 0.35
    slow_per_day: float = 0.016
    fast_vol: float = 2.7
    slow_vol: float = 0.71
    spot_correlation: float = -0.45
    between_coins: float = 0.8
    rise: float = 0.08  # of the mean forward volatility, from now to far away
    rise_days: float = 150.0
    realised_ratio: float = 0.94  # of realised to implied volatility, jumps included
    drop_fast: float = 3.55  # log-volatility per unit of log-price that falls in a jump
    drop_slow: float = 3.95
    up_share: float = 0.3  # of that answer, to a jump up


@dataclass(frozen=True, slots=True)
class Activity:
    """Bursts of trading that options do not price; chosen half-life."""

    log_sd: float = 0.36
    half_life_s: float = 3_600.0


@dataclass(frozen=True, slots=True)
class Jumps:
    """Arrivals per day; sizes are `floor` plus an exponential, in log-price of BTC."""

    per_day: float = 3.0
    floor: float = 0.002
    mean_excess: float = 0.0015
    down_share: float = 0.55
    common_share: float = 0.75
    least_s: int = 2
    most_s: int = 20


@dataclass(frozen=True, slots=True)
class Smile:
    """Volatility relative to at-the-money in standardised moneyness z = ln(K/F)/sqrt(W)."""

    skew: float = -0.0895
    curvature: float = 0.0535
    bend: float = 5.0  # the z beyond which wings straighten
    skew_sd: float = 0.033
    skew_per_day: float = 0.20
    skew_spot_correlation: float = 0.46
    curvature_log_sd: float = 0.20
    curvature_per_day: float = 0.5


@dataclass(frozen=True, slots=True)
class Carry:
    """Forwards over the index: rates per year, and the perpetual's basis as a fraction."""

    rate: float = 0.019
    rise: float = 0.042
    rise_days: float = 150.0
    rate_sd: float = 0.0116
    rate_per_day: float = 0.15
    basis_mean: float = 1.3e-4
    basis_sd: float = 3.9e-4
    basis_half_life_s: float = 1_800.0  # chosen
    funding_dead_band: float = 2.5e-4


@dataclass(frozen=True, slots=True)
class Spreads:
    """Option spreads (ask less bid): volatility points by tenor, and coin in the money."""

    one_day_points: float = 4.75  # falls with the root of the tenor
    far_points: float = 0.45  # at 100 days, grows with the root of the tenor
    fine_share: float = 0.65  # where the mark lies on the fine grid
    level_power: float = 0.07
    busy_power: float = 0.5  # chosen
    deep_coin: float = 0.002
    deep_of_mark: float = 0.0165
    reference_vol: float = 0.45
    log_noise: float = 0.35
    missing_deep_bid: float = 0.05  # where the mark is above 0.3 coin
    missing_deep_ask: float = 0.03
    size_coin: float = 18.0
    size_log_sd: float = 1.2
    deep_size_share: float = 0.06


@dataclass(frozen=True, slots=True)
class Stress:
    """What jumps do to liquidity: spreads times (1 + stress), depth over (1 + 3 stress). Chosen."""

    per_log: float = 50.0
    ceiling: float = 3.0
    half_life_s: float = 360.0
    depth_power: float = 3.0


@dataclass(frozen=True, slots=True)
class CoinParams:
    """What differs between coins; `jump_ratio` and `vol_ratio` are relative to BTC."""

    start_usd: float
    vol_ratio: float
    jump_ratio: float
    strike_multiples: tuple[int, int, int, int, int]
    size_ratio: float
    depth_usd: float
    flow_usd_s: float


@dataclass(frozen=True, slots=True)
class Script:
    """A jump at a set time: seconds after the start, drawn between `earliest_s` and `latest_s`."""

    earliest_s: int
    latest_s: int
    least_s: int
    most_s: int
    log_size: float
    spread: float  # sizes are log_size times 1 ± spread
    eth_ratio: float = 1.25


@dataclass(frozen=True, slots=True)
class Regime:
    """A kind of market: BTC's mean volatility, how often it jumps, and what is scripted."""

    name: str
    level: float
    jump_rate: float
    script: tuple[Script, ...] = ()
    quiet_s: int = 0  # no chance jumps before
    depth: float = 1.0  # of the perpetuals' books


VOLATILITY: Final = Volatility()
ACTIVITY: Final = Activity()
JUMPS: Final = Jumps()
SMILE: Final = Smile()
CARRY: Final = Carry()
SPREADS: Final = Spreads()
STRESS: Final = Stress()
SPOT_CORRELATION: Final = 0.9

COINS: Final = {
    "BTC": CoinParams(92_000.0, 1.0, 1.0, (1, 2, 5, 10, 20), 1.0, 150_000.0, 5_600.0),
    "ETH": CoinParams(3_150.0, 1.34, 1.25, (1, 2, 4, 10, 20), 12.0, 75_000.0, 3_000.0),
}

REGIMES: Final = {
    "calm": Regime("calm", 0.36, 0.25),
    "normal": Regime("normal", 0.44, 1.0),
    "crash": Regime(
        "crash",
        0.53,
        1.0,
        (
            Script(3_600, 14_400, 4, 20, -0.038, 0.2),
            Script(21_600, 43_200, 4, 20, -0.038, 0.2),
            Script(46_800, 72_000, 4, 20, -0.038, 0.2),
        ),
        quiet_s=3_600,
    ),
    # Minute 25: the crash. Minute 45: a push, so that a hedge is under way whose reply gets lost.
    # Books are as small as the demo's own, so that a hand-sized hedge meets partial fills.
    "demo": Regime(
        "demo",
        0.44,
        1.0,
        (Script(1_500, 1_500, 6, 6, -0.0408, 0.0), Script(2_704, 2_704, 4, 4, 0.005, 0.0)),
        quiet_s=10_800,
        depth=0.12,
    ),
}
