"""One instance's journal, looked at from outside: short reads, never a lasting one.

A look asks first whether anything was committed since; where nothing was, it costs next to nothing.
A journal that is missing, held, of another version or replaced is a word on the page, not a fault.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.domain.errors import JournalError
from bot.domain.units import NS_PER_S
from bot.journal.database import FILE, connect_to_read
from bot.journal.day import whole_breaches
from bot.journal.reader import STALE_AFTER_S, Reader
from bot.journal.rows import from_json
from bot.monitor.dashboard.history import Fresh, History
from bot.monitor.dashboard.orders import Orders
from bot.monitor.dashboard.series import ms
from bot.monitor.reach import unreached
from bot.monitor.wording import NOBODY_TOLD, because, not_told, somebody

ALIVE_S: Final = 1.0
VIEWS: Final = ("exposure", "plan", "greeks", "positions", "feeds", "chain", "loop", "connection")
_VIEWS: Final = "SELECT name, ts_ns, body FROM views WHERE run = ?"
_STATES: Final = """
SELECT ts_ns, coin, before, after, reasons FROM states
WHERE run IN (SELECT id FROM runs WHERE ledger = ?) ORDER BY seq DESC LIMIT 12
"""
_COMMANDS: Final = """
SELECT at_ns, verb, coin, who, why, accepted, outcome FROM commands ORDER BY seq DESC LIMIT 8
"""
_BREACHES: Final = """
SELECT * FROM breaches
WHERE run IN (SELECT id FROM runs WHERE ledger = ?) ORDER BY seq DESC LIMIT 300
"""
TOLD_BREACHES: Final = 16
_REFUSED: Final = """
SELECT ts_ns, coin, kind, reasons, refused FROM decisions
WHERE run = ? AND refused != '[]' AND kind != 'shadow' ORDER BY seq DESC LIMIT 8
"""
_BEAT: Final = "SELECT wall_ns, market_ns, state FROM heartbeat WHERE run = ?"
_TABLE: Final = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"


@dataclass(slots=True)
class Look:
    """What a look found. `book` is another where everything is read anew, None where nothing is.

    `parts` replace what was there; `fresh` are new rows, `inputs` what has to be computed from.
    """

    book: tuple[int, int, int] | None
    parts: dict[str, Any] = field(default_factory=dict)
    fresh: Fresh = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)


class Watch:
    """A reader of one instance; to be used from one thread."""

    def __init__(
        self, state_dir: Path, instance: str, wall_ns: Callable[[], int] = time.time_ns
    ) -> None:
        """Look at nothing yet."""
        self._dir, self.instance, self._wall_ns = state_dir, instance, wall_ns
        self._path = state_dir / instance / FILE
        self._reader: Reader | None = None
        self._db: Any = None
        self._file = 0
        self._book: tuple[int, int, int] | None = None
        self._begun = 0
        self._ledger = 0
        self._history = History(0)
        self._orders = Orders(0)
        self._seen: dict[str, int] = {}
        self._data = self._alive_at = -1
        self._attribution = self._breaches = False

    def look(self) -> Look:
        """Return what is new since the last look."""
        try:
            return self._look()
        except JournalError as fault:
            return self._blind(str(fault))
        except Exception as fault:  # noqa: BLE001  a page must say what it cannot read, and go on
            return self._blind(f"cannot read {self._path}: {type(fault).__name__}: {fault}")

    def close(self) -> None:
        """Let go of the journal; the next look begins anew."""
        if self._reader is not None:
            self._reader.close()
        self._reader = self._db = self._book = None

    def _blind(self, why: str) -> Look:
        self.close()
        return Look(None, {"now": {"instance": self.instance, "problem": why, "stale": True}})

    def _look(self) -> Look:
        found = self._path.stat().st_ino if self._path.exists() else 0
        if not found:
            raise JournalError(f"no bot has run as {self.instance!r} in {self._dir} yet")
        if self._reader is None or found != self._file:
            self.close()
            self._db = connect_to_read(self._path, self.instance)
            self._reader, self._file = Reader(self._db, self._path), found
            self._data = self._alive_at = -1
        changed = self._changed()
        now_ns = self._wall_ns()
        if not changed and now_ns - self._alive_at < ALIVE_S * 1e9:
            return Look(self._book)
        self._alive_at = now_ns
        run = self._reader.run()
        self._begin(run)
        look = Look(self._book)
        beat = self._db.execute(_BEAT, (run["id"],)).fetchone()
        look.parts["now"] = self._now(run, beat, now_ns)
        if changed:
            self._read(look, run)
        return look

    def _changed(self) -> bool:
        """Tell whether another process has committed since the last look."""
        data = int(self._db.execute("PRAGMA data_version").fetchone()[0])
        changed, self._data = data != self._data, data
        return changed

    def _begin(self, run: dict[str, Any]) -> None:
        """Begin anew where another ledger runs now, or after the journal was let go of."""
        ledger = int(run["ledger"])
        if self._book is not None and self._book[:2] == (self._file, ledger):
            return
        self._begun += 1
        self._book, self._ledger = (self._file, ledger, self._begun), ledger
        self._history, self._orders = History(self._ledger), Orders(self._ledger)
        self._seen = {}
        self._attribution, self._breaches = (
            self._db.execute(_TABLE, (name,)).fetchone() is not None
            for name in ("attribution", "breaches")
        )

    def _now(self, run: dict[str, Any], beat: Any, now_ns: int) -> dict[str, Any]:  # noqa: ANN401
        assert self._reader is not None
        running = self._reader.running()
        wall, market, state = beat or (None, run["market_start_ns"], "BOOT")
        old = wall is None or abs(now_ns - wall) > STALE_AFTER_S * 1e9
        why = ""
        if not running:
            why = f"no bot is running; the last run: {run['outcome']}" if run["outcome"] else (
                "no bot is running: the last one was cut off")  # fmt: skip
        elif old:
            why = "the bot runs but has not said for a while that it decides"
        untold = list[str]()
        if not why and somebody(run["settings"]):
            follows, folder = self._reader.monitored(), self._reader.path.parent
            untold = list(not_told(unreached(folder))) if follows else [NOBODY_TOLD]
        return {
            "instance": self.instance, "stale": not running or old, "running": running,
            "why": why, "untold": "; ".join(untold), "problem": "",
            "beat": None if wall is None else ms(wall),
            "market": ms(market), "state": state, "mode": run["mode"], "source": run["market"],
            "run": run["id"], "ledger": run["ledger"], "version": run["version"],
            "seed": run["seed"], "started": ms(run["started_ns"]),
            "begun": ms(run["market_start_ns"]), "attribution": self._attribution,
            "limits": {name: run["settings"].get("limits", {}).get(f"{name}_margin_share")
                       for name in ("initial", "maintenance")},
        }  # fmt: skip

    def _read(self, look: Look, run: dict[str, Any]) -> None:
        assert self._reader is not None
        db = self._db
        views = {name: (ts, body) for name, ts, body in db.execute(_VIEWS, (run["id"],))}
        shown = {name: from_json(views[name][1]) for name in VIEWS if name in views}
        status = self._reader.status()
        look.parts["coins"] = status["underlyings"]
        look.parts["lost"] = {k: ms(v) for k, v in status["disconnected"].items()}
        look.parts["plan"] = {c: _plan(p) for c, p in (shown.get("plan") or {}).items()}
        look.parts["positions"] = self._reader.positions()
        look.parts["legs"] = shown.get("greeks") or []
        look.parts["feeds"] = shown.get("feeds") or {}
        look.parts["shown"] = ms(views["feeds"][0]) if "feeds" in views else None
        look.parts["loop"] = shown.get("loop") or {}
        look.fresh = self._history.fresh(db, attribution=self._attribution)
        self._live(look, shown)
        look.fresh["done"] = self._orders.fresh(db)
        look.parts["orders"] = self._orders.body()
        look.parts["told"] = self._told(run)
        for name in ("greeks", "chain", "exposure", "feeds"):
            stamp = hash(views[name][1]) if name in views else 0
            if stamp != self._seen.get(name):
                self._seen[name] = stamp
                look.inputs[name] = shown.get(name)

    def _live(self, look: Look, shown: dict[str, Any]) -> None:
        """Add what the bot shows between its samples to the line."""
        for coin, sample in (shown.get("exposure") or {}).items():
            inputs = ((shown.get("plan") or {}).get(coin) or {}).get("band_inputs")
            if sample["index"] is None or not inputs:
                continue
            policy = (inputs["policy_lower"], inputs["policy_upper"])
            row = self._history.live(coin, sample, policy)
            rows = look.fresh["points"].setdefault(coin, [])
            if not rows or row[0] > rows[-1][0]:  # the journal may know more by now
                rows.append(row)

    def _newest_breaches(self) -> list[dict[str, Any]]:
        """Return the breaches that were told of last, the newest first."""
        assert self._reader is not None
        if not self._breaches:
            return []
        parts = self._reader.rows(_BREACHES, self._ledger)
        whole = sorted(whole_breaches(reversed(parts)), key=lambda one: -one["seq"])
        return whole[:TOLD_BREACHES]

    def _told(self, run: dict[str, Any]) -> dict[str, Any]:
        """Return the newest changes of state, commands and refusals."""
        db = self._db
        return {
            "states": [
                {"t": ms(ts), "coin": coin, "before": before, "after": after,
                 "why": "; ".join(map(because, from_json(why)))}
                for ts, coin, before, after, why in db.execute(_STATES, (self._ledger,))
            ],
            "commands": [
                {"t": ms(at), "verb": verb, "coin": coin, "who": who, "why": why,
                 "accepted": accepted, "outcome": outcome}
                for at, verb, coin, who, why, accepted, outcome in db.execute(_COMMANDS)
            ],
            "breaches": [
                {"t": ms(one["ts_ns"]), "since": ms(one["since_ns"]), "coin": one["coin"],
                 "kind": one["kind"], "worst": one["worst"],
                 "seconds": (one["ts_ns"] - one["since_ns"]) / NS_PER_S, "over": bool(one["over"]),
                 "last_run": one["run"] == run["id"]}
                for one in self._newest_breaches()
            ],
            "refusals": [
                {"t": ms(ts), "coin": coin, "kind": kind,
                 "why": "; ".join(map(because, from_json(why))),
                 "refused": "; ".join(map(because, from_json(refused)))}
                for ts, coin, kind, why, refused in db.execute(_REFUSED, (run["id"],))
            ],
        }  # fmt: skip


def _plan(plan: dict[str, Any]) -> dict[str, Any]:
    """Return of a plan what a page shows."""
    names = (
        "band_inputs",
        "after",
        "trades",
        "proposed",
        "cost_usd",
        "reasons",
        "refused",
        "notes",
    )
    kept = {name: plan.get(name) for name in names}
    with suppress(KeyError, TypeError):
        kept["instruments"] = [
            {k: one[k] for k in ("instrument", "used", "all_in_usd", "why")}
            for one in plan["instruments"]
        ]
    return kept
