"""A synthetic market that lives faster than its clock: each second brings N seconds of prices.

Timestamps, expiries, settlement and funding stay on the clock's time; price, volatility factors,
jumps and order flow run N times faster. Implied volatility and its tenors are not scaled, so the
market realises about sqrt(N) times what its options imply: a hedger has a day's work in minutes,
and what that earns or costs says nothing about profit.

As little of the path is made at a time as fills whole seconds of the clock, so that an exchange
stands within a second whatever N is, and is never busy with an hour to come.
"""

from __future__ import annotations

from dataclasses import replace
from math import gcd, sqrt

import numpy as np

from bot.domain.instruments import Instrument
from bot.domain.quotes import FloatArray
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY, SECONDS_PER_YEAR
from bot.sim.market import Jump, SyntheticMarket, futures
from bot.sim.market.params import BLOCK_STEPS, STEP_NS
from bot.sim.market.path import WINDOW_OPENS_S, WINDOW_S, Block
from bot.sim.ports import FutureMove


class PacedMarket(SyntheticMarket):
    """A synthetic market whose seconds carry `compress` seconds each; one is the market itself.

    Raises ValueError for a compression below one, and what `SyntheticMarket` raises.
    """

    def __init__(
        self,
        seed: int,
        regime: str,
        start_ns: int,
        coins: tuple[str, ...] = ("BTC", "ETH"),
        *,
        compress: int = 1,
        owned: tuple[Instrument, ...] = (),
    ) -> None:
        """Begin at `start_ns`, a whole second."""
        if compress < 1:
            msg = f"expected a compression of 1 or more, found {compress}"
            raise ValueError(msg)
        self._compress = compress
        self._span = BLOCK_STEPS // gcd(compress, BLOCK_STEPS)
        self._window = _Window(len(coins))
        super().__init__(seed, regime, start_ns, coins, owned=owned)

    def jumps(self, until_ns: int) -> tuple[Jump, ...]:
        """Return every jump that starts before a time, on the clock's time."""
        start = self.start_ns
        inner = super().jumps(start + (until_ns - start) * self._compress)
        return tuple(
            replace(
                jump,
                start_ns=start + (jump.start_ns - start) // self._compress,
                end_ns=start + (jump.end_ns - start) // self._compress,
            )
            for jump in inner
        )

    def _turn(self, number: int) -> None:
        """Take up the clock's next seconds: as much of the path, condensed."""
        if self._compress == 1:
            super()._turn(number)
            return
        first_ns = self._start_ns + number * self._span * STEP_NS
        blocks = [
            self._path.next_block() for _ in range(self._span * self._compress // BLOCK_STEPS)
        ]
        self._block = self._condensed(blocks, first_ns)
        self._block_number = number
        tapes = (
            futures.tape(coin, row, self._block, self._flow[coin], self._depth)
            for row, coin in enumerate(self._coins)
        )
        self._tapes = tuple(
            replace(
                tape,
                bought=[volume * self._compress for volume in tape.bought],
                sold=[volume * self._compress for volume in tape.sold],
            )
            for tape in tapes
        )

    def _dated_moves(self, number: int, coin: str, row: int, ts_ns: int) -> list[FutureMove]:
        many = self._compress
        return [
            replace(move, bought_usd=move.bought_usd * many, sold_usd=move.sold_usd * many)
            for move in super()._dated_moves(number, coin, row, ts_ns)
        ]

    def _condensed(self, blocks: list[Block], first_ns: int) -> Block:
        """Return a block whose every second ends where the path's N seconds end."""
        deviation = self._wide(blocks, "realised") / sqrt(SECONDS_PER_YEAR)
        moved = self._wide(blocks, "shock") * deviation
        shock = moved.sum(axis=2) / np.sqrt((deviation**2).sum(axis=2))
        last = {
            name: np.ascontiguousarray(self._wide(blocks, name)[:, :, -1])
            for name in ("price", "fast", "slow", "realised", "stress", "basis")
        }
        last |= {
            name: np.ascontiguousarray(self._wide(blocks, name)[:, :, -1])
            for name in ("rate", "skew", "curvature")
        }
        busy = self._wide(blocks, "busy").mean(axis=2)
        average = self._window.average(first_ns, last["price"])
        return Block(first_ns=first_ns, shock=shock, busy=busy, average=average, **last)

    def _wide(self, blocks: list[Block], name: str) -> FloatArray:
        """Return a field of many blocks as (coins, seconds of the clock, seconds of the path)."""
        joined: FloatArray = np.concatenate([getattr(block, name) for block in blocks], axis=1)
        return joined.reshape(joined.shape[0], self._span, self._compress)


class _Window:
    """The running average of the index in the half hour before 08:00 UTC of the clock."""

    def __init__(self, coins: int) -> None:
        self._sum = np.zeros(coins)
        self._samples = 0

    def average(self, first_ns: int, price: FloatArray) -> FloatArray:
        """Return the average at each second of a block; NaN outside the window."""
        second = (first_ns // NS_PER_S + np.arange(price.shape[1])) % int(SECONDS_PER_DAY)
        inside = (second > WINDOW_OPENS_S) & (second <= WINDOW_OPENS_S + WINDOW_S)
        sums = self._sum[:, None] + np.cumsum(np.where(inside, price, 0.0), axis=1)
        samples = self._samples + np.cumsum(inside)
        for at in np.flatnonzero(second == WINDOW_OPENS_S):
            sums[:, at:] -= sums[:, at : at + 1]
            samples[at:] -= samples[at]
        self._sum, self._samples = sums[:, -1].copy(), int(samples[-1])
        return np.where(inside, sums / np.maximum(samples, 1), np.nan)
