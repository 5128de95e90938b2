"""What stands now that somebody has to know of: one sight of the journal in, troubles out.

Pure; time is the sight's own. Also what is told of each when it is over, from what is seen then:
the end of one trouble is no comfort while another stands.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.states import SENDING, STICKY, State, stricter
from bot.domain.units import NS_PER_S
from bot.monitor.alerts.alert import Severity
from bot.monitor.alerts.events import reasons
from bot.monitor.outlet import Sight

OUTSIDE_S: Final = 60.0
UNKNOWN_S: Final = 30.0
SILENT_S: Final = 15.0
STARTING_S: Final = 60.0
LOST_S: Final = 300.0
"""A connection that is lost for so long cannot wait: nothing can be hedged over it."""
BACK_S: Final = 20.0
"""For so long a bot must have lived again before it is called back."""
RARELY: Final = 12.0
"""What a person or a control wanted is told again after so many reminders of what nobody did."""
MARGIN: Final = (0.5, 0.8)
LIQUIDATION: Final = (0.10, 0.05)
"""Where a warning begins, and where it cannot wait: share of funds, distance of the index."""

# What is told of a coin, and the figures without which nobody can say that it is over.
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "outside": ("delta_coin",),
    "unknown orders": ("unknown_orders",),
    "margin": ("margin",),
    "liquidation": ("margin",),
}
_OF_MARGIN: Final[Mapping[str, tuple[str, ...]]] = {
    "margin": ("maintenance_margin", "funds"),
    "liquidation": ("down", "up"),
}
NO_JOURNAL: Final = "the journal is gone, and the bot with it: nobody hedges"
_STOPPED: Final = {
    State.HALTED: Severity.CRITICAL,
    State.PAUSED: Severity.WARNING,
    State.REDUCE_DELTA_ONLY: Severity.WARNING,
}
_OVER: Final[Mapping[str, str]] = {
    "outside": "delta is inside its band again",
    "unknown orders": "the fate of every order is known",
    "margin": f"maintenance margin is below {MARGIN[0]:.0%} of its funds again",
    "liquidation": f"no move within {LIQUIDATION[0]:.0%} liquidates any more",
    "gone": "the bot is back",
    "silent": "the bot decides again",
    "journal": "the journal can be read again",
    "mqtt": "the broker takes what is told again",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that stands now: what it is, how bad, after how long it is told, and how often.

    `since_ns` (wall) is when it began, where that is known; else it counts from the first look. It
    is told again every `rarely` reminders. An `urgent` one that comes and goes waits no longer than
    a minute.
    """

    kind: str
    coin: str
    severity: Severity
    title: str
    after_s: float = 0.0
    since_ns: int | None = None
    text: str = ""
    rarely: float = 1.0
    urgent: bool = False


def troubles(
    sight: Sight, unreached: Mapping[str, int], woke_ns: int | None = None
) -> Iterator[Trouble]:
    """Yield what stands now.

    `unreached` says since when (wall) who cannot be told, `woke_ns` when (wall) a process was first
    seen to hold a journal that none had held: it begins, and has not said a word of its own.
    """
    status = sight.status
    for who, since_ns in unreached.items():
        if who == "mqtt":
            title = "mqtt: the broker takes nothing: nobody is told by it, and no command comes"
            yield Trouble("mqtt", "", Severity.WARNING, title, OUTSIDE_S, since_ns)
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
        yield _silent(sight, woke_ns)
        return
    for name, since_ns in status["disconnected"].items():
        long = sight.wall_ns - since_ns >= LOST_S * NS_PER_S
        title = f"disconnected: {name}"
        yield Trouble(f"no {name}", "", _severity(long), title, OUTSIDE_S, since_ns)
    yield from _stops(status)
    for coin, one in status["underlyings"].items():
        yield from _words(coin, one)
        yield from _figures(coin, one)


def _silent(sight: Sight, woke_ns: int | None) -> Trouble:
    """Return that a process lives and decides nothing: it hangs, or it does not begin."""
    if sight.ended or (woke_ns is not None and (sight.beat_ns or 0) < woke_ns):
        title = "the bot has been starting for a minute: no decision so far"
        return Trouble("silent", "", Severity.CRITICAL, title, STARTING_S, woke_ns)
    title = "the bot hangs: no decision any more"
    return Trouble("silent", "", Severity.CRITICAL, title, SILENT_S, sight.beat_ns)


def _stops(status: Mapping[str, Any]) -> Iterator[Trouble]:
    """Yield which states let nothing or little be sent, and whose they are."""
    whole, coins = State(status["state"]), status["underlyings"]
    listed = [one["why"] for one in coins.values()]
    if whole in _STOPPED:
        why = listed[0][:1] if listed else []
        yield _stop("", whole, "everything", why)
    for coin, one in coins.items():
        for row in one["why"][-1:]:  # its own comes after what is true of all
            state = State(row["state"])
            if state is not whole and stricter(state, whole) is state:
                yield _stop(coin, state, coin, [row])
        state = State(one["state"])
        if state not in STICKY | SENDING:
            title = f"{coin}: not hedged, {state}"
            yield Trouble("not ready", coin, Severity.WARNING, title, OUTSIDE_S)


