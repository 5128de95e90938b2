"""What is worth a message to people, and how urgent it is.

Pure: news and sights in, alerts out; time is the sight's own. What the bot lives with by itself (a
quote that is old for a moment, a hedge like any other) is no message. What lasts is told again:
see `Standing`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.domain.reasons import Reason
from bot.domain.states import State
from bot.domain.units import NS_PER_S, iso
from bot.journal.runs import STOPPED
from bot.journal.tail import News
from bot.monitor.alerts.alert import Alert, Severity
from bot.monitor.levels import PAGED
from bot.monitor.outlet import Sight

OUTSIDE_S: Final = 60.0
UNKNOWN_S: Final = 30.0
SILENT_S: Final = 15.0
MARGIN: Final = (0.5, 0.8)
LIQUIDATION: Final = (0.10, 0.05)
"""Where a warning begins, and where it cannot wait: share of funds, distance of the index."""

# What is told of a coin, and the figures without which nobody can say that it is over.
_OF_COIN: Final[Mapping[str, tuple[str, ...]]] = {
    "outside": ("delta_coin",),
    "unknown orders": (),
    "margin": ("margin",),
    "liquidation": ("margin",),
}
_OVER: Final[Mapping[str, str]] = {
    "outside": "delta is inside its band again",
    "unknown orders": "the fate of every order is known",
    "margin": f"maintenance margin is below {MARGIN[0]:.0%} of its funds again",
    "liquidation": f"no move within {LIQUIDATION[0]:.0%} liquidates any more",
    "gone": "the bot is back",
    "silent": "the bot decides again",
    "journal": "the journal can be read again",
}
NO_JOURNAL: Final = "the journal is gone, and the bot with it: nobody hedges"
_TOLD_DOUBTS: Final = frozenset({Reason.UNHEDGED, Reason.STILL_OUTSIDE, Reason.PNL_UNEXPLAINED})
_OF_STATE: Final = {
    State.HALTED: Severity.CRITICAL,
    State.PAUSED: Severity.WARNING,
    State.REDUCE_DELTA_ONLY: Severity.WARNING,
    State.RUNNING: Severity.INFO,
}


@dataclass(slots=True)
class Events:
    """What happened; `stopped` are the coins (empty: all of it) of whose stop people were told."""

    stopped: set[str] = field(default_factory=set)

    def hear(self, news: News) -> Alert | None:
        """Return the message that a row is worth; None for what needs no person."""
        if news.kind == "state":
            return self._state(news.fields)
        tell = _OF_KIND.get(news.kind)
        return None if tell is None else tell(news.fields)

    def _state(self, row: Mapping[str, Any]) -> Alert | None:
        after, coin = State(row["after"]), row["coin"]
        severity = _OF_STATE.get(after)
        if severity is None:
            return None
        if after is not State.RUNNING:
            self.stopped.add(coin)
        elif coin not in self.stopped:
            return None  # the way up after a start is no news; coming back from a stop is
        else:
            self.stopped.discard(coin)
        title = f"{coin or 'everything'} is {after}"
        return Alert("state", severity, coin, title, _reasons(row["reasons"]), urgent=True)


def _doubt(row: Mapping[str, Any]) -> Alert | None:
    because = row["because"]
    reason = because["reason"]
    if not row["active"] or reason not in PAGED | _TOLD_DOUBTS:
        return None
    severity = Severity.CRITICAL if reason in PAGED else Severity.WARNING
    title = f"{row['coin'] or 'the bot'}: {reason.replace('_', ' ')}"
    return Alert(f"doubt {reason}", severity, row["coin"], title, _reasons([because]))


def _decision(row: Mapping[str, Any]) -> Alert | None:
    """Tell that a book is outside its owner's band and its hedge was refused."""
    lower, delta, upper = row["lower"], row["delta_coin"], row["upper"]
    outside = None not in (lower, delta, upper) and not lower <= delta <= upper
    if not row["refused"] or row["kind"] == "gamma" or not outside:
        return None
    title = f"{row['coin']}: a hedge was refused, delta {delta:+.4f} ({lower:g} to {upper:g})"
    text = _reasons(row["refused"])
    return Alert("refused", Severity.WARNING, row["coin"], title, text)


