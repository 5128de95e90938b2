"""One message to people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How urgent: INFO can wait for the morning, CRITICAL cannot wait at all."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class Alert:
    """A message: alerts of one `kind` about one `coin` (empty: the bot) are one story.

    `html` is a page to send in place of the text where a channel shows one. What the last word of
    an `urgent` story says is told within a minute. `at_ns` (wall) is when it was so; None: now.
    """

    kind: str
    severity: Severity
    coin: str
    title: str
    text: str = ""
    html: str = ""
    urgent: bool = False
    at_ns: int | None = None

    @property
    def story(self) -> tuple[str, str]:
        """Return what cooldowns go by."""
        return self.kind, self.coin
