"""What earlier runs left behind: sticky states, unresolved orders, the account.

Functions over an open database. A ledger is the chain of runs on one account (see `schema`).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from bot.domain.orders import TERMINAL, Intent, OrderState
from bot.domain.positions import HEDGE_TAG, TRADING_ACCOUNT, Balance, Fill, Position
from bot.domain.states import State
from bot.journal.rows import (
    SELECT_FILL,
    SELECT_INTENT,
    from_json,
    read_balance,
    read_fill,
    read_intent,
    read_position,
)


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that was or is; `market_ns` is where its market time stood at the last heartbeat."""

    id: int
    ledger: int
    mode: str
    market: str
    seed: int | None
    version: str
    market_start_ns: int
    market_ns: int
    outcome: str | None


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """An order of this ledger whose end is not known, and the last state that was journalled.

    `booked` tells that the venue once had it: it acknowledged it, or told a trade of it.
    """

    intent: Intent
    state: OrderState
    booked: bool = False


@dataclass(frozen=True, slots=True)
class SavedAccount:
    """Positions and balances as they were saved at `ts_ns`, and every fill that came after."""

    ts_ns: int
    positions: tuple[Position, ...]
    balances: tuple[Balance, ...]
    fills_since: tuple[Fill, ...]

    def positions_now(self, trading: str = TRADING_ACCOUNT) -> tuple[Position, ...]:
        """Return the positions with the fills since folded in, as this bot's own.

        `trading` is what the account is called that its orders are sent to.
        """
        held = {(p.instrument, p.tag, p.account): p for p in self.positions}
        for fill in self.fills_since:
            key = (fill.instrument, HEDGE_TAG, trading)
            old = held.get(key)
            total = fill.quantity if old is None else old.quantity + fill.quantity
            held[key] = Position(fill.instrument, total, HEDGE_TAG, trading)
        return tuple(position for position in held.values() if position.quantity)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one coin's limits have used since a market time, USD, and what it began with.

    `cost_usd` is what finished hedges of delta cost, `model_usd` what their orders should have.
    `start_equity` (coin) and `start_index` (USD) are those of the first exposure sample with an
    equity, so they are as old as the samples are apart; None before it.
    """

    fees_usd: float = 0.0
    gamma_usd: float = 0.0
    start_equity: float | None = None
    start_index: float | None = None
    cost_usd: float = 0.0
    model_usd: float = 0.0


_LAST_RUN: Final = """
SELECT r.id, r.ledger, r.mode, r.market, r.seed, r.version, r.market_start_ns,
  coalesce((SELECT market_ns FROM heartbeat WHERE run = r.id), r.market_start_ns), r.outcome
FROM runs r ORDER BY r.id DESC LIMIT 1
"""
_OPEN: Final = f"""
SELECT {SELECT_INTENT}, coalesce((SELECT t.after FROM transitions t
    WHERE t.ledger = i.ledger AND t.label = i.label ORDER BY t.seq DESC LIMIT 1), 'intended')
  AS state, EXISTS (SELECT 1 FROM transitions t WHERE t.ledger = i.ledger AND t.label = i.label
    AND t.after = 'working') OR EXISTS (SELECT 1 FROM fills f
    WHERE f.ledger = i.ledger AND f.label = i.label) AS booked
FROM intents i WHERE i.ledger = ? AND state NOT IN ({", ".join("?" * len(TERMINAL))}) ORDER BY i.seq
"""  # noqa: S608  column names of this package
_FILLS: Final = f"""
SELECT {SELECT_FILL} FROM fills WHERE ledger = ?1 AND seq > ?2 AND ts_ns >= ?3
  AND (?4 IS NULL OR EXISTS (SELECT 1 FROM intents i
    WHERE i.ledger = fills.ledger AND i.label = fills.label AND i.purpose = ?4)) ORDER BY seq
"""  # noqa: S608  column names of this package
# A fee is valued with the index of the decision that the order came from.
_FEES: Final = """
SELECT d.coin, total(CASE f.fee_unit WHEN 'USD' THEN f.fee ELSE f.fee * d."index" END)
FROM fills f JOIN intents i ON i.ledger = f.ledger AND i.label = f.label
  JOIN decisions d ON d.run = i.run AND d.id = i.decision
