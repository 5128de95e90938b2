"""What the watchdog makes of a pulse and of the HALT file, without a venue and without waiting."""

import asyncio
import time

import pytest

from bot.domain.errors import DeltabandError
from bot.domain.labels import is_of, stem
from bot.journal.pulse import Pulse
from bot.venues.deribit.canceller import OpenOrder, Swept
from bot.watchdog import LONGEST_LOOK_S, Silence, Watchdog

MINE = OpenOrder("1", "db-sand-abc.1-7", "BTC-PERPETUAL")
OTHERS = (
    OpenOrder("2", "db-sand-b-abc.1-7", "BTC-PERPETUAL"),
    OpenOrder("3", "by-hand", "BTC-PERPETUAL"),
    OpenOrder("4", "", "BTC-PERPETUAL"),
)


class Bench:
    """A watchdog whose bot, venue and clock are the test's."""

    def __init__(self, folder, after_s=3.0):
        """Begin with a bot that lives."""
        self.file = folder / "HALT"
        self.pulse = Pulse(1, 100, alive=True, ended=False)
        self.orders, self.fault, self.said = [MINE, *OTHERS], None, []
        self.now_s = time.monotonic() - 1e6  # nothing that it plans by this clock is still to come
        self.dog = Watchdog(
            "sand", self.file, lambda: self.pulse, self.sweep, self.say, after_s=after_s
        )

    async def sweep(self, wanted):
        """Cancel as a venue does."""
        if self.fault is not None:
            raise self.fault
        gone = tuple(filter(wanted, self.orders))
        self.orders = [one for one in self.orders if one not in gone]
        return Swept(gone, ())

    def say(self, event, *_level, **_fields):
        """Listen."""
        self.said.append(event)

    def looks(self, seconds):
        """Let it look every tenth of a second; return what it said."""
        before = len(self.said)
        for _ in range(round(10 * seconds)):
            self.now_s += 0.1
            self.dog.look(self.now_s)
        return self.said[before:]

    def acts(self):
        """Let it do once what it would do now."""
        if self.dog.due(time.monotonic()):
            asyncio.run(self.dog.cancel())
        return [one.venue_id for one in self.orders]

    def beats(self):
        """Let the bot decide."""
        self.pulse = Pulse(1, (self.pulse.beat_ns or 0) + 1, alive=True, ended=False)


@pytest.fixture
def bench(tmp_path):
    """Return a watchdog to play with."""
    return Bench(tmp_path)


def test_a_bot_that_decides_is_left_alone(bench):
    """For as long as it does."""
    for _ in range(100):
        bench.beats()
        assert bench.looks(1.0) == []
    assert bench.acts() == ["1", "2", "3", "4"]
    assert not bench.file.exists()


def test_silence_halts_and_cancels_what_is_the_bots_alone(bench):
    """After its time and not before; by the labels of this instance."""
    assert bench.looks(2.9) == []
    assert bench.acts() == ["1", "2", "3", "4"]
    assert bench.looks(0.3) == ["watchdog.silent", "watchdog.halted"]
    assert "watchdog: no decision for 3." in bench.file.read_text()
    assert bench.acts() == ["2", "3", "4"]


def test_it_looks_again_as_long_as_the_silence_lasts(bench):
    """An order that was on its way comes late."""
    bench.looks(3.2)
    bench.acts()
    bench.orders.append(MINE)
    bench.dog._next_s = 0.0
    assert bench.acts() == ["2", "3", "4"]


def test_a_bot_that_decides_again_is_told_and_its_halt_stays(bench):
    """The file is a person's to remove."""
    bench.looks(3.2)
    bench.beats()
    assert bench.looks(0.1) == ["watchdog.heard_again"]
    assert bench.file.exists()
    bench.looks(2.0)
    bench.beats()
    assert bench.looks(4.0) == ["watchdog.silent"]  # each silence is told


def test_a_bot_that_is_gone_is_cancelled_for_and_not_halted(bench):
    """Who is started next reconciles, as ever."""
    bench.pulse = Pulse(1, 100, alive=False, ended=False)
    assert bench.looks(3.2) == ["watchdog.silent"]
    assert bench.acts() == ["2", "3", "4"]
    assert not bench.file.exists()


@pytest.mark.parametrize(
    "pulse",
    [
        None,
        Pulse(1, None, alive=True, ended=False),
        Pulse(1, 100, alive=True, ended=True),
        Pulse(1, 100, alive=False, ended=True),
    ],
)
def test_without_a_run_that_decided_and_has_not_ended_there_is_no_silence(bench, pulse):
    """Nothing has run, one is starting, one was stopped in order."""
    bench.pulse = pulse
    assert bench.looks(60.0) == []


def test_a_new_run_ends_the_silence_of_the_last(bench):
    """It has said nothing yet, which is no silence either."""
    bench.looks(3.2)
    bench.pulse = Pulse(2, None, alive=True, ended=False)
    assert bench.looks(30.0) == ["watchdog.heard_again"]


def test_the_halt_file_is_obeyed_whatever_the_pulse(bench):
    """Once, with what it says; a stop that stands is looked after."""
    bench.file.write_text("ann:\nfire \x1b drill\n")
    assert bench.looks(1.0) == ["watchdog.halt_file"]
    assert bench.acts() == ["2", "3", "4"]
    assert bench.dog._words() == {"says": "ann: fire  drill"}


def test_a_venue_that_does_not_answer_is_tried_until_it_does(bench):
    """Told once; the halt is there from the beginning."""
    bench.fault = DeltabandError("expected a connection, found none")
    bench.looks(3.2)
    for _ in range(5):
        assert bench.acts() == ["1", "2", "3", "4"]
    assert bench.said.count("watchdog.cannot_cancel") == 1
    assert bench.file.exists()
    bench.fault = None
    assert bench.acts() == ["2", "3", "4"]


def test_a_pause_of_its_own_is_no_silence_of_the_bot():
    """A machine that slept for an hour has not listened for an hour."""
    silence = Silence()
    beat = Pulse(1, 100, alive=True, ended=False)
    assert silence.listen(beat, 0.0) == 0.0
    assert silence.listen(beat, 3_600.0) == LONGEST_LOOK_S
    assert silence.listen(beat, 3_600.1) == pytest.approx(LONGEST_LOOK_S + 0.1)


@pytest.mark.parametrize(
    "label,instance,found",
    [
        (stem("sand", 3, 10**18) + "12", "sand", True),
        (stem("sand", 3) + "12", "sand", True),
        (stem("sand-b", 3, 10**18) + "12", "sand", False),
        (stem("sand-b", 3, 10**18) + "12", "sand-b", True),
        (stem("san", 3, 10**18) + "12", "sand", False),
        ("db-sand", "sand", False),
        ("", "sand", False),
        ("sand-1-2", "sand", False),
        (stem("x" * 40, 3) + "12", "x" * 40, True),
    ],
)
def test_labels_tell_whose_they_are(label, instance, found):
    """Also where one instance's name begins like another's."""
    assert is_of(label, instance) is found
