"""A short straddle through stormy days: what its seller earned with and without a hedge.

One call and one put of the same strike are sold at a snapshot: the expiry nearest to 30 days, the
strike nearest to its forward. They are hedged in the future of their own expiry at every snapshot,
at marks, without fees, in coin. The days themselves are a part of that table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.domain import deribit
from bot.domain.errors import BadInputError
from bot.domain.quotes import FloatArray, IntArray
from bot.domain.units import iso
from bot.lab.lives import NS_PER_DAY, Life, Rows
from bot.sim.recorded import CoinRecord

STRADDLE_DAYS: Final = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Straddle:
    """A straddle sold at the first of these times; money in coin, volatility 1.00 = 100 %."""

    coin: str
    expiry: str
    strike: float
    ts_ns: IntArray
    index: FloatArray
    vol: FloatArray
    unhedged_coin: FloatArray
    hedged_coin: FloatArray
    plain_coin: FloatArray

    def between(self, from_ns: int, until_ns: int) -> Straddle:
        """Return the part of the table in [from, until), still counted from the sale."""
        part = slice(*np.searchsorted(self.ts_ns, [from_ns, until_ns]).tolist())
        return Straddle(
            self.coin,
            self.expiry,
            self.strike,
            self.ts_ns[part],
            self.index[part],
            self.vol[part],
            self.unhedged_coin[part],
            self.hedged_coin[part],
            self.plain_coin[part],
        )


def straddle(record: CoinRecord, sold_ns: int) -> Straddle:
    """Sell a straddle at the first snapshot at or after a time and hold it to its last snapshot.

    Raises BadInputError when there is no such snapshot or no pair of call and put in it.
    """
    at = next((shot.ts_ns for shot in record.snapshots if shot.ts_ns >= sold_ns), None)
    if at is None:
        msg = f"expected a snapshot of {record.coin} at or after {iso(sold_ns)}, found none"
        raise BadInputError(msg)
    rows = Rows.of(record)
    call, put = (_held(record, rows, option, at) for option in _pair(record, rows, at))
    times, left, right = np.intersect1d(call.ts_ns, put.ts_ns, return_indices=True)
    place = record.names.index(call.name)
    index = {shot.ts_ns: shot.index for shot in record.snapshots}
    return Straddle(
        coin=record.coin,
        expiry=deribit.date_code(int(record.expiry_ns[place])),
        strike=float(record.strike[place]),
        ts_ns=times,
        index=np.array([index[time] for time in times.tolist()]),
        vol=(call.vol[left] + put.vol[right]) / 2.0,
        unhedged_coin=call.unhedged()[left] + put.unhedged()[right],
        hedged_coin=call.hedged(call.net_delta)[left] + put.hedged(put.net_delta)[right],
        plain_coin=call.hedged(call.plain_delta)[left] + put.hedged(put.plain_delta)[right],
    )


def _pair(record: CoinRecord, rows: Rows, at_ns: int) -> tuple[int, int]:
    """Return call and put: expiry nearest to 30 days, strike nearest to its forward."""
    terms: dict[tuple[int, float], dict[bool, int]] = {}
    distance: dict[tuple[int, float], tuple[float, float]] = {}
    for option in range(len(record.names)):
        row = rows.row(option, at_ns)
        if row is None:
            continue
        expiry, strike = int(record.expiry_ns[option]), float(record.strike[option])
        key = (expiry, strike)
        terms.setdefault(key, {})[bool(record.is_call[option])] = option
        days = abs((expiry - at_ns) / NS_PER_DAY - STRADDLE_DAYS)
        distance[key] = (days, abs(float(rows.forward[row]) - strike))
    pairs = [key for key, sides in terms.items() if len(sides) == 2]  # noqa: PLR2004 - call and put
    if not pairs:
        msg = f"expected a call and a put of one strike at {iso(at_ns)}, found none"
        raise BadInputError(msg)
    best = min(pairs, key=lambda key: distance[key])
    return terms[best][True], terms[best][False]


def _held(record: CoinRecord, rows: Rows, option: int, at_ns: int) -> Life:
    """Return an option's life from a snapshot on."""
    begin = rows.row(option, at_ns)
    if begin is None:
        msg = f"expected {record.names[option]} at {iso(at_ns)}, found no such row"
        raise BadInputError(msg)
    return rows.life(record, option, begin, rows.span(option)[1])
