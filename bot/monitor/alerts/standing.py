"""What lasts: told when it has lasted, again from time to time, and at its end.

Pure; time is the sight's own, and a clock that is set back keeps nothing from being told. What
stands when a monitor starts is told by it, whoever told it before. What nobody can see (a bot that
hangs, a figure that cannot be measured) is not over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.domain.units import NS_PER_S, iso
from bot.monitor.alerts.alert import Alert, Severity
from bot.monitor.alerts.patience import URGENT_S
from bot.monitor.alerts.troubles import (
    BACK_S,
    NO_JOURNAL,
    SILENT_S,
    Trouble,
    over,
    troubles,
    unseen,
)
from bot.monitor.outlet import Sight

Key = tuple[str, str]


@dataclass(slots=True)
class _Since:
    at_ns: int
    trouble: Trouble
    told_ns: int | None = None
    severity: Severity = Severity.INFO
    absent_ns: int | None = None
    older: bool = False
    """Whether it stood at the first look: since when, nobody knows here."""


@dataclass(slots=True)
class Standing:
    """Troubles that stand; `cooldown_s` lies between two of a kind that come and go."""

    remind_s: float
    cooldown_s: float = 0.0
    since: dict[Key, _Since] = field(default_factory=dict)
    spoken: dict[Key, tuple[int, Severity]] = field(default_factory=dict)
    """When what was last told, how bad."""
    followed: bool = False
    """Whether a bot was last seen in the middle of its run."""
    first: bool = True
    lived: bool | None = None
    woke_ns: int | None = None
    """Whether a process held the journal at the last look; when one was first seen to, again."""

    def see(
        self,
        sight: Sight,
        unreached: Mapping[str, int] | None = None,
        doubts: Iterable[Trouble] = (),
    ) -> list[Alert]:
        """Take how things stand; return what is to be told of it.

        `unreached` says since when (wall) who cannot be told; `doubts` are those of the run.
        """
        now_ns = sight.wall_ns
        if sight.alive and self.lived is False:
            self.woke_ns = now_ns
        self.lived = sight.alive
        found = list(troubles(sight, unreached or {}, self.woke_ns))
        if sight.alive and sight.status is not None and not sight.status["stale"]:
            found += doubts
        if sight.status is not None:
            self.followed = not sight.ended
        elif sight.alive:
            self.followed = True
        elif self.followed:
            # A journal that is away for a moment is not gone, but after the end of its run.
            after_s = 0.0 if sight.final else SILENT_S
            found.append(Trouble("gone", "", Severity.CRITICAL, NO_JOURNAL, after_s))
        alerts = [a for trouble in found if (a := self._told(trouble, now_ns)) is not None]
        self.first = False
        return alerts + self._ends(sight, {(one.kind, one.coin) for one in found})

    def stands(self, kind: str, coin: str = "") -> bool:
        """Tell whether people know of a trouble that has not ended."""
        known = self.since.get((kind, coin))
        return known is not None and known.told_ns is not None

    def now(self) -> tuple[Severity, str]:
        """Return all that people should know now, and how bad the worst of it is."""
        known = [one for one in self.since.values() if one.told_ns is not None]
        worst = max((one.severity for one in known), default=Severity.INFO)
        return worst, "\n".join(one.trouble.title for one in known)

    def is_told(self, trouble: Trouble, now_ns: int) -> None:
        """Take it that people were told of a trouble by another message."""
        self.since[trouble.kind, trouble.coin] = _Since(now_ns, trouble, now_ns, trouble.severity)

    def _told(self, trouble: Trouble, now_ns: int) -> Alert | None:
        key = trouble.kind, trouble.coin
        began_ns = now_ns if trouble.since_ns is None else min(trouble.since_ns, now_ns)
        older = self.first and trouble.since_ns is None
        since = self.since.setdefault(key, _Since(began_ns, trouble, older=older))
        since.trouble, since.absent_ns = trouble, None
        since.at_ns = min(since.at_ns, now_ns)
        lasted_s = (now_ns - since.at_ns) / NS_PER_S
        first, worse = since.told_ns is None, trouble.severity > since.severity
        if lasted_s < trouble.after_s or (first and self._too_soon(key, trouble, now_ns)):
            return None
        again_ns = self.remind_s * trouble.rarely * NS_PER_S
        if since.told_ns is not None and not worse and abs(now_ns - since.told_ns) < again_ns:
            return None
        since.told_ns, since.severity = now_ns, trouble.severity
        self.spoken[key] = now_ns, trouble.severity
        begun = "" if since.older else f"since {iso(since.at_ns)}"
        when = begun if first else f"still, for {lasted_s:.0f} s"
        text = "\n".join(filter(None, (trouble.text, when)))
        return Alert(trouble.kind, trouble.severity, trouble.coin, trouble.title, text)

    def _too_soon(self, key: Key, trouble: Trouble, now_ns: int) -> bool:
        """Tell whether what comes and goes was told lately, and is no worse than it was."""
        last_ns, severity = self.spoken.get(key, (0, Severity.INFO))
        cooldown_s = min(self.cooldown_s, URGENT_S) if trouble.urgent else self.cooldown_s
        if trouble.severity is Severity.CRITICAL or trouble.severity > severity:
            return False
        return abs(now_ns - last_ns) < cooldown_s * NS_PER_S

    def _ends(self, sight: Sight, found: set[Key]) -> list[Alert]:
        alerts = []
        for key in sorted(self.since.keys() - found):
            since = self.since[key]
            if not sight.ended and (unseen(*key, sight) or self._not_yet(key, since, sight)):
                continue
            del self.since[key]
            if since.told_ns is None or sight.ended:
                continue
            kind, coin = key
            if kind.startswith("state ") and any(
                other.startswith("state ") and where == coin and self.stands(other, where)
                for other, where in found
            ):
                continue  # the state that came in its place is told
            ended_ns = max(since.absent_ns or sight.wall_ns, since.at_ns)
            lasted_s = (ended_ns - since.at_ns) / NS_PER_S
            least = "at least " if since.older else ""
            title, lasted = over(kind, coin, sight), f"it lasted {least}{lasted_s:.0f} s"
            alerts.append(Alert(f"{kind} over", Severity.INFO, coin, title, lasted))
        return alerts

    def _not_yet(self, key: Key, since: _Since, sight: Sight) -> bool:
        """Tell whether a bot that was gone has to show for a while that it is back."""
        since.absent_ns = since.absent_ns or sight.wall_ns
        return key[0] == "gone" and abs(sight.wall_ns - since.absent_ns) < BACK_S * NS_PER_S
