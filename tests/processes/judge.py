"""What the exchange has booked beside what the bot's journal says: nothing twice, nothing unknown.

The journal is read as its file is, by a reader that stands in nobody's way.
"""

import asyncio
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from bot.domain.orders import TERMINAL, OrderState
from bot.domain.units import NS_PER_S
from bot.sim.wire.server import Server

LEFT_OPEN = "open in the journal of an earlier run"
QUIET_S = 30.0
UP = ("READY", "RUNNING", "REDUCE_DELTA_ONLY")


class Diary:
    """The journal of a bot, while it runs or afterwards."""

    def __init__(self, folder: Path) -> None:
        """Begin before there is a journal."""
        self.path = folder / "sand" / "journal.sqlite"
        self._db: sqlite3.Connection | None = None

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what the journal answers; nothing while there is none."""
        if self._db is None:
            if not self.path.exists():
                return []
            self._db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5.0)
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.OperationalError:  # it is being born
            self.close()
            return []

    def newest_run(self) -> int:
        """Return the number of the newest run; 0 before the first."""
        found = self.rows("SELECT max(id) FROM runs")
        return int(found[0][0] or 0) if found else 0

    def run_after(self, before: int) -> int | None:
        """Return the first run after another one, None while there is none."""
        found = self.rows("SELECT min(id) FROM runs WHERE id > ?", before)
        return found[0][0] if found else None

    def pid(self, run: int) -> int:
        """Return the process of a run."""
        return int(self.rows("SELECT pid FROM runs WHERE id = ?", run)[0][0])

    def ready_ns(self, run: int) -> int | None:
        """Return when a run's underlying was READY or further (wall ns), None until then."""
        found = self.rows(
            "SELECT min(ts_ns) FROM states WHERE run = ? AND coin = 'BTC' AND after IN (?, ?, ?)",
            *(run, *UP),
        )
        return found[0][0] if found else None

    def state(self, at_ns: int | None = None) -> str:
        """Return the state of the newest run's underlying, now or at a moment (wall ns)."""
        found = self.rows(
            "SELECT after FROM states WHERE coin = 'BTC' AND run = (SELECT max(id) FROM runs)"
            " AND ts_ns <= ? ORDER BY seq DESC LIMIT 1",
            time.time_ns() if at_ns is None else at_ns,
        )
        return str(found[0][0]) if found else ""

    def questions(self, run: int) -> set[str]:
        """Return the labels whose fate was open when a run began."""
        found = self.rows(
            "SELECT label FROM transitions WHERE run = ? AND evidence = ?", run, LEFT_OPEN
        )
        return {row[0] for row in found}

    def denials(self, run: int) -> set[str]:
        """Return the labels that a run found to be booked nowhere."""
        found = self.rows(
            "SELECT label FROM transitions WHERE run = ? AND after = ?", run, OrderState.NOT_BOOKED
        )
        return {row[0] for row in found}

    def intents(self) -> int:
        """Return how many orders the bot has decided."""
        found = self.rows("SELECT count(*) FROM intents")
        return int(found[0][0]) if found else 0

    def fates(self) -> dict[str, str]:
        """Return what the journal says last of each order that was decided."""
        fates = {str(row[0]): "decided" for row in self.rows("SELECT label FROM intents")}
        return fates | dict(self.rows("SELECT label, after FROM transitions ORDER BY seq"))

    def unresolved(self) -> list[str]:
        """Return the labels whose end the journal does not know."""
        return [label for label, fate in self.fates().items() if fate not in TERMINAL]

    def held(self) -> dict[str, float] | None:
        """Return what the newest run shows that it holds; None before it shows anything."""
        found = self.rows(
            "SELECT body FROM views WHERE name = 'positions' AND run = (SELECT max(id) FROM runs)"
        )
        if not found:
            return None
        total: Counter[str] = Counter()
        for row in orjson.loads(found[0][0]):
            total[row["instrument"]] += row["quantity"]
        return {name: size for name, size in total.items() if size}

    def close(self) -> None:
        """Let the journal go."""
        if self._db is not None:
            self._db.close()
            self._db = None


class Judge(Diary):
    """Compares an exchange with the journal of one bot on it."""

    def __init__(self, folder: Path, server: Server) -> None:
        """Begin before there is a journal."""
        super().__init__(folder)
        self.server = server

    def booked(self) -> Counter[str]:
        """Return how often each label was booked."""
        return Counter(one.label for one in self.server.hub.exchange.tickets.values())

    def positions(self) -> dict[str, float]:
        """Return what the exchange has on its books."""
        holdings = self.server.hub.exchange.holdings.values()
        return {h.instrument.name: float(h.quantity) for h in holdings if h.quantity}

    def duplicates(self) -> list[str]:
        """Return the labels that were booked more than once."""
        return [label for label, count in self.booked().items() if count > 1]

    def orphans(self) -> list[str]:
        """Return the booked labels that the journal does not know."""
        known = {row[0] for row in self.rows("SELECT label FROM intents")}
        return [label for label in self.booked() if label not in known]

    def untold_fills(self) -> list[str]:
        """Return the trades of the exchange that the journal does not have."""
        known = {row[0] for row in self.rows("SELECT trade_id FROM fills")}
        fills = [one.fill for one in self.server.hub.exchange.executions]
        return [fill.trade_id for fill in fills if fill.trade_id not in known]

    def contradictions(self) -> list[str]:
        """Return the orders whose end in the journal is not what the exchange did."""
        fates, tickets = self.fates(), self.server.hub.exchange.tickets.values()
        booked = {one.label for one in tickets if one.order.state is not OrderState.REJECTED}
        nowhere = {OrderState.NOT_BOOKED, OrderState.REJECTED}
        denied = [x for x, fate in fates.items() if fate in nowhere and x in booked]
        filled = [x for x, fate in fates.items() if fate == "filled" and x not in booked]
        return denied + filled

    def agrees(self) -> bool:
        """Tell whether nothing is under way and both sides hold the same."""
        resting = self.server.hub.exchange.working
        return not resting and self.held() == self.positions() and not self.unresolved()

    async def agree(self, within_s: float = QUIET_S) -> bool:
        """Wait for a quiet moment in which both sides hold the same; False where none comes."""
        until = time.monotonic() + within_s
        while not self.agrees():
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0.05)
        return True

    def difference(self) -> str:
        """Return what is not the same now, for messages."""
        ours, theirs = self.held() or {}, self.positions()
        names = sorted(ours.keys() | theirs.keys())
        apart = {n: (ours.get(n), theirs.get(n)) for n in names if ours.get(n) != theirs.get(n)}
        return f"(bot, exchange) {apart}, open {self.unresolved()}, state {self.state()}"


def spread(seconds: list[float]) -> str:
    """Return the median and the 99th percentile of some times, as words."""
    if not seconds:
        return "-"
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]
    return f"{ordered[len(ordered) // 2]:.2f}/{p99:.2f} s ({len(ordered)})"


def since(begin_ns: int, end_ns: int) -> float:
    """Return the seconds between two moments."""
    return (end_ns - begin_ns) / NS_PER_S