WHERE f.ledger = ? AND f.ts_ns >= ? GROUP BY d.coin
"""
_GAMMA: Final = """
SELECT h.coin, total(h.fee_usd + max(h.slippage_usd, 0.0)) FROM hedges h
  JOIN runs r ON r.id = h.run
WHERE r.ledger = ? AND h.ts_ns >= ? AND h.kind = 'gamma' GROUP BY h.coin
"""
# What hedges of delta cost, and what their decisions expected.
_COST: Final = """
SELECT h.coin, total(h.fee_usd + h.slippage_usd) FROM hedges h JOIN runs r ON r.id = h.run
WHERE r.ledger = ? AND h.ts_ns >= ? AND h.kind != 'gamma' GROUP BY h.coin
"""
_MODEL: Final = """
SELECT d.coin, total(d.cost_usd) FROM decisions d JOIN runs r ON r.id = d.run
WHERE r.ledger = ? AND d.ts_ns >= ? AND d.kind NOT IN ('gamma', 'shadow') AND d.refused = '[]'
GROUP BY d.coin
"""
_STARTS: Final = """
SELECT e.coin, e.equity_usd / e."index", e."index" FROM exposure e WHERE e.seq IN (
  SELECT min(x.seq) FROM exposure x JOIN runs r ON r.id = x.run
  WHERE r.ledger = ? AND x.ts_ns >= ? AND x."index" > 0.0 AND x.equity_usd != 0.0 GROUP BY x.coin)
"""


def last_run(db: sqlite3.Connection) -> PastRun | None:
    """Return the newest run; None in a new journal."""
    row = db.execute(_LAST_RUN).fetchone()
    return None if row is None else PastRun(*row)


def last_states(db: sqlite3.Connection) -> dict[str, State]:
    """Return PAUSED and HALTED as they still hold, by coin; the empty coin is the instance."""
    rows = db.execute("SELECT coin, state FROM sticky ORDER BY coin")
    return {coin: State(state) for coin, state in rows}


def open_intents(db: sqlite3.Connection, ledger: int) -> tuple[OpenIntent, ...]:
    """Return the orders of a ledger whose last journalled state is not an end, oldest first."""
    rows = db.execute(_OPEN, (ledger, *sorted(TERMINAL)))
    return tuple(
        OpenIntent(read_intent(row[:-2]), OrderState(row[-2]), bool(row[-1])) for row in rows
    )


def fills(
    db: sqlite3.Connection,
    ledger: int,
    *,
    since_ns: int = 0,
    after: int = 0,
    purpose: str | None = None,
) -> tuple[Fill, ...]:
    """Return a ledger's fills from a market time on and after a row, in the order they came.

    With a purpose those of the orders that were sent for it.
    """
    asked = (ledger, after, since_ns, purpose)
    return tuple(read_fill(row) for row in db.execute(_FILLS, asked))


def spent(db: sqlite3.Connection, ledger: int, since_ns: int) -> dict[str, Spent]:
    """Return by coin what a ledger's runs have used of their daily limits since a market time."""
    asked = (ledger, since_ns)
    fees = dict(db.execute(_FEES, asked).fetchall())
    gamma = dict(db.execute(_GAMMA, asked).fetchall())
    cost = dict(db.execute(_COST, asked).fetchall())
    model = dict(db.execute(_MODEL, asked).fetchall())
    starts = {coin: (equity, index) for coin, equity, index in db.execute(_STARTS, asked)}
    return {
        coin: Spent(
            fees.get(coin, 0.0),
            gamma.get(coin, 0.0),
            *starts.get(coin, (None, None)),
            cost_usd=cost.get(coin, 0.0),
            model_usd=model.get(coin, 0.0),
        )
        for coin in sorted({*fees, *gamma, *starts, *cost, *model})
    }


def last_account(db: sqlite3.Connection, ledger: int) -> SavedAccount | None:
    """Return the newest saved account of a ledger with the fills since; None if none was saved."""
    row = db.execute(
        "SELECT ts_ns, after_fill, positions, balances FROM accounts"
        " WHERE ledger = ? ORDER BY seq DESC LIMIT 1",
        (ledger,),
    ).fetchone()
    if row is None:
        return None
    ts_ns, after_fill, positions, balances = row
    return SavedAccount(
        ts_ns=ts_ns,
        positions=tuple(read_position(item) for item in from_json(positions)),
        balances=tuple(read_balance(item) for item in from_json(balances)),
        fills_since=fills(db, ledger, after=after_fill),
    )
