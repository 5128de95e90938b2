"""A copy beside a writer that commits all the time: of one moment, and nobody waits for it."""

import sqlite3
from contextlib import closing

import pytest

from bot.domain.errors import JournalError
from bot.journal import Durability, Journal
from bot.journal.backup import PAUSE_S, STEP_PAGES, back_up
from bot.journal.verification import verify
from tests.journal.records import decision, intent, run_start


@pytest.fixture
def journal(tmp_path):
    """Open a journal that takes several steps to copy."""
    with closing(Journal.open(tmp_path, "demo", durability=Durability.BATCH)) as journal:
        journal.begin_run(run_start())
        for n in range(60):
            journal.record(decision(n, snapshot={f"figure {i}": i + 0.5 for i in range(4_000)}))
            journal.commit()
        yield journal


def test_commits_go_on_while_it_copies_and_it_is_of_one_moment(journal, tmp_path, monkeypatch):
    """Between any two steps of the copy the writer commits, and the copy does not begin anew."""
    pauses: list[float] = []

    def commit(pause_s: float) -> None:
        pauses.append(pause_s)
        journal.intent(intent(len(pauses)))
        journal.commit()
        journal._copy_back.spare()
        assert len(pauses) < 100, "the copy begins anew at each commit"

    before = journal._chain.end
    monkeypatch.setattr("bot.journal.backup.time.sleep", commit)
    found = back_up(journal.path, tmp_path / "copy", verify)
    steps = (tmp_path / "copy").stat().st_size // (4096 * STEP_PAGES)
    assert len(pauses) == steps >= 3
    assert set(pauses) == {PAUSE_S}
    assert found.end == before
    assert journal._chain.end.seq == before.seq + len(pauses)
    with closing(sqlite3.connect(tmp_path / "copy")) as db:
        assert db.execute("SELECT max(seq) FROM chain").fetchone() == (before.seq,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_copy_that_does_not_verify_is_not_kept(journal, tmp_path):
    """Nor is any part of it."""

    def never(_db, _path):
        raise JournalError("expected better")

    with pytest.raises(JournalError, match="expected better"):
        back_up(journal.path, tmp_path / "copy", never)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_a_file_that_comes_meanwhile_is_not_written_over(journal, tmp_path):
    """Somebody else's copy stays."""

    def slow(_db, _path):
        (tmp_path / "copy").write_text("theirs", encoding="utf-8")

    with pytest.raises(JournalError, match=r"cannot back up to .*File exists"):
        back_up(journal.path, tmp_path / "copy", slow)
    assert (tmp_path / "copy").read_text(encoding="utf-8") == "theirs"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "demo"]
