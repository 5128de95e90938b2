"""What an operator tells a running bot through its journal: to stop, go on, switch, hold, hedge.

A verb is done when the bot has answered. Without a bot nothing stays behind: the command is refused
or withdrawn, and the text says so. Only what stops (pause, halt, off, snooze), said to a bot that
runs but has not answered, stays queued, because stopping late is better than not at all.
"""

import os
import socket
from collections.abc import Mapping, Sequence
from getpass import getuser
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from bot.cli import say
from bot.cli.exits import Exit, VerbError, complain
from bot.cli.options import (
    AsJson,
    ConfigFiles,
    Instance,
    Sets,
    coins,
    journal,
    load,
    span_or_none_s,
    span_s,
)
from bot.domain.errors import JournalBusyError
from bot.domain.text import UNPRINTABLE, printable

if TYPE_CHECKING:
    from bot.journal import Answer, Reader

_PATIENCE_S: Final = 3.0
_LAST_MOMENT_S: Final = 1.0
LONGEST_WHY: Final = 200
_REVIEW: Final = "review"

# The settings' files, single settings and the instance: what finds the journal of the bot.
Whom: TypeAlias = tuple[Sequence[Path] | None, Sequence[str] | None, str | None]

Coin = Annotated[
    str | None,
    typer.Argument(metavar="COIN", help="One underlying; without it, all of the bot."),
]
OneCoin = Annotated[str, typer.Argument(metavar="COIN", help="The underlying that is meant.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the journal.")]
Confirm = Annotated[
    str | None,
    typer.Option(
        "--confirm", metavar="WORDS", help="The words that a first large hedge waits for."
    ),
]
Review = Annotated[
    str | None,
    typer.Option("--review", metavar="WORDS", help="The words that a tripped breaker waits for."),
]

Snooze = Annotated[
    float,
    typer.Option("--for", parser=span_s, metavar="TIME", help="For how long: 90s, 30m, 6h."),
]
Held = Annotated[
    float,
    typer.Option("--for", parser=span_or_none_s, metavar="TIME", help="For how long: 90s, 5m; 0s."),
]


Level = Annotated[
    float,
    typer.Argument(
        metavar="X", parser=coins, help="Where delta is wanted, in coin; may be negative."
    ),
]


