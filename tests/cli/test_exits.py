"""Every ending has its exit code and one line; a bug is no exception to that."""

import subprocess
import sys

import pytest
import typer

from bot.cli import app, exits
from bot.cli.exits import Exit
from bot.domain.errors import JournalError
from config import ConfigError, Origin, Problem

PROBLEM = Problem("limits.order_usd", "a number", "x", Origin("file", "own.toml"))


@pytest.mark.parametrize(
    "fault,code,said",
    [
        (exits.VerbError("expected a, found b"), 1, "error: expected a, found b\n"),
        (exits.VerbError("expected a, found b", Exit.VENUE), 3, "error: expected a, found b\n"),
        (
            ConfigError((PROBLEM, PROBLEM)),
            2,
            "error: limits.order_usd: expected a number, found x [file own.toml]\n" * 2,
        ),
        (JournalError("expected room,\nfound none"), 1, "error: expected room, found none\n"),
        (
            OSError(28, "No space left on device", "/full"),
            1,
            "error: expected the system to do it, found: No space left on device (/full)\n",
        ),
        (
            ModuleNotFoundError("No module named 'polars'", name="polars"),
            1,
            "error: expected polars (pip install 'deltaband[data]'), found it missing\n",
        ),
        (KeyboardInterrupt(), 130, ""),
        (typer.Abort(), 130, ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_fault_has_its_code_and_its_line(capsys, fault, code, said):
    """What scripts branch on, and what people read."""
    assert exits.explain(fault) == code
    assert capsys.readouterr() == ("", said)


def test_a_bug_is_one_line_that_says_where(capsys, monkeypatch):
    """A user sees no traceback; the place is named for the report."""

    def faulty() -> int:
        """Fail."""
        return 1 // int("0")

    monkeypatch.setitem(app._PANELS["Set up"], "doctor", faulty)
    assert app.main(["doctor"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: expected this program to be free of faults, found ZeroDivision")
    assert "(test_exits.py:" in said
    assert said.count("\n") == 1


def test_a_reader_who_leaves_is_no_traceback(deltaband):
    """`deltaband config show | head -1` ends quietly."""
    done = subprocess.run(
        f"{sys.executable} -m bot config show --origin | head -1",
        shell=True,
        cwd=deltaband.home,
        env=deltaband.env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["key", "value", "unit", "from", "bounds"]
    assert done.stderr == ""


def test_the_module_and_the_command_are_the_same(deltaband):
    """`python -m bot` leads to the entry point that the package declares."""
    program = "import sys; from bot.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "config", "check"],
        env=deltaband.env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == deltaband("config", "check").stdout == "ok\n"
