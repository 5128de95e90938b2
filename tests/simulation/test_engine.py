"""The engine's ways out and what holds it: faults cancel what works, the HALT file must go."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from bot.domain.commands import Place
from bot.domain.events import Event, PositionsReport
from bot.domain.orders import TimeInForce
from bot.domain.states import State
from bot.journal import Reader
from tests.simulation.drive import START_NS, book, seconds
from tests.simulation.live import Script, live

STRADDLE = (("BTC-12JAN26-92000-C", -10.0), ("BTC-12JAN26-92000-P", -10.0))


class Stumbling:
    """An observer with a fault of its own: it falls over the first order that rests."""

    def __init__(self, exchange):
        """Look at an exchange."""
        self.exchange = exchange

    def see(self, _event):
        """Fall as soon as an order rests."""
        if any(o.intent.time_in_force is TimeInForce.GTC for o in self.exchange.working):
            raise RuntimeError("stumbled")

    def note(self, record):
        """Ignore what the bot says."""


def test_any_fault_cancels_what_works_and_says_so(tmp_path):
    """A bug must not leave an order in the market with nobody watching it."""
    run = live(book(*STRADDLE, band=0.1), tmp_path, seed=3)
    venue = run.paper.venue
    with pytest.raises(RuntimeError, match="stumbled") as caught:
        run.run(1_200.0, Stumbling(venue.exchange))
    assert len(venue.exchange.working) == 1
    assert "cancellation of 1 working orders was sent" in caught.value.__notes__[-1]
    until_ns = (venue.next_time() or 0) + seconds(2)
    while venue.next_event(until_ns) is not None:
        continue
    assert not venue.exchange.working


class Late:
    """A venue's events with the first positions three seconds late: the last thing to be known."""

    def __init__(self, next_event):
        """Stand before a venue's own."""
        self.next_event, self.told = next_event, False
        self.held: list[PositionsReport] = []
        self.ready: list[Event] = []

    def __call__(self, until_ns=None):
        """Return the next event."""
        if self.ready:
            return self.ready.pop(0)
        event = self.next_event(until_ns)
        if not self.told and isinstance(event, PositionsReport):
            self.held.append(event)
            event = self.next_event(until_ns)
        if event is not None and self.held and event.ts_ns > self.held[0].ts_ns + seconds(3):
            self.told = True
            self.ready.append(event)
            return replace(self.held.pop(), ts_ns=event.ts_ns)
        return event


def test_what_a_killed_run_is_gone_on_with_is_on_disk_before_its_orders_leave(
    tmp_path, monkeypatch
):
    """The intent of each order, and the account without which nobody would look for it."""
    settings = book(*STRADDLE, ("BTC-PERPETUAL", 50_000.0), band=0.1)
    run = live(settings, tmp_path)
    venue, seen = run.paper.venue, []
    send = venue.send

    def watched(request, now_ns):
        if isinstance(request, Place):
            where = f"file:{run.journal.path}?mode=ro"
            with closing(sqlite3.connect(where, uri=True)) as disk:
                (accounts,) = disk.execute("SELECT count(*) FROM accounts").fetchone()
                labels = {row[0] for row in disk.execute("SELECT label FROM intents")}
            seen.append((accounts > 0, request.intent.label in labels))
        send(request, now_ns)

    monkeypatch.setattr(venue, "send", watched)
    monkeypatch.setattr(venue, "next_event", Late(venue.next_event))
    run.run(60.0)
    assert seen
    assert set(seen) == {(True, True)}


def test_a_halt_file_that_is_there_from_the_beginning_lets_nothing_out(tmp_path):
    """Also in a run that does not wait for the clock."""
    run = live(book(*STRADDLE, band=0.1), tmp_path)
    (tmp_path / run.paper.settings.instance / "HALT").touch()
    run.run(60.0)
    assert run.paper.core.state is State.HALTED
    assert "BTC-PERPETUAL" not in run.paper.venue.exchange.holdings


def test_a_resume_is_refused_as_long_as_the_halt_file_exists(tmp_path):
    """The answer names the file; once it is gone the bot hedges again."""
    settings = book(*STRADDLE, band=0.1)
    run = live(settings, tmp_path)
    file = tmp_path / settings.instance / "HALT"
    file.touch()
    answers = []

    def ask():
        reader = Reader.open(tmp_path, settings.instance)
        answers.append((reader, reader.submit("resume", who="owner", why="a test asked")))

    def ask_again():
        file.unlink()
        ask()

    scripts = [Script(START_NS + seconds(s), f) for s, f in ((5, ask), (120, ask_again))]
    run.run(240.0, *scripts, speed=600.0)
    found = [reader.wait(name, 0.1) for reader, name in answers]
    for reader, _ in answers:
        reader.close()
    assert [one.accepted for one in found] == [False, True]
    assert found[0].outcome == f"refused: the file {file} must be removed first"
    assert run.paper.core.state is State.RUNNING
