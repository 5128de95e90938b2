"""Orders for a page: those whose end is not known, those that are done, and what a day's came to.

Followed row by row, so that a ledger's whole past is never read twice.
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass
from typing import Any, Final

from bot.domain.instruments import coin_of
from bot.domain.orders import TERMINAL
from bot.domain.units import NS_PER_S
from bot.journal import memory
from bot.monitor.dashboard.series import Row, ms, short

DAY_NS: Final = 86_400 * NS_PER_S
CUT_NS: Final = 8 * 3_600 * NS_PER_S
DONE: Final = (
    *("t", "label", "instrument", "purpose", "post", "quantity", "filled", "maker", "unit"),
    *("mid", "average", "shown", "bps", "slip", "fee", "s"),
)
"""Quantities in the instrument's `unit`, `shown` and `bps` basis points of the mid, costs USD."""

_INTENTS: Final = """
SELECT seq, label, instrument, quantity, unit, price, time_in_force, post_only, purpose, created_ns
FROM intents WHERE seq > ? AND ledger = ? ORDER BY seq LIMIT 5000
"""
_TRANSITIONS: Final = """
SELECT seq, label, after, ts_ns, evidence FROM transitions WHERE seq > ? AND ledger = ?
ORDER BY seq LIMIT 5000
"""
_PAID: Final = """
SELECT seq, coin, ts_ns, label, instrument, purpose, post_only, quantity, filled, as_maker, unit,
  mid, average, shown_bps, slippage_bps, slippage_usd, fee_usd, seconds FROM paid
WHERE seq > ? AND run IN (SELECT id FROM runs WHERE ledger = ?) ORDER BY seq LIMIT 5000
"""
_NEWEST: Final = "SELECT coalesce(max(seq), 0) FROM "


@dataclass(slots=True)
class Tally:
    """One coin's and purpose's orders since 08:00 UTC; USD, and notional USD behind the bps."""

    orders: int = 0
    filled: int = 0
    usd: float = 0.0
    maker_usd: float = 0.0
    slip: float = 0.0
    shown: float = 0.0
    fee: float = 0.0


class Orders:
    """One ledger's orders."""

    def __init__(self, ledger: int) -> None:
        """Begin with nothing read."""
        self.ledger = ledger
        self._open: dict[str, dict[str, Any]] = {}
        self._read: dict[str, int] | None = None
        self._day = 0
        self._tally: dict[tuple[str, str], Tally] = {}

    def fresh(self, db: sqlite3.Connection) -> dict[str, list[Row]]:
        """Take what is new, and return the orders that are done since the last call, by coin."""
        if self._read is None:
            self._begin(db)
        for label, instrument, quantity, unit, price, force, post, purpose, at in self._rows(
            db, "intents", _INTENTS
        ):
            self._open[label] = {
                "coin": coin_of(instrument), "label": label, "instrument": instrument,
                "quantity": float(quantity), "unit": unit, "price": float(price), "force": force,
                "post": bool(post), "purpose": purpose, "t": ms(at), "state": "intended",
            }  # fmt: skip
        for label, after, ts_ns, evidence in self._rows(db, "transitions", _TRANSITIONS):
            if after in TERMINAL:
                self._open.pop(label, None)
            elif label in self._open:
                said = {"state": after, "since": ms(ts_ns), "evidence": evidence}
                self._open[label] |= said
        done: dict[str, list[Row]] = {}
        for row in self._rows(db, "paid", _PAID):
            coin, ts_ns, *rest = row
            self._count(coin, ts_ns, rest)
            done.setdefault(coin, []).append(
                (ms(ts_ns), *(short(x) if isinstance(x, float) else x for x in rest))
            )
        return done

    def body(self) -> dict[str, Any]:
        """Return the orders that may still fill, and the day's sums by coin and purpose."""
        totals = [
            {"coin": coin, "purpose": purpose} | asdict(tally)
            for (coin, purpose), tally in sorted(self._tally.items())
        ]
        return {"open": list(self._open.values()), "since": ms(self._day), "totals": totals}

    def _begin(self, db: sqlite3.Connection) -> None:
        """Ask once for what is open; from then on only what is new is read."""
        newest = {
            table: int(db.execute(_NEWEST + table).fetchone()[0])
            for table in ("intents", "transitions")
        }
        for one in memory.open_intents(db, self.ledger):
            intent = one.intent
            self._open[intent.label] = {
                "coin": coin_of(intent.instrument), "label": intent.label,
                "instrument": intent.instrument, "quantity": float(intent.quantity),
                "unit": str(intent.quantity.unit), "price": float(intent.price),
                "force": str(intent.time_in_force), "post": intent.post_only,
                "purpose": intent.purpose, "t": ms(intent.created_ns), "state": str(one.state),
            }  # fmt: skip
        self._read = newest | {"paid": 0}

    def _rows(self, db: sqlite3.Connection, name: str, sql: str) -> list[tuple[Any, ...]]:
        read = self._read or {}
        found: list[tuple[Any, ...]] = []
        while True:
            rows = db.execute(sql, (read.get(name, 0), self.ledger)).fetchall()
            if rows:
                read[name] = rows[-1][0]
            found += (row[1:] for row in rows)
            if len(rows) < 5_000:  # noqa: PLR2004  the limit of the statements
                return found

    def _count(self, coin: str, ts_ns: int, rest: list[Any]) -> None:
        _, instrument, purpose, _, _, filled, maker, unit, mid, _, shown, _, slip, fee, _ = rest
        option = instrument.endswith(("-C", "-P"))
        day = ts_ns - (ts_ns - CUT_NS) % DAY_NS
        if day > self._day:
            self._day = day
            self._tally.clear()
        if day < self._day:
            return
        tally = self._tally.setdefault((coin, purpose), Tally())
        tally.orders += 1
        tally.fee += fee or 0.0
        if filled:
            usd = abs(filled) if unit == "usd" else abs(filled) * (mid or 0.0)
            if option:  # priced in coin: what was paid is told in USD alone
                usd = 0.0
            tally.filled += 1
            tally.usd += usd
            tally.maker_usd += usd * min(1.0, abs((maker or 0.0) / filled))
            tally.slip += slip or 0.0
            tally.shown += (shown or 0.0) * usd / 1e4
