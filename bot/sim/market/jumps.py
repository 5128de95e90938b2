"""When prices jump, by how much and for how long: a schedule that is fixed by the seed.

Jumps arrive by chance (one generator per day of market time) or by a regime's script. Each is
spread evenly in log-price over a few seconds, so that it has an end from which recovery can be
measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.domain.units import NS_PER_S
from bot.sim.market.params import COINS, JUMPS, Regime, Script
from bot.sim.market.streams import stream

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Jump:
    """A move of one coin by `log_size` (natural log of price) after `start_ns` until `end_ns`."""

    coin: str
    start_ns: int
    end_ns: int
    log_size: float


class JumpSchedule:
    """All jumps of a market, a day of market time at a time."""

    def __init__(self, seed: int, regime: Regime, start_ns: int, coins: tuple[str, ...]) -> None:
        self._seed = seed
        self._regime = regime
        self._start_ns = start_ns
        self._coins = coins
        self._jumps: list[Jump] = []
        self._days = 0

    def between(self, first_ns: int, last_ns: int) -> tuple[Jump, ...]:
        """Return the jumps that move a price after `first_ns` and at or before `last_ns`."""
        while self._start_ns + self._days * DAY_S * NS_PER_S <= last_ns:
            self._jumps += sorted(self._day(self._days), key=lambda jump: jump.start_ns)
            self._days += 1
        return tuple(j for j in self._jumps if j.start_ns < last_ns and j.end_ns > first_ns)

    def _day(self, day: int) -> list[Jump]:
        jumps = self._by_chance(day)
        if day == 0:
            for number, script in enumerate(self._regime.script):
                jumps += self._scripted(number, script)
        return jumps

    def _by_chance(self, day: int) -> list[Jump]:
        chance = stream(self._seed, "jumps", day)
        jumps = []
        for _ in range(chance.poisson(JUMPS.per_day * self._regime.jump_rate)):
            second = day * DAY_S + int(chance.integers(1, DAY_S))
            lasts = int(chance.integers(JUMPS.least_s, JUMPS.most_s + 1))
            size = JUMPS.floor + chance.exponential(JUMPS.mean_excess)
            size = -size if chance.random() < JUMPS.down_share else size
            alone = None if chance.random() < JUMPS.common_share else int(chance.integers(2))
            if second < self._regime.quiet_s:
                continue
            for number, coin in enumerate(self._coins):
                if alone is None or number == alone:
                    jumps.append(self._jump(coin, second, lasts, size * COINS[coin].jump_ratio))
        return jumps

    def _scripted(self, number: int, script: Script) -> list[Jump]:
        chance = stream(self._seed, "script", number)
        second = int(chance.integers(script.earliest_s, script.latest_s + 1))
        lasts = int(chance.integers(script.least_s, script.most_s + 1))
        size = script.log_size * (1.0 + script.spread * float(chance.uniform(-1.0, 1.0)))
        ratios = {coin: script.eth_ratio if coin == "ETH" else 1.0 for coin in self._coins}
        return [self._jump(coin, second, lasts, size * ratios[coin]) for coin in self._coins]

    def _jump(self, coin: str, second: int, lasts: int, log_size: float) -> Jump:
        start_ns = self._start_ns + second * NS_PER_S
        return Jump(coin, start_ns, start_ns + lasts * NS_PER_S, float(log_size))


def spread_over_steps(jump: Jump, first_ns: int, steps: int) -> slice:
    """Return the rows of a block (row i is `first_ns` + i s) on which a jump moves its coin."""
    begin = (jump.start_ns - first_ns) // NS_PER_S + 1
    end = (jump.end_ns - first_ns) // NS_PER_S + 1
    return slice(int(np.clip(begin, 0, steps)), int(np.clip(end, 0, steps)))
