"""Every ending has its exit code and one line; a bug is no exception to that."""

import subprocess
import sys

import pytest
import typer

from bot.cli import app, exits
from bot.cli.exits import Exit
from bot.domain.errors import JournalError
from config import ConfigError, Origin, Problem
from tests.cli.conftest import fill_journal

COMMAND = f"{sys.executable} -m bot"
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


def test_an_interrupt_while_loading_is_quiet():
    """Ctrl-C in the first moments: the code, and no traceback."""
    program = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from bot.__main__ import command\n"
        "sys.exit(command())\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


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


@pytest.mark.parametrize("colour", ["", "1"])
@pytest.mark.parametrize("argv", ["config show --origin", "status", "--help"])
def test_a_reader_who_leaves_is_no_failure(deltaband, argv, colour):
    """`deltaband status | head -1` ends quietly and with 0, also under `set -o pipefail`."""
    fill_journal(deltaband.state)
    done = shell(deltaband, f"set -o pipefail; {{ sleep 0.2; {COMMAND} {argv}; }} | true", colour)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_verb_that_failed_fails_also_without_a_reader(deltaband):
    """What was wrong counts more than who was there to read it."""
    bad = "--set underlying.BTC.delta.uper=1"
    line = f"set -o pipefail; {{ sleep 0.2; {COMMAND} config check --json {bad}; }} | true"
    assert shell(deltaband, line).returncode == 2


@pytest.mark.parametrize("colour", ["", "1"])
@pytest.mark.parametrize("argv", ["config show --origin", "status", "status --json", "--help"])
def test_a_closed_output_is_one_clear_line(deltaband, argv, colour):
    """Nothing could be shown, which is what the verb was asked for: exit code 1."""
    fill_journal(deltaband.state)
    done = shell(deltaband, f"{COMMAND} {argv} >&-", colour)
    found = "error: expected an open standard output, found it closed\n"
    assert (done.returncode, done.stderr) == (1, found)


def test_a_full_disk_under_the_output_is_one_clear_line(deltaband):
    """It is the answer that is lost, and the text says so."""
    done = shell(deltaband, f"{COMMAND} config show > /dev/full")
    found = "error: expected to write to standard output, found: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, found)


def test_closed_errors_leave_the_exit_code_alone(deltaband):
    """Without stderr the code is all that a script has."""
    assert shell(deltaband, f"{COMMAND} nonsense 2>&-").returncode == 2
    assert shell(deltaband, f"{COMMAND} config check <&- >&- 2>&-").returncode == 1


def test_a_run_needs_no_output(deltaband):
    """A daemon whose streams are closed hedges like any other."""
    done = shell(deltaband, f"{COMMAND} paper --for 5s --speed max <&- >&-")
    assert (done.returncode, done.stderr) == (0, "")


def shell(deltaband, line: str, colour: str = "") -> subprocess.CompletedProcess[str]:
    """Run a line as a user of bash would."""
    return subprocess.run(
        ["bash", "-c", line],
        cwd=deltaband.home,
        env=deltaband.env | {"FORCE_COLOR": colour},
        capture_output=True,
        text=True,
        check=False,
    )


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
