"""The operator's commands on their way to a running bot: asked by one process, taken by another.

A command is taken at most once and in the order of asking: it is marked before it is handed over,
so a bot that dies in between has lost it, and says so by its missing outcome. What loosens
(resume and the like) is refused when it has waited too long, because it was meant for another
moment; what only stops (pause, halt, off, snooze) never ages, and the next run takes it again where
a bot died before what it did was on disk: a stop must not get lost.

What was refused before any bot could take it (a forged command from outside, say) is written here
as done, so that who asked for what is in one place; no bot ever sees it.
"""

from __future__ import annotations

import math
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.events import Operator
from bot.domain.records import CommandOutcome
from bot.domain.units import NS_PER_S
from bot.journal.acts import AT_THE_DOOR, act
from bot.journal.database import transaction
from bot.journal.rows import from_json, to_json

Transaction = Callable[[], AbstractContextManager[None]]
NEVER_AGE: Final = frozenset({"pause", "halt", "off", "snooze"})
MAX_AGE_NS: Final = 60 * NS_PER_S
_WAITING: Final = (
    "SELECT seq, id, verb, coin, arguments, who, why, at_ns FROM commands"
    " WHERE taken_ns IS NULL ORDER BY seq"
)


@dataclass(frozen=True, slots=True)
class Command:
    """What an operator asked, at which wall time; an empty `coin` is the whole instance."""

    id: str
    verb: str
    coin: str
    arguments: Mapping[str, Any]
    who: str
    why: str
    at_ns: int

    def event(self, ts_ns: int) -> Operator:
        """Return the command as the core hears it at market time `ts_ns`."""
        for_s, level = map(_number, (self.arguments.get("for_s"), self.arguments.get("target")))
        words, by = (str(self.arguments.get(name, "")) for name in ("words", "by"))
        said = (self.verb, self.coin, self.who, self.why)
        return Operator(ts_ns, self.id, *said, for_s, words, by, level)


def _number(said: object) -> float | None:
    """Return a number that was said; what is none is NaN, which the core refuses."""
    if said is None:
        return None
    return said if isinstance(said, (int, float)) and not isinstance(said, bool) else math.nan


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: `taken` by a bot, and its outcome once `done`."""

    id: str
    taken: bool
    done: bool
    accepted: bool
    outcome: str


def submit(db: sqlite3.Connection, command: Command) -> None:
    """Put a command at the end of the queue; an id that is there already is an IntegrityError."""
    with transaction(db, guest=True):
        db.execute(
            "INSERT INTO commands (id, verb, coin, arguments, who, why, at_ns)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(command.id, command.verb, command.coin, to_json(command.arguments)),
                *(command.who, command.why, command.at_ns),
            ),
        )


def refuse(db: sqlite3.Connection, command: Command, why_not: str) -> None:
    """Write down a command that is not to reach any bot, as done the moment that it was asked."""
    with transaction(db, guest=True):
        db.execute(
            "INSERT INTO commands (id, verb, coin, arguments, who, why, at_ns, taken_ns, done_ns,"
            " accepted, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?7, 0, ?8)",
            (
                *(command.id, command.verb, command.coin, to_json(command.arguments)),
                *(command.who, command.why, command.at_ns, f"{AT_THE_DOOR}{why_not}"),
            ),
        )


def new_id() -> str:
    """Return a name for a command that no other has."""
    return secrets.token_hex(6)


def take(
    db: sqlite3.Connection, transaction: Transaction, run: int, now_ns: int
) -> tuple[Command, ...]:
    """Mark every waiting command as taken at wall time `now_ns` and return the ones to obey.

    What is written in a `transaction` (of the chain) is the work of `run`.
    """
    if db.execute(_WAITING).fetchone() is None:  # the common case must not take the write lock
        return ()
    obeyed = []
    with transaction():
        for seq, name, verb, coin, arguments, who, why, at_ns in db.execute(_WAITING).fetchall():
            command = Command(name, verb, coin, from_json(arguments), who, why, at_ns)
            age_ns = now_ns - at_ns
            if verb in NEVER_AGE or age_ns <= MAX_AGE_NS:
                obeyed.append(command)
                db.execute("UPDATE commands SET taken_ns = ? WHERE seq = ?", (now_ns, seq))
                continue
            late = f"expected to be taken within 60 s, waited {age_ns / NS_PER_S:.0f} s"
            db.execute(
                "UPDATE commands SET taken_ns = ?1, done_ns = ?1, accepted = 0, outcome = ?2"
                " WHERE seq = ?3",
                (now_ns, late, seq),
            )
            db.execute(*act("commands", run, name))
    return tuple(obeyed)


def give_back(db: sqlite3.Connection) -> None:
    """Let what only stops wait again where a bot that is gone took it and never answered.

    Its answer would be on disk together with what it did. Part of the caller's transaction.
    """
    db.executemany(
        "UPDATE commands SET taken_ns = NULL"
        " WHERE taken_ns IS NOT NULL AND done_ns IS NULL AND verb = ?",
        [(verb,) for verb in sorted(NEVER_AGE)],
    )


def answer(db: sqlite3.Connection, name: str) -> Answer | None:
    """Return how a command stands; None for an id that was never asked."""
    row = db.execute(
        "SELECT taken_ns, done_ns, accepted, outcome FROM commands WHERE id = ?", (name,)
    ).fetchone()
    if row is None:
        return None
    taken_ns, done_ns, accepted, outcome = row
    return Answer(name, taken_ns is not None, done_ns is not None, bool(accepted), outcome or "")


def withdraw(db: sqlite3.Connection, name: str, now_ns: int) -> bool:
    """Take back a command that no bot has taken; False when it is too late."""
    with transaction(db, guest=True):
        changed = db.execute(
            "UPDATE commands SET taken_ns = ?1, done_ns = ?1, accepted = 0, outcome = 'withdrawn'"
            " WHERE id = ?2 AND taken_ns IS NULL",
            (now_ns, name),
        ).rowcount
    return changed == 1


# A command that came by another way (a signal, a file) has no row yet: its outcome makes one.
OUTCOME_SQL: Final = """
INSERT INTO commands
  (id, verb, coin, arguments, who, why, at_ns, taken_ns, done_ns, accepted, outcome)
VALUES (?1, '', '', '{}', '', '', ?2, ?2, ?2, ?3, ?4)
ON CONFLICT (id) DO UPDATE SET done_ns = ?2, accepted = ?3, outcome = ?4,
  taken_ns = coalesce(taken_ns, ?2)
"""
HEARD_SQL: Final = """
INSERT INTO commands (id, verb, coin, arguments, who, why, at_ns, taken_ns)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) ON CONFLICT (id) DO NOTHING
"""


def outcome_row(done: CommandOutcome, now_ns: int) -> tuple[Any, ...]:
    """Return the values of `OUTCOME_SQL`; `now_ns` is wall time."""
    return (done.command_id, now_ns, done.accepted, done.outcome)


def heard_row(event: Operator, now_ns: int) -> tuple[Any, ...]:
    """Return the values of `HEARD_SQL`; `now_ns` is wall time."""
    arguments = to_json({} if event.for_s is None else {"for_s": event.for_s})
    said = (event.verb, event.coin, arguments, event.who, event.why)
    return (event.command_id, *said, now_ns)
