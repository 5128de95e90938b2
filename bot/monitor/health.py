"""Is a bot well? Decided from one sight of its journal, the same for every way to ask.

Well is a bot whose loop said within seconds that it decides, and whose prices and positions are not
old for any coin that it is to hedge. That it is paused, halted or reduced is said and is no
illness: a person or a control wanted it, and starting it again would change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.states import SENDING, STICKY, State
from bot.domain.units import NS_PER_S, iso
from bot.journal.reader import STALE_AFTER_S
from bot.monitor.outlet import Sight

BEAT_S: Final = STALE_AFTER_S
GRACE_S: Final = 10.0
"""Nothing is traded on a feed past its limit; past this besides, it is no hiccup (market s)."""
VIEW_S: Final = 10.0
"""A bot that beats and has not shown its feeds for this long does not know them."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is not well, of which coin (empty: of all), since when where that is known."""

    what: str
    coin: str = ""
    since: str | None = None
    age_s: float | None = None
    limit_s: float | None = None
    found: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """How a bot is: `ready` tells that it may trade; `said` what is so and is no illness.

    `state` is None, and `coins` and `said` are empty, of one that is dead or silent.
    """

    healthy: bool
    ready: bool
    state: str | None
    coins: Mapping[str, str]
    problems: tuple[Problem, ...]
    said: tuple[str, ...]


def health(sight: Sight, now_ns: int) -> Health:
    """Judge a sight at a moment of the wall clock."""
    problems = tuple(_problems(sight, now_ns))
    beats = not any(p.what in {"journal", "bot", "decision_heartbeat"} for p in problems)
    # How a bot stood when it was last heard is not how it stands.
    status = (sight.status or {}) if beats else {}
    coins = {coin: str(one["state"]) for coin, one in status.get("underlyings", {}).items()}
    state = status.get("state")
    return Health(
        healthy=not problems,
        ready=state in SENDING and any(one in SENDING for one in coins.values()),
        state=None if state is None else str(state),
        coins=coins,
        problems=problems,
        said=tuple(_said(status)),
    )


def beat_age_s(sight: Sight, now_ns: int) -> float | None:
    """Return how long ago the loop that decides last said so; None if it never did."""
    return None if sight.beat_ns is None else (now_ns - sight.beat_ns) / NS_PER_S


def _problems(sight: Sight, now_ns: int) -> Iterator[Problem]:
    if sight.status is None:
        yield Problem("journal", found=sight.why or "expected a journal, found none")
        return
    since = None if sight.beat_ns is None else iso(sight.beat_ns)
    age_s = beat_age_s(sight, now_ns)
    if not sight.alive:
        found = "its run was stopped in order" if sight.ended else "no bot holds the journal"
        yield Problem("bot", since=since, found=found)
        return
    if age_s is None or abs(age_s) > BEAT_S:
        found = "none yet" if age_s is None else ""
        yield Problem("decision_heartbeat", "", since, age_s, BEAT_S, found)
        return
    view = sight.loop or {}
    seen_ns = view.get("wall_ns")
    if seen_ns is None or (now_ns - seen_ns) / NS_PER_S > VIEW_S:
        since = None if seen_ns is None else iso(seen_ns)
        yield Problem("feeds", since=since, limit_s=VIEW_S, found="the bot does not show their age")
        return
    for coin, one in sight.status["underlyings"].items():
        if one["state"] not in STICKY:
            yield from _old(coin, view.get("feeds", {}).get(coin, {}), sight.status["ts_ns"])


def _old(coin: str, feeds: Mapping[str, Any], market_ns: int) -> Iterator[Problem]:
    if not feeds:
        yield Problem("feeds", coin, found="the bot does not show their age")
    for name, feed in feeds.items():
        age_s, limit_s = feed["age_s"], feed["limit_s"]
        if not feed["needed"]:
            continue
        if age_s is None:
            yield Problem(name, coin, limit_s=limit_s, found="none yet")
        elif age_s > limit_s + GRACE_S:
            since = iso(market_ns - round(age_s * NS_PER_S))
            yield Problem(name, coin, since, age_s, limit_s)


def _said(status: Mapping[str, Any]) -> Iterator[str]:
    state = status.get("state")
    if state in STICKY:
        yield f"{state}"
    for coin, one in status.get("underlyings", {}).items():
        if off := one["off"]:
            yield f"{coin}: off until {off['until'] or 'taken back'}: nothing is hedged"
        if one["state"] in STICKY or one["state"] == State.REDUCE_DELTA_ONLY:
            why = [row for row in one["why"] if row["state"] == one["state"]]
            yield f"{coin}: {one['state']}" + (f" since {why[-1]['since']}" if why else "")
