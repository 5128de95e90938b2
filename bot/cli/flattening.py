"""`flatten`: the last rung of the kill ladder, which a person climbs in two steps.

First the bot is asked what it would close; then the words that name it are typed. The bot holds
them against what it holds itself (see `bot.desk.flatten`).
"""

from typing import Annotated

import typer

from bot.cli import say
from bot.cli.control import OneCoin, Whom, Why, operator, tell
from bot.cli.options import AsJson, ConfigFiles, Instance, Sets, journal
from bot.cli.typed import must_type

_PATIENCE_S = 3.0

Words = Annotated[
    str | None,
    typer.Option("--confirm", metavar="WORDS", help="The words that name what is closed."),
]


def flatten(
    coin: OneCoin,
    why: Why = "",
    confirm: Words = None,
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Close the bot's own hedges of COIN in futures, in slices; COIN must be paused or halted.

    Asks for typed words that name what is closed. Ends HALTED; `halt COIN`, the file HALT and
    SIGUSR1 stop it at once. The owner's positions and the options are not touched.
    """
    whom: Whom = (config, sets, instance)
    words = confirm
    if words is None:
        words = _asked_for(coin.upper(), whom, why)
        if words:
            say.note("This leaves the book unhedged: what is named is closed, whatever the bands.")
            must_type(words, f"--confirm {words!r}")
    from bot.desk.flatten import COMMAND_LINE

    typed = {"words": words, "by": COMMAND_LINE}
    return tell("flatten", coin, why, whom, as_json, typed)


def _asked_for(coin: str, whom: Whom, why: str) -> str:
    """Ask the bot which words it wants; empty where it refuses for another reason, or is silent."""
    from bot.desk.flatten import COMMAND_LINE, asked_for

    with journal(*whom) as reader:
        if not reader.running():
            return ""
        by = {"words": "", "by": COMMAND_LINE}
        name = reader.submit("flatten", coin, who=operator(), why=why, arguments=by)
        found = reader.wait(name, _PATIENCE_S)
        if not found.done:
            reader.withdraw(name)
        return asked_for(found.outcome) if found.done and not found.accepted else ""
