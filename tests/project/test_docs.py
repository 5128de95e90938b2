"""The pages show commands and settings that exist."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from bot.cli.app import build
from config import load

TOP = Path(__file__).parents[2]
PAGES = (TOP / "README.md", *sorted((TOP / "docs").glob("*.md")))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
GROUP = typer.main.get_command(build(rich=False))


def commands(page: Path) -> list[list[str]]:
    """Return the words of every `deltaband ...` in a page's blocks and code spans."""
    text = page.read_text(encoding="utf-8")
    lines = [line for _, body in BLOCK.findall(text) for line in body.splitlines()]
    spans = SPAN.findall(BLOCK.sub("", text))
    typed = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    ours = [one for one in typed + spans if re.match(r"(\.venv/bin/)?deltaband ", one)]
    return [shlex.split(one, comments=True)[1:] for one in ours]


def wrong(words: list[str]) -> str:
    """Return what of a command does not exist, empty where all of it does."""
    command, name = GROUP, ""
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        name = f"{name} {words[0]}".strip()
        if words[0] not in command.commands:
            return f"no verb {name}"
        command, words = command.commands[words[0]], words[1:]
    known = {option for param in command.params for option in param.opts} | {"--help", "-h"}
    given = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    return "".join(f"{name} has no {option}; " for option in sorted(given - known))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_exists(page):
    """Verbs and their options."""
    assert [problem for words in commands(page) if (problem := wrong(words))] == []


def test_the_first_hours_use_what_they_lead_through():
    """The page names paper, the shadow, the sandbox exchange, a live run and how to stop it."""
    typed = commands(TOP / "docs" / "first-hours.md")
    verbs = {words[0] for words in typed}
    assert any(words[:2] == ["run", "--live"] for words in typed)
    assert verbs >= {"paper", "shadow", "record", "exchange", "run", "doctor", "halt", "venues"}


def test_a_command_that_does_not_exist_is_noticed():
    """A verb, a verb of a group, an option."""
    assert wrong(["fly"]) == "no verb fly"
    assert wrong(["config", "fly"]) == "no verb config fly"
    assert wrong(["paper", "--wings"]) == "paper has no --wings; "
    assert wrong(["config", "show", "--origin", "-c", "x.toml"]) == ""


def test_the_settings_of_the_first_hours_can_be_used(tmp_path):
    """Each file, as it stands, is accepted; live ones lead to the exchange itself."""
    text = (TOP / "docs" / "first-hours.md").read_text(encoding="utf-8")
    modes = []
    for language, body in BLOCK.findall(text):
        if language != "toml":
            continue
        path = tmp_path / "settings.toml"
        path.write_text(body, encoding="utf-8")
        settings = load((path,), environ={}).settings
        modes.append(settings.mode)
        assert settings.instance == tomllib.loads(body)["instance"]
    assert modes == ["live", "sandbox", "live", "live"]
