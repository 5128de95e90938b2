"""Our volatility surface on recorded chains: how well it meets them day by day, how it moves.

Every snapshot's own quotes are fitted (`greeks.surface`), starting from the snapshot before; errors
are those of the fit to the mids, in volatility points (1 = 0.01), beside the quoted spread and the
exchange's marks. `python -m bot.lab.surface_page FOLDER` prints the tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.domain.quotes import FloatArray
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY, SECONDS_PER_YEAR
from bot.sim.recorded import LONGEST_GAP_NS, CoinRecord, Snapshot
from greeks import surface
from greeks.surface import Chain, Surface, Verdict, quoted, smile

TENORS: Final = ((0.5, 2.0), (2.0, 7.0), (7.0, 21.0), (21.0, 60.0), (60.0, 400.0))
"""Days to expiry of the rows of the stickiness table."""

TAKEN: Final = (Verdict.FITTED, Verdict.CROSSED)


@dataclass(frozen=True, slots=True)
class Day:
    """One day's fits: medians over its slices, and the worst; points of volatility."""

    date: str  # UTC
    slices: int  # fitted on that day
    kept: int  # attempts that left an earlier slice, or none
    error: float  # weighted root mean square, median over slices
    worst: float  # the worst slice's
    spread: float  # median quoted spread
    inside: float  # share of quotes met within half their spread, median
    from_marks: float  # |mean fit less mark| near the money, median
    butterfly: float  # the least g of any slice
    crossing: float  # the least total variance of any slice over the one before it


@dataclass(frozen=True, slots=True)
class Tenor:
    """How the at-the-money volatility of expiries followed the price, between snapshots."""

    days: tuple[float, float]
    ratio: float  # the skew-stickiness ratio
    error: float
    moves: int
    skew: float  # mean dv/dk at the money


def chain(record: CoinRecord, shot: Snapshot) -> Chain:
    """Return one snapshot's quotes as a surface takes them."""
    strike, call = record.strike[shot.option], record.is_call[shot.option]
    seconds = record.expiry_ns[shot.option] / NS_PER_S
    years = (seconds - shot.ts_ns / NS_PER_S) / SECONDS_PER_YEAR
    books = quoted.volatilities(call, shot.bid, shot.ask, shot.forward, strike, years, in_coin=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Chain(seconds, np.log(strike / shot.forward), books, shot.vol)


def surfaces(record: CoinRecord) -> Iterator[tuple[float, Chain, Surface]]:
    """Yield moment (seconds of the epoch), quotes and surface of every snapshot in turn."""
    before: Surface | None = None
    last_ns = 0
    for shot in record.snapshots:
        if shot.ts_ns - last_ns > LONGEST_GAP_NS:
            before = None  # a slice of another day is no fallback
        now_s, quotes = shot.ts_ns / NS_PER_S, chain(record, shot)
        before, last_ns = surface.fit(quotes, now_s, before), shot.ts_ns
        yield now_s, quotes, before


def study(record: CoinRecord) -> tuple[list[Day], list[Tenor]]:
    """Return one coin's days in order, and its tenors; a record without options gives no days."""
    days: dict[str, list[tuple[float, Chain, Surface]]] = defaultdict(list)
    moves: list[FloatArray] = []
    earlier: tuple[float, Surface] | None = None
    forward: dict[float, float] = {}
    for shot, (now_s, quotes, fitted) in zip(record.snapshots, surfaces(record), strict=True):
        days[str(np.datetime64(shot.ts_ns, "ns").astype("datetime64[D]"))].append(
            (now_s, quotes, fitted)
        )
        seen = dict(zip(np.asarray(quotes.expiry_s).tolist(), shot.forward.tolist(), strict=True))
        if earlier is not None and now_s - earlier[0] < LONGEST_GAP_NS / NS_PER_S:
            moves.append(_moves(earlier, (now_s, fitted), forward, seen))
        earlier, forward = (now_s, fitted), seen
    table = np.concatenate(moves) if moves else np.empty((0, 4))
    return [_day(date, fits) for date, fits in days.items()], [
        _tenor(bounds, table) for bounds in TENORS
    ]


def _day(date: str, fits: list[tuple[float, Chain, Surface]]) -> Day:
    good = [np.isin(fitted.verdict, TAKEN) for _, _, fitted in fits]

    def of(name: str) -> FloatArray:
        columns = [getattr(fit[2], name)[there] for fit, there in zip(fits, good, strict=True)]
        return np.concatenate(columns)

    error, marks = of("error"), np.abs(of("from_marks"))
    spreads = [quotes.quoted.spread[quotes.quoted.usable] for _, quotes, _ in fits]
    crossing = [fitted.crossings(now_s).value for now_s, _, fitted in fits]
    butterfly = [surface.svi.least(fitted.slices(now_s)).value for now_s, _, fitted in fits]
    return Day(
        date=date,
        slices=int(error.size),
        kept=sum(int((~there).sum()) for there in good),
        error=100.0 * _median(error),
        worst=100.0 * float(error.max(initial=0.0)),
        spread=100.0 * _median(np.concatenate(spreads)),
        inside=_median(of("inside")),
        from_marks=100.0 * _median(marks[np.isfinite(marks)]),
        butterfly=_least(butterfly),
        crossing=_least(crossing),
    )


def _moves(
    earlier: tuple[float, Surface],
    later: tuple[float, Surface],
    before: dict[float, float],
    after: dict[float, float],
) -> FloatArray:
    """Return days to expiry, log-move, move of the volatility and skew of expiries fitted twice."""
    (then_s, old), (now_s, new) = earlier, later
    both = [at for at in before if at in after and at - now_s > SECONDS_PER_DAY / 2]
    expiry_s = np.array(both, dtype=np.float64)
    if not both:
        return np.empty((0, 4))
    fresh = (old.age_s(expiry_s, then_s) == 0.0) & (new.age_s(expiry_s, now_s) == 0.0)
    first, second = old.at(0.0, expiry_s, then_s), new.at(0.0, expiry_s, now_s)
    years = [
        clock.clock.variance_years(at, expiry_s) for clock, at in ((old, then_s), (new, now_s))
    ]
    move = smile.volatility(second, years[1]) - smile.volatility(first, years[0])
    log_move = np.log([after[at] / before[at] for at in both])
    left = (expiry_s - now_s) / SECONDS_PER_DAY
    rows = np.column_stack([left, log_move, move, smile.skew(first, years[0])])
    kept: FloatArray = rows[fresh]
    return kept


def _tenor(bounds: tuple[float, float], moves: FloatArray) -> Tenor:
    low, high = bounds
    days, log_move, vol_move, skew = moves[(moves[:, 0] >= low) & (moves[:, 0] < high)].T
    found = smile.stickiness(log_move, vol_move, skew)
    mean = float(np.nanmean(skew)) if days.size else np.nan
    return Tenor(bounds, found.ratio, found.error, found.moves, mean)


def _median(values: FloatArray) -> float:
    return float(np.median(values)) if values.size else np.nan


def _least(columns: list[FloatArray]) -> float:
    every = np.concatenate(columns) if columns else np.empty(0)
    return float(np.min(every[np.isfinite(every)], initial=np.inf))
