"""The same story is told once in a while; what cannot wait is told always.

What was held back is counted; the last of it is told when its story may be told again, so that
nothing vanishes in silence. A story that gets worse is told at once, and an `urgent` one waits no
longer than a minute.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Final

from bot.domain.units import NS_PER_S
from bot.monitor.alerts.alert import Alert, Severity

KEPT: Final = 1_000
URGENT_S: Final = 60.0


@dataclass(slots=True)
class _Told:
    at_ns: int
    severity: Severity
    cooldown_ns: int
    held_back: int = 0
    last: Alert | None = None


@dataclass(slots=True)
class Patience:
    """What was told of each story; `cooldown_s` between two messages of one."""

    cooldown_s: float
    told: OrderedDict[tuple[str, str], _Told] = field(default_factory=OrderedDict)

    def let(self, alert: Alert, now_ns: int) -> Alert | None:
        """Return the message as it is to be sent, or None where it has to wait."""
        last = self.told.get(alert.story)
        if last is not None and _waits(alert, last, now_ns):
            last.held_back += 1
            last.last = alert
            return None
        return self._tell(alert, last, now_ns)

    def due(self, now_ns: int) -> list[Alert]:
        """Return the last word of each story that had to wait and may be told now."""
        ready = [
            one
            for one in self.told.values()
            if one.last is not None and abs(now_ns - one.at_ns) >= one.cooldown_ns
        ]
        return [self._tell(one.last, one, now_ns) for one in ready if one.last is not None]

    def rest(self, now_ns: int) -> list[Alert]:
        """Return the last word of each story that still waits: nobody will be there to tell it."""
        waiting = [one for one in self.told.values() if one.last is not None]
        return [self._tell(one.last, one, now_ns) for one in waiting if one.last is not None]

    def _tell(self, alert: Alert, last: _Told | None, now_ns: int) -> Alert:
        cooldown_s = min(self.cooldown_s, URGENT_S) if alert.urgent else self.cooldown_s
        held = 0 if last is None else last.held_back - (last.last is alert)
        self.told[alert.story] = _Told(now_ns, alert.severity, round(cooldown_s * NS_PER_S))
        self.told.move_to_end(alert.story)
        if len(self.told) > KEPT:
            self.told.popitem(last=False)
        if held <= 0:
            return alert
        more = f"{held} like it were held back"
        return replace(alert, text=f"{alert.text} ({more})" if alert.text else more)


def _waits(alert: Alert, last: _Told, now_ns: int) -> bool:
    if alert.severity is Severity.CRITICAL or alert.severity > last.severity:
        return False
    return abs(now_ns - last.at_ns) < last.cooldown_ns  # a clock may be set back
