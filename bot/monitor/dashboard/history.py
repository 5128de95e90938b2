"""What happened, as rows for charts: deltas between their bands, hedges, profit, margin, causes.

A look reads what is newer than the last one, by sequence numbers and a bounded number of rows at a
time, so that no read lasts. Times become ms, NULL stays None.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from bot.domain.records import PROFIT_LINES
from bot.journal.rows import from_json
from bot.monitor.dashboard.series import Row, ms, short
from bot.monitor.wording import because

PAGE: Final = 5_000
LOOKED_AT: Final = 200_000
"""Rows of a table that a page begins with: of samples, some ten weeks of two underlyings."""

POINTS: Final = ("t", "d", "lo", "hi", "ol", "oh", "pl", "ph", "g", "x")
"""Time; delta with its interval, the owner's and the policy's band (coin); gamma; index (USD)."""

HEDGES: Final = (
    *("t", "kind", "before", "after", "gBefore", "gAfter", "filled", "unit", "fee", "slip"),
    *("s", "orders", "reason", "why", "what", "pl", "ph", "ol", "oh"),
)
"""Deltas and bands in coin, gammas in coin per 1 %, costs in USD, `s` seconds."""

EQUITY: Final = ("t", "hedged", "unhedged", "naive")
MARGIN: Final = ("t", "im", "mm", "down", "up", "equity")
"""Shares of the funds, relative moves to liquidation, equity in coin."""

ATTRIBUTION: Final = ("t", *PROFIT_LINES, "total", "span")
"""USD, of the `span` ms before the time."""

_EXPOSURE = """
SELECT seq, coin, ts_ns, delta_coin, delta_low_coin, delta_high_coin, lower, upper,
  gamma_coin_per_pct, "index" FROM exposure
WHERE seq > ? AND run IN (SELECT id FROM runs WHERE ledger = ?) ORDER BY seq LIMIT ?
"""
_DECISIONS = """
SELECT seq, coin, ts_ns, delta_coin, delta_low_coin, delta_high_coin, lower, upper,
  gamma_coin_per_pct, "index", policy_lower, policy_upper FROM decisions
WHERE seq > ? AND run IN (SELECT id FROM runs WHERE ledger = ?) AND kind != 'shadow'
ORDER BY seq LIMIT ?
"""
_HEDGES = """
SELECT h.seq, h.coin, h.ts_ns, h.kind, h.delta_before_coin, h.delta_after_coin,
  h.gamma_before_coin_per_pct, h.gamma_after_coin_per_pct, h.filled, h.unit, h.fee_usd,
  h.slippage_usd, h.seconds, h.orders, h.reason, h.lower, h.upper, h."index",
  d.reasons, d.trades, d.policy_lower, d.policy_upper
FROM hedges h LEFT JOIN decisions d ON d.run = h.run AND d.id = h.decision
WHERE h.seq > ? AND h.run IN (SELECT id FROM runs WHERE ledger = ?) ORDER BY h.seq LIMIT ?
"""
_EQUITY = """
SELECT seq, coin, ts_ns, run, hedged_usd, unhedged_usd, naive_usd FROM equity
WHERE seq > ? AND run IN (SELECT id FROM runs WHERE ledger = ?) ORDER BY seq LIMIT ?
"""
_TWINS: Final = ("hedged_usd", "unhedged_usd", "naive_usd")
_BEFORE = "SELECT id FROM runs WHERE ledger = ? AND id < ?"
_ENDED = """
SELECT {twin} FROM equity
WHERE run = ? AND coin = ? AND {twin} IS NOT NULL ORDER BY seq DESC LIMIT 1
"""
_MARGINS = """
SELECT seq, coin, ts_ns, funds, initial_margin, maintenance_margin, down, up, equity FROM margins
WHERE seq > ? AND run IN (SELECT id FROM runs WHERE ledger = ?) ORDER BY seq LIMIT ?
"""
_ATTRIBUTION = f"""
SELECT rowid, coin, ts_ns, {", ".join(PROFIT_LINES)}, total,
  ts_ns / 1000000 - start_ns / 1000000 FROM attribution
