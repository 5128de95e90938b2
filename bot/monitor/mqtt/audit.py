"""Who was refused: a row for each command that is kept from the bot, and a line in the log.

Anybody who reaches the broker may send garbage, and rows are for ever: of those that no key signed
ten a minute are written down one by one, of others twenty. The rest of that minute is counted, and
told in one row more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from bot.domain.errors import JournalError
from bot.monitor.mqtt.envelope import Refusal
from bot.monitor.newsroom import Say
from bot.monitor.outlet import Steering

ANYBODY: Final = "mqtt:unproven"
WINDOW_S: Final = 60.0
MOST: Final = {False: 10, True: 20}
"""Rows in a window of what is not, and of what is, signed by a key that is known."""


class Audit:
    """Writes down refusals, as many as are good for a disk."""

    def __init__(self, steering: Steering, say: Say, clock_s: Callable[[], float]) -> None:
        self._steering, self._say, self._clock_s = steering, say, clock_s
        self._until = float("-inf")
        self._written: Counter[bool] = Counter()
        self._more: Counter[str] = Counter()
        self._silent = False

    def refused(self, verb: str, refusal: Refusal, times: int = 1) -> None:
        """Write down that a command on the topic of `verb` was refused, and why."""
        self.tick()
        of = refusal.of
        if self._written[of is not None] >= MOST[of is not None]:
            self._more[refusal.fault] += times
            return
        self._written[of is not None] += 1
        who = ANYBODY if of is None else f"mqtt:{of.key_id}"
        about = {} if of is None else {"id": of.id, "seq": of.seq}
        why = "" if of is None else of.args.get("why", "")[:200]
        self._write(verb, who, why, about | {"fault": refusal.fault}, refusal.why)

    def tick(self, *, last: bool = False) -> None:
        """Begin another minute where one is over (or it is the last); tell what was counted."""
        now = self._clock_s()
        if now < self._until and not last:
            return
        more, self._more = self._more, Counter()
        self._written.clear()
        self._until = now + WINDOW_S
        self._silent = False
        if more:
            kinds = ", ".join(f"{name} {count}" for name, count in sorted(more.items()))
            counted = f"{more.total()} more within a minute ({kinds})"
            self._write("", ANYBODY, "", {"faults": dict(more)}, counted)

    def _write(
        self, verb: str, who: str, why: str, arguments: dict[str, object], why_not: str
    ) -> None:
        self._say("mqtt.refused", "warning", verb=verb, who=who, found=why_not)
        try:
            self._steering.refused(verb, who=who, why=why, arguments=arguments, why_not=why_not)
        except JournalError as fault:
            if not self._silent:
                self._silent = True
                self._say("mqtt.not_audited", "error", found=str(fault))
