"""Whether anybody follows a run: said when nobody does, and mended where the run can."""

import json
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.cli import companions
from bot.cli.beside import Beside
from bot.cli.companions import Companions
from bot.journal.lock import MONITOR, Lock, silence_s

PATIENCE_S = 60.0
HOLDS = """
import pathlib, sys, time
from bot.journal.lock import MONITOR, Lock
lock = Lock(pathlib.Path(sys.argv[1]) / MONITOR, "the only one", "")
while True:
    lock.show()
    time.sleep(0.05)
"""


def until(good, seconds=PATIENCE_S):
    """Wait until something is so, and return what it is."""
    deadline = time.monotonic() + seconds
    while not (found := good()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("where", ["beside", "apart"])
def test_a_run_that_nobody_follows_says_so_and_has_one_follow_it(monkeypatch, tmp_path, where):
    """After a minute, then once in each, whoever it was that followed: one apart may die."""
    started, said = list[float](), list[tuple[float, str]]()
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("bot.cli.companions.time.monotonic", lambda: clock.now)

    def start(*_, **__):
        started.append(clock.now)
        ended = SimpleNamespace(poll=lambda: 0)  # it found another there, as at the start of this
        return SimpleNamespace(process=ended, end=lambda: None)

    monkeypatch.setattr(Beside, "start", start)
    settings = SimpleNamespace(tells=True, monitor=where, state_dir=tmp_path)
    loaded = SimpleNamespace(settings=settings, again=())
    voice = SimpleNamespace(say=lambda event, _level, **_: said.append((clock.now, event)))
    (tmp_path / "demo").mkdir()
    other = Lock(tmp_path / "demo" / MONITOR, "the only one", "")
    with Companions(loaded, "demo") as companions:  # type: ignore[arg-type]
        for second in range(0, 400, 10):
            clock.now = float(second)
            companions.look(voice)
            if second == 130:
                other.release()
            if second == 310:
                other = Lock(tmp_path / "demo" / MONITOR, "the only one", "")
    other.release()
    assert said == [(at, "monitor.missing") for at in (200.0, 260.0)]
    assert started == ([0.0, 200.0, 260.0] if where == "beside" else [])


def test_a_run_whose_settings_name_nobody_misses_no_monitor(monkeypatch, tmp_path):
    """Nobody is to be told."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("bot.cli.companions.time.monotonic", lambda: clock.now)
    said = list[str]()
    settings = SimpleNamespace(tells=False, monitor="beside", state_dir=tmp_path)
    loaded = SimpleNamespace(settings=settings, again=())
    with Companions(loaded, "demo") as companions:  # type: ignore[arg-type]
        clock.now = 600.0
        companions.look(SimpleNamespace(say=lambda event, *_, **__: said.append(event)))
    assert said == []


class Followed:
    """A run's companions over real processes that hold the real lock, in a minute of 4 s."""

    def __init__(self, monkeypatch, folder) -> None:
        """Shorten every wait."""
        (folder / "holds.py").write_text(HOLDS, encoding="utf-8")
        (folder / "demo").mkdir()
        self.folder, self.started, self.said = folder / "demo", list[Beside](), list[dict]()
        for name, seconds in (("AGAIN_S", 4.0), ("SILENT_S", 1.5), ("WOKEN_S", 0.5)):
            monkeypatch.setattr(companions, name, seconds)
        monkeypatch.setattr(companions, "LOOK_S", 0.02)
        monkeypatch.setattr(companions, "Beside", SimpleNamespace(start=self.start))
        settings = SimpleNamespace(tells=True, monitor="beside", state_dir=folder)
        loaded = SimpleNamespace(settings=settings, again=())
        self.companions = Companions(loaded, "demo")  # type: ignore[arg-type]

    def start(self, *_, **__):
        """Start one that shows that it lives."""
        env = os.environ | {"PYTHONPATH": f"{self.folder.parent}{os.pathsep}{Path.cwd()}"}
        self.started.append(Beside.start("holds", str(self.folder), env=env))
        return self.started[-1]

    def shown(self):
        """Tell whether somebody has just shown that he lives."""
        silent_s = silence_s(self.folder, MONITOR)
        return silent_s is not None and silent_s < 0.5

    def look(self):
        """Look as a run does."""
        self.companions.look(SimpleNamespace(say=lambda *_, **fields: self.said.append(fields)))

    def end(self):
        """Leave nobody."""
        for one in self.started:
            one.end(0.0)


@pytest.fixture
def followed(monkeypatch, tmp_path):
    """Return a run that is followed."""
    one = Followed(monkeypatch, tmp_path)
    try:
        with one.companions:
            until(one.shown)
            one.look()
            yield one
            one.end()
    finally:
        one.end()


def test_a_monitor_of_ours_that_hangs_is_missed_killed_and_replaced(followed):
    """It holds its lock all the while."""
    followed.look()
    assert followed.said == []
    (first,) = followed.started
    first.process.send_signal(signal.SIGSTOP)
    until(lambda: followed.look() or followed.said)
    assert first.process.poll() is None
    assert followed.said[0]["found"].startswith("the one beside this run has not shown for ")
    until(lambda: followed.look() or len(followed.started) > 1)
    assert first.process.poll() == -9
    assert followed.said[1] == {
        "found": "the one beside this run has ended (code -9)",
        "what": "one is started",
    }
    until(lambda: followed.look() or followed.shown())
    time.sleep(0.2)
    followed.look()
    assert len(followed.said) == 2


def test_one_of_another_that_hangs_is_missed_and_left_alone(followed):
    """A run has no business with it; nor would a second one come by its lock."""
    followed.end()
    other = followed.start()
    until(followed.shown)
    followed.look()
    other.process.send_signal(signal.SIGSTOP)
    until(lambda: followed.look() or followed.said)
    assert f"that of pid {other.process.pid} on " in followed.said[0]["found"]
    assert followed.said[0]["what"].startswith("it is not of this run")
    until(lambda: followed.look() or len(followed.said) > 1)
    assert other.process.poll() is None
    assert len(followed.started) == 2
    other.process.send_signal(signal.SIGCONT)
    until(followed.shown)
    followed.look()
    said = len(followed.said)
    time.sleep(0.3)
    followed.look()
    assert len(followed.said) == said


def test_one_that_wakes_with_us_was_never_missing(followed):
    """After a night's sleep of the machine its file is old, for an instant."""
    os.utime(followed.folder / MONITOR, (1.0, 1.0))
    followed.look()
    until(followed.shown)
    followed.look()
    assert followed.said == []


def test_a_run_whose_monitor_cannot_begin_says_so_soon_and_in_its_own_lines(deltaband):
    """An address that is none; a line that is no JSON would stop whoever reads them."""
    urls = deltaband.home / "urls"
    urls.write_text("nonsense secrettoken123456\n", encoding="utf-8")
    urls.chmod(0o600)
    run = deltaband.start(
        *("paper", "--json", "--seed", "7", "--set", "kernels=numpy"),
        *("--set", f"alerts.urls_file={urls}"),
    )
    lines, missing, began = list[dict](), {}, 0.0
    try:
        for text in run.stderr:
            lines.append(json.loads(text))
            if lines[-1]["event"] == "monitor.failed":
                began = time.monotonic()
            if lines[-1]["event"] == "monitor.missing":
                missing = lines[-1]
                break
    finally:
        run.send_signal(signal.SIGTERM)
        out, error = run.communicate(timeout=PATIENCE_S)
    assert began
    assert time.monotonic() - began < 30.0
    assert "has ended (code 2)" in missing["found"]
    failed = [one["found"] for one in lines if one["event"] == "monitor.failed"]
    assert failed[0].startswith("alerts: expected addresses that apprise knows, found address 1")
    assert "secrettoken" not in f"{lines}{out}{error}"
    for text in error.splitlines():
        json.loads(text)
