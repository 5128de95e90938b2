"""A recorded market, played again: the `Market` of recorded option chains.

The market moves at each snapshot, at each recorded point of the perpetual between snapshots, and
every half minute of the half hour that settles an expiry (modelled: see `replay_tape`, and
`replay_depth` for books and sizes). Nothing is random. A replay ends where the recording is torn:
at its end, or where no coin has a snapshot for longer than `LONGEST_GAP_NS`. Books of futures,
sizes and funding are shown as recorded where the recorder saw them; where it did not, books and
sizes are modelled and funding is zero. A coin that was not recorded, or not yet, or no longer, has
no quotes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bot.domain.errors import BadInputError
from bot.domain.instruments import Instrument
from bot.domain.quotes import Chain, FloatArray, IntArray
from bot.domain.units import NS_PER_S, iso
from bot.sim.ports import Cadence, FutureMove
from bot.sim.recorded import LONGEST_GAP_NS, Recording
from bot.sim.replay_tape import Tape, no_quotes

ORDINARY: Final = 0.9
"""This share of the recorded time lies in gaps no longer than the cadence."""


class ReplayMarket:
    """Plays one unbroken stretch of a recording from its first snapshot at or after `start_ns`."""

    def __init__(self, recording: Recording, start_ns: int | None = None) -> None:
        """Find the stretch; raises BadInputError when nothing was recorded from there on."""
        begin, end = _stretch(recording, start_ns)
        self._tapes: Final = {
            coin: Tape(record, begin, end)
            for coin, record in recording.coins.items()
            if any(begin <= shot.ts_ns <= end for shot in record.snapshots)
        }
        self._stops: Final = np.unique(np.concatenate([t.stops for t in self._tapes.values()]))
        self._now_ns = begin - 1
        self._cadence: Final = _cadence(list(self._tapes.values()))

    @property
    def start_ns(self) -> int:
        """Return the time of the first snapshot."""
        return int(self._stops[0])

    @property
    def end_ns(self) -> int:
        """Return the last time at which this market moves."""
        return int(self._stops[-1])

    @property
    def coins(self) -> tuple[str, ...]:
        """Return the coins that have a snapshot in this stretch."""
        return tuple(self._tapes)

    @property
    def cadence(self) -> Cadence:
        """Return how often the recorder spoke."""
        return self._cadence

    def next_time(self, now_ns: int) -> int | None:
        """Return the next stop after `now_ns`; None at the end."""
        place = int(np.searchsorted(self._stops, now_ns, side="right"))
        return int(self._stops[place]) if place < len(self._stops) else None

    def advance(self, now_ns: int) -> tuple[FutureMove, ...]:
        """Move to `now_ns` and return the futures that moved since, each at its latest stop."""
        before = self._now_ns
        if now_ns < before:
            msg = f"expected a time at or after {iso(before)}, found {iso(now_ns)}"
            raise ValueError(msg)
        self._now_ns = now_ns
        moves: list[FutureMove] = []
        for tape in self._tapes.values():
            stop = _last(tape.stops, now_ns)
            if stop is not None and stop > before:
                moves.extend(tape.moves(before, stop))
        return tuple(moves)

    def chain_due(self, coin: str, now_ns: int) -> bool:
        """Tell whether a batch of the coin is published at `now_ns`, recorded or carried."""
        tape = self._tapes.get(coin)
        return tape is not None and _last(tape.stops, now_ns) == now_ns and tape.has_chain(now_ns)

    def chain(self, coin: str, now_ns: int) -> Chain:
        """Return the coin's options at its latest stop; an empty batch where it has no quotes."""
        tape = self._tapes.get(coin)
        stop = None if tape is None else _last(tape.stops, min(now_ns, self._now_ns))
        if tape is None or stop is None:
            return no_quotes(coin, now_ns)
        return tape.chain(stop)

    def instruments(self, coin: str, now_ns: int) -> tuple[Instrument, ...]:
        """Return what is listed at `now_ns`: the same tuple object while nothing changes."""
        tape = self._tapes.get(coin)
        return () if tape is None else tape.instruments(now_ns)

    def modelled(self, coin: str, now_ns: int) -> bool:
        """Tell whether the coin's prices at `now_ns` are modelled and not those of a snapshot."""
        tape = self._tapes.get(coin)
        return tape is None or not tape.recorded(now_ns)


def _last(stops: IntArray, now_ns: int) -> int | None:
    """Return the last stop at or before a time."""
    place = int(np.searchsorted(stops, now_ns, side="right"))
    return int(stops[place - 1]) if place else None


def _stretch(recording: Recording, start_ns: int | None) -> tuple[int, int]:
    """Return the first and last snapshot of the unbroken stretch that begins at or after a time."""
    times = np.unique(
        np.array([s.ts_ns for r in recording.coins.values() for s in r.snapshots], dtype=np.int64)
    )
    rest = times if start_ns is None else times[times >= start_ns]
    if not len(rest):
        found = f"{iso(int(times[0]))} to {iso(int(times[-1]))}" if len(times) else "no snapshot"
        wanted = "a snapshot" if start_ns is None else f"a snapshot at or after {iso(start_ns)}"
        msg = f"recording: expected {wanted}, found {found}"
        raise BadInputError(msg)
    torn = np.flatnonzero(np.diff(rest) > LONGEST_GAP_NS)
    return int(rest[0]), int(rest[torn[0]] if len(torn) else rest[-1])


def _cadence(tapes: list[Tape]) -> Cadence:
    """Return the ordinary gaps of the coin that speaks least often."""
    return Cadence(
        quote_s=max(_ordinary_gap(tape.recorded_ns) for tape in tapes),
        chain_s=(chains := max(_ordinary_gap(tape.snapshots_ns) for tape in tapes)),
        future_s=chains,  # dated futures are recorded with the options
    )


def _ordinary_gap(times: IntArray) -> float:
    """Return the gap in seconds that, with all shorter ones, makes up nine tenths of the time."""
    gaps: FloatArray = np.sort(np.diff(times)) / NS_PER_S
    if not len(gaps):
        return LONGEST_GAP_NS / NS_PER_S
    share = np.cumsum(gaps) / gaps.sum()
    return float(gaps[np.searchsorted(share, ORDINARY)])
