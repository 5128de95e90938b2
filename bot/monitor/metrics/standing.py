"""How a bot stands, as samples: its life, its book and its loop, from one sight of its journal.

What a dead or silent bot showed last is not how it stands: a while after its last heartbeat nothing
of that is told any more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from bot.domain.states import State
from bot.domain.units import NS_PER_S
from bot.monitor.health import beat_age_s
from bot.monitor.metrics.page import Page
from bot.monitor.outlet import Sight

GONE_S: Final = 15.0
"""This long after the last heartbeat, or the last sight, figures are none any more."""
_PNL: Final = re.compile(r"pnl_((?:up|down)_\d+pct)_usd")
_GAUGES: Final = {
    "index_usd": "index",
    "delta_coin": "delta_coin",
    "delta_low_coin": "delta_low_coin",
    "delta_high_coin": "delta_high_coin",
    "delta_target_coin": "target",
    "delta_lower_coin": "lower",
    "delta_upper_coin": "upper",
    "gamma_coin_per_pct": "gamma_coin_per_pct",
    "gamma_expiring_coin_per_pct": "gamma_expiring_coin_per_pct",
    "vega_usd": "vega_usd",
    "theta_usd_per_day": "theta_usd_day",
    "equity_usd": "equity_usd",
    "unknown_orders": "unknown_orders",
}
_AGES: Final = {
    "quote": "quote_age_seconds",
    "chain": "chain_age_seconds",
    "positions": "positions_age_seconds",
}


def tell_sight(page: Page, sight: Sight, now_ns: int) -> None:
    """Put a sight on a page."""
    if (now_ns - sight.wall_ns) / NS_PER_S > GONE_S:
        return  # whoever follows the journal hangs: nothing is known, not even that the bot lives
    page.tell("up", float(sight.alive))
    status = sight.status
    if status is None:
        return
    page.tell("run_ended", float(sight.ended))
    page.info("info", version=sight.version, mode=status["mode"], market=_market(status["market"]))
    age_s = beat_age_s(sight, now_ns)
    page.tell("decision_heartbeat_age_seconds", None if age_s is None else max(age_s, 0.0))
    if not sight.alive or age_s is None or age_s > GONE_S:
        return
    _instance(page, status, now_ns)
    for coin, one in status["underlyings"].items():
        _coin(page, coin, one)
    view = sight.loop
    if view is not None and (now_ns - view["wall_ns"]) / NS_PER_S <= GONE_S:
        tell_loop(page, view)


def _market(text: str) -> str:
    """Return what kind of market it is: a recording's folder is nobody's label."""
    return text.partition(":")[0]


def _instance(page: Page, status: Mapping[str, Any], now_ns: int) -> None:
    states = [status["state"], *(one["state"] for one in status["underlyings"].values())]
    page.tell("halted", float(State.HALTED in states))
    for state in State:
        page.tell("instance_state", float(status["state"] == state), str(state))
    for name, since_ns in status["disconnected"].items():
        page.tell("disconnected_seconds", max(0.0, (now_ns - since_ns) / NS_PER_S), name)


def _coin(page: Page, coin: str, one: Mapping[str, Any]) -> None:
    for state in State:
        page.tell("state", float(one["state"] == state), coin, str(state))
    for name, key in _GAUGES.items():
        page.tell(name, one[key], coin)
    for name, value in one["shocks"].items():
        shock = _PNL.fullmatch(name)
        if shock:
            page.tell("shock_pnl_usd", value, coin, shock[1])
    margin = one["margin"]
    if margin is None:
        return
    funds = margin["funds"]
    for kind in ("initial", "maintenance"):
        used = margin[f"{kind}_margin"]
        share = used / funds if funds and funds > 0.0 and used is not None else None
        page.tell("margin_share", share, coin, kind)
    for side in ("down", "up"):
        move = margin[side]
        page.tell("liquidation_distance_ratio", None if move is None else abs(move), coin, side)


def tell_loop(page: Page, view: Mapping[str, Any]) -> None:
    """Put what a bot says of its pace on a page."""
    steps, lag = view["steps"], view["lag"]
    for name, one in (("cycle_duration_seconds", steps), ("loop_lag_seconds", lag)):
        if one is not None:
            page.spread(name, one["bounds_s"], one["counts"], one["sum_s"])
    page.tell("cycle_longest_seconds", steps["longest_s"])
    for kind, seen in view["events"].items():
        page.tell("events_total", seen["count"], kind)
        page.tell("event_seconds_total", seen["seconds"], kind)
    for coin, feeds in view["feeds"].items():
        for feed, one in feeds.items():
            page.tell(_AGES[feed], one["age_s"], coin)
            page.tell("feed_age_limit_seconds", one["limit_s"], coin, feed)
    for coin, kinds in view["outside"].items():
        for kind, seconds in kinds.items():
            page.tell("band_outside_seconds", seconds, coin, kind)
    _machine(page, view)
    _connection(page, view)


def _machine(page: Page, view: Mapping[str, Any]) -> None:
    journal, rubbish, process = view["journal"], view["rubbish"], view["process"]
    page.tell("journal_commits_total", journal["commits"])
    page.tell("journal_commit_seconds_total", journal["seconds"])
    page.tell("journal_dropped_total", journal["dropped"])
    page.tell("gc_collections_total", rubbish["count"])
    page.tell("gc_seconds_total", rubbish["seconds"])
    page.tell("process_resident_memory_bytes", process.get("rss_bytes"))
    page.tell("process_open_fds", process.get("open_fds"))
    page.tell("process_max_fds", process.get("max_fds"))
    page.tell("process_cpu_seconds_total", process.get("cpu_seconds"))
    for why, count in view.get("logs", {}).items():
        page.tell("log_lines_lost_total", count, why)


def _connection(page: Page, view: Mapping[str, Any]) -> None:
    inbox, clock = view.get("inbox", {}), view.get("clock", {})
    page.tell("inbox_events", inbox.get("waiting"))
    page.tell("inbox_conflated_total", inbox.get("conflated"))
    page.tell("venue_clock_ahead_seconds", clock.get("ahead_s"))
    for name, count in view.get("connections", {}).items():
        page.tell("connections_total", count, name)
    for flaw, count in view.get("flaws", {}).items():
        page.tell("flaws_total", count, flaw)
