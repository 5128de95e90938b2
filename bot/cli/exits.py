"""How a verb ends: the exit codes that scripts rely on, and every fault as one line on stderr.

A fault that is expected (settings, journal, disk, usage) becomes `error: expected ..., found ...`
without a traceback. `python -X dev -m bot` shows the traceback of a bug.
"""

import errno
import sys
from enum import IntEnum
from pathlib import Path
from traceback import extract_tb

import typer

from bot.cli import say
from bot.cli.usage import sentence
from bot.domain.text import printable


class Exit(IntEnum):
    """What the exit code of a verb says."""

    FINE = 0
    ERROR = 1
    USAGE = 2
    VENUE = 3
    HALTED = 4
    UNWELL = 5
    INTERRUPTED = 130


class VerbError(Exception):
    """A verb cannot do what it was asked; the message says what was expected and found."""

    def __init__(self, message: str, code: Exit = Exit.ERROR) -> None:
        super().__init__(message)
        self.code = code


def complain(text: str) -> None:
    """Write one line of error; a closed stderr is nobody's fault."""
    flat = printable(" ".join(text.split()))
    try:
        sys.stderr.write(f"error: {flat}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def explain(fault: BaseException) -> Exit:
    """Say on stderr what went wrong and return the exit code for it."""
    if isinstance(fault, OSError) and fault.errno == errno.EBADF:
        fault = say.OutputError(say.CLOSED)  # the parser writes its help without us
    match fault:
        case KeyboardInterrupt() | typer.Abort():
            return Exit.INTERRUPTED
        case VerbError():
            complain(str(fault))
            return fault.code
        case typer.TyperException():
            complain(sentence(fault))
            return Exit(fault.exit_code)
        case say.OutputError():
            say.discard()
            if isinstance(fault, say.ReaderGoneError):
                # Who reads one line and leaves has what they wanted. 141, as SIGPIPE would give,
                # would fail a script with `set -o pipefail` now and then, by who is faster.
                return Exit.FINE
            complain(str(fault))
            return Exit.ERROR
    return _explain_inner(fault)


def _explain_inner(fault: BaseException) -> Exit:
    """Explain what came from below, whose classes are imported only now that it has gone wrong."""
    from bot.domain.errors import DeltabandError, KeyRightsError, WrongEnvironmentError
    from config.errors import ConfigError

    if isinstance(fault, ConfigError):
        for problem in fault.problems:
            complain(str(problem))
        return Exit.USAGE
    if isinstance(fault, DeltabandError):
        complain(str(fault))
        wrong_venue = isinstance(fault, KeyRightsError | WrongEnvironmentError)
        return Exit.USAGE if wrong_venue else Exit.ERROR
    if isinstance(fault, OSError):
        where = f" ({fault.filename})" if fault.filename else ""
        complain(f"expected the system to do it, found: {fault.strerror or fault}{where}")
        return Exit.ERROR
    if isinstance(fault, ModuleNotFoundError) and fault.name == "polars":
        complain("expected polars (pip install 'deltaband[data]'), found it missing")
        return Exit.ERROR
    if sys.flags.dev_mode:
        raise fault
    last = extract_tb(fault.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    found = f"{type(fault).__name__}: {fault} ({where})"
    complain(f"expected this program to be free of faults, found {found}")
    return Exit.ERROR
