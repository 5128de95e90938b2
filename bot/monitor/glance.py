"""A bot at a glance: what `status --watch` draws, from the journal's rows alone.

One block per underlying: delta against the owner's band as a bar, then what one looks at next. What
is outside, stopped or doubted stands out; everything else is quiet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.domain.states import State
from bot.domain.text import printable
from bot.monitor import figures, wording

BAR: Final = 41
"""Characters of a band's bar; a third of them lies outside, to either side half."""
_INSIDE: Final = 2.0 / 3.0
GOOD, WARN, BAD, QUIET = "green", "yellow", "bold red", "dim"
_STATE: Final = {
    State.RUNNING: GOOD,
    State.HALTED: BAD,
    State.PAUSED: WARN,
    State.REDUCE_DELTA_ONLY: WARN,
}
_NEAR: Final = 0.8
UNKNOWN: Final = "–"


@dataclass(frozen=True, slots=True)
class Glance:
    """What is drawn: `status` and the newest `hedges` as the reader has them, the day's lines.

    `status` has `monitor` besides: False where somebody is to be told and no monitor follows.
    `beat_age_s` is how old the bot's last word is, None if it never said one; `why` says why its
    figures are stale.
    """

    status: Mapping[str, Any]
    hedges: Sequence[Mapping[str, Any]]
    day: Mapping[str, Any]
    beat_age_s: float | None
    why: str = ""


def drawn(seen: Glance) -> RenderableType:
    """Return the whole picture."""
    coins = seen.status["underlyings"]
    blocks: list[RenderableType] = [_headline(seen)]
    blocks += [Text(printable(text), BAD) for text in wording.whole(seen.status)]
    for coin, one in coins.items():
        blocks += [Text(""), _block(seen, coin, one)]
    return Group(*blocks) if coins else Group(*blocks, Text("no figures yet", QUIET))


def bar(value: float | None, lower: float, upper: float) -> Text:
    """Return where a value lies in its band; what is far outside sticks to the end."""
    middle, half = 0.5 * (lower + upper), 0.5 * (upper - lower)
    if value is None or not math.isfinite(value) or not half > 0.0:
        return Text("?".center(BAR), QUIET)
    place = (value - middle) / half  # -1 and 1 are the edges
    edge = round((BAR - 1) / 2 * _INSIDE)
    centre = (BAR - 1) // 2
    at = centre + max(-centre, min(centre, round(place * edge)))
    cells = ["·"] * BAR
    cells[centre - edge], cells[centre], cells[centre + edge] = "[", "│", "]"
    for outside in (*range(centre - edge), *range(centre + edge + 1, BAR)):
        cells[outside] = " "
    style = GOOD if abs(place) < _NEAR else WARN if abs(place) <= 1.0 else BAD
    text = Text("".join(cells), QUIET)
    return Text.assemble(text[:at], ("●", style), text[at + 1 :])


def _headline(seen: Glance) -> Text:
    status = seen.status
    age = "no heartbeat yet" if seen.beat_age_s is None else f"heartbeat {seen.beat_age_s:.1f} s"
    parts = (status["instance"], status["mode"], status["market"])
    about = printable(" · ".join(map(str, parts)))
    clock = f"{figures.day(status['ts_ns'])} {figures.clock(status['ts_ns'])} UTC"
    text = Text.assemble((about, "bold"), " · ", _state(seen, status), f" · {clock} · ")
    text.append(age, QUIET)
    if status["stale"]:
        text.append(printable(f"  STALE: {seen.why}"), BAD)
    return text


def _state(seen: Glance, one: Mapping[str, Any]) -> Text:
    """Return a state of the bot or a coin; one that is only remembered has no colour of its own."""
    stale = seen.status["stale"]
    style = QUIET if stale else _STATE.get(one["state"], QUIET)
    return Text(wording.stood(one["state"], stale=stale), style)


