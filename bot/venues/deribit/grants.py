"""What a key may do, judged before anything is done with it.

The venue answers an authentication with the scopes that it granted. A bot needs to read its account
and, where it sends orders, to trade; it never needs to move money, to change the account or to
negotiate blocks, and a key that can is refused: who steals the machine steals the key. Scopes that
cannot be read are refused too.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from bot.domain.errors import KeyRightsError

TRADE: Final = "trade:read_write"
_WRITE: Final = "_write"
_LONGEST: Final = 1_000
# Codes by which the venue says that it does not know the key or its proof.
UNKNOWN_KEY: Final = frozenset({"13004"})
ONE_SYSTEM: Final = (
    "a key is known to one system alone, the test system or the real one; this one is"
)


class Fit(StrEnum):
    """How the rights of a key fit what it is for."""

    FITTING = "fitting"
    TOO_WIDE = "too_wide"
    TOO_NARROW = "too_narrow"
    UNREADABLE = "unreadable"


def granted(reply: object) -> frozenset[str]:
    """Return the rights (area:read or area:read_write) in the reply to an authentication.

    Empty where the reply tells none. What is no right (session, connection, expiry) is left out.
    """
    scope = reply.get("scope") if isinstance(reply, dict) else None
    if not isinstance(scope, str) or len(scope) > _LONGEST or not scope.isprintable():
        return frozenset()
    words = (word.lower() for word in scope.split())
    return frozenset(w for w in words if w.partition(":")[2].removesuffix(_WRITE) == "read")


def judge(rights: frozenset[str], *, orders: bool) -> tuple[Fit, tuple[str, ...]]:
    """Return how rights fit, and those that are too many or missing; `orders` will be sent.

    A key that may trade fits also where no order is sent: there is no lane to send one on.
    """
    if not rights:
        return Fit.UNREADABLE, ()
    wide = tuple(sorted(w for w in rights if w.endswith(_WRITE) and w != TRADE))
    if wide:
        return Fit.TOO_WIDE, wide
    needed = ("account:read", TRADE if orders else "trade:read")
    missing = tuple(w for w in needed if w not in rights and w + _WRITE not in rights)
    return (Fit.TOO_NARROW, missing) if missing else (Fit.FITTING, ())


def must_fit(reply: object, *, orders: bool, whose: str = "") -> None:
    """Raise KeyRightsError unless the key that was authenticated fits what it is for.

    `whose` is what the message calls the account.
    """
    fit, words = judge(granted(reply), orders=orders)
    if fit is not Fit.FITTING:
        subject = f"account {whose}: " if whose else ""
        raise KeyRightsError(f"{subject}{expected(fit, orders=orders)}, found {told(fit, words)}")


def expected(fit: Fit, *, orders: bool) -> str:
    """Return what is expected of a key that does not fit."""
    if fit is Fit.TOO_WIDE:
        return "expected a key that can neither move money nor change the account"
    use = "trade" if orders else "read positions"
    return f"expected a key that may {use} and read the account"


def told(fit: Fit, words: tuple[str, ...]) -> str:
    """Return what was found of a key that does not fit, and what to do about it."""
    listed = ", ".join(words)
    return {
        Fit.TOO_WIDE: f"one with {listed}: take these rights away at the exchange",
        Fit.TOO_NARROW: f"one without {listed}",
        Fit.UNREADABLE: "an authentication that names no rights",
        Fit.FITTING: "one",
    }[fit]
