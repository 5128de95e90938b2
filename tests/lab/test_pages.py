"""What the lab's pages share: a saving told, tables to the character, and the end of a command."""

import math

import pytest

from bot.domain.errors import BadInputError
from bot.lab import pages
from bot.lab.policies.compare import Saving


def saving(at="aversion 0.1", share=0.126, reached=1.0):
    """Return a saving of 12.6 % between -4 and 30."""
    return Saving(at, 1.0, 2.0, 3.0, share, -0.04, 0.3, reached)


@pytest.mark.parametrize(
    "share,reached,told",
    [
        (0.126, 1.0, "13 % (-4 to 30)"),
        (0.126, 0.5, "13 % (-4 to 30)"),
        (0.126, 0.49, "–"),
        (math.nan, 1.0, "–"),
    ],
)
def test_a_saving_is_told_where_half_of_the_draws_have_one(share, reached, told):
    """With its interval, in whole percents."""
    assert saving(share=share, reached=reached).told == told


def test_words_are_set_to_the_left_and_figures_to_the_right():
    """Each row has its bars; the first column is of words where nothing else is said."""
    rows = ["x | 1 | y", "z | 2 | w"]
    body = "| x | 1 | y |\n| z | 2 | w |"
    heads = "a | b | c"
    assert pages.table(heads, rows) == f"| a | b | c |\n|---|--:|--:|\n{body}"
    assert pages.table(heads, rows, (0, 2)) == f"| a | b | c |\n|---|--:|---|\n{body}"
    assert pages.table("a", []) == "| a |\n|---|"


def test_savings_stand_under_the_deviations_at_which_they_are():
    """What a row is of comes first, in as many columns as its heads have."""
    row = [saving(), saving("timer 8 h", reached=0.0)]
    assert pages.savings("of | beside", [("USD | nearest", row)]) == (
        "| of | beside | aversion 0.1 | timer 8 h |\n"
        "|---|---|--:|--:|\n"
        "| USD | nearest | 13 % (-4 to 30) | – |"
    )


def test_a_command_ends_with_its_page_or_with_the_reason(capsys):
    """One of both, and the code says which."""
    assert pages.show(lambda: "a page") == 0
    assert capsys.readouterr() == ("a page\n", "")

    def unreadable():
        raise BadInputError("expected a folder, found none")

    assert pages.show(unreadable) == 1
    assert capsys.readouterr() == ("", "expected a folder, found none\n")


def test_a_command_knows_its_module_its_folder_and_what_can_be_chosen(capsys):
    """A page of everything has nothing to choose."""
    found = pages.command("some_page", "What.").parse_args(["there", "--coin", "BTC", "--json"])
    assert (str(found.folder), found.coin, found.json) == ("there", ["BTC"], True)
    with pytest.raises(SystemExit):
        pages.command("some_page", "What.", choices=False).parse_args(["there", "--json"])
    assert "usage: python -m bot.lab.some_page [-h] folder" in capsys.readouterr().err