def _block(seen: Glance, coin: str, one: Mapping[str, Any]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    index = "" if one["index"] is None else f"  index {one['index']:,.2f}"
    table.add_row(coin, Text.assemble(_state(seen, one), index))
    if one["measured"]:
        _figures(table, seen, coin, one)
    else:
        table.add_row("", Text("not measured yet", WARN))
    for text in _troubles(seen, coin, one):
        table.add_row("", text)
    return table


def _figures(table: Table, seen: Glance, coin: str, one: Mapping[str, Any]) -> None:
    """Add what was measured, what the day made, and the last hedge."""
    band = f"{figures.level(one['lower'])} to {figures.level(one['upper'])}"
    place = bar(one["delta_coin"], one["lower"], one["upper"])
    amount = _coin(one["delta_coin"])
    table.add_row("delta", Text.assemble(f"{amount:>10} coin  ", place, f"  {band}"))
    expiring = _coin(one["gamma_expiring_coin_per_pct"])
    gamma = f"{_coin(one['gamma_coin_per_pct']):>10} coin per 1 %, expiring {expiring}"
    table.add_row("gamma", Text(gamma))
    greeks = f"{_usd(one['vega_usd']):>10} a point, theta {_usd(one['theta_usd_day'])} a day"
    table.add_row("vega", Text(greeks))
    table.add_row("equity", Text(f"{_usd(one['equity_usd']).lstrip('+'):>10}{_margin(one)}"))
    if coin in seen.day:
        table.add_row("today", _today(seen.day[coin]))
    hedges = [row for row in seen.hedges if row["coin"] == coin]
    if hedges:
        table.add_row("hedged", _hedge(hedges[-1]))


def _margin(one: Mapping[str, Any]) -> str:
    margin = one["margin"]
    if margin is None or not margin["funds"]:
        return ""
    used = figures.percent(margin["maintenance_margin"] / margin["funds"])
    moves = [margin[side] for side in ("down", "up") if margin[side] is not None]
    near = [figures.percent(move) for move in moves if math.isfinite(move)]
    return f"  margin {used}, liquidation at {' or '.join(near) or 'no price'}"


def _today(day: Mapping[str, Any]) -> Text:
    """Return the day's profit since 08:00 UTC: the hedged book and what it is made of.

    Before the day's first step, of which nothing is known, its sums are no zeros.
    """
    lines, known = day["lines"], day["watched_s"] > 0.0
    parts = {
        "gamma + theta": lines["gamma"] + lines["theta"],
        **{name: lines[name] for name in ("vega", "fees", "slippage", "unexplained")},
    }
    told = ", ".join(
        f"{name} {figures.short(usd, dollar=True) if known else UNKNOWN}"
        for name, usd in parts.items()
    )
    book = day["total"] - lines["translation"] - lines["unexplained"]
    style = QUIET if not known else GOOD if book >= 0.0 else WARN
    amount = figures.usd(book) if known else UNKNOWN
    return Text.assemble((f"{amount:>10}", style), f"  {told}")


def _hedge(done: Mapping[str, Any]) -> Text:
    before, after = _coin(done["delta_before_coin"]), _coin(done["delta_after_coin"])
    reason = str(done["reason"]).partition("(")[0].replace("_", " ")
    text = f"{figures.clock(done['ts_ns']):>10}  {done['kind']}: delta {before} → {after}, {reason}"
    return Text(text)


def _troubles(seen: Glance, coin: str, one: Mapping[str, Any]) -> list[Text]:
    """Return what stands of a coin, as `status` says it."""
    texts, stale = [], seen.status["stale"]
    if one["unknown_orders"]:
        texts.append(Text(f"the fate of {one['unknown_orders']} orders is unknown", BAD))
    outside = wording.outside(one, stale=stale)
    for text in wording.of_coin(coin, one, stale=stale):
        bad = one["state"] == State.HALTED or text == outside
        texts.append(Text(printable(text), BAD if bad else WARN))
    return texts


def _coin(amount: float | None) -> str:
    return "?" if amount is None else figures.coin(amount)


def _usd(amount: float | None) -> str:
    return "?" if amount is None else figures.usd(amount)
