"""`python -m bot.venues.solver`: solve the programs that come in, one after another."""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

from bot.domain.programs import Program, Solution, Stage
from bot.strategy.options.solve import LIVE, solve
from bot.venues.solver.frames import HEAD, frame, opened


def main(given: BinaryIO, answers: BinaryIO) -> None:
    """Answer each program with its solution; a fault of the solver is an answer too."""
    while len(head := given.read(HEAD.size)) == HEAD.size:
        (length,) = HEAD.unpack(head)
        program = opened(given.read(length))
        answers.write(frame(_answer(program)))
        answers.flush()


def _answer(program: object) -> Solution:
    if not isinstance(program, Program):
        return Solution(Stage.FAILED, why=f"expected a program, found {type(program).__name__}")
    try:
        return solve(program, LIVE)
    except Exception as error:  # noqa: BLE001  the loop must hear of it, whatever it is
        return Solution(Stage.FAILED, why=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(5)  # the loop goes first
    # What a library prints must not end up among the answers.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    main(sys.stdin.buffer, out)
