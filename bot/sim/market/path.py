"""How prices, volatility and liquidity move, one second a step, an hour of seconds a block.

Per coin: log-price with stochastic volatility and jumps; a fast and a slow log-volatility factor
that lean against the price; activity; stress after jumps; the perpetual's basis; carry; skew and
curvature of the smile. All but the price are Ornstein-Uhlenbeck processes. Rows of a block's arrays
are coins, columns are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from bot.domain.quotes import FloatArray
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY, SECONDS_PER_YEAR
from bot.sim.market.jumps import Jump, JumpSchedule, spread_over_steps
from bot.sim.market.params import (
    ACTIVITY,
    BLOCK_STEPS,
    CARRY,
    COINS,
    JUMPS,
    SMILE,
    SPOT_CORRELATION,
    STEP_NS,
    STRESS,
    VOLATILITY,
    Regime,
)
from bot.sim.market.streams import stream

WINDOW_OPENS_S = 27_000  # 07:30 UTC, in seconds of the day
WINDOW_S = 1_800
STEP_YEARS = 1.0 / SECONDS_PER_YEAR


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One hour of every coin; arrays are (coins, seconds)."""

    first_ns: int
    price: FloatArray  # USD
    fast: FloatArray  # log-volatility
    slow: FloatArray  # log-volatility
    realised: FloatArray  # volatility of the diffusion over the step, per year
    shock: FloatArray  # the step's return over its own deviation
    busy: FloatArray  # activity, mean square 1
    stress: FloatArray
    basis: FloatArray
    rate: FloatArray
    skew: FloatArray
    curvature: FloatArray
    average: FloatArray  # of the index since 07:30 UTC; NaN outside the settlement window


