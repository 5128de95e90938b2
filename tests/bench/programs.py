"""Python programs run from the top of the project, with the processor time that each took."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

TOP = Path(__file__).parents[2]


class BenchError(Exception):
    """Something could not be measured."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ended with code 0; `user_s` is what wait4 says of it."""

    out: str
    seconds: float
    user_s: float


def cores() -> int:
    """Return how many processors there are."""
    return os.cpu_count() or 1


def run(arguments: Sequence[str]) -> Finished:
    """Run `python ARGUMENTS` to its end; raise BenchError with its last words when it fails."""
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        begun = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=TOP, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            said = " | ".join(err.read().splitlines()[-3:])
            command = " ".join(arguments)
            raise BenchError(f"expected code 0, found {process.returncode}: {command}: {said}")
        return Finished(out.read(), seconds, usage.ru_utime)
