"""One coin of a recording as a function of time: what is listed and where it stands.

At a snapshot everything is as recorded. In between (a candle of the perpetual, the minutes before a
settlement) it is modelled: index and perpetual follow `replay_knots`, carry shrinks with the time
left, volatilities stay with their strikes, and bid, ask and mark move by what Black-76 (or, while
it settles, the averaged option) moves. What is modelled is as of its own time, not of the
snapshot's: `recorded` tells which it is. Such lines know the next point: they serve settlement and
marking, and are no test of foresight.

An option is listed from its first snapshot to its expiry. One that a snapshot lacks keeps its row,
without prices: that it was not seen does not mean that it is gone.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bot.domain import deribit
from bot.domain.instruments import Instrument
from bot.domain.quotes import BoolArray, Chain, FloatArray, IntArray, Listing
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from bot.sim import replay_depth
from bot.sim.ports import FutureMove
from bot.sim.recorded import LONGEST_GAP_NS, CoinRecord, Snapshot
from bot.sim.replay_depth import Stand
from bot.sim.replay_knots import Knots
from greeks import black76, settlement

SETTLEMENT_STEP_NS: Final = 30 * NS_PER_S
SETTLEMENT_NS: Final = round(deribit.AVERAGING_S * NS_PER_S)
NS_PER_YEAR: Final = NS_PER_S * SECONDS_PER_YEAR


class Tape:
    """What one coin shows at any time of a stretch of its recording."""

    def __init__(self, record: CoinRecord, begin_ns: int, end_ns: int) -> None:
        """Take the snapshots in [begin, end]; there is at least one."""
        self.coin: Final = record.coin
        self._record: Final = record
        self._shots: Final = [s for s in record.snapshots if begin_ns <= s.ts_ns <= end_ns]
        self._shot_ns: Final = np.array([s.ts_ns for s in self._shots], dtype=np.int64)
        self._knots: Final = Knots.of(record.perpetual, self._shots, begin_ns, end_ns)
        self._seen_ns: Final = _first_seen(self._shots, len(record.names))
        self._perpetual: Final = deribit.parse(f"{record.coin}-PERPETUAL")
        self._futures: Final = _futures(self._shots)
        self._options: dict[int, Instrument] = {}
        self._listed: BoolArray = np.zeros(len(record.names), dtype=np.bool_)
        self._listing: Listing = self._list(self._listed)
        self._offered: tuple[Listing, tuple[Instrument, ...]] | None = None
        self._instruments: tuple[Instrument, ...] = ()
        self.stops: Final = self._stops()

    def _stops(self) -> IntArray:
        """Return when something moves: recorded points, and each settlement's last half hour."""
        first, last = int(self._shot_ns[0]), int(self._knots.ts_ns[-1])
        options = self._record.expiry_ns[self._seen_ns < self._record.expiry_ns]
        dated = [future.expiry_ns for future, _ in self._futures.values()]
        expiries = np.unique(np.concatenate([options, np.array(dated, dtype=np.int64)]))
        window = np.arange(-SETTLEMENT_NS, 1, SETTLEMENT_STEP_NS, dtype=np.int64)
        stops = np.union1d(self._knots.ts_ns, (expiries[:, None] + window).ravel())
        return stops[(stops >= first) & (stops <= last)]

    @property
    def snapshots_ns(self) -> IntArray:
        """Return the times of the snapshots."""
        return self._shot_ns

    @property
    def recorded_ns(self) -> IntArray:
        """Return the times at which a price was recorded."""
        return self._knots.ts_ns

    def snapshot(self, at_ns: int) -> Snapshot | None:
        """Return the last snapshot at or before a time."""
        count = int(np.searchsorted(self._shot_ns, at_ns, side="right"))
        return self._shots[count - 1] if count else None

    def has_chain(self, at_ns: int) -> bool:
        """Tell whether there is a snapshot young enough to be carried to this time."""
        shot = self.snapshot(at_ns)
        return shot is not None and at_ns - shot.ts_ns <= LONGEST_GAP_NS

    def recorded(self, at_ns: int) -> bool:
        """Tell whether the chain at this time is as recorded, and not modelled."""
        shot = self.snapshot(at_ns)
        return shot is not None and shot.ts_ns == at_ns

    def moves(self, before_ns: int, at_ns: int) -> tuple[FutureMove, ...]:
        """Return the perpetual and the dated futures at a stop; volume since `before_ns`."""
        shot = self.snapshot(at_ns)
        if shot is None:
            return ()
        strain = replay_depth.stress(shot)
        index = self._index(shot, at_ns)
        perpetual = Stand(at_ns, self._knots.perpetual(at_ns), index)
        turned = self._knots.volume(before_ns, at_ns)
        exact = at_ns == shot.ts_ns
        moves = [
            replay_depth.seen_move(
                replay_depth.move(self._perpetual, perpetual, strain, turned),
                shot.tops.get(self._perpetual.name),
                exact=exact,
            )
        ]
        if self.has_chain(at_ns):
            names = list(shot.futures)
            expiry = np.array([self._futures[name][0].expiry_ns for name in names], dtype=np.int64)
            prices = np.array(list(shot.futures.values()))
            carried = _carried(prices, expiry, shot, at_ns, index)
            live = (expiry >= at_ns) & np.isfinite(carried) & (carried > 0.0)
            for place in np.flatnonzero(live):
                stand = Stand(at_ns, float(carried[place]), index)
                future = self._futures[names[place]][0]
                modelled = replay_depth.move(future, stand, strain, 0.0)
                top = shot.tops.get(names[place])
                moves.append(replay_depth.seen_move(modelled, top, exact=exact))
        return tuple(moves)

    def chain(self, at_ns: int) -> Chain:
        """Return the options at a time: recorded at a snapshot, modelled between; else empty."""
        listed = self._listed_at(at_ns)
        shot = self.snapshot(at_ns)
        if shot is None:
            return no_quotes(self.coin, at_ns)
        index = self._index(shot, at_ns)
        row = np.full(len(listed), -1, dtype=np.int64)
        row[shot.option] = np.arange(len(shot.option))
        row = row[listed]
        forward, vol, mark, bid, ask = self._quotes(shot, at_ns, index)
        strain = replay_depth.stress(shot)
        lot = float(deribit.COINS[self.coin].option_lot)
        bid, ask = _pick(bid, row), _pick(ask, row)
        return Chain(
            listing=self._listing,
            ts_ns=at_ns,
            ts_venue_ns=at_ns,
            index=index,
            forward=_pick(forward, row),
            vol=_pick(vol, row),
            mark=_pick(mark, row),
            bid=bid,
            ask=ask,
            bid_size=self._sizes(shot.bid_size, row, bid, (index, strain, lot)),
            ask_size=self._sizes(shot.ask_size, row, ask, (index, strain, lot)),
        )

    def instruments(self, at_ns: int) -> tuple[Instrument, ...]:
        """Return what is listed at a time: the same object while nothing changes."""
        listed = self._listed_at(at_ns)
        futures = tuple(
            future
            for future, seen_ns in self._futures.values()
            if seen_ns <= at_ns and future.expiry_ns is not None and future.expiry_ns > at_ns
        )
        if self._offered != (self._listing, futures):
            self._offered = (self._listing, futures)
            options = (self._option(int(place)) for place in np.flatnonzero(listed))
            self._instruments = (self._perpetual, *futures, *options)
        return self._instruments

    def _index(self, shot: Snapshot, at_ns: int) -> float:
        """Return the index: the recorded number itself at a snapshot."""
        return shot.index if at_ns == shot.ts_ns else self._knots.index(at_ns)

    def _quotes(self, shot: Snapshot, at_ns: int, index: float) -> tuple[FloatArray, ...]:
        """Return forward, vol, mark, bid and ask of a snapshot's rows, carried to a time."""
        if at_ns == shot.ts_ns:
            return shot.forward, shot.vol, shot.mark, shot.bid, shot.ask
        call = self._record.is_call[shot.option]
        strike = self._record.strike[shot.option]
        expiry = self._record.expiry_ns[shot.option]
        forward = _carried(shot.forward, expiry, shot, at_ns, index)
        before = black76.price(call, shot.forward, strike, _years(shot.ts_ns, expiry), shot.vol)
        after = black76.price(call, forward, strike, _years(at_ns, expiry), shot.vol) / forward
        settling = expiry - at_ns < SETTLEMENT_NS
        if settling.any():
            after[settling] = settlement.coin(
                call[settling],
                forward[settling],
                strike[settling],
                (expiry[settling] - at_ns) / NS_PER_S,
                shot.vol[settling],
                self._average(at_ns),
            ).coin_price
        moved = after - before / shot.forward
        ticks = self._option(int(shot.option[0])).ticks
        return (
            forward,
            shot.vol,
            np.maximum(shot.mark + moved, 0.0),
            replay_depth.on_grid(shot.bid + moved, ticks, up=False),
            replay_depth.on_grid(shot.ask + moved, ticks, up=True),
        )

    @staticmethod
    def _sizes(
        recorded: FloatArray | None,
        row: IntArray,
        price: FloatArray,
        model: tuple[float, float, float],
    ) -> FloatArray:
        """Return the sizes at listed prices: recorded ones are carried as long as the snapshot."""
        picked = None if recorded is None else _pick(recorded, row)
        return replay_depth.shown_sizes(picked, price, replay_depth.option_sizes(price, *model))

    def _average(self, at_ns: int) -> float:
        """Return the average of the index over the stops of the settlement that is under way."""
        opened = at_ns - at_ns % SETTLEMENT_NS
        samples = range(opened + SETTLEMENT_STEP_NS, at_ns + 1, SETTLEMENT_STEP_NS)
        return float(np.mean([self._knots.index(sample) for sample in samples or [at_ns]]))

    def _listed_at(self, at_ns: int) -> BoolArray:
        """Return which options are listed, and renew the listing when that has changed."""
        listed = (self._seen_ns <= at_ns) & (self._record.expiry_ns > at_ns)
        if not np.array_equal(listed, self._listed):
            self._listed = listed
            self._listing = self._list(listed)
        return listed

    def _list(self, listed: BoolArray) -> Listing:
        """Return the listing of these options."""
        record = self._record
        names = tuple(record.names[i] for i in np.flatnonzero(listed))
        return Listing(
            record.coin,
            names,
            record.is_call[listed],
            record.strike[listed],
            record.expiry_ns[listed],
        )

    def _option(self, place: int) -> Instrument:
        """Return an option by its position in the record."""
        if place not in self._options:
            self._options[place] = deribit.parse(self._record.names[place])
        return self._options[place]


