"""The second key: proof that who lifts a breaker also holds a secret that the journal never sees.

The proof is an HMAC-SHA256 over the command's id, verb, coin and words, made where the command is
asked and checked before the core hears it. An id is taken once, so that a proof is worth nothing
for a second command, for another coin or for other words.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Final

from bot.journal.queue import Command

REVIEW: Final = "review"
PROOF: Final = "proof"

# Says why a command is not proven; empty where it is.
Check = Callable[[Command], str]


def proof(secret: str, command_id: str, verb: str, coin: str, words: str) -> str:
    """Return what proves a command, as hexadecimal digits."""
    said = json.dumps([command_id, verb, coin, words]).encode()
    return hmac.digest(secret.encode(), said, "sha256").hex()


def unproven(secret: str, command: Command) -> str:
    """Return why a command is not proven by a secret; empty where it is."""
    given = command.arguments.get(PROOF)
    right = proof(secret, command.id, command.verb, command.coin, command.why)
    if isinstance(given, str) and hmac.compare_digest(given.encode(), right.encode()):
        return ""
    found = "none" if given is None else "one of another key or another command"
    return f"refused: expected the proof of the second key, found {found}"


def no_key(_: Command) -> str:
    """Return why nothing is proven where no second key is set up."""
    return "refused: expected second_key_file in the bot's settings, found none"
