"""Help: every verb and option is explained, at once, and drawn only for people."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from bot.cli.app import build

HEAVY = {"numpy", "scipy", "ccxt", "polars", "aiohttp", "structlog", "sqlite3", "orjson"}
PROMISED = {
    *(
        "paper",
        "record",
        "shadow",
        "exchange",
        "plan",
        "status",
        "positions",
        "greeks",
        "dashboard",
        "pause",
        "resume",
        "halt",
        "off",
        "on",
        "snooze",
        "hold",
        "hedge",
        "doctor",
        "venues",
    ),
    *("config init", "config show", "config check", "journal verify", "journal backup"),
}


def verbs(command: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Give every verb with its full name; a group is not a verb."""
    for name, below in command.commands.items():
        if hasattr(below, "commands"):
            yield from verbs(below, f"{above}{name} ")
        else:
            yield f"{above}{name}", below


VERBS = dict(verbs(typer.main.get_command(build(rich=False))))


def test_every_promised_verb_is_there():
    """Users and scripts rely on the names."""
    assert PROMISED - set(VERBS) == set()


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_says_what_it_does_and_what_its_options_mean(name):
    """A verb or an option without a word of help is found."""
    verb = VERBS[name]
    assert verb.help
    assert verb.help.strip()[0].isupper()
    assert [param.name for param in verb.params if not (param.help or "").strip()] == []


@pytest.mark.parametrize("name", VERBS)
def test_help_of_a_verb_names_all_its_options(deltaband, name):
    """What the program can do stands where a user looks for it."""
    done = deltaband(*name.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert [
        o for p in VERBS[name].params for o in p.opts if o[0] == "-" and o not in done.stdout
    ] == []


@pytest.mark.parametrize(
    "name",
    [
        "plan",
        "status",
        "positions",
        "greeks",
        "pause",
        "resume",
        "halt",
        "doctor",
        "journal verify",
    ],
)
def test_verbs_about_a_bot_find_it_the_same_way(name):
    """Each takes --instance, --json, -c and --set."""
    options = {option for param in VERBS[name].params for option in param.opts}
    assert {"--instance", "--json", "-c", "--set"} - options == set()


@pytest.mark.parametrize("argv", [["--help"], ["paper", "--help"], ["config", "show", "--help"]])
def test_help_loads_nothing_heavy(deltaband, argv):
    """A person who asks for help does not wait for libraries."""
    program = (
        "import sys; from bot.cli import main; code = main(sys.argv[1:]);"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *argv],
        env=deltaband.env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage: deltaband" in done.stdout
    assert HEAVY & set(done.stderr.split()) == set()


def test_without_a_verb_help_is_shown_and_nothing_done(deltaband):
    """A bare command is wrong usage, and says what right usage is."""
    done = deltaband()
    assert done.returncode == 2
    assert "Commands:" in done.stdout


def test_help_is_plain_in_a_pipe_and_drawn_where_colour_is_forced(deltaband):
    """Boxes and colours are for people."""
    assert deltaband("--help").stdout.isascii()
    assert "\x1b[" in deltaband("--help", FORCE_COLOR="1").stdout


def test_version_is_printed(deltaband):
    """One line, then the end."""
    done = deltaband("--version")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert done.stdout.startswith("deltaband")
