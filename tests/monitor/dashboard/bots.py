"""Bots as a dashboard sees them: journals that live, and books that a real core has shown."""

import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import config
from bot import wiring
from bot.domain.events import Tick
from bot.domain.records import PROFIT_LINES
from bot.domain.states import State
from bot.domain.units import NS_PER_S
from bot.journal import Journal
from bot.journal.rows import from_json, to_json
from bot.wiring.views import Views
from tests.journal.records import T0, decision, hedge_done, run_start, sample

Deed = Callable[[Journal], None]


def write(state: Path, *deeds: Deed, instance: str = "demo", fresh: bool = True) -> None:
    """Leave behind the journal of a run that did some deeds and ended."""
    journal = Journal.open(state, instance)
    journal.begin_run(run_start(fresh=fresh))
    for deed in deeds:
        deed(journal)
    journal.tick(T0, State.RUNNING)
    journal.end_run({})
    journal.close()


def hedge(n: int, **changed: Any) -> Deed:
    """Return the deed of a decision and its hedge in second `n`."""

    def deed(journal: Journal) -> None:
        journal.record(decision(n))
        journal.record(hedge_done(n, **changed))

    return deed


def measured(n: int, **changed: Any) -> Deed:
    """Return the deed of an exposure sample in second `n`."""
    taken = sample(ts_ns=T0 + n * NS_PER_S, **changed)
    return lambda journal: journal.record(taken)


class Bot:
    """A bot that holds its journal and does from its own thread what it is told."""

    def __init__(self, state: Path, *deeds: Deed, instance: str = "demo") -> None:
        """Begin a run and live."""
        self._state, self._instance = state, instance
        self._told: queue.Queue[tuple[Deed, threading.Event] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._live)
        self._thread.start()
        self.tell(*deeds, measured(1))

    def tell(self, *deeds: Deed) -> None:
        """Do something now: it is on disk when this returns."""
        for deed in deeds:
            done = threading.Event()
            self._told.put((deed, done))
            assert done.wait(10)

    def end(self) -> None:
        """Stop living; harmless when repeated."""
        self._told.put(None)
        self._thread.join(10)

    def _live(self) -> None:
        journal = Journal.open(self._state, self._instance)
        journal.begin_run(run_start())
        while True:
            try:
                told = self._told.get(timeout=0.05)
            except queue.Empty:
                journal.tick(T0, State.RUNNING)
                continue
            if told is None:
                break
            told[0](journal)
            journal.commit()
            told[1].set()
        journal.close()


def explain(
    state: Path, minutes: int, instance: str = "demo", start_ns: int = T0, **causes: float
) -> None:
    """Add so many minutes of explained profit to a journal that has a run."""
    names = ("run", "start_ns", "ts_ns", "coin", "unpriced", *PROFIT_LINES, "total")
    marks = ", ".join("?" * len(names))
    figures = [causes.get(name, 0.0) for name in PROFIT_LINES]
    with closing(sqlite3.connect(state / instance / "journal.sqlite")) as db, db:
        for n in range(1, minutes + 1):
            end_ns = start_ns + n * 60 * NS_PER_S
            row = (1, end_ns - 60 * NS_PER_S, end_ns, "BTC", 0, *figures, sum(figures))
            db.execute(f"INSERT INTO attribution ({', '.join(names)}) VALUES ({marks})", row)


@cache
def shown(seconds: float, *changes: str) -> dict[str, Any]:
    """Return the views of the demo book after some market seconds, as a reader finds them."""
    settings = config.load((), changes, environ={}).settings
    graph = wiring.paper(settings, wiring.market(settings, 7), seed=7)
    until = graph.market.start_ns + round(seconds * NS_PER_S)
    while (event := graph.venue.next_event(until)) is not None:
        for command in graph.core.handle(event):
            if not hasattr(command, "record"):
                graph.venue.send(command, event.ts_ns)
    graph.core.handle(Tick(until))
    return {name: from_json(to_json(body)) for name, body in Views(graph.core)(until)}
