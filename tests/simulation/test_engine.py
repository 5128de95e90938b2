"""The engine's ways out and what holds it: faults cancel what works, the HALT file must go."""

import asyncio

import pytest

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
    run = live(book(*STRADDLE, band=1.0), tmp_path, seed=3)
    venue = run.paper.venue
    with pytest.raises(RuntimeError, match="stumbled") as caught:
        run.run(1_200.0, Stumbling(venue.exchange))
    assert len(venue.exchange.working) == 1
    assert "cancellation of 1 working orders was sent" in caught.value.__notes__[-1]
    until_ns = (venue.next_time() or 0) + seconds(2)
    while venue.next_event(until_ns) is not None:
        continue
    assert not venue.exchange.working


@pytest.mark.parametrize("speed", [None, 1e9])
def test_a_run_that_is_late_for_ever_hears_what_the_loop_tells(tmp_path, speed):
    """As a signal does, whose handler runs between two events or never."""
    run = live(book(*STRADDLE, band=0.1), tmp_path)
    late = Script(START_NS + seconds(7_200), lambda: None)

    def ask() -> None:
        asyncio.get_running_loop().call_soon(run.control.stop.set)

    stop = Script(START_NS + seconds(5), ask)
    run.run(7_200.0, stop, late, speed=speed)
    assert stop.done
    assert not late.done


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
