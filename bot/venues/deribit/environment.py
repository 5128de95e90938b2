"""Which of the venue's systems answers, by its own word: every reply says `testnet` true or false.

An address may be resolved, redirected or mistyped to the other system, so it proves nothing. What
is meant is held against the first reply of each connection before anything else is asked, and
against every reply after it. A venue that does not say which one it is counts as the wrong one.
"""

from __future__ import annotations

from typing import Final

from bot.domain.errors import WrongEnvironmentError

TEST: Final = "test system"
REAL: Final = "real system"


def system(testnet: bool) -> str:  # noqa: FBT001  the venue's own word
    """Return what a system is called."""
    return TEST if testnet else REAL


class Environment:
    """The system that is meant (`testnet` None: either) and the one that has answered."""

    def __init__(self, testnet: bool | None) -> None:  # noqa: FBT001  its one fact
        self.meant = testnet
        self.said: bool | None = None

    def forget(self) -> None:
        """Begin anew: another connection may lead elsewhere."""
        self.said = None

    def hear(self, reply: object) -> None:
        """Take what a reply says; WrongEnvironmentError where it is the other system's."""
        word = reply.get("testnet") if isinstance(reply, dict) else None
        if not isinstance(word, bool):
            return
        self.said = word
        if self.meant is not None and word is not self.meant:
            found = f"the {system(word)} (testnet {str(word).lower()})"
            raise WrongEnvironmentError(f"expected the venue's {system(self.meant)}, found {found}")

    def must_be_told(self) -> None:
        """Raise WrongEnvironmentError where it matters and no reply has said it."""
        if self.meant is not None and self.said is None:
            meant = system(self.meant)
            found = "an answer that names none"
            raise WrongEnvironmentError(f"expected the venue's {meant}, found {found}")