def _run(row: Mapping[str, Any]) -> Alert | None:
    outcome = row["outcome"]
    if row["ended_ns"] is None and outcome is None:
        about = f"{row['mode']}, {row['market']}, version {row['version']}"
        return Alert("run started", Severity.INFO, "", "the bot has started", about)
    if outcome == STOPPED:
        text = "its run has ended in order; nobody hedges until the next"
        return Alert("run stopped", Severity.INFO, "", "the bot was stopped", text)
    if row["ended_ns"] is None:
        return None  # an earlier run, found interrupted: its end was told when it was noticed
    return Alert("run ended", Severity.CRITICAL, "", "the bot has ended", str(outcome))


def _command(row: Mapping[str, Any]) -> Alert | None:
    if row["verb"] not in {"halt", "flatten", "target"} or not row["accepted"]:
        return None
    who, what = row["who"] or "somebody", f"{row['verb']} {row['coin']}".strip()
    text = f"{row['why'] or 'no reason given'}; {row['outcome']}"
    story, title = f"command {row['verb']}", f"{who}: {what}"
    return Alert(story, Severity.INFO, row["coin"], title, text, urgent=True)


def _standing(row: Mapping[str, Any]) -> Alert | None:
    """Tell that a coin is not hedged, or not what was traded by hand, and that this is over."""
    word, coin = row["word"], row["coin"]
    if word not in _OF_WORD:
        return None
    severity, title, over = _OF_WORD[word]
    if not row["stands"]:
        return Alert(word, Severity.INFO, coin, f"{coin}: {over}", f"`{word}` is over", urgent=True)
    until = "taken back" if row["until_ns"] is None else iso(row["until_ns"])
    text = row["because"]["subject"]
    return Alert(word, severity, coin, f"{coin}: {title} until {until}", text, urgent=True)


_OF_WORD: Final = {
    "off": (Severity.WARNING, "off, nothing is hedged", "on, it is hedged again"),
    "hold": (
        Severity.INFO,
        "on hold, what is traded by hand is not hedged",
        "what is traded by hand is hedged again",
    ),
}
_OF_KIND: Final[Mapping[str, Callable[[Mapping[str, Any]], Alert | None]]] = {
    "doubt": _doubt,
    "decision": _decision,
    "run": _run,
    "command": _command,
    "standing": _standing,
}


def _reasons(reasons: list[Mapping[str, Any]]) -> str:
    return "; ".join(filter(None, map(_because, reasons)))


def _because(said: Mapping[str, Any]) -> str:
    numbers = ", ".join(f"{name} {value:g}" for name, value in said["numbers"].items() if value)
    words = said["reason"].replace("_", " ")
    inside = ": ".join(part for part in (said["subject"], numbers) if part)
    return f"{words} ({inside})" if inside else words


