"""From the quotes of one moment to a surface, with the last one to begin from and to fall back on.

A fit that has too few strikes, misses most of its quotes or has butterflies does not replace a
slice: the last good one stays, with its age, beside the verdict on what was tried. Two expiries
whose own quotes contradict each other are both kept as they are quoted, and said to be crossed.
"""

from dataclasses import fields
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks.settlement import YEAR_S
from greeks.surface import quoted, svi
from greeks.surface.calibration import Fitted, slices
from greeks.surface.clock import CALENDAR, Clock
from greeks.surface.quoted import Quoted
from greeks.surface.surface import Surface, Verdict
from greeks.surface.svi import Svi
from greeks.surface.targets import HALF, Targets

__all__ = ["Chain", "fit"]

Array = NDArray[np.float64]

FARTHEST: Final = 20.0
"""Deviations beyond which a strike is left out: one such quote would carry a whole slice."""


MOST: Final = 100.0
"""A volatility from which on a quote is no quote."""


class Chain(NamedTuple):
    """Quotes of one moment, an element for each option; volatilities per calendar year."""

    expiry_s: ArrayLike  # seconds of the epoch
    k: ArrayLike  # ln(K/F) on the option's own forward
    quoted: Quoted
    mark: ArrayLike = np.nan  # what the exchange marks it at; NaN: not known


def fit(
    chain: Chain, now_s: float, before: Surface | None = None, clock: Clock = CALENDAR
) -> Surface:
    """Return the surface of the chain's moment, ``before`` being the last one.

    Every expiry of either that is still to come has its row. Starting from ``before`` takes a part
    of the time, and where the chain says too little its slices stay, but for those that were fitted
    later than now. Raises ValueError where the chain's columns have different lengths, and without
    a finite moment.
    """
    expiry, k, mark = (
        np.asarray(one, dtype=np.float64).ravel()
        for one in np.broadcast_arrays(chain.expiry_s, chain.k, chain.mark)
    )
    flat: list[Any] = [np.asarray(one).ravel() for one in chain.quoted]
    columns = Quoted(*flat)
    if columns.mid.shape != expiry.shape:
        raise ValueError(
            f"expected a volatility for each of {expiry.size} options, found {columns.mid.size}"
        )
    if not np.isfinite(now_s):
        raise ValueError(f"expected a finite moment, found {now_s}")
    alive = np.isfinite(k) & np.isfinite(expiry) & (expiry > now_s)
    kept = before.expiry_s if before is not None else np.empty(0)
    expiries = np.union1d(expiry[alive], kept[kept > now_s])
    rows = np.searchsorted(expiries, expiry)
    rows = np.where(alive & _sound(columns, k, expiry - now_s), rows, -1)
    old = _carried(before, expiries, now_s, clock)
    table = _table(rows, len(expiries), k, columns, mark)
    targets = Targets(table.k, table.vol, table.weight, (expiries - now_s) / YEAR_S)
    found = slices(targets, None if before is None else old.slices(now_s))
    return _merged(_judged(found, table, targets, now_s, expiries, clock), old)


def _sound(columns: Quoted, k: Array, left_s: Array) -> NDArray[np.bool_]:
    """Tell which quotes a fit should look at."""
    with np.errstate(all="ignore"):
        near = np.abs(k) <= FARTHEST * columns.mid * np.sqrt(left_s / YEAR_S)
        some = (columns.mid > 0.0) & (columns.mid < MOST) & (columns.spread > 0.0)
        return np.asarray(columns.usable & near & some & np.isfinite(columns.spread))


class _Table(NamedTuple):
    """The chain with a row for each expiry, filled up with weights of 0."""

    k: Array
    vol: Array
    weight: Array
    spread: Array
    mark: Array


