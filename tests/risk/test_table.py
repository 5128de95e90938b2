"""The page of risk controls against the code: nothing is missing on either side."""

import re
from pathlib import Path

import pytest

from bot.domain.reasons import Reason
from bot.risk.breakers import BREAKERS
from bot.risk.gate import CHECKS

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "risk-controls.md").read_text(encoding="utf-8")


def rows(heading):
    """Return the cells of the table below a header row."""
    lines = PAGE.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def test_the_table_has_every_check_of_the_gate_in_its_order():
    """A check that nobody can look up is a surprise."""
    named = [row[0].strip("`") for row in rows("Check")]
    assert named == [check.__name__.removeprefix("_check_") for check in CHECKS]


def test_the_table_has_every_breaker_with_what_it_does_and_who_resets_it():
    """The word that the journal shows is the word that is looked up."""
    told = {row[0].strip("`"): (row[2], row[3]) for row in rows("Breaker")}
    assert told == {str(r): (str(one.does), str(one.reset)) for r, one in BREAKERS.items()}


def test_the_steps_of_what_is_not_known_are_reasons():
    """Each has a code of its own."""
    words = [word for row in rows("Step") for word in re.findall(r"`(\w+)`", row[1])]
    assert len(words) == len(set(words)) == 6
    assert set(words) <= set(Reason)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:bot|tests)/[\w/.]+)`", PAGE))))
def test_every_file_of_the_page_exists(path):
    """Where it is, and what holds it."""
    assert (TOP / path).exists()