def _first_seen(shots: list[Snapshot], options: int) -> IntArray:
    """Return when each option was seen first; the far future for those never seen."""
    seen = np.full(options, np.iinfo(np.int64).max, dtype=np.int64)
    for shot in reversed(shots):
        seen[shot.option] = shot.ts_ns
    return seen


def _futures(shots: list[Snapshot]) -> dict[str, tuple[Instrument, int]]:
    """Return each dated future with the time when it was seen first."""
    found: dict[str, tuple[Instrument, int]] = {}
    for shot in shots:
        for name in shot.futures:
            if name not in found:
                found[name] = (deribit.parse(name), shot.ts_ns)
    return found


def _years(at_ns: int, expiry_ns: IntArray) -> FloatArray:
    """Return the years left, zero after the expiry."""
    return np.maximum(expiry_ns - at_ns, 0) / NS_PER_YEAR


def _carried(
    price: FloatArray, expiry_ns: IntArray, shot: Snapshot, at_ns: int, index: float
) -> FloatArray:
    """Move forwards with the index; the carry shrinks with the time left and is gone at expiry."""
    total, left = expiry_ns - shot.ts_ns, expiry_ns - at_ns
    share = np.where(total > 0, left / np.maximum(total, 1), 0.0)
    with np.errstate(all="ignore"):
        carried: FloatArray = index * (price / shot.index) ** np.clip(share, 0.0, 1.0)
    return carried


def _pick(values: FloatArray, row: IntArray) -> FloatArray:
    """Return the values of these rows; NaN for row -1."""
    return np.append(values, np.nan)[row]


def no_quotes(coin: str, at_ns: int) -> Chain:
    """Return the batch of a coin that has none: an empty listing, no index."""
    none = np.empty(0)
    listing = Listing(coin, (), np.empty(0, np.bool_), none, np.empty(0, np.int64))
    return Chain(listing, at_ns, at_ns, np.nan, none, none, none, none, none, none, none)
