"""Tellings as log events: a dotted name, a level, and fields with their units in their names.

Pure. The canonical line of a hedge cycle is `hedge.done`, or `hedge.refused` where nothing was
sent: it holds exposure, band, plan, verdict, reasons, cost, duration and profit and loss with its
twins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from bot.domain.events import Settled
from bot.domain.orders import Intent
from bot.domain.positions import Fill
from bot.domain.reasons import Because
from bot.domain.records import (
    PROFIT_LINES,
    SHADOW,
    Attribution,
    Breach,
    CommandOutcome,
    Decision,
    Doubt,
    ExposureSample,
    HedgeDone,
    MarginSample,
    OrderTransition,
    Paid,
    Parked,
    Standing,
    StateChange,
    TradeNote,
)
from bot.domain.units import NS_PER_S, iso
from bot.journal.equity import Pnl, TwinPnl
from bot.monitor.levels import level
from bot.monitor.order_lines import order_line
from bot.monitor.telling import Fields, Moved, Telling

Line: TypeAlias = tuple[str, str, Fields]
_PNL: Final = (*PROFIT_LINES, "total", "hedges", "equity")

_SEEN: Final = ("bid", "ask", "mark", "vol")  # what a decision has seen, beside index and times


def narrate(telling: Telling) -> Line:
    """Return event name, level and fields of one telling."""
    event, fields = _told(telling)
    if telling.repeated:
        fields["repeated"] = telling.repeated
    return event, level(telling.item), fields


def _told(telling: Telling) -> tuple[str, Fields]:
    item = telling.item
    match item:
        case HedgeDone():
            return "hedge.done", _hedge(item, telling.decision, telling.pnl)
        case Decision():
            return _decision_name(item), _decision(item)
        case Intent() | OrderTransition() | Fill() | Paid():
            return order_line(item, telling.cause)
        case Doubt():
            return "doubt.raised" if item.active else "doubt.cleared", _doubt(item)
        case Standing() | Parked():
            return _kept(item)
        case _:
            event, compose = _TOLD[type(item)]
            return event, compose(item)


def _at(ts_ns: int) -> Fields:
    return {"market_time": iso(ts_ns)}


def _quoted(made: Decision) -> Fields:
    """Return the prices that a decision was made on: when the venue made them, when we heard."""
    seen = made.snapshot
    fields: Fields = {name: seen[name] for name in _SEEN if name in seen}
    for source in ("quote", "chain"):
        for age, time in (("age_s", "venue_time"), ("heard_age_s", "heard_time")):
            if f"{source}_{age}" in seen:
                then_ns = made.ts_ns - round(seen[f"{source}_{age}"] * NS_PER_S)
                fields[f"{source}_{time}"] = iso(then_ns)
    return fields


def _why(reasons: tuple[Because, ...]) -> list[Fields]:
    return [{"reason": b.reason, "subject": b.subject, **b.numbers} for b in reasons]


def _decision_name(made: Decision) -> str:
    if made.kind == SHADOW:
        return "shadow.decided"
    subject = made.kind if made.kind in {"gamma", "flatten"} else "hedge"
    if made.refused:
        return f"{subject}.refused"
    return "gamma.planned" if made.kind == "gamma" else f"{subject}.decided"


def _decision(made: Decision) -> Fields:
    return {
        **_at(made.ts_ns),
        "coin": made.coin,
        "decision": made.id,
        "kind": made.kind,
        "numeraire": made.numeraire,
        "delta_coin": made.delta_coin,
        "delta_low_coin": made.delta_low_coin,
        "delta_high_coin": made.delta_high_coin,
        "delta_after_coin": made.delta_after_coin,
        "target": made.target,
        "lower": made.lower,
        "upper": made.upper,
        "policy_lower": made.policy_lower,
        "policy_upper": made.policy_upper,
        "gamma_coin_per_pct": made.gamma_coin_per_pct,
        "gamma_after_coin_per_pct": made.gamma_after_coin_per_pct,
        "index": made.index,
        **_quoted(made),
        "cost_usd": made.cost_usd,
        "trades": [_trade(note) for note in made.trades],
        "candidates": [_trade(note) for note in made.candidates],
        "reasons": _why(made.reasons),
        "refused": _why(made.refused),
    }


def _trade(note: TradeNote) -> Fields:
    fields: Fields = {
        "instrument": note.instrument,
        "quantity": note.quantity,
        "unit": note.unit,
        "limit": note.limit,
        "cost_usd": note.cost_usd,
    }
    if note.gamma_coin_per_pct:
        fields["gamma_coin_per_pct"] = note.gamma_coin_per_pct
        fields["theta_usd_day"] = note.theta_usd_day
    return fields


def _hedge(done: HedgeDone, made: Decision | None, pnl: TwinPnl | None) -> Fields:
    fields: Fields = {
        **_at(done.ts_ns),
        "coin": done.coin,
        "decision": done.decision,
        "kind": done.kind,
        "delta_before_coin": done.delta_before_coin,
        "delta_after_coin": done.delta_after_coin,
        "delta_before_usd": done.delta_before_coin * done.index,
        "delta_after_usd": done.delta_after_coin * done.index,
        "gamma_before_coin_per_pct": done.gamma_before_coin_per_pct,
        "gamma_after_coin_per_pct": done.gamma_after_coin_per_pct,
        "lower": done.lower,
        "upper": done.upper,
        "index": done.index,
        "reason": done.reason,
        "filled": done.filled,
        "unit": done.unit,
        "cost_usd": done.fee_usd + done.slippage_usd,
        "fee_usd": done.fee_usd,
        "slippage_usd": done.slippage_usd,
        "seconds": done.seconds,
        "orders": done.orders,
    }
    if made is not None:
        fields["verdict"] = "refused" if made.refused else "allowed"
        fields["plan"] = [_trade(note) for note in made.trades]
        fields["reasons"] = _why(made.reasons)
        fields["gamma_coin_per_pct"] = made.gamma_coin_per_pct
        fields |= _quoted(made)
    if pnl is not None:
        for name in ("hedged", "unhedged", "naive"):
            fields |= _split(name, getattr(pnl, name))
    return fields


def _split(name: str, pnl: Pnl) -> Fields:
    return {
        f"pnl_{name}_usd": pnl.total_usd,
        f"pnl_{name}_gamma_usd": pnl.gamma_usd,
        f"pnl_{name}_theta_usd": pnl.theta_usd,
        f"pnl_{name}_vega_usd": pnl.vega_usd,
        f"pnl_{name}_fees_usd": pnl.fees_usd,
    }


def _sample(taken: ExposureSample) -> Fields:
    return {
        **_at(taken.ts_ns),
        "coin": taken.coin,
        "state": taken.state,
        "numeraire": taken.numeraire,
        "index": taken.index,
        "delta_coin": taken.delta_coin,
        "delta_low_coin": taken.delta_low_coin,
        "delta_high_coin": taken.delta_high_coin,
        "lower": taken.lower,
        "upper": taken.upper,
        "gamma_coin_per_pct": taken.gamma_coin_per_pct,
        "vega_usd": taken.vega_usd,
        "theta_usd_day": taken.theta_usd_day,
        "equity_usd": taken.equity_usd,
        "unknown_orders": taken.unknown_orders,
        "doubts": _why(taken.doubts),
    }


def _margin(taken: MarginSample) -> Fields:
    return {
        **_at(taken.ts_ns),
        "coin": taken.coin,
        "model": taken.model,
        "equity_coin": taken.equity,
        "funds_coin": taken.funds,
        "initial_margin_coin": taken.initial_margin,
        "maintenance_margin_coin": taken.maintenance_margin,
        "liquidation_down": taken.down,
        "liquidation_up": taken.up,
        "delta_venue_coin": taken.delta_venue,
        "delta_ours_coin": taken.delta_ours,
    }


def _doubt(doubt: Doubt) -> Fields:
    return {**_at(doubt.ts_ns), "coin": doubt.coin, **_why((doubt.because,))[0]}


def _state(change: StateChange) -> Fields:
    return {
        **_at(change.ts_ns),
        "coin": change.coin,
        "before": change.before,
        "after": change.after,
        "reasons": _why(change.reasons),
    }


def _kept(item: Standing | Parked) -> tuple[str, Fields]:
    if isinstance(item, Standing):
        until = None if item.until_ns is None else iso(item.until_ns)
        name = f"{item.word}.{'begun' if item.active else 'ended'}"
        fields: Fields = {"coin": item.coin, "until": until, "why": str(item.because)}
        return name, _at(item.ts_ns) | fields
    position = item.position
    name = "position.parked" if position.quantity else "position.released"
    return name, {
        **_at(item.ts_ns),
        "coin": item.coin,
        "instrument": position.instrument,
        "quantity": float(position.quantity),
        "unit": position.quantity.unit,
        "until": iso(item.until_ns),
    }


def _explained(step: Attribution) -> Fields:
    lines = {f"{name}_usd": getattr(step, name) for name in _PNL}
    about = {"coin": step.coin, "since": iso(step.start_ns), "unpriced": step.unpriced}
    return _at(step.ts_ns) | about | lines


def _breach(over: Breach) -> Fields:
    return {
        **_at(over.ts_ns),
        "coin": over.coin,
        "kind": over.kind,
        "since": iso(over.start_ns),
        "seconds": over.seconds,
        "worst": over.worst,
        "state": over.state,
    }


def _outcome(done: CommandOutcome) -> Fields:
    fields: Fields = {"id": done.command_id, "accepted": done.accepted, "outcome": done.outcome}
    return _at(done.ts_ns) | fields


def _settled(settled: Settled) -> Fields:
    fields: Fields = {"instrument": settled.instrument, "price_usd": settled.price_usd}
    return _at(settled.ts_ns) | fields


def _moved(moved: Moved) -> Fields:
    return {
        **_at(moved.ts_ns),
        "coin": moved.coin,
        "index_before": moved.before,
        "index": moved.after,
        "move_pct": moved.fraction * 100.0,
        "seconds": moved.seconds,
    }


_TOLD: Final[Mapping[type, tuple[str, Callable[[Any], Fields]]]] = {
    ExposureSample: ("exposure.measured", _sample),
    MarginSample: ("margin.measured", _margin),
    StateChange: ("state.changed", _state),
    CommandOutcome: ("command.done", _outcome),
    Settled: ("instrument.settled", _settled),
    Moved: ("market.jumped", _moved),
    Attribution: ("pnl.explained", _explained),
    Breach: ("band.left", _breach),
}
