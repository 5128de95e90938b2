"""The synthetic market as the simulated exchange sees it: one path, its futures and options.

Everything follows from seed, regime and start. Perpetuals move each second, dated futures every
five, each coin's options every eight (the coins take turns). Instruments change on the hour, if at
all.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bot.domain.instruments import Instrument
from bot.domain.quotes import Chain, FloatArray
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from bot.sim.market import futures, quotes, surface
from bot.sim.market.chains import ChainPricer
from bot.sim.market.jumps import Jump
from bot.sim.market.listing import Board, refreshed
from bot.sim.market.params import (
    BLOCK_STEPS,
    CHAIN_EVERY_S,
    COINS,
    EPOCH_NS,
    FUTURES_EVERY_S,
    REGIMES,
    STEP_NS,
)
from bot.sim.market.path import Block, Path
from bot.sim.market.streams import stream
from bot.sim.market.surface import Moment
from bot.sim.ports import Cadence, FutureMove

HOUR_NS: Final = 3_600 * NS_PER_S


class SyntheticMarket:
    """A market that a seed describes completely; implements `bot.sim.ports.Market`.

    Raises ValueError where the regime or a coin is not known, or the start is not a whole second.
    """

    _span = BLOCK_STEPS  # steps of the block that is held

    def __init__(
        self,
        seed: int,
        regime: str = "normal",
        start_ns: int = EPOCH_NS,
        coins: tuple[str, ...] = ("BTC", "ETH"),
        *,
        dated_futures: bool = True,
        owned: tuple[Instrument, ...] = (),
    ) -> None:
        """Take the seed and what it drives; `owned` instruments are listed until they expire."""
        _check(regime, start_ns, coins)
        self._seed = seed
        self._start_ns = start_ns
        self._coins = coins
        self._dated = dated_futures
        self._owned = owned
        self._path = Path(seed, REGIMES[regime], start_ns, coins)
        self._depth = REGIMES[regime].depth
        self._flow = {coin: stream(seed, "flow", coin) for coin in coins}
        self._boards: dict[str, Board] = {}
        self._pricers: dict[str, ChainPricer] = {}
        self._step = -1
        self._turn(0)
        self._refresh(0)

    @property
    def start_ns(self) -> int:
        """Return the first time at which the market has prices."""
        return self._start_ns

    @property
    def coins(self) -> tuple[str, ...]:
        """Return the coins in the order in which they were given."""
        return self._coins

    @property
    def cadence(self) -> Cadence:
        """Return how often quotes and option batches come."""
        return Cadence(STEP_NS / NS_PER_S, float(CHAIN_EVERY_S), float(FUTURES_EVERY_S))

    def jumps(self, until_ns: int) -> tuple[Jump, ...]:
        """Return every jump that starts before a time, in order; the seed fixes them all."""
        return self._path.jumps(until_ns)

    def next_time(self, now_ns: int) -> int | None:
        """Return the next whole second of the market; it has no end."""
        if now_ns < self._start_ns:
            return self._start_ns
        return self._start_ns + ((now_ns - self._start_ns) // STEP_NS + 1) * STEP_NS

    def advance(self, now_ns: int) -> tuple[FutureMove, ...]:
        """Move to `now_ns` and return every future that moved; nothing where no second has passed.

        Raises ValueError when `now_ns` lies before the last advance or the start.
        """
        step = (now_ns - self._start_ns) // STEP_NS
        if step < max(self._step, 0):
            msg = f"expected a time at or after step {self._step} of the market, found step {step}"
            raise ValueError(msg)
        if step == self._step:
            return ()
        carried: list[tuple[float, float]] = []
        while self._next_refresh <= step:
            carried = self._reach(self._next_refresh, carried)
            self._refresh(self._next_refresh)
        carried = self._reach(step, carried)
        row = step - self._block_number * self._span
        first = self._step + 1 - self._block_number * self._span
        self._step = step
        ts_ns = self._start_ns + step * STEP_NS
        moves: list[FutureMove] = []
        for number, tape in enumerate(self._tapes):
            move = tape.move(row, ts_ns, max(first, 0))
            moves.append(move if not carried else _more(move, *carried[number]))
        if self._dated and step % FUTURES_EVERY_S == 0:
            for number, coin in enumerate(self._coins):
                moves += self._dated_moves(number, coin, row, ts_ns)
        return tuple(moves)

    def chain_due(self, coin: str, now_ns: int) -> bool:
        """Tell whether a coin's options are published now: all at the start, then in turn."""
        step, rest = divmod(now_ns - self._start_ns, STEP_NS)
        if rest or step < 0:
            return False
        turn = self._coins.index(coin) * CHAIN_EVERY_S // len(self._coins)
        return step == 0 or step % CHAIN_EVERY_S == turn

    def chain(self, coin: str, now_ns: int) -> Chain:
        """Return the coin's option batch at the second of the last advance, that of `now_ns`."""
        number = self._coins.index(coin)
        step = max(self._step, 0)
        if (now_ns - self._start_ns) // STEP_NS != step:
            msg = f"expected the time of the last advance (step {step}), found {now_ns} ns"
            raise ValueError(msg)
        row = step - self._block_number * self._span
        block = self._block
        return self._pricers[coin].chain(
            now_ns,
            self._moment(number, row),
            float(block.average[number, row]),
            step // CHAIN_EVERY_S,
        )

    def instruments(self, coin: str, now_ns: int) -> tuple[Instrument, ...]:
        """Return what is listed at the last advance: the same object while nothing changes."""
        del now_ns
        return self._boards[coin].instruments

    def average(self, coin: str) -> float:
        """Return the index's average (USD) since the settlement window opened; NaN outside it."""
        row = max(self._step, 0) - self._block_number * self._span
        return float(self._block.average[self._coins.index(coin), row])

    def _turn(self, number: int) -> None:
        """Take up the next hour of the path."""
        self._block: Block = self._path.next_block()
        self._block_number = number
        self._tapes = tuple(
            futures.tape(coin, row, self._block, self._flow[coin], self._depth)
            for row, coin in enumerate(self._coins)
        )

    def _reach(self, step: int, carried: list[tuple[float, float]]) -> list[tuple[float, float]]:
        """Turn to the block of a step; add what each coin traded in the blocks left behind."""
        while step // self._span > self._block_number:
            first = max(self._step + 1 - self._block_number * self._span, 0)
            traded = [(sum(t.bought[first:]), sum(t.sold[first:])) for t in self._tapes]
            before = carried or [(0.0, 0.0)] * len(traded)
            carried = [(a + c, b + d) for (a, b), (c, d) in zip(before, traded, strict=True)]
            self._turn(self._block_number + 1)
        return carried

    def _refresh(self, step: int) -> None:
        """List what a step's hour asks for; a new listing gets a pricer."""
        ts_ns = self._start_ns + step * STEP_NS
        row = step - self._block_number * self._span
        hour = ts_ns // HOUR_NS
        self._next_refresh = ((hour + 1) * HOUR_NS - self._start_ns) // STEP_NS
        for number, coin in enumerate(self._coins):
            before = self._boards.get(coin)
            spot = float(self._block.price[number, row])
            board = refreshed(coin, before, ts_ns, spot, self._owned)
            if board is not before:
                chance = stream(self._seed, "options", coin, hour)
                luck = quotes.deal(chance, len(board.listing.names), COINS[coin].size_ratio)
                self._boards[coin] = board
                self._pricers[coin] = ChainPricer(board.listing, luck)

    def _moment(self, number: int, row: int) -> Moment:
        block = self._block
        return Moment(
            price=float(block.price[number, row]),
            level=float(self._path.level[number]),
            fast=float(block.fast[number, row]),
            slow=float(block.slow[number, row]),
            rate=float(block.rate[number, row]),
            skew=float(block.skew[number, row]),
            curvature=float(block.curvature[number, row]),
            busy=float(block.busy[number, row]),
            stress=float(block.stress[number, row]),
        )

    def _dated_moves(self, number: int, coin: str, row: int, ts_ns: int) -> list[FutureMove]:
        board = self._boards[coin]
        left = [float((one.expiry_ns or 0) - ts_ns) for one in board.futures]
        years: FloatArray = np.array(left) / (NS_PER_S * SECONDS_PER_YEAR)
        moment = self._moment(number, row)
        marks = surface.forward(moment, years)
        flow = 0.05 * COINS[coin].flow_usd_s * FUTURES_EVERY_S
        return [
            futures.dated(one.name, coin, ts_ns, float(mark), moment.price, moment.stress, flow)
            for one, mark in zip(board.futures, marks, strict=True)
        ]


def _more(move: FutureMove, bought_usd: float, sold_usd: float) -> FutureMove:
    """Return a move with volume of earlier hours added."""
    return FutureMove(
        move.quote,
        move.depth_usd,
        move.level_gap_usd,
        move.bought_usd + bought_usd,
        move.sold_usd + sold_usd,
    )


def _check(regime: str, start_ns: int, coins: tuple[str, ...]) -> None:
    if regime not in REGIMES:
        msg = f"expected a regime of {', '.join(REGIMES)}, found {regime!r}"
        raise ValueError(msg)
    unknown = [coin for coin in coins if coin not in COINS]
    if unknown or not coins:
        msg = f"expected coins of {', '.join(COINS)}, found {', '.join(unknown) or 'none'}"
        raise ValueError(msg)
    if start_ns % NS_PER_S:
        msg = f"expected a start at a whole second, found {start_ns} ns"
        raise ValueError(msg)


__all__ = ["SyntheticMarket"]
