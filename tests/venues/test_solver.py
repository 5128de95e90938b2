"""The solver's process: the same answers as in line, and every way in which it can fail."""

import asyncio
import os
import signal

import pytest

from bot.domain.programs import Stage
from bot.strategy.options.solve import solve
from bot.venues.solver import Solver
from bot.venues.solver.process import _environment
from tests.builders.programs import program

ASKED = program(10, 10_000)


@pytest.fixture
async def solver():
    """Return a solver that is ended with the test."""
    made = Solver()
    yield made
    await made.close()


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_program_is_solved_as_it_would_be_in_line(solver):
    """And the process is kept for the next one."""
    assert solver.pid is None
    assert await solver.solve(ASKED) == solve(ASKED)
    first = solver.pid
    other = program(10, 10_001)
    assert await solver.solve(other) == solve(other)
    assert solver.pid == first is not None


async def test_two_at_once_take_turns(solver):
    """Each gets its own answer."""
    programs = [ASKED, program(10, 10_002), program(10, 10_004)]
    answers = await asyncio.gather(*(solver.solve(one) for one in programs))
    assert answers == [solve(one) for one in programs]


async def test_the_loop_goes_on_while_a_program_is_solved(solver):
    """Other tasks have their turns all the while."""
    beats = 0
    answer = asyncio.ensure_future(solver.solve(program(50, 50_004)))
    while not answer.done():
        beats += 1
        await asyncio.sleep(0.001)
    assert beats > 20
    assert answer.result().legs


async def test_one_that_takes_too_long_is_killed_and_the_next_is_solved():
    """A child that never answers."""
    mute = Solver(("-c", "import time; time.sleep(600)"), patience_s=0.2, start_s=0.0)
    asked = asyncio.ensure_future(mute.solve(ASKED))
    await asyncio.sleep(0.1)
    pid = mute.pid
    found = await asked
    assert found.stage is Stage.FAILED
    assert found.why.startswith("no answer within")
    assert mute.pid is None
    assert pid is None or not _alive(pid)
    mute._command, mute._start_s = ("-m", "bot.venues.solver"), 20.0
    assert await mute.solve(ASKED) == solve(ASKED)
    await mute.close()


@pytest.mark.parametrize(
    "body",
    [
        "raise SystemExit(3)",
        "import sys; sys.stdout.write('x' * 8)",
        "import sys; sys.stdout.buffer.write(b'\\0\\0\\0\\1x')",
        "from bot.venues.solver.frames import frame; import sys; sys.stdout.buffer.write(frame(3))",
    ],
)
async def test_a_child_that_ends_or_talks_nonsense_is_a_failure(body):
    """An exit, half a frame, no pickle, no solution."""
    odd = Solver(("-c", body), patience_s=10.0, start_s=0.0)
    found = await odd.solve(ASKED)
    assert found.stage is Stage.FAILED
    assert found.why
    assert odd.pid is None


async def test_a_killed_process_is_replaced(solver):
    """A crash in the search reaches nobody."""
    await solver.solve(ASKED)
    before = solver.pid
    os.kill(before, signal.SIGKILL)
    answers = [await solver.solve(ASKED), await solver.solve(ASKED)]
    assert answers[-1] == solve(ASKED)
    assert solver.pid not in {None, before}


async def test_a_wait_that_is_cancelled_leaves_no_answer_for_the_next(solver):
    """The process goes with it."""
    await solver.solve(ASKED)
    before = solver.pid
    asked = asyncio.ensure_future(solver.solve(program(50, 50_004)))
    await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not _alive(before)
    assert await solver.solve(ASKED) == solve(ASKED)


async def test_a_closed_solver_has_no_process(solver):
    """Closing twice is closing once."""
    await solver.solve(ASKED)
    pid = solver.pid
    await solver.close()
    await solver.close()
    assert not _alive(pid)


def test_the_child_sees_no_key(monkeypatch):
    """What the environment holds for this program stays here."""
    monkeypatch.setenv("DELTABAND_DERIBIT_SECRET", "hush")
    monkeypatch.setenv("TZ", "UTC")
    seen = _environment()
    assert "hush" not in seen.values()
    assert seen["TZ"] == "UTC"
