"""What is listed when: the venue's expiries and strikes, and the moments at which they change.

Dailies, three weeklies, three month ends and two quarter ends expire at 08:00 UTC. Dailies run
eight days ahead (the venue lists four) so that a week's expiry always exists. Strikes stand on a
grid around spot; those that spot has left behind stay until expiry, new ones are added on the hour.
A book may hold more than that: whatever the venue itself can have listed by then (`never_listed`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil, exp, floor
from typing import Final

import numpy as np

from bot.domain import deribit
from bot.domain.instruments import Instrument
from bot.domain.quotes import Listing
from bot.domain.units import NS_PER_S, utc_ns
from bot.sim.market.params import COINS

DAILIES: Final = 8
WEEKLIES: Final = 3
MONTHS_AHEAD: Final = 3
QUARTERS_AHEAD: Final = 2
FRIDAY: Final = 4

# What the venue can have listed, with room around the recorded chains of a quarter: their strikes
# stand on half steps of the grid, from 0.17 to 5.4 times the index.
HOLDABLE_WEEKS: Final = 5
HOLDABLE_MONTHS: Final = 24
HALF_STEP: Final = 0.5
FARTHEST: Final = 8.0

# days to expiry up to which a ladder holds: (reach in log-moneyness, which of the coin's multiples)
LADDERS: Final = (
    (3.5, ((0.04, 0), (0.10, 1))),
    (10.0, ((0.045, 0), (0.10, 1), (0.22, 2))),
    (25.0, ((0.05, 0), (0.12, 1), (0.30, 2))),
    (45.0, ((0.09, 1), (0.30, 2), (0.70, 3))),
    (100.0, ((0.12, 1), (0.35, 2), (0.90, 3))),
    (float("inf"), ((0.30, 2), (0.65, 3), (1.40, 4))),
)


def expiries(now_ns: int) -> tuple[int, ...]:
    """Return the expiries that are listed at a time, the soonest first; each lies after it."""
    today = datetime.fromtimestamp(now_ns // NS_PER_S, tz=UTC).date()
    soonest = today if _at_eight(today) > now_ns else today + timedelta(days=1)
    days = {soonest + timedelta(days=ahead) for ahead in range(DAILIES)}
    friday = soonest + timedelta(days=(FRIDAY - soonest.weekday()) % 7)
    days |= {friday + timedelta(weeks=ahead) for ahead in range(WEEKLIES)}
    month_ends = [day for day in _month_ends(soonest) if day >= soonest]
    days |= set(month_ends[:MONTHS_AHEAD])
    days |= set([day for day in month_ends if day.month % 3 == 0][:QUARTERS_AHEAD])
    return tuple(sorted(_at_eight(day) for day in days))


def holdable_expiries(now_ns: int) -> tuple[int, ...]:
    """Return the expiries that a book may hold at a time, the soonest first.

    Beyond those of this market: weeklies of five weeks and month ends of two years.
    """
    soonest = datetime.fromtimestamp(expiries(now_ns)[0] // NS_PER_S, tz=UTC).date()
    friday = soonest + timedelta(days=(FRIDAY - soonest.weekday()) % 7)
    days = {friday + timedelta(weeks=ahead) for ahead in range(HOLDABLE_WEEKS)}
    days |= {day for day in _month_ends(soonest, HOLDABLE_MONTHS) if day >= soonest}
    return tuple(sorted({*expiries(now_ns), *map(_at_eight, days)}))


def never_listed(held: Instrument, now_ns: int, spot: float) -> str | None:
    """Say what was expected of an instrument that cannot be listed at a time; None where it can.

    `spot` is the index in USD. The text names the nearest that this market lists.
    """
    if held.expiry_ns is None:
        return None
    possible = holdable_expiries(now_ns)
    if held.expiry_ns not in possible:
        near = min(possible, key=lambda expiry_ns: abs(expiry_ns - (held.expiry_ns or 0)))
        return f"an expiry of the venue's calendar (the nearest is {deribit.date_code(near)})"
    step = HALF_STEP * deribit.COINS[held.coin].strike_step
    low, high = spot / FARTHEST, spot * FARTHEST
    if not held.is_option or (held.strike % step == 0.0 and low <= held.strike <= high):
        return None
    days = (held.expiry_ns - now_ns) / (86_400 * NS_PER_S)
    near_strike = min(ladder(held.coin, spot, days), key=lambda strike: abs(strike - held.strike))
    name = deribit.option_name(held.coin, held.expiry_ns, near_strike, is_call=held.is_call)
    grid = f"a strike in steps of {step:g} USD from {low:,.0f} to {high:,.0f}"
    return f"{grid} (the nearest is {name})"


def quarter_ends(now_ns: int) -> tuple[int, ...]:
    """Return the expiries of the dated futures that are listed at a time."""
    quarters = [ns for ns in expiries(now_ns) if _is_quarter_end(ns)]
    return tuple(quarters[:QUARTERS_AHEAD])


def ladder(coin: str, spot: float, days: float) -> set[float]:
    """Return the strikes around spot (USD) that an expiry that many days away needs."""
    terms = COINS[coin]
    rungs = next(rungs for limit, rungs in LADDERS if days <= limit)
    strikes: set[float] = set()
    for reach, multiple in rungs:
        step = deribit.COINS[coin].strike_step * terms.strike_multiples[multiple]
        wide = reach * terms.vol_ratio
        lowest = max(ceil(spot * exp(-wide) / step), 1)
        highest = floor(spot * exp(wide) / step)
        strikes |= {step * rung for rung in range(lowest, highest + 1)}
    return strikes


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """One coin's instruments as they stand: the options' listing and all that can be traded."""

    listing: Listing
    instruments: tuple[Instrument, ...]
    futures: tuple[Instrument, ...]  # dated ones
    strikes: dict[int, frozenset[float]]


def refreshed(
    coin: str,
    board: Board | None,
    now_ns: int,
    spot: float,
    owned: tuple[Instrument, ...] = (),
) -> Board:
    """Return the board at a time: the very same object where nothing changes.

    `owned` are instruments that somebody holds: listed until they expire, on the grid or not.
    """
    before = {} if board is None else board.strikes
    held = [o for o in owned if o.coin == coin and o.expiry_ns is not None and o.expiry_ns > now_ns]
    strikes = {}
    theirs = {o.expiry_ns for o in held if o.expiry_ns is not None and o.is_option}
    for expiry_ns in sorted({*expiries(now_ns), *theirs}):
        days = (expiry_ns - now_ns) / (86_400 * NS_PER_S)
        strikes[expiry_ns] = before.get(expiry_ns, frozenset()) | ladder(coin, spot, days)
        strikes[expiry_ns] |= {o.strike for o in held if o.is_option and o.expiry_ns == expiry_ns}
    if board is not None and strikes == before:
        return board
    known = {} if board is None else {one.name: one for one in board.instruments}
    futures = {o.expiry_ns for o in held if o.expiry_ns is not None and not o.is_option}
    return _board(coin, strikes, tuple(sorted({*quarter_ends(now_ns), *futures})), known)


def _board(
    coin: str,
    strikes: dict[int, frozenset[float]],
    quarters: tuple[int, ...],
    known: dict[str, Instrument],
) -> Board:
    rows = [
        (expiry_ns, strike, is_call)
        for expiry_ns, ladder_ in strikes.items()
        for strike in sorted(ladder_)
        for is_call in (True, False)
    ]
    names = tuple(deribit.option_name(coin, e, k, is_call=c) for e, k, c in rows)
    options = tuple(
        known.get(name) or deribit.option(name, coin, e, k, is_call=c)
        for name, (e, k, c) in zip(names, rows, strict=True)
    )
    dated = tuple(f"{coin}-{deribit.date_code(expiry_ns)}" for expiry_ns in quarters)
    futures = tuple(known.get(name) or deribit.parse(name) for name in dated)
    perpetual = known.get(f"{coin}-PERPETUAL") or deribit.parse(f"{coin}-PERPETUAL")
    listing = Listing(
        coin=coin,
        names=names,
        is_call=np.array([row[2] for row in rows]),
        strike=np.array([row[1] for row in rows]),
        expiry_ns=np.array([row[0] for row in rows], dtype=np.int64),
    )
    return Board(listing, (perpetual, *futures, *options), futures, strikes)


def _month_ends(day: date, after: int = 12) -> list[date]:
    """Return the last Fridays of this month and of as many `after` it."""
    ends = []
    for ahead in range(after + 1):
        months = day.year * 12 + day.month + ahead  # of the month after
        last = date(months // 12, months % 12 + 1, 1) - timedelta(days=1)
        ends.append(last - timedelta(days=(last.weekday() - FRIDAY) % 7))
    return ends


def _is_quarter_end(expiry_ns: int) -> bool:
    day = datetime.fromtimestamp(expiry_ns // NS_PER_S, tz=UTC).date()
    return (
        day.month % 3 == 0
        and day.weekday() == FRIDAY
        and (day + timedelta(weeks=1)).month != day.month
    )


def _at_eight(day: date) -> int:
    return utc_ns(day.year, day.month, day.day, deribit.SETTLEMENT_HOUR_UTC)
