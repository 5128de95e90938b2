"""The report's page as sections of rows, before anybody decides how it looks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.units import DAY_NS, iso
from bot.monitor import figures
from bot.monitor.report.build import Report
from bot.monitor.report.expiring import Expiring

NOTHING: Final = "–"
_MINUTE_S, _HOUR_S = 60.0, 3_600.0

# What a reader asks first comes first; lines that belong together stand together.
_LINES: Final = (
    ("gamma", ("gamma",)),
    ("theta", ("theta",)),
    ("gamma + theta", ("gamma", "theta")),
    ("vega", ("vega",)),
    ("vanna, volga, charm", ("vanna", "volga", "charm")),
    ("delta between hedges", ("delta",)),
    ("basis", ("basis",)),
    ("funding", ("funding",)),
    ("fees", ("fees",)),
    ("slippage", ("slippage",)),
)


@dataclass(frozen=True, slots=True)
class Section:
    """A table with a title: a header, rows of texts, and sentences below it. All may be empty."""

    title: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()


def headline(report: Report) -> str:
    """Return whose day it was, and how much of it was watched."""
    said = report.figures
    until = "" if report.over else f", as far as {iso(said['to_ns'])[:16]}Z"
    day = f"{iso(report.day_ns)[:16]}Z to {iso(report.day_ns + DAY_NS)[:16]}Z"
    parts = (said["instance"], said["mode"], said["market"], f"day from {day}{until}")
    return " · ".join(map(str, parts))


def sections(report: Report) -> tuple[Section, ...]:
    """Return the page."""
    coins = report.figures["coins"]
    made = [_made(coins), _hedging(coins), *_expiring(report.expiring)]
    return tuple(made if report.now is None else [*made, _stands(report.now)])


def _made(coins: Mapping[str, Any]) -> Section:
    """Return where the day's profit came from."""
    if not coins:
        return Section("Profit and loss", notes=("nothing was watched on this day",))
    rows = [
        (name, *(_usd(sum(one["lines"][line] for line in lines)) for one in coins.values()))
        for name, lines in _LINES
    ]
    rows.append(("the hedged book", *(_usd(_book(one)) for one in coins.values())))
    for name, take in _TOTALS:
        rows.append((name, *(_usd(take(one)) for one in coins.values())))
    notes = [_unexplained(coin, one) for coin, one in coins.items()]
    return Section("Profit and loss, USD", ("", *coins), tuple(rows), tuple(notes))


def _book(one: Mapping[str, Any]) -> float:
    lines = one["lines"]
    return float(one["total"] - lines["translation"] - lines["unexplained"])


_TOTALS: Final[tuple[tuple[str, Callable[[Mapping[str, Any]], float]], ...]] = (
    ("collateral's own move", lambda one: float(one["lines"]["translation"])),
    ("unexplained", lambda one: float(one["lines"]["unexplained"])),
    ("total", lambda one: float(one["total"])),
    ("while nobody watched", lambda one: float(one["unseen_usd"])),
)


def _unexplained(coin: str, one: Mapping[str, Any]) -> str:
    lines, gross = one["lines"], one["gross"]
    share = abs(lines["unexplained"]) / gross if gross else math.nan
    gamma, theta = lines["gamma"], lines["theta"]
    paid = "earned" if gamma + theta >= 0.0 else "lost"
    words = f"{coin}: gamma against theta {paid} {figures.cost(abs(gamma + theta))}"
    return f"{words}; unexplained is {figures.percent(share)} of what the lines moved"


def _hedging(coins: Mapping[str, Any]) -> Section:
    """Return what hedging did and what it cost."""
    rows = [(name, *map(take, coins.values())) for name, take in _HEDGING]
    return Section("Hedging", ("", *coins), tuple(rows)) if coins else Section("Hedging")


def _spread(one: Mapping[str, Any] | None, form: Callable[[float], str]) -> str:
    if one is None:
        return NOTHING
    return f"{form(one['p50'])}, 99 % {form(one['p99'])}, most {form(one['max'])}"


def _variance(one: Mapping[str, Any], name: str, form: Callable[[float], str]) -> str:
    found = one["variance"]
    return NOTHING if found is None or found[name] is None else form(found[name])