WHERE rowid > ? AND run IN (SELECT id FROM runs WHERE ledger = ?) ORDER BY rowid LIMIT ?
"""  # noqa: S608  names of this module

Fresh = dict[str, dict[str, list[Row]]]
"""New rows by series and coin, in the order of time."""


class History:
    """What one ledger's rows are read up to."""

    def __init__(self, ledger: int) -> None:
        """Begin with nothing read."""
        self.ledger = ledger
        self._read: dict[str, int] = {}
        self._policy: dict[str, tuple[float | None, float | None]] = {}
        self._earlier: dict[tuple[int, str], tuple[float, ...]] = {}

    def fresh(self, db: sqlite3.Connection, *, attribution: bool) -> Fresh:
        """Return what is new since the last call."""
        points: dict[str, list[Row]] = {}
        self._points(db, points)
        found: Fresh = {
            "hedges": self._hedges(db, points),
            "equity": self._equity(db),
            "margins": self._margins(db),
            "attribution": self._line(db, "attribution", _ATTRIBUTION) if attribution else {},
        }
        # Where two are of one moment, what a decision saw comes first: it knows the policy's band.
        found["points"] = {
            coin: self._banded(coin, sorted(rows, key=lambda row: row[0]))
            for coin, rows in points.items()
        }
        return found

    def live(self, coin: str, sample: dict[str, Any], policy: tuple[float, float]) -> Row:
        """Return a point of what the bot shows now."""
        self._policy[coin] = policy
        figures = (
            *("delta_coin", "delta_low_coin", "delta_high_coin", "lower", "upper"),
            *("gamma_coin_per_pct", "index"),
        )
        d, lo, hi, ol, oh, g, x = (sample[name] for name in figures)
        return _point(sample["ts_ns"], (d, lo, hi, ol, oh, *policy, g, x))

    def _rows(self, db: sqlite3.Connection, name: str, sql: str) -> Iterator[tuple[Any, ...]]:
        if name not in self._read:
            newest = db.execute(f"SELECT coalesce(max(rowid), 0) FROM {name}").fetchone()[0]  # noqa: S608  a name of this module
            self._read[name] = max(0, int(newest) - LOOKED_AT)
        while True:
            asked = (self._read[name], self.ledger, PAGE)
            rows = db.execute(sql, asked).fetchall()
            if rows:
                self._read[name] = rows[-1][0]
            yield from (row[1:] for row in rows)
            if len(rows) < PAGE:
                return

    def _points(self, db: sqlite3.Connection, points: dict[str, list[Row]]) -> None:
        for coin, ts_ns, d, lo, hi, ol, oh, g, x, pl, ph in self._rows(db, "decisions", _DECISIONS):
            points.setdefault(coin, []).append(_point(ts_ns, (d, lo, hi, ol, oh, pl, ph, g, x)))
        for coin, ts_ns, d, lo, hi, ol, oh, g, x in self._rows(db, "exposure", _EXPOSURE):
            row = _point(ts_ns, (d, lo, hi, ol, oh, None, None, g, x))
            points.setdefault(coin, []).append(row)

    def _banded(self, coin: str, rows: list[Row]) -> list[Row]:
        """Give rows that do not know the policy's band the last one that was known."""
        for i, row in enumerate(rows):
            if row[6] is None:
                rows[i] = (*row[:6], *self._policy.get(coin, (None, None)), *row[8:])
            else:
                self._policy[coin] = (row[6], row[7])
        return rows

    def _hedges(self, db: sqlite3.Connection, points: dict[str, list[Row]]) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self._rows(db, "hedges", _HEDGES):
            coin, ts_ns, kind, before, after, g0, g1, filled, unit, fee, slip, *rest = row
            seconds, orders, reason, ol, oh, x, reasons, trades, pl, ph = rest
            found.setdefault(coin, []).append(
                (
                    *(ms(ts_ns), kind, short(before), short(after), short(g0), short(g1)),
                    *(short(filled), unit, short(fee), short(slip), short(seconds), orders),
                    *(reason, _why(reasons), _what(trades), short(pl), short(ph), ol, oh),
                )
            )
            whole = (after, after, after, ol, oh, pl, ph, None, x)
            points.setdefault(coin, []).append(_point(ts_ns, whole))
        return found

    def _line(self, db: sqlite3.Connection, name: str, sql: str) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for coin, ts_ns, *figures in self._rows(db, name, sql):
            if ts_ns <= 0:  # before the first event of a run nothing has a time
                continue
            found.setdefault(coin, []).append((ms(ts_ns), *map(short, figures)))
        return found

    def _equity(self, db: sqlite3.Connection) -> dict[str, list[Row]]:
        """Return the twins' profit since the ledger began: every run begins its own at nothing."""
        found: dict[str, list[Row]] = {}
        for coin, ts_ns, run, *figures in self._rows(db, "equity", _EQUITY):
            if ts_ns <= 0:
                continue
            if (run, coin) not in self._earlier:
                self._earlier[run, coin] = self._made_before(db, run, coin)
            whole = (
                None if figure is None else short(figure + made)
                for figure, made in zip(figures, self._earlier[run, coin], strict=True)
            )
            found.setdefault(coin, []).append((ms(ts_ns), *whole))
        return found

    def _made_before(self, db: sqlite3.Connection, run: int, coin: str) -> tuple[float, ...]:
        """Return what each twin of a coin had made when the runs before this one ended, USD."""
        runs = [row[0] for row in db.execute(_BEFORE, (self.ledger, run))]
        return tuple(
            sum(
                float(row[0])
                for earlier in runs
                for row in db.execute(_ENDED.format(twin=twin), (earlier, coin))
            )
            for twin in _TWINS
        )

    def _margins(self, db: sqlite3.Connection) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for coin, ts_ns, funds, initial, maintenance, down, up, equity in self._rows(
            db, "margins", _MARGINS
        ):
            shares = (short(one / funds) if funds and one is not None else None
                      for one in (initial, maintenance))  # fmt: skip
            row = (ms(ts_ns), *shares, short(_finite(down)), short(_finite(up)), short(equity))
            found.setdefault(coin, []).append(row)
        return found


def _point(ts_ns: int, figures: tuple[float | None, ...]) -> Row:
    return (ms(ts_ns), *map(short, figures))


def _finite(figure: float | None) -> float | None:
    return None if figure is None or figure in {float("inf"), float("-inf")} else figure


def _why(reasons: str | None) -> str:
    """Return the reasons of a decision in one line."""
    return "; ".join(map(because, from_json(reasons) or ()))


def _what(trades: str | None) -> str:
    """Return what a decision traded, in one line."""
    listed = from_json(trades) or ()
    return ", ".join(f"{t['instrument']} {t['quantity']:+,g} {t['unit']}" for t in listed)