# what lasts


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that stands now: what it is, how bad, and after how long it is told.

    `since_ns` (wall) is when it began, where that is known; else it counts from the first look.
    """

    kind: str
    coin: str
    severity: Severity
    title: str
    after_s: float = 0.0
    since_ns: int | None = None


@dataclass(slots=True)
class _Since:
    at_ns: int
    told_ns: int | None = None
    severity: Severity = Severity.INFO


@dataclass(slots=True)
class Standing:
    """Troubles that stand, told when they have lasted, again every `remind_s`, and at their end."""

    remind_s: float
    since: dict[tuple[str, str], _Since] = field(default_factory=dict)
    followed: bool = False
    """Whether a bot was last seen in the middle of its run."""

    def see(self, sight: Sight) -> list[Alert]:
        """Take how things stand; return what is to be told of it."""
        now_ns, found = sight.wall_ns, list(troubles(sight))
        if sight.status is not None:
            self.followed = not sight.ended
        elif sight.alive:
            self.followed = True
        elif self.followed:
            found.append(Trouble("gone", "", Severity.CRITICAL, NO_JOURNAL, SILENT_S))
        alerts = [a for trouble in found if (a := self._told(trouble, now_ns)) is not None]
        gone = self.since.keys() - {(trouble.kind, trouble.coin) for trouble in found}
        for kind, coin in sorted(gone):
            if not sight.ended and _unseen(kind, coin, sight):
                continue  # what cannot be seen is not over
            over = self.since.pop((kind, coin))
            if over.told_ns is not None and not sight.ended:
                lasted = f"it lasted {(now_ns - over.at_ns) / NS_PER_S:.0f} s"
                title = f"{coin}: {_over(kind)}".removeprefix(": ")
                alerts.append(Alert(f"{kind} over", Severity.INFO, coin, title, lasted))
        return alerts

    def _told(self, trouble: Trouble, now_ns: int) -> Alert | None:
        began_ns = now_ns if trouble.since_ns is None else min(trouble.since_ns, now_ns)
        since = self.since.setdefault((trouble.kind, trouble.coin), _Since(began_ns))
        lasted_s = (now_ns - since.at_ns) / NS_PER_S
        if lasted_s < trouble.after_s:
            return None
        worse = trouble.severity > since.severity
        told_ns = since.told_ns
        if told_ns is not None and not worse and now_ns - told_ns < self.remind_s * NS_PER_S:
            return None
        since.told_ns, since.severity = now_ns, trouble.severity
        since_text = f"since {iso(since.at_ns)}"
        text = since_text if told_ns is None else f"still, for {lasted_s:.0f} s"
        # A reminder is a message of its own: no cooldown of its story holds it back.
        kind = trouble.kind if told_ns is None else f"{trouble.kind} still"
        return Alert(kind, trouble.severity, trouble.coin, trouble.title, text)


def _unseen(kind: str, coin: str, sight: Sight) -> bool:
    """Tell whether a sight says nothing of a trouble, neither that it stands nor its end."""
    if sight.status is None:
        return True
    if kind in {"gone", "journal"}:
        return False
    if not sight.alive or sight.status["stale"]:
        return True
    if kind not in _OF_COIN:
        return False
    one = sight.status["underlyings"].get(coin)
    return one is None or any(one[name] is None for name in _OF_COIN[kind])


def _over(kind: str) -> str:
    return _OVER.get(kind) or f"connected again: {kind.removeprefix('no ')}"


def troubles(sight: Sight) -> Iterator[Trouble]:
    """Yield what stands now that somebody has to know if it lasts."""
    status = sight.status
    if status is None:
        if sight.alive:
            yield Trouble("journal", "", Severity.CRITICAL, f"no journal: {sight.why}", SILENT_S)
        return
    if not sight.alive:
        if not sight.ended:
            title = "the bot is gone: nobody hedges"
            yield Trouble("gone", "", Severity.CRITICAL, title, since_ns=sight.beat_ns)
        return
    if status["stale"]:
        title = "the bot hangs: no decision any more"
        yield Trouble("silent", "", Severity.CRITICAL, title, SILENT_S, sight.beat_ns)
        return
    for name in status["disconnected"]:
        yield Trouble(f"no {name}", "", Severity.WARNING, f"disconnected: {name}", OUTSIDE_S)
    for coin, one in status["underlyings"].items():
        yield from _of_coin(coin, one)


def _of_coin(coin: str, one: Mapping[str, Any]) -> Iterator[Trouble]:
    delta, lower, upper = one["delta_coin"], one["lower"], one["upper"]
    if None not in (delta, lower, upper) and not lower <= delta <= upper:
        title = f"{coin}: delta {delta:+.4f} is outside {lower:g} to {upper:g} ({one['state']})"
        yield Trouble("outside", coin, Severity.CRITICAL, title, OUTSIDE_S)
    if one["unknown_orders"]:
        title = f"{coin}: the fate of {one['unknown_orders']} orders is unknown"
        yield Trouble("unknown orders", coin, Severity.WARNING, title, UNKNOWN_S)
    margin = one["margin"]
    if margin is None:
        return
    used = _share(margin["maintenance_margin"], margin["funds"])
    if used >= MARGIN[0]:
        title = f"{coin}: maintenance margin is {used:.0%} of its funds"
        yield Trouble("margin", coin, _severity(used >= MARGIN[1]), title)
    moves = [abs(margin[side]) for side in ("down", "up") if margin[side] is not None]
    nearest = min(moves, default=math.inf)
    if nearest <= LIQUIDATION[0]:
        title = f"{coin}: a move of {nearest:.1%} liquidates"
        yield Trouble("liquidation", coin, _severity(nearest <= LIQUIDATION[1]), title)


def _severity(bad: bool) -> Severity:  # noqa: FBT001
    return Severity.CRITICAL if bad else Severity.WARNING


def _share(part: float | None, whole: float | None) -> float:
    return part / whole if part is not None and whole else 0.0
