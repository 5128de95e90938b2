"""The real command in a process of its own, and real journals for it to read."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.domain.records import CommandOutcome
from bot.domain.states import State
from bot.journal import Command, Journal
from tests import warm
from tests.journal.records import T0, run_start, sample

TOP = Path(__file__).parents[2]
SPEAKING = ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "GITHUB_ACTIONS")


class Deltaband:
    """The command `deltaband` of this source, with a home and a state folder of its own."""

    def __init__(self, home: Path) -> None:
        """Begin in an empty folder."""
        self.home = home
        self.state = home / "state"
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("DELTABAND_") and name not in SPEAKING
        }
        own = {"HOME": str(home), "PYTHONPATH": str(TOP), "COLUMNS": "200"}
        self.env = kept | own | {"DELTABAND__STATE_DIR": str(self.state)}

    def start(self, *args: object, **env: str) -> subprocess.Popen[str]:
        """Start the command and leave it running."""
        return self._start([*warm.python(), "-m", "bot", *map(str, args)], env)

    def start_program(self, program: str) -> subprocess.Popen[str]:
        """Start a program that calls the command itself."""
        return self._start([sys.executable, "-c", program], {})

    def _start(self, command: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.home,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *args: object, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        process = self.start(*args, **env)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def json(self, *args: object, code: int = 0) -> Any:
        """Run the command with --json, check its exit code and return what it printed."""
        done = self(*args, "--json")
        assert (done.returncode, done.stderr.splitlines()[1:]) == (code, []), done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def deltaband(tmp_path: Path) -> Deltaband:
    """Return the command with an empty home."""
    return Deltaband(tmp_path)


def fill_journal(
    state: Path, instance: str = "demo", views: Mapping[str, object] | None = None
) -> None:
    """Leave behind the journal of a bot that ran for a while and ended."""
    journal = Journal.open(state, instance)
    journal.begin_run(run_start())
    journal.record(sample(1))
    for name, body in (views or {}).items():
        journal.view(name, T0, body)
    journal.tick(T0 + 60_000_000_000, State.RUNNING)
    journal.end_run({"fills": 0})
    journal.close()


Answering = Callable[[Command], CommandOutcome | None]


def accept(command: Command) -> CommandOutcome:
    """Answer a command as a bot does that obeys it."""
    return CommandOutcome(T0, command.id, accepted=True, outcome="PAUSED")


class LiveBot:
    """A bot as its journal shows it: it holds the lock, lives, and answers from its own thread."""

    def __init__(self, state: Path, answering: Answering | None, instance: str = "demo") -> None:
        """Start living; `answering` None means that no command is ever looked at."""
        self.heard: list[Command] = []
        self._state, self._answering, self._instance = state, answering, instance
        self._ready, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._live)
        self._thread.start()
        assert self._ready.wait(10)

    def end(self) -> None:
        """Close the journal and let go of it; harmless when repeated."""
        self._stop.set()
        self._thread.join(10)

    def _live(self) -> None:
        journal = Journal.open(self._state, self._instance)
        journal.begin_run(run_start())
        journal.record(sample(1))
        journal.tick(T0, State.RUNNING)
        self._ready.set()
        while not self._stop.wait(0.02):
            for command in journal.take_commands() if self._answering else ():
                self.heard.append(command)
                outcome = self._answering(command) if self._answering else None
                if outcome is not None:
                    journal.record(outcome)
            journal.tick(T0, State.RUNNING)
        journal.close()


@pytest.fixture
def live_bot(deltaband: Deltaband) -> Iterator[Callable[..., LiveBot]]:
    """Return a starter of bots that end with the test."""
    bots: list[LiveBot] = []

    def start(answering: Answering | None = accept, instance: str = "demo") -> LiveBot:
        bots.append(LiveBot(deltaband.state, answering, instance))
        return bots[-1]

    yield start
    for bot in bots:
        bot.end()
