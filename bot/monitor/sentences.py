"""What a person reads of each thing told: pieces of text, each with a style, in reading order.

A hedge is one line: market time, coin, delta before and after in coin and USD, band, reason,
cost, then profit and loss of the hedged book and its two twins, each split by gamma, theta, vega
and fees.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from bot.domain.events import Settled
from bot.domain.instruments import coin_of
from bot.domain.orders import OrderState
from bot.domain.reasons import Because, Reason
from bot.domain.records import (
    CommandOutcome,
    Decision,
    Doubt,
    HedgeDone,
    OrderTransition,
    Parked,
    Standing,
    StateChange,
    Word,
)
from bot.domain.states import State
from bot.journal.equity import Pnl, TwinPnl
from bot.monitor import figures
from bot.monitor.telling import Moved, Telling
from bot.monitor.unwinding import progress
from bot.risk.breakers import BREAKERS

Piece: TypeAlias = tuple[str, str]  # text, rich style

GOOD: Final = "green"
BAD: Final = "bold red"
WARN: Final = "yellow"
QUIET: Final = "dim"
_SAID_ORDERS: Final = frozenset({OrderState.REJECTED, OrderState.NOT_BOOKED, OrderState.UNKNOWN})
_STATE_STYLE: Final = {
    State.HALTED: BAD,
    State.PAUSED: WARN,
    State.REDUCE_DELTA_ONLY: WARN,
    State.RUNNING: GOOD,
}


def sentence(telling: Telling) -> list[Piece]:
    """Return the pieces of one telling; empty for what a person need not read."""
    item = telling.item
    match item:
        case HedgeDone():
            return _unwind(item, telling) if item.kind == "unwind" else _hedge(item, telling.pnl)
        case Decision():
            return _decision(item, telling.repeated)
        case Doubt():
            return _doubt(item, telling.repeated)
        case OrderTransition():
            return _order(item)
        case StateChange() | Settled() | Moved() | CommandOutcome() | Standing() | Parked():
            return _event(item)
        case _:
            return []


def _head(ts_ns: int, who: str, style: str = "bold") -> list[Piece]:
    return [(figures.clock(ts_ns), QUIET), (f"{who:<4}", style)]


def _hedge(done: HedgeDone, pnl: TwinPnl | None) -> list[Piece]:
    before, after = done.delta_before_coin, done.delta_after_coin
    inside = done.lower <= after <= done.upper
    gamma = f"Γ {figures.coin(done.gamma_before_coin_per_pct)} → "
    gamma += f"{figures.coin(done.gamma_after_coin_per_pct)} coin per 1 %"
    pieces = [
        *_head(done.ts_ns, done.coin),
        *([(gamma, "cyan")] if done.kind == "gamma" else []),
        (f"Δ {figures.coin(before)} → {figures.coin(after)} coin", GOOD if inside else BAD),
        (f"({figures.usd(before * done.index)} → {figures.usd(after * done.index)})", ""),
        (f"band {figures.level(done.lower)}…{figures.level(done.upper)}", QUIET),
        (done.reason, "" if done.kind == "delta" else "cyan"),
        (f"cost {figures.cost(done.fee_usd + done.slippage_usd)}", ""),
    ]
    if pnl is not None:
        pieces += [
            _twin("hedged", pnl.hedged, "bold"),
            _twin("unhedged", pnl.unhedged, QUIET),
            _twin("naive", pnl.naive, QUIET),
        ]
    return pieces


def _unwind(done: HedgeDone, telling: Telling) -> list[Piece]:
    """Say one step of a settlement unwind, or several folded into one, on a single line."""
    before, after = done.delta_before_coin, done.delta_after_coin
    at = progress(telling)
    several = f" in {telling.repeated + 1} steps" if telling.repeated else ""
    return [
        *_head(done.ts_ns, done.coin),
        (
            f"Δ {figures.coin(before)} → {figures.coin(after)} coin",
            GOOD if done.lower <= after <= done.upper else BAD,
        ),
        (done.reason, "cyan"),
        ("" if at is None else f"step {at[0]} of {at[1]}", "cyan"),
        (f"cost {figures.cost(done.fee_usd + done.slippage_usd)}{several}", ""),
    ]


def _twin(name: str, pnl: Pnl, style: str) -> Piece:
    parts = (
        ("γ", pnl.gamma_usd),
        ("θ", pnl.theta_usd),
        ("ν", pnl.vega_usd),
        ("fees", pnl.fees_usd),
    )
    split = " ".join(f"{letter} {figures.short(amount)}" for letter, amount in parts)
    return f"{name} {figures.short(pnl.total_usd, dollar=True)} ({split})", style


def _decision(made: Decision, repeated: int) -> list[Piece]:
    if made.refused:
        why = _reasons(made.refused)
        again = f", {repeated} more before" if repeated else ""
        return [
            *_head(made.ts_ns, made.coin),
            (f"{made.kind} hedge not sent:", WARN),
            (f"{why}{again}", WARN),
            (f"Δ {figures.coin(made.delta_coin)} coin", ""),
        ]
    if made.kind != "gamma":
        return []
    before, after = made.gamma_coin_per_pct, made.gamma_after_coin_per_pct
    return [
        *_head(made.ts_ns, made.coin),
        (f"Γ {figures.coin(before)} → {figures.coin(after)} coin per 1 %", "cyan"),
        (_reasons(made.reasons), ""),
        (f"cost {figures.cost(made.cost_usd)}", ""),
    ]


def _order(moved: OrderTransition) -> list[Piece]:
    resolved = moved.before is OrderState.UNKNOWN and moved.after is not OrderState.UNKNOWN
    if not resolved and moved.after not in _SAID_ORDERS:
        return []
    coin = coin_of(moved.instrument)
    return [
        *_head(moved.ts_ns, coin),
        (f"order {moved.label}: {moved.before} → {moved.after}", GOOD if resolved else BAD),
        (moved.instrument, ""),
        (moved.evidence, QUIET),
    ]


def _doubt(doubt: Doubt, repeated: int) -> list[Piece]:
    verb = "not trusted" if doubt.active else "trusted again"
    if doubt.because.reason is Reason.ANOTHER_BOT:
        verb = "hedged by two" if doubt.active else "hedged by us alone again"
    elif doubt.because.reason in BREAKERS:
        verb = "breaker" if doubt.active else "breaker over"
    again = f"({repeated} more before)" if repeated else ""
    return [
        *_head(doubt.ts_ns, doubt.coin),
        (f"{verb}: {doubt.because}", WARN if doubt.active else GOOD),
        (again, QUIET),
    ]


def _event(
    item: StateChange | Settled | Moved | CommandOutcome | Standing | Parked,
) -> list[Piece]:
    match item:
        case Standing():
            return _standing(item)
        case Parked():
            return _parked(item)
        case StateChange():
            step = (f"{item.before} → {item.after}", _STATE_STYLE.get(item.after, ""))
            return [*_head(item.ts_ns, item.coin or "all"), step, (_reasons(item.reasons), QUIET)]
        case Settled():
            coin = coin_of(item.instrument)
            text = f"{item.instrument} settled at {figures.cost(item.price_usd)}"
            return [*_head(item.ts_ns, coin), (text, "magenta")]
        case Moved():
            move = f"index jumped {'+' if item.fraction > 0 else '−'}{abs(item.fraction):.1%}"
            span = f"{item.before:,.0f} → {item.after:,.0f} within {item.seconds:.0f} s"
            return [*_head(item.ts_ns, item.coin), (move, BAD), (span, "")]
        case CommandOutcome():
            verb = "done" if item.accepted else "refused"
            style = GOOD if item.accepted else WARN
            return [*_head(item.ts_ns, "all"), (f"command {verb}: {item.outcome}", style)]


def _standing(said: Standing) -> list[Piece]:
    until = "" if said.until_ns is None else f" until {figures.clock(said.until_ns)}"
    if said.word is Word.OFF:
        text, style = ("hedging is off", WARN) if said.active else ("hedging is on again", GOOD)
    elif said.word is Word.TARGET:
        text, style = ("the band is moved" if said.active else "the band is the settings'"), WARN
    elif said.word is Word.REVIEW:
        text = "waits for a review" if said.active else "was reviewed"
        style = BAD if said.active else GOOD
    else:
        text = "what is traded by hand is held" if said.active else "nothing is held any more"
        style = ""
    return [*_head(said.ts_ns, said.coin), (f"{text}{until}", style), (str(said.because), QUIET)]


def _parked(parked: Parked) -> list[Piece]:
    position = parked.position
    text = f"{position.instrument} is hedged from now on"
    if position.quantity:
        amount = f"{float(position.quantity):+,g} {position.quantity.unit}"
        until = figures.clock(parked.until_ns)
        text = f"parked {position.instrument} {amount}, not hedged before {until}"
    return [*_head(parked.ts_ns, parked.coin), (text, "cyan")]


def _reasons(reasons: tuple[Because, ...]) -> str:
    return ", ".join(str(because) for because in reasons)
