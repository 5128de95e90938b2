"""The same story is told once in a while; what cannot wait is told always.

What was held back is counted and told with the next message of its story, so that nothing vanishes
in silence. A story that gets worse is told at once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Final

from bot.domain.units import NS_PER_S
from bot.monitor.alerts.alert import Alert, Severity

KEPT: Final = 1_000


@dataclass(slots=True)
class _Told:
    at_ns: int
    severity: Severity
    held_back: int = 0


@dataclass(slots=True)
class Patience:
    """What was told of each story; `cooldown_s` between two messages of one."""

    cooldown_s: float
    told: OrderedDict[tuple[str, str], _Told] = field(default_factory=OrderedDict)

    def let(self, alert: Alert, now_ns: int) -> Alert | None:
        """Return the message as it is to be sent, or None where it has to wait."""
        last = self.told.get(alert.story)
        if last is not None and self._waits(alert, last, now_ns):
            last.held_back += 1
            return None
        self.told[alert.story] = _Told(now_ns, alert.severity)
        self.told.move_to_end(alert.story)
        if len(self.told) > KEPT:
            self.told.popitem(last=False)
        if last is None or not last.held_back:
            return alert
        more = f"{last.held_back} like it were held back"
        return replace(alert, text=f"{alert.text} ({more})" if alert.text else more)

    def _waits(self, alert: Alert, last: _Told, now_ns: int) -> bool:
        if alert.severity is Severity.CRITICAL or alert.severity > last.severity:
            return False
        return now_ns - last.at_ns < self.cooldown_s * NS_PER_S
