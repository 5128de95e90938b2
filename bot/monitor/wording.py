"""What stands of a bot, a line each, in the words that `status` and its watch share.

They are made of what a reader's `status()` returns. Names of others are as they are found: whoever
shows a line makes it printable.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.domain.reasons import Reason
from bot.domain.units import iso

NOBODY_TOLD: Final = "NOBODY IS TOLD how it stands: no monitor follows it"
TOLD_BY: Final = (
    ("mqtt", "url"),
    ("metrics", "listen"),
    ("alerts", "urls"),
    ("alerts", "urls_file"),
)
"""Section and key of each setting by which somebody is told, as a run's own settings have them."""
_DOUBTS: Final = {
    Reason.ANOTHER_BOT: "hedged by another bot, too",
    Reason.DELTA_BY_MODEL: "not told, so counted by the model",
}


def stood(state: object, *, stale: bool) -> str:
    """Return a state as it is, or as it was when it was last heard of."""
    return f"was {state}" if stale and state else str(state)


def somebody(settings: Mapping[str, Any]) -> bool:
    """Tell whether the settings that a run was started with name anybody to tell."""
    return any(settings.get(section, {}).get(key) for section, key in TOLD_BY)


def whole(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield what stands of all of a bot: that nobody is told, and the connections that are lost.

    `status` has `monitor` besides: False where somebody is to be told and no monitor follows, and
    `unreached`: since when (wall ns) who takes nothing of what the monitor tells.
    """
    if status.get("monitor") is False and not status["stale"]:
        yield NOBODY_TOLD
    yield from not_told(status.get("unreached") or {})
    for name, since_ns in status["disconnected"].items():
        yield f"DISCONNECTED since {iso(since_ns)}: {name}"


def not_told(unreached: Mapping[str, int]) -> Iterator[str]:
    """Yield who takes nothing of what a monitor tells."""
    for who, since_ns in unreached.items():
        yield f"NOT TOLD since {iso(since_ns)}: {who}"


def of_coin(coin: str, one: Mapping[str, Any], *, stale: bool) -> Iterator[str]:
    """Yield what stands of one underlying, the worst first; `stale` figures are told as past."""
    if out := outside(one, stale=stale):
        yield out
    for why in one["why"]:
        reasons = "; ".join(map(because, why["reasons"])) or "no reason told"
        yield f"{why['state']} since {why['since']}: {reasons}"
    for doubt in one["doubts"]:
        yield f"{_DOUBTS.get(doubt['reason'], 'cannot be trusted')}: {because(doubt)}"
    yield from _kept(coin, one)


def because(one: Mapping[str, Any]) -> str:
    """Return a journalled reason as `reason(subject: name=number, …)`."""
    numbers = ", ".join(
        f"{name}={'?' if number is None else format(number, '.6g')}"
        for name, number in one["numbers"].items()
    )
    inside = ": ".join(part for part in (one["subject"], numbers) if part)
    return f"{one['reason']}({inside})" if inside else str(one["reason"])


def outside(one: Mapping[str, Any], *, stale: bool) -> str:
    """Say that delta is outside its owner's band; nothing of what is inside or not known."""
    delta, lower, upper = one["delta_coin"], one["lower"], one["upper"]
    if None in (delta, lower, upper) or not math.isfinite(delta) or lower <= delta <= upper:
        return ""
    is_ = "was" if stale else "is"
    return f"delta {_amount(delta, lower, upper)} {is_} OUTSIDE its band {lower:g} to {upper:g}"


def _amount(delta: float, lower: float, upper: float) -> str:
    """Write an amount so that it is seen on which side of an edge it lies."""
    text = f"{delta:+.4f}"
    return f"{delta:+.9g}" if lower <= float(text) <= upper else text


def _kept(coin: str, one: Mapping[str, Any]) -> Iterator[str]:
    """Say what an operator switched off, holds or moved, and what waits to be hedged."""
    off, hold, moved = one["off"], one["hold"], one["moved"]
    if off:
        until = f"snoozed until {off['until']}" if off["until"] else f"off until `on {coin}`"
        yield f"hedging is {until} ({off['why']})"
    if hold:
        yield f"what is traded by hand is held until {hold['until']} ({hold['why']})"
    if moved:
        yield f"the target was moved ({moved['why']})"
    for part in one["parked"]:
        what = f"{part['instrument']} {part['quantity']:+,g} {part['unit']}"
        yield f"parked, not hedged before {part['until']}: {what}"
