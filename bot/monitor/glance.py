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
from bot.monitor import figures

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


@dataclass(frozen=True, slots=True)
class Glance:
    """What is drawn: `status` and the newest `hedges` as the reader has them, the day's lines.

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
    blocks += [_connection(name) for name in seen.status["disconnected"]]
    for coin, one in coins.items():
        hedges = [row for row in seen.hedges if row["coin"] == coin]
        blocks += [Text(""), _block(coin, one, seen.day.get(coin), hedges)]
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
    state = (str(status["state"]), _STATE.get(status["state"], QUIET))
    parts = (status["instance"], status["mode"], status["market"])
    about = printable(" · ".join(map(str, parts)))
    clock = f"{figures.day(status['ts_ns'])} {figures.clock(status['ts_ns'])} UTC"
    text = Text.assemble((about, "bold"), " · ", state, f" · {clock} · ", (age, QUIET))
    if status["stale"]:
        text.append(printable(f"  STALE: {seen.why}"), BAD)
    return text


def _connection(name: str) -> Text:
    return Text(f"disconnected: {name}", BAD)


def _block(
    coin: str,
    one: Mapping[str, Any],
    day: Mapping[str, Any] | None,
    hedges: Sequence[Mapping[str, Any]],
) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    state = Text(str(one["state"]), _STATE.get(one["state"], QUIET))
    index = "" if one["index"] is None else f"  index {one['index']:,.2f}"
    table.add_row(coin, Text.assemble(state, index))
    if not one["measured"]:
        table.add_row("", Text("not measured yet", WARN))
        return table
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
    if day is not None:
        table.add_row("today", _today(day))
    if hedges:
        table.add_row("hedged", _hedge(hedges[-1]))
    for text in _troubles(one):
        table.add_row("", text)
    return table


def _margin(one: Mapping[str, Any]) -> str:
    margin = one["margin"]
    if margin is None or not margin["funds"]:
        return ""
    used = figures.percent(margin["maintenance_margin"] / margin["funds"])
    moves = [margin[side] for side in ("down", "up") if margin[side] is not None]
    near = [figures.percent(move) for move in moves if math.isfinite(move)]
    return f"  margin {used}, liquidation at {' or '.join(near) or 'no price'}"


def _today(day: Mapping[str, Any]) -> Text:
    """Return the day's profit since 08:00 UTC: the hedged book and what it is made of."""
    lines = day["lines"]
    book = day["total"] - lines["translation"] - lines["unexplained"]
    parts = (
        f"gamma + theta {figures.short(lines['gamma'] + lines['theta'], dollar=True)}",
        f"vega {figures.short(lines['vega'], dollar=True)}",
        f"fees {figures.short(lines['fees'], dollar=True)}",
        f"slippage {figures.short(lines['slippage'], dollar=True)}",
        f"unexplained {figures.short(lines['unexplained'], dollar=True)}",
    )
    style = GOOD if book >= 0.0 else WARN
    return Text.assemble((f"{figures.usd(book):>10}", style), f"  {', '.join(parts)}")


def _hedge(done: Mapping[str, Any]) -> Text:
    before, after = _coin(done["delta_before_coin"]), _coin(done["delta_after_coin"])
    reason = str(done["reason"]).partition("(")[0].replace("_", " ")
    text = f"{figures.clock(done['ts_ns']):>10}  {done['kind']}: delta {before} → {after}, {reason}"
    return Text(text)


def _troubles(one: Mapping[str, Any]) -> list[Text]:
    texts = [
        Text(printable(f"{doubt['reason'].replace('_', ' ')} {doubt['subject']}".rstrip()), WARN)
        for doubt in one["doubts"]
    ]
    if one["unknown_orders"]:
        texts.append(Text(f"the fate of {one['unknown_orders']} orders is unknown", BAD))
    for name, says in (("off", "hedging is off"), ("hold", "held"), ("moved", "target moved")):
        if one.get(name):
            texts.append(Text(printable(f"{says}: {one[name]['why']}"), WARN))
    parked = one.get("parked") or ()
    texts += [Text(f"parked until {part['until']}: {part['instrument']}", WARN) for part in parked]
    return texts


def _coin(amount: float | None) -> str:
    return "?" if amount is None else figures.coin(amount)


def _usd(amount: float | None) -> str:
    return "?" if amount is None else figures.usd(amount)