class Path:
    """The blocks of a market, generated in order."""

    def __init__(self, seed: int, regime: Regime, start_ns: int, coins: tuple[str, ...]) -> None:
        self._regime = regime
        self._start_ns = start_ns
        self._coins = coins
        self._jumps = JumpSchedule(seed, regime, start_ns, coins)
        self._common = {name: stream(seed, name) for name in ("price", "fast", "slow", "activity")}
        own = ("price", "fast", "slow", "activity", "basis", "carry", "skew", "curvature")
        self._own = {(name, coin): stream(seed, name, coin) for name in own for coin in coins}
        self._made = 0
        count = len(coins)
        self._log_price = np.log([COINS[coin].start_usd for coin in coins])
        self._level = regime.level * np.array([COINS[coin].vol_ratio for coin in coins])
        names = ("fast", "slow", "activity", "stress", "basis", "carry", "skew", "curvature")
        self._state = {name: np.zeros(count) for name in names}
        self._sum = np.zeros(count)
        self._samples = 0
        self._diffusive = _diffusive_ratio(regime)

    @property
    def level(self) -> FloatArray:
        """Return each coin's mean instantaneous volatility."""
        return self._level

    def jumps(self, until_ns: int) -> tuple[Jump, ...]:
        """Return every jump that starts before `until_ns`, in order of time."""
        return self._jumps.between(self._start_ns - 1, until_ns)

    def next_block(self) -> Block:
        """Generate the hour that follows the last one."""
        first_ns = self._start_ns + self._made * BLOCK_STEPS * STEP_NS
        moves, answers, stress = self._jump_steps(first_ns)
        shock = self._correlated("price", SPOT_CORRELATION)
        fast, slow = self._volatility(shock, answers)
        busy = self._activity()
        realised = self._diffusive * self._level[:, None] * np.exp(fast + slow) * busy
        deviation = realised * sqrt(STEP_YEARS)
        steps = deviation * shock - 0.5 * deviation**2 + moves
        if self._made == 0:
            steps[:, 0] = 0.0
        logs = self._log_price[:, None] + np.cumsum(steps, axis=1)
        price = np.round(np.exp(logs), 2)  # the index has cents
        self._log_price = logs[:, -1].copy()
        self._made += 1
        return Block(
            first_ns=first_ns,
            price=price,
            fast=fast,
            slow=slow,
            realised=realised,
            shock=steps / deviation,
            busy=busy,
            stress=np.minimum(
                self._carry_on("stress", stress, _rate(STRESS.half_life_s)), STRESS.ceiling
            ),
            basis=CARRY.basis_mean
            + self._relaxing("basis", CARRY.basis_sd, _rate(CARRY.basis_half_life_s)),
            rate=CARRY.rate
            + self._relaxing("carry", CARRY.rate_sd, CARRY.rate_per_day / SECONDS_PER_DAY),
            skew=self._skew(shock),
            curvature=SMILE.curvature
            * np.exp(
                self._relaxing(
                    "curvature", SMILE.curvature_log_sd, SMILE.curvature_per_day / SECONDS_PER_DAY
                )
            ),
            average=self._window_average(first_ns, price),
        )

    def _jump_steps(self, first_ns: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return per step: moves of log-price, falls that volatility answers, arriving stress."""
        shape = (len(self._coins), BLOCK_STEPS)
        moves, answers, stress = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for jump in self._jumps.between(first_ns - STEP_NS, first_ns + BLOCK_STEPS * STEP_NS):
            row = self._coins.index(jump.coin)
            steps = spread_over_steps(jump, first_ns, BLOCK_STEPS)
            share = STEP_NS / (jump.end_ns - jump.start_ns)
            as_btc = abs(jump.log_size) / COINS[jump.coin].jump_ratio
            moves[row, steps] += jump.log_size * share
            answers[row, steps] += (
                as_btc * share * (1.0 if jump.log_size < 0.0 else VOLATILITY.up_share)
            )
            stress[row, steps] += STRESS.per_log * as_btc * share
        return moves, answers, stress

    def _volatility(self, shock: FloatArray, answers: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return both factors: each leans on the price shock, neither on the other."""
        lean = VOLATILITY.spot_correlation
        rest = sqrt(1.0 - lean**2)
        apart = -(lean**2) / (1.0 - lean**2)
        one = self._correlated("fast", VOLATILITY.between_coins)
        two = self._correlated("slow", VOLATILITY.between_coins)
        two = apart * one + sqrt(1.0 - apart**2) * two
        answers = answers - _mean_answer(self._regime)
        step = sqrt(STEP_YEARS)
        fast = VOLATILITY.fast_vol * step * (lean * shock + rest * one)
        slow = VOLATILITY.slow_vol * step * (lean * shock + rest * two)
        return (
            self._carry_on(
                "fast",
                fast + VOLATILITY.drop_fast * answers,
                VOLATILITY.fast_per_day / SECONDS_PER_DAY,
            ),
            self._carry_on(
                "slow",
                slow + VOLATILITY.drop_slow * answers,
                VOLATILITY.slow_per_day / SECONDS_PER_DAY,
            ),
        )

    def _activity(self) -> FloatArray:
        """Return activity, shared by the coins as far as their prices are; its mean square is 1."""
        rate = _rate(ACTIVITY.half_life_s)
        noise = ACTIVITY.log_sd * sqrt(2.0 * rate) * self._correlated("activity", SPOT_CORRELATION)
        result: FloatArray = np.exp(self._carry_on("activity", noise, rate) - ACTIVITY.log_sd**2)
        return result

    def _skew(self, shock: FloatArray) -> FloatArray:
        """Return the skew, which steepens when the price falls."""
        rate = SMILE.skew_per_day / SECONDS_PER_DAY
        lean = SMILE.skew_spot_correlation
        noise = lean * shock + sqrt(1.0 - lean**2) * self._draw("skew")
        return SMILE.skew + self._carry_on("skew", SMILE.skew_sd * sqrt(2.0 * rate) * noise, rate)

    def _draw(self, name: str) -> FloatArray:
        """Return each coin's own standard normals."""
        return np.stack([self._own[name, c].standard_normal(BLOCK_STEPS) for c in self._coins])

    def _correlated(self, name: str, correlation: float) -> FloatArray:
        """Return standard normals with one correlation between all coins."""
        common = self._common[name].standard_normal(BLOCK_STEPS)
        return sqrt(correlation) * common + sqrt(1.0 - correlation) * self._draw(name)

    def _relaxing(self, name: str, deviation: float, rate: float) -> FloatArray:
        """Return a stationary process of a deviation that reverts to zero at a rate per second."""
        return self._carry_on(name, deviation * sqrt(2.0 * rate) * self._draw(name), rate)

    def _carry_on(self, name: str, arrivals: FloatArray, rate: float) -> FloatArray:
        """Return x[i] = exp(-rate) x[i-1] + arrivals[i], going on from the block before."""
        grown = np.exp(rate * np.arange(1.0, BLOCK_STEPS + 1.0))
        values: FloatArray = (
            self._state[name][:, None] + np.cumsum(arrivals * grown, axis=1)
        ) / grown
        self._state[name] = values[:, -1].copy()
        return values

    def _window_average(self, first_ns: int, price: FloatArray) -> FloatArray:
        """Return the running average of the index in the half hour before 08:00 UTC, else NaN."""
        second = (first_ns // NS_PER_S + np.arange(BLOCK_STEPS)) % int(SECONDS_PER_DAY)
        inside = (second > WINDOW_OPENS_S) & (second <= WINDOW_OPENS_S + WINDOW_S)
        sums = self._sum[:, None] + np.cumsum(np.where(inside, price, 0.0), axis=1)
        samples = self._samples + np.cumsum(inside)
        opening = np.flatnonzero(second == WINDOW_OPENS_S)
        for at in opening:
            sums[:, at:] -= sums[:, at : at + 1]
            samples[at:] -= samples[at]
        self._sum, self._samples = sums[:, -1].copy(), int(samples[-1])
        return np.where(inside, sums / np.maximum(samples, 1), np.nan)


def _rate(half_life_s: float) -> float:
    return log(2.0) / half_life_s


def _mean_answer(regime: Regime) -> float:
    """Return what chance jumps give volatility to answer in a mean second: jumps add no drift."""
    size = JUMPS.floor + JUMPS.mean_excess
    sided = JUMPS.down_share + (1.0 - JUMPS.down_share) * VOLATILITY.up_share
    partakes = 0.5 * (1.0 + JUMPS.common_share)
    return JUMPS.per_day * regime.jump_rate * size * sided * partakes / SECONDS_PER_DAY


def _diffusive_ratio(regime: Regime) -> float:
    """Return realised over implied volatility of the diffusion: jumps bring the rest."""
    square = JUMPS.floor**2 + 2.0 * JUMPS.floor * JUMPS.mean_excess + 2.0 * JUMPS.mean_excess**2
    per_year = 365.0 * JUMPS.per_day * regime.jump_rate * square
    return sqrt(max(VOLATILITY.realised_ratio**2 - per_year / regime.level**2, 0.25))