def pause(
    coin: Coin = None,
    why: Why = "",
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Stop sending orders until `resume`; the bot goes on measuring. Survives a restart."""
    return tell("pause", coin, why, (config, sets, instance), as_json)


def resume(
    coin: Coin = None,
    why: Why = "",
    confirm: Confirm = None,
    review: Review = None,
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Let a paused or halted bot trade again, after it has reconciled with its venue.

    Refused (exit code 1) while the fate of an order is unknown, or the file HALT exists.

    With --confirm, COIN's first large hedge goes ahead instead: type the words that it waits for.
    With --review, a breaker that stopped COIN is lifted: type its words; needs second_key_file.
    """
    said = {"--confirm": confirm, "--review": review}
    typed = [name for name, words in said.items() if words is not None]
    if typed and coin is None:
        raise VerbError(f"expected a COIN with {typed[0]}, found none", Exit.USAGE)
    if len(typed) > 1:
        raise VerbError(f"expected one of {' and '.join(typed)}, found both", Exit.USAGE)
    # What was typed travels in the place of the reason, and must be the words exactly.
    verb, text = ("confirm", confirm) if confirm is not None else (_REVIEW, review)
    if text is None:
        return tell("resume", coin, why, (config, sets, instance), as_json)
    return tell(verb, coin, text, (config, sets, instance), as_json)


def halt(
    coin: Coin = None,
    why: Why = "",
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Cancel every working order and send nothing until `resume`. Asks for no confirmation."""
    return tell("halt", coin, why, (config, sets, instance), as_json)


def off(
    coin: OneCoin,
    why: Why = "",
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Switch hedging of COIN off until `on`; measuring goes on. Survives a restart and `resume`."""
    return tell("off", coin, why, (config, sets, instance), as_json)


def on(
    coin: OneCoin,
    why: Why = "",
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """End `off` or `snooze` of COIN; hedging comes back after a look at the venue's positions.

    A pause or halt still stands. Refused (exit code 1) while the fate of an order is unknown.
    """
    return tell("on", coin, why, (config, sets, instance), as_json)


def snooze(
    for_s: Snooze,
    coin: Coin = None,
    why: Why = "",
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Switch hedging of COIN, or of every underlying, off for a while; it comes back by itself.

    Ends neither a longer snooze nor an `off`; `on` ends it sooner. At most 24 h.
    """
    return tell("snooze", coin, why, (config, sets, instance), as_json, {"for_s": for_s})


def hold(
    coin: OneCoin,
    for_s: Held,
    why: Why = "",
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Leave what you trade by hand in COIN unhedged for a while, such as the legs of a spread.

    What is left alone already is kept until the same time. The rest of the book is hedged as ever.
    At most 1 h; 0s ends it at once.
    """
    return tell("hold", coin, why, (config, sets, instance), as_json, {"for_s": for_s})


def hedge(
    coin: OneCoin,
    why: Why = "",
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Trade COIN's delta to its target now, also from inside the bands, across the spread.

    Goes through the same checks and caps as every hedge, and gives up after a minute. Refused (exit
    code 1) in a state that sends nothing.
    """
    return tell("hedge", coin, why, (config, sets, instance), as_json)


def target(
    coin: OneCoin,
    level: Level,
    why: Why = "",
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Move COIN's band as a whole: target, lower and upper by the same distance.

    Survives a restart, until it is moved back to what the settings say. One step goes no further
    than fifty half-widths of the band.
    """
    return tell("target", coin, why, (config, sets, instance), as_json, {"target": level})


def reason(text: str) -> str:
    """Return a reason as it can stand in a journal and on a terminal: a stop must not fail over it.

    What cannot be printed becomes `?`, and what is too long is cut.
    """
    plain = printable(text).replace("\n", UNPRINTABLE)
    return plain if len(plain) <= LONGEST_WHY else f"{plain[: LONGEST_WHY - 1]}…"


def operator() -> str:
    """Name who is at the keyboard, as user@host."""
    try:
        user = getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def tell(
    verb: str,
    coin: str | None,
    why: str,
    whom: Whom,
    as_json: bool,
    arguments: Mapping[str, object] = MappingProxyType({}),
) -> int:
    """Put a verb to the bot that is meant, wait for its answer and report it."""
    why = reason(why)
    with journal(*whom) as reader:
        where = reader.path.parent.name
        if not reader.running():
            expected = f"expected a running bot on instance {where!r}"
            text = f"{expected}, found none: {verb} was not queued"
            return _report(verb, where, None, text, as_json)
        from bot.journal.queue import new_id
        from bot.journal.second_key import PROOF

        name, meant, said = new_id(), (coin or "").upper(), dict(arguments)
        if verb == _REVIEW:
            said[PROOF] = _proof(whom, name, meant, why)
        try:
            reader.submit(verb, meant, who=operator(), why=why, arguments=said, name=name)
        except JournalBusyError as fault:
            way = f"the file {reader.path.parent / 'HALT'} or SIGUSR1 halts without the journal"
            raise VerbError(f"{fault}; {way}") from fault
        try:
            found = reader.wait(name, _PATIENCE_S)
        except KeyboardInterrupt:
            kept = "was withdrawn" if reader.withdraw(name) else "had already been taken"
            say.note(f"{verb} {kept}")
            raise
        if found.done:
            return _report(verb, where, found, found.outcome, as_json)
        return _unanswered(reader, verb, found, as_json)


def _proof(whom: Whom, name: str, coin: str, words: str) -> str:
    """Return what proves a review by the second key of the settings."""
    from bot.journal.second_key import proof
    from config.secrets import second_key

    files, sets, _ = whom
    path = load(files, sets).settings.second_key_file
    if path is None:
        raise VerbError("expected second_key_file in the settings, found none", Exit.USAGE)
    return proof(second_key(path).reveal(), name, _REVIEW, coin, words)


def _unanswered(reader: "Reader", verb: str, asked: "Answer", as_json: bool) -> int:
    """Withdraw what nobody took; leave a stop in the queue of a bot that still runs."""
    from bot.journal.queue import NEVER_AGE

    where = reader.path.parent.name
    patience = f"expected an answer within {_PATIENCE_S:g} s, found none"
    running = reader.running()
    if not asked.taken and running and verb in NEVER_AGE:
        text = f"{patience}: {verb} stays queued and is obeyed as soon as the bot looks"
        return _report(verb, where, asked, text, as_json)
    if reader.withdraw(asked.id):
        state = "the bot runs but did not look" if running else "the bot has ended"
        text = f"{patience} ({state}): {verb} was withdrawn"
        return _report(verb, where, asked, text, as_json)
    found = reader.wait(asked.id, _LAST_MOMENT_S)
    if found.done:
        return _report(verb, where, found, found.outcome, as_json)
    text = f"{patience}: {verb} was taken, so what became of it stands in `deltaband status`"
    return _report(verb, where, found, text, as_json)


def _report(verb: str, instance: str, answer: "Answer | None", outcome: str, as_json: bool) -> int:
    accepted = answer is not None and answer.accepted
    try:
        if as_json:
            name = answer.id if answer is not None else None
            whose = {"id": name, "instance": instance}
            say.json(whose | {"accepted": accepted, "outcome": outcome})
        elif accepted:
            say.line(f"{verb} accepted by {instance}: {outcome}")
        say.flush()
    except say.OutputError:
        # Done all the same: a lost answer must not look to a script like a halt that was refused.
        if accepted:
            say.note(f"{verb} accepted by {instance}: {outcome}")
    if not accepted:
        complain(outcome)
    return Exit.FINE if accepted else Exit.ERROR
