"""Order labels: which instance sent an order, when that run of it began, and which order it was.

    db-INSTANCE-EPOCH-SEQUENCE         on paper: the same in every repetition
    db-INSTANCE-BORN.EPOCH-SEQUENCE    on an exchange: BORN is when the run began (ns, base 36)

Two bots on one account find each other by these labels. EPOCH grows with every run in a journal;
BORN keeps runs apart where it does not: two machines with one name, a journal that was set back to
an older copy. It is as fine as the clock, so that the same moment, even after the clock was set
back, is no likely one; and it says which of two bots was there first. A label has at most 64
characters.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

MARK: Final = "db-"
LONGEST_INSTANCE: Final = 28
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class Whose(StrEnum):
    """Who placed an order: this run or an earlier one of it, another bot like it, a person."""

    OURS = "ours"
    RIVAL = "rival"
    PERSON = "person"


def stem(instance: str, epoch: int, born_ns: int | None = None) -> str:
    """Return what all labels of one run begin with; only their sequence follows.

    `born_ns` is the wall clock at the run's beginning, None on paper.
    """
    born = "" if born_ns is None else f"{_base36(born_ns)}."
    return f"{MARK}{instance[:LONGEST_INSTANCE]}-{born}{epoch}-"


def is_of(label: str, instance: str) -> bool:
    """Tell whether a label is one of an instance's, of whichever run."""
    run = label.rpartition("-")[0]
    return run.rpartition("-")[0] == f"{MARK}{instance[:LONGEST_INSTANCE]}"


def is_elder(label: str, than: str) -> bool:
    """Tell whether the run that sent a label was there before the run of the stem `than`.

    One that does not say when it began counts as elder; runs of the same moment are told
    apart by their text, the same way by either.
    """
    theirs, ours = _born(label), _born(than)
    if theirs is None or ours is None:
        return True
    return (theirs, label.rpartition("-")[0]) < (ours, than.rpartition("-")[0])


def _born(label: str) -> int | None:
    """Return when the run of a label or stem began, in ns; None where it does not tell."""
    born, dot, _ = label.rpartition("-")[0].rpartition("-")[2].partition(".")
    known = dot and born and set(born) <= set(_DIGITS)
    return int(born, 36) if known else None


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"
