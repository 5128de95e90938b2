"""The pulse that another process feels, and the HALT file."""

import pytest

from bot.domain.states import State
from bot.journal import Durability, Journal, RunStart
from bot.journal.halt import raise_halt, said
from bot.journal.pulse import Pulse, PulseReader
from tests.journal.records import T0


def begin(folder):
    """Return a writer with a run begun."""
    journal = Journal.open(folder, "sand", durability=Durability.BATCH)
    journal.begin_run(RunStart("sandbox", "venue", None, "1", T0, {}, fresh=True))
    return journal


def test_a_pulse_is_of_the_newest_run_alone(tmp_path):
    """None, starting, deciding, ended, and a new run that has not decided yet."""
    reader = PulseReader(tmp_path, "sand")
    assert reader.feel() is None
    journal = begin(tmp_path)
    assert reader.feel() == Pulse(1, None, alive=True, ended=False)
    journal.tick(T0, State.RUNNING)
    found = reader.feel()
    assert found is not None
    assert (found.run, found.alive, found.ended) == (1, True, False)
    assert (found.beat_ns or 0) > 0
    journal.end_run({})
    journal.close()
    assert reader.feel() == Pulse(1, found.beat_ns, alive=False, ended=True)
    journal = begin(tmp_path)
    assert reader.feel() == Pulse(2, None, alive=True, ended=False)
    journal.close()
    reader.close()


def test_a_journal_that_is_taken_away_is_no_news(tmp_path):
    """What was last seen still counts, and the next journal is read."""
    reader = PulseReader(tmp_path, "sand")
    journal = begin(tmp_path)
    before = reader.feel()
    (tmp_path / "sand").rename(tmp_path / "away")
    assert reader.feel() == before
    journal.close()
    again = begin(tmp_path)
    again.tick(T0, State.RUNNING)
    after = reader.feel()
    assert after is not None
    assert after.beat_ns is not None
    again.close()
    reader.close()


@pytest.mark.parametrize("name", ["BTC", "instance"])
def test_the_halt_file_keeps_every_word(tmp_path, name):
    """Who and why, a line for each; an empty one says nothing."""
    file = tmp_path / name
    assert said(file) == ""
    assert raise_halt(file, T0, "ann@desk", "drill")
    assert not raise_halt(file, T0, "watchdog", "no decision")
    assert "ann@desk: drill" in said(file)
    assert said(file).endswith("watchdog: no decision")
    file.write_bytes(b"\xff\x1b[31m" + b"x" * 10_000)
    assert "\x1b" not in said(file)
    assert len(said(file)) <= 400