def _stop(coin: str, state: State, who: str, why: list[Mapping[str, Any]]) -> Trouble:
    text = "; ".join(f"{reasons(row['reasons'])}, since {row['since']}" for row in why)
    kind, title, severity = f"state {state}", f"{who} is {state}", _STOPPED[state]
    return Trouble(kind, coin, severity, title, text=text, rarely=RARELY, urgent=True)


def _words(coin: str, one: Mapping[str, Any]) -> Iterator[Trouble]:
    """Yield what an operator switched off or holds."""
    for word, severity, what in (
        ("off", Severity.WARNING, "off, nothing is hedged"),
        ("hold", Severity.INFO, "on hold, what is traded by hand is not hedged"),
    ):
        if said := one[word]:
            title = f"{coin}: {what} until {said['until'] or 'taken back'}"
            text = said["why"]
            yield Trouble(word, coin, severity, title, text=text, rarely=RARELY, urgent=True)


def _figures(coin: str, one: Mapping[str, Any]) -> Iterator[Trouble]:
    delta, lower, upper = one["delta_coin"], one["lower"], one["upper"]
    if None not in (delta, lower, upper) and not lower <= delta <= upper:
        title = f"{coin}: delta {delta:+.4f} is outside {lower:g} to {upper:g} ({_how(one)})"
        yield Trouble("outside", coin, Severity.CRITICAL, title, OUTSIDE_S)
    if one["unknown_orders"]:
        title = f"{coin}: the fate of {one['unknown_orders']} orders is unknown"
        yield Trouble("unknown orders", coin, Severity.WARNING, title, UNKNOWN_S)
    margin = one["margin"]
    if margin is None:
        return
    used = _share(margin["maintenance_margin"], margin["funds"])
    if used >= MARGIN[0]:
        much = (
            f"{used:.0%} of its funds" if math.isfinite(used) else "needed and there are no funds"
        )
        title = f"{coin}: maintenance margin is {much}"
        yield Trouble("margin", coin, _severity(used >= MARGIN[1]), title)
    moves = [abs(margin[side]) for side in ("down", "up") if margin[side] is not None]
    nearest = min(moves, default=math.inf)
    if nearest <= LIQUIDATION[0]:
        title = f"{coin}: a move of {nearest:.1%} liquidates"
        yield Trouble("liquidation", coin, _severity(nearest <= LIQUIDATION[1]), title)


def unseen(kind: str, coin: str, sight: Sight) -> bool:
    """Tell whether a sight says nothing of a trouble, neither that it stands nor its end."""
    if kind == "mqtt" or sight.status is None or kind in {"gone", "journal"}:
        return kind != "mqtt" and sight.status is None
    if not sight.alive or sight.status["stale"]:
        return True
    if kind.startswith("doubt "):
        return False
    one = sight.status["underlyings"].get(coin) if coin else sight.status
    if one is None or any(one[name] is None for name in _NEEDS.get(kind, ())):
        return True
    if kind in _OF_MARGIN and any(one["margin"][name] is None for name in _OF_MARGIN[kind]):
        return True
    # On its way up it may be stopped again, and has not shown its connections.
    waits = kind.startswith(("state ", "no "))
    return waits and State(one["state"]) not in STICKY | SENDING


def over(kind: str, coin: str, sight: Sight) -> str:
    """Return what is told of a trouble that has ended, as things stand now."""
    coins: Mapping[str, Any] = (sight.status or {}).get("underlyings", {})
    if kind.startswith("no "):
        return f"connected again: {kind.removeprefix('no ')}"
    if kind in _OVER:
        return f"{coin}: {_OVER[kind]}".removeprefix(": ")
    if kind.startswith("doubt "):
        words = kind.removeprefix("doubt ").replace("_", " ")
        return f"{coin or 'the bot'}: no longer {words}"
    if kind == "hold":
        how = _how(coins[coin])
        return f"{coin}: the hold is over, what is traded by hand counts again; it is {how}"
    if coin:
        was = {"off": "off", "not ready": "waiting"}.get(kind, kind.removeprefix("state "))
        return f"{coin}: no longer {was}, it is {_how(coins[coin])}"
    stay = [f"{name} {_how(one)}" for name, one in coins.items() if _how(one) != State.RUNNING]
    return f"everything is {(sight.status or {})['state']}" + (
        f", but {', '.join(stay)}" if stay else ""
    )


def _how(one: Mapping[str, Any]) -> str:
    """Say how a coin is: its state, or that an operator switched it off."""
    return "off" if one["off"] else str(one["state"])


def _severity(bad: bool) -> Severity:  # noqa: FBT001
    return Severity.CRITICAL if bad else Severity.WARNING


def _share(part: float | None, whole: float | None) -> float:
    """Return a share, without end where there is nothing to share; 0 where it is not known."""
    if part is None or whole is None or part <= 0.0:
        return 0.0
    return part / whole if whole > 0.0 else math.inf
