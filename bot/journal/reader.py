"""The journal for everyone else: how the newest run stands, and the way to ask for something.

Readers never stand in the way of the writer. What they show is marked stale when no bot holds the
lock or its heartbeat is old. A command is the one thing that a reader writes.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from bot.domain.errors import JournalError
from bot.domain.positions import TRADING_ACCOUNT, Position
from bot.domain.records import SHADOW
from bot.domain.states import State, stricter
from bot.domain.units import NS_PER_S
from bot.journal import condition, lock, memory, queue, standing
from bot.journal.database import FILE, connect_to_read, faults_named
from bot.journal.rows import from_json
from bot.journal.runs import STOPPED

STALE_AFTER_S: Final = 5.0
_POLL_S: Final = 0.02
_SHOWN: Final = (
    *("numeraire", "index", "delta_coin", "delta_low_coin", "delta_high_coin"),
    *("target", "lower", "upper", "gamma_coin_per_pct", "gamma_expiring_coin_per_pct"),
    *("vega_usd", "theta_usd_day", "equity_usd", "shocks", "vega_by_tenor_usd"),
    *("unknown_orders", "doubts"),
)

_MARGIN: Final = (
    *("model", "cash", "equity", "funds", "initial_margin", "maintenance_margin"),
    *("down", "up", "delta_venue", "delta_ours"),
)


def instances(state_dir: Path) -> list[str]:
    """Return the instances that have a journal, the most recently written first."""

    def written(path: Path) -> float:
        wal = path.with_name(f"{FILE}-wal")
        return max(item.stat().st_mtime for item in (path, wal) if item.exists())

    found = sorted(state_dir.glob(f"*/{FILE}"), key=written, reverse=True)
    return [path.parent.name for path in found]


class Reader:
    """One instance's journal, to read and to queue commands in."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self.path: Final = path
        self._db = db
        self._db.row_factory = None

    @classmethod
    def open(cls, state_dir: Path, instance: str | None = None) -> Self:
        """Open an instance's journal, or the most recently written one."""
        if instance is None:
            instance = next(iter(instances(state_dir)), None)
        if instance is None or not (state_dir / instance / FILE).is_file():
            where = state_dir / (instance or "*") / FILE
            raise JournalError(f"expected a journal at {where}, found none: has a bot run there?")
        path = state_dir / instance / FILE
        with faults_named(path, "open"):
            db = connect_to_read(path, instance)
        return cls(db, path)

    def close(self) -> None:
        """Let go of the file; harmless when repeated."""
        with suppress(sqlite3.Error):
            self._db.close()

    # how things stand

    def running(self) -> bool:
        """Tell whether a bot holds this journal now."""
        return lock.held(self.path.parent)

    def monitored(self) -> bool:
        """Tell whether a monitor that tells others, and shows that it lives, follows this now."""
        return lock.lives(self.path.parent, lock.MONITOR)

    def stale(self) -> bool:
        """Tell whether what is read here is old: no bot runs, its run is over, no heartbeat."""
        age = self.heartbeat_age_s()
        over = not self.running() or self.run()["outcome"] is not None
        return over or age is None or abs(age) > STALE_AFTER_S

    def heartbeat_age_s(self) -> float | None:
        """Return the wall seconds since the newest run last said that it lives; None if never."""
        beat = self._one("SELECT wall_ns FROM heartbeat WHERE run = (SELECT max(id) FROM runs)")
        return None if beat is None else (time.time_ns() - int(beat["wall_ns"])) / NS_PER_S

    def newest_beat(self) -> tuple[int, int | None, bool]:
        """Return the newest run, when it last said that it decides (wall ns), if it ended well."""
        found = self._one(
            "SELECT id, wall_ns, outcome FROM runs LEFT JOIN heartbeat ON run = id"
            " ORDER BY id DESC LIMIT 1"
        )
        if found is None:
            raise JournalError(f"expected a run in {self.path}, found none yet")
        return found["id"], found["wall_ns"], found["outcome"] == STOPPED

    def held(self) -> bool:
        """Tell whether another process holds the file, so that the bot cannot write."""
        return condition.held_by_another(self._db)

    def run(self) -> dict[str, Any]:
        """Return the newest run: what it is, and its summary, digest and outcome once it ended."""
        found = self._one("SELECT * FROM runs ORDER BY id DESC LIMIT 1")
        if found is None:
            raise JournalError(f"expected a run in {self.path}, found none yet")
        return found | {name: from_json(found[name]) for name in ("settings", "summary")}

    def status(self) -> dict[str, Any]:
        """Return how the newest run stands, in the shape that `status --json` prints.

        A coin without an exposure sample has its state, `measured` false and no figures; `why` says
        since when and for what reasons one does not run freely.
        """
        run = self.run()
        beat = self._one("SELECT market_ns, state FROM heartbeat WHERE run = ?", run["id"])
        samples = self.rows(
            "SELECT * FROM exposure WHERE seq IN"
            " (SELECT max(seq) FROM exposure WHERE run = ? GROUP BY coin) ORDER BY coin",
            run["id"],
        )
        samples = self._freshened(samples)
        states = self._states(run["id"])
        whole = states.get("") or State(beat["state"] if beat else State.BOOT)
        coins = {row["coin"]: _underlying(row, states, whole) for row in samples}
        for coin, said in run["settings"].get("underlying", {}).items():
            coins.setdefault(coin, _unmeasured(said, stricter(whole, states.get(coin, whole))))
        margins = self.rows(
            "SELECT * FROM margins WHERE seq IN"
            " (SELECT max(seq) FROM margins WHERE run = ? GROUP BY coin)",
            run["id"],
        )
        for row in margins:
            if row["coin"] in coins:
                coins[row["coin"]]["margin"] = {name: row[name] for name in _MARGIN}
        times = [sample["ts_ns"] for sample in samples] + [beat["market_ns"] if beat else 0]
        now_ns = max([run["market_start_ns"], *times])
        with faults_named(self.path, "read"):
            why = condition.whys(self._db, run["id"])
        plans = self.view("plan") or {}
        for coin, row in coins.items():
            row[SHADOW] = plans.get(coin, {}).get(SHADOW)
            with faults_named(self.path, "read"):
                row.update(standing.shown(self._db, run["ledger"], coin, now_ns))
            row["state"] = stricter(row["state"], State.PAUSED) if row["off"] else row["state"]
            row["why"] = condition.why_of(coin, why)
        return {
            "instance": self.path.parent.name,
            "mode": run["mode"],
            "market": run["market"],
            "run": run["id"],
            "state": whole,
            "stale": self.stale(),
            "ts_ns": now_ns,
            "disconnected": self._disconnected(),
            "underlyings": dict(sorted(coins.items())),
        }

    def positions(self) -> list[dict[str, Any]]:
        """Return the holdings: the newest `positions` view, or the saved account with its fills."""
        shown = self.view("positions")
        if shown is not None:
            return list(shown)
        with faults_named(self.path, "read"):
            run = self.run()
            account = memory.last_account(self._db, run["ledger"])
        if account is None:
            return []
        return [_position(held) for held in account.positions_now(_trading(run["settings"]))]

    def greeks(self) -> list[dict[str, Any]]:
        """Return the newest `greeks` view, or one row per underlying from the exposure samples."""
        shown = self.view("greeks")
        if shown is not None:
            return list(shown)
        names = (
            "numeraire",
            "index",
            "delta_coin",
            "gamma_coin_per_pct",
            "vega_usd",
            "theta_usd_day",
        )
        status = self.status()["underlyings"]
        return [
            {"coin": coin, **{name: row[name] for name in names}}
            for coin, row in status.items()
            if row["measured"]
        ]

    def view(self, name: str) -> Any:  # noqa: ANN401  JSON
        """Return what the newest run shows under a name; None if nothing."""
        row = self._one(
            "SELECT body FROM views WHERE run = (SELECT max(id) FROM runs) AND name = ?", name
        )
        return None if row is None else from_json(row["body"])

    def hedges(self, limit: int = 50) -> list[dict[str, Any]]:
        """Return the newest run's last hedges, oldest first."""
        rows = self.rows(
            "SELECT * FROM hedges WHERE run = (SELECT max(id) FROM runs) ORDER BY seq DESC LIMIT ?",
            limit,
        )
        return rows[::-1]

    def decisions(self, coin: str, kind: str, limit: int = 1) -> list[dict[str, Any]]:
        """Return the newest run's last decisions of a kind, newest first, with what is nested."""
        rows = self.rows(
            "SELECT * FROM decisions WHERE run = (SELECT max(id) FROM runs)"
            " AND coin = ? AND kind = ? ORDER BY seq DESC LIMIT ?",
            *(coin, kind, limit),
        )
        nested = ("trades", "candidates", "reasons", "refused", "snapshot")
        return [row | {name: from_json(row[name]) for name in nested} for row in rows]

    def equity(self, coin: str = "") -> dict[str, Any] | None:
        """Return the newest profit and loss of a coin (empty: the book) with its split, if any."""
        row = self._one(
            "SELECT * FROM equity WHERE run = (SELECT max(id) FROM runs) AND coin = ?"
            " ORDER BY seq DESC LIMIT 1",
            coin,
        )
        return None if row is None else row | {"split": from_json(row["split"])}

    # asking

    def submit(
        self,
        verb: str,
        coin: str = "",
        *,
        who: str,
        why: str = "",
        arguments: Mapping[str, Any] | None = None,
        name: str | None = None,
        why_not: str = "",
    ) -> str:
        """Queue a command for the bot and return its id, a new one where none is named.

        With `why_not` it is written down as refused instead, and no bot sees it.
        """
        name = name or queue.new_id()
        asked = queue.Command(name, verb, coin, arguments or {}, who, why, time.time_ns())
        with faults_named(self.path, "queue a command in"):
            if why_not:
                queue.refuse(self._db, asked, why_not)
            else:
                queue.submit(self._db, asked)
        return name

    def answer(self, name: str) -> queue.Answer:
        """Return how a command stands."""
        with faults_named(self.path, "read"):
            found = queue.answer(self._db, name)
        if found is None:
            raise JournalError(f"expected a command {name!r} in {self.path}, found none")
        return found

    def wait(self, name: str, timeout_s: float) -> queue.Answer:
        """Wait until a command is done, at most `timeout_s`, and return how it stands then."""
        deadline = time.monotonic() + timeout_s
        while not (found := self.answer(name)).done and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        return found

    def withdraw(self, name: str) -> bool:
        """Take back a command that no bot has taken; False when it is too late."""
        with faults_named(self.path, "write"):
            return queue.withdraw(self._db, name, time.time_ns())

    def _freshened(self, samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the samples with those replaced that the newest run shows younger ones of."""
        rows = {row["coin"]: row for row in samples}
        shown: Mapping[str, dict[str, Any]] = self.view("exposure") or {}
        for coin, row in shown.items():
            if coin not in rows or row["ts_ns"] >= rows[coin]["ts_ns"]:
                rows[coin] = row
        return [rows[coin] for coin in sorted(rows)]

    def _disconnected(self) -> dict[str, int]:
        """Return since when (wall ns) the connections of a running bot are lost, by name."""
        shown = self.view("connection") if self.running() else None
        return {} if shown is None else dict(shown["lost_ns"])

    def _states(self, run: int) -> dict[str, State]:
        rows = self.rows(
            "SELECT coin, after FROM states WHERE seq IN"
            " (SELECT max(seq) FROM states WHERE run = ? GROUP BY coin)",
            run,
        )
        return {row["coin"]: State(row["after"]) for row in rows}

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Return what a query finds, by column; for the modules of this package."""
        with faults_named(self.path, "read"):
            cursor = self._db.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def _one(self, sql: str, *values: object) -> dict[str, Any] | None:
        return next(iter(self.rows(sql, *values)), None)


def _underlying(row: dict[str, Any], states: Mapping[str, State], whole: State) -> dict[str, Any]:
    coin = str(row["coin"])
    state = stricter(whole, states[coin]) if coin in states else State(row["state"])
    nested = {name: row[name] for name in ("shocks", "vega_by_tenor_usd", "doubts")}
    nested = {name: from_json(x) if isinstance(x, str) else x for name, x in nested.items()}
    # The shadow's figures have a place of their own.
    shocks = nested["shocks"].items()
    nested["shocks"] = {name: x for name, x in shocks if not name.startswith(f"{SHADOW}_")}
    shown = {name: row[name] for name in _SHOWN}
    return {"state": state, "measured": True, **shown, **nested, "margin": None}


def _unmeasured(said: Mapping[str, Any], state: State) -> dict[str, Any]:
    """Return the row of a coin that the run is about but has not measured; `said` its settings."""
    nothing: dict[str, Any] = dict.fromkeys(_SHOWN)
    nothing |= {"numeraire": said.get("numeraire")}
    nothing |= {"shocks": {}, "vega_by_tenor_usd": {}, "doubts": [], "margin": None}
    return {"state": state, "measured": False, **nothing}


def _trading(settings: Mapping[str, Any]) -> str:
    """Return what a run called the account that it sent its orders to."""
    venues = settings.get("venue") or {}
    return next((str(one["account"]) for one in venues.values()), TRADING_ACCOUNT)


def _position(held: Position) -> dict[str, Any]:
    return {
        "instrument": held.instrument,
        "quantity": str(held.quantity.value),
        "unit": held.quantity.unit,
        "tag": held.tag,
        "account": held.account,
    }
