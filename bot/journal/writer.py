"""The journal of a running bot: its one writer, on the engine's thread.

What is recorded waits in memory until `commit`, which the engine calls before it sends any order;
`tick` commits what else waits whenever there is time, so that an order carries only its own rows
to the disk. One short transaction per batch: other
processes (who ask for status, who queue commands) never wait for more than one. A commit that
fails raises JournalError: no journal, no send. What it held waits for the next commit, while
samples are dropped and counted. While another process holds the file the journal is `busy`: that
passes, and only commits for orders say so.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from bot.domain.errors import JournalBusyError, JournalError
from bot.domain.events import Operator
from bot.domain.orders import Intent
from bot.domain.positions import Balance, Fill, Position
from bot.domain.records import (
    CommandOutcome,
    ExposureSample,
    MarginSample,
    OrderTransition,
    Parked,
    Record,
    Standing,
    StateChange,
)
from bot.domain.states import STICKY, State
from bot.journal import memory, queue, runs, standing
from bot.journal.acts import act
from bot.journal.batch import Batch
from bot.journal.chain import Chain
from bot.journal.database import MIN_FREE_BYTES, faults_named, must_be_there, prepare
from bot.journal.digest import Digest
from bot.journal.equity import TwinPnl
from bot.journal.head import Head
from bot.journal.lock import WriterLock
from bot.journal.opening import open_writer
from bot.journal.reserve import Reserve
from bot.journal.rows import (
    INSERT_FILL,
    INSERT_INTENT,
    INSERT_TRANSITION,
    TABLES,
    fill_row,
    insert,
    intent_row,
    to_json,
    transition_row,
)
from bot.journal.runs import RunStart
from bot.journal.wal import CopyBack

HEARTBEAT_S: Final = 1.0
_BEAT: Final = (
    "REPLACE INTO heartbeat (only, run, wall_ns, market_ns, state) VALUES (1, ?, ?, ?, ?)"
)
_VIEW: Final = "REPLACE INTO views (run, name, ts_ns, body) VALUES (?, ?, ?, ?)"
_STICK: Final = "REPLACE INTO sticky (coin, run, ts_ns, state, reasons) VALUES (?, ?, ?, ?, ?)"
_UNSTICK: Final = "DELETE FROM sticky WHERE coin = ?"
_EQUITY: Final = insert(
    "equity", ("run", "ts_ns", "coin", "hedged_usd", "unhedged_usd", "naive_usd", "split")
)
_ACCOUNT: Final = (
    "INSERT INTO accounts (run, ledger, ts_ns, after_fill, positions, balances)"
    " VALUES (?1, ?2, ?3, (SELECT coalesce(max(seq), 0) FROM fills), ?4, ?5)"
)


class Durability(StrEnum):
    """FULL syncs at every commit; BATCH may lose the last moments with the power: for paper."""

    FULL = "full"
    BATCH = "batch"


class Journal:
    """The writer. Times called `now` or wall are of this machine; all others are market time."""

    def __init__(
        self,
        db: sqlite3.Connection,
        path: Path,
        lock: WriterLock,
        durability: Durability,
        wall_ns: Callable[[], int],
    ) -> None:
        self.path: Final = path
        self.digest = Digest()
        self.dropped = 0
        self._db, self._lock, self._wall_ns = db, lock, wall_ns
        self._copy_back = CopyBack(db)
        self._file = path.stat().st_ino
        self._reserve = Reserve(path.parent)
        self._head = Head(path.parent, at_once=durability is Durability.FULL)
        self._chain = Chain(db, wall_ns, self._head.committed)
        self._head.keep(self._chain.end)
        self._batch = Batch(db, path, self._chain)
        self._run = self._ledger = 0
        self._beat_at = float("-inf")

    @classmethod
    def open(
        cls,
        state_dir: Path,
        instance: str,
        *,
        durability: Durability = Durability.FULL,
        min_free_bytes: int = MIN_FREE_BYTES,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> Self:
        """Open `state_dir/instance/journal.sqlite`, new or sound, as its only writer."""
        path = prepare(state_dir / instance, min_free_bytes)
        with faults_named(path, "lock"):
            lock = WriterLock(path.parent)
        try:
            db = open_writer(path, instance, full=durability is Durability.FULL)
            with faults_named(path, "open"):
                return cls(db, path, lock, durability, wall_ns)
        except BaseException:
            lock.release()
            raise

    # what was before

    def last_run(self) -> memory.PastRun | None:
        """Return the newest run; None in a new journal."""
        with faults_named(self.path, "read"):
            return memory.last_run(self._db)

    def last_states(self) -> dict[str, State]:
        """Return the PAUSED and HALTED that outlive a restart, by coin (empty: the instance)."""
        with faults_named(self.path, "read"):
            return memory.last_states(self._db)

    def standing(self) -> tuple[Standing, ...]:
        """Return the words with an end of their own that stood when a bot was last heard of."""
        with faults_named(self.path, "read"):
            return standing.standing(self._db)

    def parked(self) -> tuple[Parked, ...]:
        """Return what this ledger had parked when a bot was last heard of."""
        with faults_named(self.path, "read"):
            return standing.parked(self._db, self._current_ledger())

    def open_intents(self) -> tuple[memory.OpenIntent, ...]:
        """Return the orders of this ledger whose end is not known, oldest first."""
        with faults_named(self.path, "read"):
            return memory.open_intents(self._db, self._current_ledger())

    def fills(self, since_ns: int = 0, purpose: str | None = None) -> tuple[Fill, ...]:
        """Return this ledger's committed fills from a market time on, of orders for a purpose."""
        with faults_named(self.path, "read"):
            ledger = self._current_ledger()
            return memory.fills(self._db, ledger, since_ns=since_ns, purpose=purpose)

    def spent(self, since_ns: int) -> dict[str, memory.Spent]:
        """Return by coin what this ledger has used of its daily limits since a market time."""
        with faults_named(self.path, "read"):
            return memory.spent(self._db, self._current_ledger(), since_ns)

    def last_account(self) -> memory.SavedAccount | None:
        """Return the account as it was last saved in this ledger, with the fills since."""
        with faults_named(self.path, "read"):
            return memory.last_account(self._db, self._current_ledger())

    # what happens

    def begin_run(self, start: RunStart) -> int:
        """Begin a run, on disk at once, and return its number; mark unended ones as interrupted."""
        with faults_named(self.path, "write"), self._chain.transaction():
            queue.give_back(self._db)
            begun = runs.begin(self._db, start, self._wall_ns())
            self._chain.run = begun[0]
        self._run, self._ledger = begun
        self.digest = Digest()
        return self._run

    def record(self, record: Record) -> None:
        """Write down what the core said."""
        self.digest.record(record)
        if isinstance(record, ExposureSample | MarginSample) and self._dropping():
            return
        table = TABLES.get(type(record))
        if table is not None:
            self._add(table.sql, (self._run, *table.values(record)))
        if isinstance(record, OrderTransition):
            self._add(INSERT_TRANSITION, (self._run, self._ledger, *transition_row(record)))
        elif isinstance(record, CommandOutcome):
            self._add(queue.OUTCOME_SQL, queue.outcome_row(record, self._wall_ns()))
            self._add(*act("commands", self._run, record.command_id))
        elif isinstance(record, StateChange):
            self._stick(record)
        elif isinstance(record, (Standing, Parked)):
            for statement in standing.statements(record, self._run, self._ledger):
                self._add(*statement)

    def intent(self, intent: Intent) -> None:
        """Write down an order that is to be sent; it may be sent once `commit` has returned."""
        self.digest.intent(intent)
        self._add(INSERT_INTENT, (self._run, self._ledger, *intent_row(intent)))

    def fill(self, fill: Fill) -> None:
        """Write down an execution; the same trade id again changes nothing."""
        self.digest.fill(fill)
        self._add(INSERT_FILL, (self._run, self._ledger, *fill_row(fill)))

    def equity(self, pnl: TwinPnl) -> None:
        """Write down profit and loss of the book and its twins."""
        if not self._dropping():
            totals = (pnl.hedged.total_usd, pnl.unhedged.total_usd, pnl.naive.total_usd)
            split = {"hedged": pnl.hedged, "unhedged": pnl.unhedged, "naive": pnl.naive}
            self._add(_EQUITY, (self._run, pnl.ts_ns, pnl.coin, *totals, to_json(split)))

    def account(
        self, ts_ns: int, positions: Sequence[Position], balances: Sequence[Balance]
    ) -> None:
        """Save the account to resume from: at the start, after each settlement and at the end."""
        rows = (to_json(list(positions)), to_json(list(balances)))
        self._add(_ACCOUNT, (self._run, self._ledger, ts_ns, *rows))

    def view(self, name: str, ts_ns: int, body: object) -> None:
        """Replace what readers are shown under a name, e.g. `greeks`: any JSON value."""
        if not self._dropping():
            self._add(_VIEW, (self._run, name, ts_ns, to_json(body)))

    def heard(self, event: Operator) -> None:
        """Write down a command that did not come through the queue: a signal or a file."""
        self._add(queue.HEARD_SQL, queue.heard_row(event, self._wall_ns()))

    # when it is on disk

    @property
    def busy(self) -> bool:
        """Tell whether another process held the file at the last attempt to write it."""
        return self._batch.busy

    def work(self) -> dict[str, float]:
        """Return how often the disk was written, how long that took (s), and what was left out."""
        batch, seconds = self._batch, self._batch.commit_ns / 1e9
        return {"commits": batch.commits, "seconds": seconds, "dropped": self.dropped}

    def commit(self) -> None:
        """Put everything recorded so far on disk, or raise JournalError and send nothing."""
        if self._batch.write():
            self._copy_back.committed()

    def tick(self, market_ns: int, state: State) -> None:
        """Say that the bot lives, once a second, and write what waits; call often, between events.

        While a commit fails that is tried at each heartbeat alone.
        """
        self.digest.fold()
        now = time.monotonic()
        beats = now - self._beat_at >= HEARTBEAT_S
        if beats:
            self._beat_at = now
            must_be_there(self.path, self._file)
            if not self._dropping():
                self._add(_BEAT, (self._run, self._wall_ns(), market_ns, state))
        if beats or not self._batch.failing:
            with suppress(JournalBusyError):
                self.commit()
                with faults_named(self.path, "write"):
                    self._copy_back.spare()

    def take_commands(self) -> tuple[queue.Command, ...]:
        """Return the commands that wait, each once and in order; call at least every 100 ms.

        While another process holds the file they go on waiting.
        """
        with suppress(JournalBusyError), faults_named(self.path, "read commands from"):
            transaction = self._chain.transaction
            return queue.take(self._db, transaction, self._run, self._wall_ns())
        return ()

    def end_run(self, summary: Mapping[str, Any], outcome: str = runs.STOPPED) -> None:
        """Close the run with its summary and digest."""
        end = (self._wall_ns(), self.digest.hexdigest(), to_json(summary), outcome, self._run)
        self._add(runs.END, end)
        self._add(*act("runs", self._run, self._run))
        self._commit_at_last()

    def close(self) -> None:
        """Write what waits and let the next bot in; raise JournalError only after both."""
        try:
            self._commit_at_last()
            with suppress(sqlite3.Error):  # closed already, or not all of it can be on disk
                if self._copy_back.all_of_it():
                    self._head.keep(self._chain.end)
        finally:
            self._batch.forget()
            self._head.close()
            with suppress(sqlite3.Error):  # the WAL is read back at the next opening
                self._db.close()
            self._lock.release()

    def _commit_at_last(self) -> None:
        """Commit; where the disk is full, in the room that was kept for the end of a run."""
        try:
            self.commit()
        except JournalBusyError:
            raise
        except JournalError:
            if not self._reserve.release():
                raise
            self.commit()

    def _add(self, sql: str, values: tuple[Any, ...]) -> None:
        if not self._run:
            raise JournalError("expected a run to be begun before anything is recorded, found none")
        self._batch.add(sql, values)

    def _dropping(self) -> bool:
        self.dropped += self._batch.failing
        return self._batch.failing

    def _stick(self, change: StateChange) -> None:
        # Only leaving a sticky state ends it: the way up after a restart passes through the others.
        if change.after in STICKY:
            reasons = to_json(change.reasons)
            self._add(_STICK, (change.coin, self._run, change.ts_ns, change.after, reasons))
        elif change.before in STICKY:
            self._add(_UNSTICK, (change.coin,))
        else:
            return
        self._add(*act("sticky", self._run, change.coin))

    def _current_ledger(self) -> int:
        if self._ledger:
            return self._ledger
        last = memory.last_run(self._db)
        return last.ledger if last else 0
