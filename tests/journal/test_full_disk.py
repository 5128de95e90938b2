"""A disk that is really full: no order without its intent on it, a clean end, and a way on."""

import sqlite3
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

import config
from bot import wiring
from bot.domain.commands import Place
from bot.domain.errors import JournalError
from bot.domain.events import Event
from bot.domain.states import State
from bot.journal import Durability, Journal
from bot.journal.reserve import BYTES, NAME
from bot.journal.verification import verify
from bot.stepper import Stepper
from bot.venues.paper import PaperVenue
from bot.venues.port import Request
from tests.journal.records import T0, decision, intent, run_start

DISK_BYTES = 8_000_000
FIRST_ORDERS = 4


class Disk:
    """A small disk of its own."""

    def __init__(self, folder: Path) -> None:
        """Begin empty."""
        self.folder = folder

    def fill(self) -> None:
        """Leave no room at all."""
        with (self.folder / "filler").open("ab", buffering=0) as file:
            size = 1 << 20
            while size:
                try:
                    file.write(b"x" * size)
                except OSError:
                    size //= 2

    def make_room(self) -> None:
        """Take away what filled it."""
        (self.folder / "filler").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Mount one, where that is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode != 0:
        pytest.skip(f"no disk of its own: {done.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def opened(disk: Disk, durability: Durability = Durability.FULL) -> Journal:
    """Open the journal on the small disk."""
    return Journal.open(disk.folder, "demo", durability=durability, min_free_bytes=0)


def outcome(journal: Journal) -> list[tuple]:
    """Read how the runs ended and whether all verifies, as another program would."""
    with closing(sqlite3.connect(journal.path)) as db:
        verify(db, journal.path)
        return db.execute("SELECT id, outcome FROM runs ORDER BY id").fetchall()


class Overheard:
    """A paper venue, and the labels of the orders that reach it."""

    def __init__(self, venue: PaperVenue, sent: list[str]) -> None:
        """Listen in."""
        self._venue, self._sent = venue, sent

    def send(self, request: Request, now_ns: int) -> None:
        """Note an order and pass everything on."""
        if isinstance(request, Place):
            self._sent.append(request.intent.label)
        self._venue.send(request, now_ns)

    def next_time(self) -> int | None:
        """Pass on."""
        return self._venue.next_time()

    def next_event(self, until_ns: int | None = None) -> Event | None:
        """Pass on."""
        return self._venue.next_event(until_ns)

    def wake_at(self, ts_ns: int) -> None:
        """Pass on."""
        self._venue.wake_at(ts_ns)


class Bot:
    """A paper bot on that disk, driven as its engine drives it; `sent` are the labels that left."""

    def __init__(self, journal: Journal, epoch: int, sent: list[str]) -> None:
        """Begin a run."""
        settings = config.load((), ()).settings
        self.graph = wiring.paper(settings, wiring.market(settings, 7), seed=7, epoch=epoch)
        self.steps = Stepper(
            *(self.graph.core, Overheard(self.graph.venue, sent), journal),
            self.graph.market.start_ns,
            views=lambda _: (),
            account=lambda: ((), ()),
        )
        journal.begin_run(run_start(fresh=epoch == 1))

    def run(self, until: Callable[[], bool]) -> None:
        """Take events until something is so."""
        for number in count():
            if until():
                return
            event = self.graph.venue.next_event(None)
            assert event is not None
            self.steps.step(event)
            if number % 50 == 0:
                self.steps.beat()


@pytest.mark.parametrize("durability", Durability)
def test_no_order_leaves_without_its_intent_and_a_restart_goes_on(disk, durability):
    """The run ends with an error, its end is on disk, and with room again the next one goes on."""
    sent: list[str] = []
    journal = opened(disk, durability)
    bot = Bot(journal, 1, sent)
    bot.run(lambda: len(sent) >= FIRST_ORDERS)
    disk.fill()
    with pytest.raises(JournalError, match="expected room on the disk, found it full") as caught:
        bot.run(lambda: len(sent) > 10_000)
    bot.steps.abandon(caught.value)
    left = list(sent)
    journal.end_run({}, outcome=f"failed: {caught.value}")
    journal.close()
    ((_, how),) = outcome(journal)
    assert how.startswith("failed: cannot write ")
    assert set(left) <= labels(journal)
    disk.make_room()
    with closing(opened(disk, durability)) as again:
        known = {one.intent.label for one in again.open_intents()}
        assert known <= labels(journal)
        second = Bot(again, 2, sent)
        second.run(lambda: len(sent) >= len(left) + FIRST_ORDERS)
        again.end_run({})
    assert [how for _, how in outcome(journal)][1:] == ["stopped"]
    assert len(sent) == len(set(sent))
    assert set(sent) <= labels(journal)


def labels(journal: Journal) -> set[str]:
    """Return the labels of all intents on disk."""
    with closing(sqlite3.connect(journal.path)) as db:
        return {label for (label,) in db.execute("SELECT label FROM intents")}


@pytest.mark.parametrize("durability", Durability)
def test_every_order_that_could_be_sent_is_remembered(disk, durability):
    """Commit by commit on a disk that fills up: what returned is there, to the last one."""
    journal = opened(disk, durability)
    journal.begin_run(run_start())
    disk.fill()
    committed: list[int] = []

    def send(n: int) -> None:
        journal.record(decision(n))
        journal.intent(intent(n))
        journal.commit()
        committed.append(n)
        journal.tick(T0, State.RUNNING)

    with pytest.raises(JournalError, match="found it full"):
        deque(map(send, count()), maxlen=0)
    journal._db.close()  # as a kill would leave it: nothing waits for the disk
    journal._lock.release()
    disk.make_room()
    with closing(opened(disk, durability)) as again:
        assert [o.intent.label for o in again.open_intents()] == [f"demo-1-{n}" for n in committed]


def test_the_reserve_is_given_back_for_the_end_alone(disk):
    """One more order is not what it is for; the next start takes it again."""
    journal = opened(disk)
    reserve = disk.folder / "demo" / NAME
    assert reserve.stat().st_size == BYTES
    assert reserve.stat().st_blocks * 512 >= BYTES
    journal.begin_run(run_start())
    disk.fill()
    big = {f"figure {i}": i + 0.5 for i in range(5_000)}

    def decide(n: int) -> None:
        journal.record(decision(n, snapshot=big))
        journal.commit()

    with pytest.raises(JournalError, match="found it full"):
        deque(map(decide, count()), maxlen=0)
    with pytest.raises(JournalError, match="found it full"):
        journal.commit()
    assert reserve.exists()
    journal.end_run({}, outcome="failed: full")
    assert not reserve.exists()
    journal.close()
    assert outcome(journal) == [(1, "failed: full")]
    disk.fill()
    with pytest.raises(JournalError, match=r"cannot open .*found it full"):
        opened(disk)
    disk.make_room()
    opened(disk).close()
    assert reserve.stat().st_size == BYTES
