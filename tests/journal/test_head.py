"""A journal that was set back to an older one is noticed by the head beside it."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from contextlib import closing

import pytest

from bot.domain.errors import JournalError
from bot.journal import Durability, Journal
from tests.journal.records import intent, run_start


def run(folder, first: int, durability: Durability = Durability.FULL) -> None:
    """Let a bot run, send some orders and end."""
    with closing(Journal.open(folder, "demo", durability=durability)) as journal:
        journal.begin_run(run_start(fresh=False))
        for n in range(first, first + 3):
            journal.intent(intent(n))
            journal.commit()


@pytest.mark.parametrize("durability", Durability)
def test_an_older_copy_in_the_place_of_the_journal_is_refused(tmp_path, durability):
    """Until somebody says that it is meant, by removing the head."""
    path = tmp_path / "demo" / "journal.sqlite"
    run(tmp_path, 1, durability)
    shutil.copy(path, tmp_path / "old")
    run(tmp_path, 4, durability)
    shutil.copy(tmp_path / "old", path)
    for _ in range(2):
        with pytest.raises(JournalError, match=r"journal.head knows, found an older or another"):
            Journal.open(tmp_path, "demo")
    (path.parent / "journal.head").unlink()
    run(tmp_path, 4, durability)


def test_another_history_in_the_place_of_the_journal_is_refused(tmp_path):
    """As long, as sound, and not the one that the head knows."""
    for name in ("one", "other"):
        run(tmp_path / name, 1)
    shutil.copy(tmp_path / "one/demo/journal.sqlite", tmp_path / "other/demo/journal.sqlite")
    with pytest.raises(JournalError, match="found other rows in that place"):
        Journal.open(tmp_path / "other", "demo")


def test_a_journal_that_is_gone_is_missed(tmp_path):
    """A new one would know no open order; it is not even made."""
    run(tmp_path, 1)
    (tmp_path / "demo" / "journal.sqlite").unlink()
    for _ in range(2):
        with pytest.raises(JournalError, match=r"journal.head knows, found none"):
            Journal.open(tmp_path, "demo")
    assert not (tmp_path / "demo" / "journal.sqlite").exists()


@pytest.mark.parametrize("content,refused", [(b"", 0), (b"\0" * 85, 0), (b"nonsense\n", 1)])
def test_a_head_that_the_power_cut_short_is_no_obstacle_and_nonsense_is(tmp_path, content, refused):
    """What says nothing is forgotten; what says something strange is shown."""
    run(tmp_path, 1)
    (tmp_path / "demo" / "journal.head").write_bytes(content)
    if refused:
        with pytest.raises(JournalError, match="expected the newest commit of a journal in"):
            Journal.open(tmp_path, "demo")
    else:
        run(tmp_path, 4)


@pytest.mark.parametrize("durability,known", [("full", 1 + 1 + 20), ("batch", 1)])
def test_after_a_kill_the_head_knows_what_is_surely_on_disk(tmp_path, durability, known):
    """Never more: with the power, the last commits of a batch may be gone."""
    script = f"""
        import sys
        from pathlib import Path
        from bot.journal import Durability, Journal
        from tests.journal.records import intent, run_start
        kept = Durability({durability!r})
        journal = Journal.open(Path({str(tmp_path)!r}), "demo", durability=kept)
        journal.begin_run(run_start())
        for n in range(20):
            journal.intent(intent(n))
            journal.commit()
        print("committed", flush=True)
        sys.stdin.read()
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "committed\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    said = (tmp_path / "demo" / "journal.head").read_text().split()
    assert int(said[0]) == known
    run(tmp_path, 100)