_HEDGING: Final[tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...]] = (
    ("hedges", lambda one: f"{one['hedging']['hedges']:,}"),
    (
        "orders filled of sent",
        lambda one: f"{one['hedging']['orders_filled']:,} of {one['hedging']['orders']:,}",
    ),
    ("turnover", lambda one: _size(one["hedging"]["turnover_usd"])),
    ("filled as maker", lambda one: _share(one["hedging"]["maker_share"])),
    ("slippage of futures, bps", lambda one: _spread(one["hedging"]["slippage_bps"], _bps)),
    ("decision to fill", lambda one: _spread(one["hedging"]["trigger_to_fill_s"], _seconds)),
    ("time in delta band", lambda one: _share(one["band"]["delta"]["time_in_band"])),
    ("outside delta band", lambda one: _spread(one["band"]["delta"]["seconds"], _seconds)),
    ("time in gamma band", lambda one: _share(one["band"]["gamma"]["time_in_band"])),
    ("deviation a day, hedged", lambda one: _variance(one, "hedged_usd_day", _size)),
    ("deviation a day, unhedged", lambda one: _variance(one, "unhedged_usd_day", _size)),
    ("variance removed", lambda one: _variance(one, "effectiveness", figures.percent)),
    ("cost a day", lambda one: _variance(one, "cost_usd_day", _size)),
    ("watched", lambda one: _span(one["watched_s"])),
)


def _expiring(ends: tuple[Expiring, ...]) -> list[Section]:
    """Return what rolls off at 08:00 and what the hedge will do about it."""
    made = []
    for one in ends:
        when = f"{iso(one.expiry_ns)[:16]}Z"
        if not one.legs:
            made.append(Section(f"{one.coin}: nothing expires at {when}"))
            continue
        rows = tuple(
            (
                leg.instrument,
                figures.level(leg.quantity),
                f"{leg.strike:,.0f}",
                figures.percent(leg.distance),
                figures.coin(leg.delta_coin),
                figures.coin(leg.gamma_coin_per_pct),
            )
            for leg in one.legs
        )
        header = ("option", "coins", "strike", "index above it", "delta", "gamma per 1 %")
        side = "buys" if one.unwind_coin > 0.0 else "sells"
        trades = f"{side} {abs(one.unwind_coin):.4f} {one.coin}"
        notes = (
            f"if the index stands still, the hedge {trades} in equal steps over the last half hour",
            f"gamma after: {figures.coin(one.gamma_after)} {one.coin} per 1 %",
        )
        made.append(Section(f"{one.coin}: expires at {when}", header, rows, notes))
    return made


def _stands(now: Mapping[str, Any]) -> Section:
    """Return how the bot stands."""
    coins = now["underlyings"]
    rows = [(name, *map(take, coins.values())) for name, take in _STANDS]
    notes = [
        f"{coin}: {doubt['reason']} {doubt['subject']}".rstrip()
        for coin, one in coins.items()
        for doubt in one["doubts"]
    ]
    stale, state = now["stale"], now["state"]
    title = f"When last heard, {state} (stale: no bot decides)" if stale else f"Now, {state}"
    return Section(title, ("", *coins), tuple(rows), tuple(notes))


def _margin(one: Mapping[str, Any], take: Callable[[Mapping[str, Any]], float]) -> str:
    margin = one["margin"]
    return NOTHING if margin is None or not margin["funds"] else figures.percent(take(margin))


def _liquidation(one: Mapping[str, Any], side: str) -> str:
    margin = one["margin"]
    if margin is None:
        return NOTHING
    move = margin[side]
    if move is None:
        return NOTHING
    return figures.percent(move) if math.isfinite(move) else "at no price"


_STANDS: Final[tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...]] = (
    ("state", lambda one: str(one["state"])),
    ("index", lambda one: NOTHING if one["index"] is None else f"{one['index']:,.2f}"),
    ("delta", lambda one: _coin(one["delta_coin"])),
    ("band", lambda one: f"{_level(one['lower'])} to {_level(one['upper'])}"),
    ("gamma per 1 %", lambda one: _coin(one["gamma_coin_per_pct"])),
    ("vega, USD a point", lambda one: _usd(one["vega_usd"])),
    ("theta, USD a day", lambda one: _usd(one["theta_usd_day"])),
    ("equity", lambda one: _size(one["equity_usd"])),
    ("initial margin used", lambda one: _margin(one, lambda m: m["initial_margin"] / m["funds"])),
    ("liquidation below", lambda one: _liquidation(one, "down")),
    ("liquidation above", lambda one: _liquidation(one, "up")),
)


def _usd(amount: float | None) -> str:
    return NOTHING if amount is None else figures.usd(amount)


def _size(amount: float | None) -> str:
    """Return dollars that have no side."""
    return NOTHING if amount is None else figures.cost(round(amount)).removesuffix(".00")


def _coin(amount: float | None) -> str:
    return NOTHING if amount is None else figures.coin(amount)


def _level(amount: float | None) -> str:
    return NOTHING if amount is None else figures.level(amount)


def _share(share: float | None) -> str:
    return NOTHING if share is None else figures.percent(share)


def _bps(amount: float) -> str:
    return f"{amount:.2f}".replace("-", "−")


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < _MINUTE_S else _span(seconds)


def _span(seconds: float) -> str:
    hours, rest = divmod(seconds, _HOUR_S)
    return f"{hours:.0f} h {rest // _MINUTE_S:.0f} min" if hours else f"{rest / _MINUTE_S:.1f} min"
