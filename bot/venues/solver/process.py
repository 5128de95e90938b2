"""The solver's process: started with the first program, kept warm, killed when it takes too long.

The loop waits for pipes only: neither the search nor a fault in it (a crash in HiGHS, memory)
reaches an order. Whatever goes wrong is a FAILED solution that says why, and the next program gets
a new process. The child sees no key: what the environment holds for this program is left out.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Final

from bot.domain.programs import Program, Solution, Stage
from bot.venues.solver.frames import HEAD, frame, opened

# HiGHS stops by itself after two seconds; the first answer also waits for imports.
PATIENCE_S: Final = 3.0
START_S: Final = 20.0
PRIVATE: Final = "DELTABAND_"


class Solver:
    """Solves one program at a time; others wait for their turn."""

    def __init__(
        self,
        command: tuple[str, ...] = ("-m", "bot.venues.solver"),
        patience_s: float = PATIENCE_S,
        start_s: float = START_S,
    ) -> None:
        """Take what the interpreter is to run, and how long an answer and a start may take."""
        self._command, self._patience_s, self._start_s = command, patience_s, start_s
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Return the process that is kept, None where there is none."""
        return None if self._process is None else self._process.pid

    async def solve(self, program: Program) -> Solution:
        """Return the solution of a program; FAILED with the reason where there is none in time."""
        async with self._turn:
            warm = self._process is not None and self._process.returncode is None
            limit_s = self._patience_s if warm else self._patience_s + self._start_s
            try:
                async with asyncio.timeout(limit_s):
                    return await self._ask(program)
            except TimeoutError:
                await self._kill()
                return Solution(Stage.FAILED, why=f"no answer within {limit_s:g} s")
            except (OSError, EOFError, ValueError) as error:
                await self._kill()
                return Solution(Stage.FAILED, why=f"the solver ended: {error}")
            except asyncio.CancelledError:
                await self._kill()  # its answer would be taken for the next one's
                raise

    async def close(self) -> None:
        """End the process."""
        await self._kill()

    async def _ask(self, program: Program) -> Solution:
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(frame(program))
        await process.stdin.drain()
        (length,) = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
        solution = opened(await process.stdout.readexactly(length))
        if not isinstance(solution, Solution):
            msg = f"expected a solution, found {type(solution).__name__}"
            raise ValueError(msg)  # noqa: TRY004  what another process says is a value
        return solution

    async def _started(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env=_environment(),
                start_new_session=True,  # a Ctrl-C is for the loop, which ends it in its own time
            )
        return self._process

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _environment() -> dict[str, str]:
    """Return an environment in which the child finds this program and none of its secrets."""
    mine = {k: v for k, v in os.environ.items() if not k.startswith(PRIVATE)}
    here = str(Path(__file__).parents[3])
    paths = [here, *filter(None, [mine.get("PYTHONPATH")])]
    return mine | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