def _table(rows: NDArray[np.intp], count: int, k: Array, columns: Quoted, mark: Array) -> _Table:
    order = np.argsort(rows, kind="stable")
    order = order[rows[order] >= 0]
    row = rows[order]
    place = np.arange(row.size) - np.searchsorted(row, row)
    shape = (count, int(place.max(initial=-1)) + 1)
    found = []
    for column in (k, columns.mid, quoted.weight(columns), columns.spread, mark):
        table = np.zeros(shape)
        table[row, place] = column[order]
        found.append(table)
    return _Table(*found)


def _judged(
    found: Fitted, table: _Table, targets: Targets, now_s: float, expiries: Array, clock: Clock
) -> Surface:
    """Return the fitted slices with how well they meet their quotes."""
    given = table.weight > 0.0
    count = given.sum(axis=1)
    wide = Svi(*(np.asarray(one)[:, None] for one in found.svi))
    with np.errstate(invalid="ignore", divide="ignore"):
        vol = np.sqrt(svi.shape(wide, table.k).variance / targets.years[:, None])
        off = np.where(given, vol - table.vol, 0.0)
        power = table.weight * table.weight
        error = np.sqrt((power * off * off).sum(axis=1) / power.sum(axis=1))
        near = given & np.isfinite(table.mark)
        near &= np.abs(table.k) <= table.vol * np.sqrt(targets.years)[:, None]
        apart = np.where(near, vol - table.mark, 0.0).sum(axis=1) / near.sum(axis=1)
    a, b, rho, m, s = (np.asarray(one) for one in found.svi)
    verdict = np.select(
        [~np.isfinite(a), found.least < 0.0, found.inside < HALF, found.crossed],
        [Verdict.FEW, Verdict.TORN, Verdict.ROUGH, Verdict.CROSSED],
        Verdict.FITTED,
    )
    years = clock.variance_years(now_s, expiries)
    low = np.where(given, table.k, np.inf).min(axis=1, initial=np.inf)
    high = np.where(given, table.k, -np.inf).max(axis=1, initial=-np.inf)
    return Surface(
        clock, expiries, np.full(len(expiries), now_s), years, a, b, rho, m, s,
        low, high, count, error, found.inside, apart, verdict.astype(np.int8),
    )  # fmt: skip


def _carried(before: Surface | None, expiries: Array, now_s: float, clock: Clock) -> Surface:
    """Return the earlier slices at these expiries; NaN where there was none, or it is of later."""
    empty = np.full(len(expiries), np.nan)
    columns: dict[str, Any] = {name: empty.copy() for name in _columns()}
    columns["quotes"] = np.zeros(len(expiries), dtype=np.int64)
    columns["verdict"] = np.full(len(expiries), int(Verdict.FEW), dtype=np.int8)
    if before is not None:
        rows = np.searchsorted(expiries, before.expiry_s)
        there = (rows < len(expiries)) & (before.expiry_s > expiries.min(initial=np.inf) - 1.0)
        there[there] = expiries[rows[there]] == before.expiry_s[there]
        there &= ~(before.fitted_s > now_s)
        for name, column in columns.items():
            column[rows[there]] = getattr(before, name)[there]
    columns["expiry_s"] = expiries
    columns["variance_years"] = clock.variance_years(columns["fitted_s"], expiries)
    return Surface(clock, **columns)


def _merged(new: Surface, old: Surface) -> Surface:
    """Return the new slices where they are good or there is nothing else, and the old elsewhere."""
    good = np.isin(new.verdict, (Verdict.FITTED, Verdict.CROSSED))
    taken = good | ~np.isfinite(old.a)
    columns = {name: np.where(taken, getattr(new, name), getattr(old, name)) for name in _columns()}
    columns["verdict"] = new.verdict
    bad = taken & ~good
    for name in ("a", "b", "rho", "m", "s", "fitted_s"):
        columns[name] = np.where(bad, np.nan, columns[name])
    return Surface(new.clock, **columns)


def _columns() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Surface) if field.name != "clock")
