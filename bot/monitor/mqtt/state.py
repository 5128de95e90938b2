"""The state that is kept at the broker: one JSON object, the newest alone.

Figures are numbers or null, never NaN; times are Unix milliseconds. Its form is in
`schemas/state.json`; a field may be added to version 1, none is taken away or changed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from bot.domain.states import State
from bot.journal.tail import News
from bot.monitor.outlet import Sight

VERSION: Final = 1
NS_PER_MS: Final = 1_000_000
_FIGURES: Final = (
    *("index", "delta_coin", "delta_low_coin", "delta_high_coin", "target", "lower", "upper"),
    *("gamma_coin_per_pct", "gamma_expiring_coin_per_pct", "vega_usd", "theta_usd_day"),
    "equity_usd",
)
_PNL: Final = ("hedged_usd", "unhedged_usd", "naive_usd")


def online(sight: Sight | None) -> bool:
    """Tell whether a bot is known to live and to decide."""
    if sight is None or sight.status is None:
        return False
    return sight.alive and not sight.ended and sight.status.get("stale") is False


class Profits:
    """What each underlying has made, as the newest run tells it; only paper runs know."""

    def __init__(self) -> None:
        """Know of none."""
        self._coins: dict[str, Mapping[str, Any]] = {}

    def hear(self, news: News) -> None:
        """Take what is new of it; a run that begins knows of nothing before it."""
        if news.kind == "run" and not news.fields.get("ended_ns"):
            self._coins.clear()
        elif news.kind == "equity":
            self._coins[str(news.fields.get("coin"))] = news.fields

    def book(self) -> dict[str, float | None] | None:
        """Return the sums over all underlyings, None where one of theirs is not known."""
        if not self._coins:
            return None
        told = {name: [figure(one.get(name)) for one in self._coins.values()] for name in _PNL}
        return {
            name: None if None in figures else sum(filter(None, figures))
            for name, figures in told.items()
        }


def state(
    sight: Sight, pnl: Mapping[str, float | None] | None, *, commands: str, dropped: int
) -> dict[str, Any]:
    """Return what is told of a sight.

    `pnl` is the whole book's, `commands` says which of them are taken, `dropped` how many events
    found no room.
    """
    status = sight.status or {}
    coins: Mapping[str, Mapping[str, Any]] = status.get("underlyings") or {}
    market_ns = status.get("ts_ns")
    return {
        "v": VERSION,
        "ts": sight.wall_ns // NS_PER_MS,
        "online": online(sight),
        "ended": sight.ended,
        "why": sight.why,
        "run": status.get("run"),
        "mode": status.get("mode"),
        "market": status.get("market"),
        "market_ts": None if market_ns is None else market_ns // NS_PER_MS,
        "state": status.get("state"),
        "halted": status.get("state") == State.HALTED,
        "stale": status.get("stale", True) is not False,
        "disconnected": sorted(status.get("disconnected") or {}),
        "pnl": None if pnl is None else dict(pnl),
        "coins": {name: _coin(row, online(sight)) for name, row in coins.items()},
        "commands": commands,
        "dropped_events": dropped,
    }


def figure(value: object) -> float | int | None:
    """Return a number as it is, and None for what is none that JSON has."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if math.isfinite(value) else None


def _coin(row: Mapping[str, Any], lives: bool) -> dict[str, Any]:  # noqa: FBT001
    figures = {name: figure(row.get(name)) for name in _FIGURES}
    within = [figures[name] for name in ("lower", "delta_coin", "upper")]
    known = [value for value in within if value is not None]
    doubts = row.get("doubts") or ()
    return {
        "state": row.get("state"),
        "halted": row.get("state") == State.HALTED,
        "off": bool(row.get("off")),
        "measured": bool(row.get("measured")),
        "numeraire": row.get("numeraire"),
        **figures,
        # Where the book stands now nobody knows of a bot that is not there.
        "in_band": known == sorted(known) if lives and len(known) == len(within) else None,
        "unknown_orders": row.get("unknown_orders"),
        "doubts": sorted({str(one.get("reason")) for one in doubts if isinstance(one, Mapping)}),
    }
