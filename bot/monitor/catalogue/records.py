"""Events of the records: what the core decided, did, measured and doubted."""

from __future__ import annotations

from typing import Final

from bot.domain.records import PROFIT_LINES
from bot.monitor.catalogue.event import Event, Field

_SEEN: Final = (
    *("bid", "ask", "mark", "vol", "quote_venue_time", "quote_heard_time"),
    *("chain_venue_time", "chain_heard_time"),
)
_DECISION: Final = (
    *("market_time", "coin", "decision", "kind", "numeraire"),
    *("delta_coin", "delta_low_coin", "delta_high_coin", "delta_after_coin"),
    *("target", "lower", "upper", "policy_lower", "policy_upper"),
    *("gamma_coin_per_pct", "gamma_after_coin_per_pct", "index", *_SEEN, "cost_usd"),
    *("trades", "candidates", "reasons", "refused"),
)
_REFUSED: Final = (*_DECISION, "repeated")
_DOUBT: Final = ("market_time", "coin", "reason", "subject", "repeated")
_PARKED: Final = ("market_time", "coin", "instrument", "quantity", "unit", "until")
_STANDING: Final = ("market_time", "coin", "until", "why")

RECORDS: Final = (
    Event(
        "hedge.decided",
        "A delta hedge, or a step of a settlement unwind, was decided and allowed.",
        ("debug",),
        _DECISION,
    ),
    Event(
        "hedge.refused",
        "A hedge was wanted and nothing was sent; canonical for such a cycle. A warning where "
        "delta stays outside its band; equal ones once a minute.",
        ("warning", "info"),
        _REFUSED,
    ),
    Event(
        "hedge.done",
        "The last order of a decision has ended: the canonical line of a hedge cycle.",
        ("info",),
        (
            *("market_time", "coin", "decision", "kind", "delta_before_coin", "delta_after_coin"),
            *("delta_before_usd", "delta_after_usd", "gamma_before_coin_per_pct"),
            *("gamma_after_coin_per_pct", "lower", "upper", "index", "reason", "filled", "unit"),
            *("cost_usd", "fee_usd", "slippage_usd", "seconds", "orders"),
            *("verdict", "plan", "reasons", "gamma_coin_per_pct", *_SEEN),
            *(
                f"pnl_{twin}{part}_usd"
                for twin in ("hedged", "unhedged", "naive")
                for part in ("", "_gamma", "_theta", "_vega", "_fees")
            ),
        ),
    ),
    Event("gamma.planned", "An option plan was made and allowed.", ("info",), _DECISION),
    Event(
        "gamma.refused",
        "An option plan was wanted and nothing was sent. A warning where delta is outside its "
        "band or nothing can be done about a passed limit.",
        ("info", "warning"),
        _REFUSED,
    ),
    Event(
        "flatten.decided",
        "One step of closing the hedges, on a person's typed words.",
        ("warning",),
        _DECISION,
    ),
    Event(
        "flatten.refused",
        "A step of closing the hedges was wanted and nothing was sent.",
        ("info", "warning"),
        _REFUSED,
    ),
    Event(
        "shadow.decided",
        "What a second delta would have done with a hedge of its own; nothing is sent for it.",
        ("debug", "info", "warning"),
        _REFUSED,
    ),
    Event(
        "exposure.measured",
        "Once a minute and underlying: what the book means.",
        ("debug",),
        (
            *("market_time", "coin", "state", "numeraire", "index", "delta_coin"),
            *("delta_low_coin", "delta_high_coin", "lower", "upper", "gamma_coin_per_pct"),
            *("vega_usd", "theta_usd_day", "equity_usd", "unknown_orders", "doubts"),
        ),
    ),
    Event(
        "margin.measured",
        "Once a minute and coin: the account's margin.",
        ("debug",),
        (
            *("market_time", "coin", "model", "equity_coin", "funds_coin"),
            *("initial_margin_coin", "maintenance_margin_coin"),
            *("liquidation_down", "liquidation_up", "delta_venue_coin", "delta_ours_coin"),
        ),
    ),
    Event(
        "market.jumped",
        "The index moved by 2 % or more within a minute.",
        ("warning",),
        (
            *("market_time", "coin", "index"),
            Field("index_before", "USD per coin", "index before the jump"),
            Field("move_pct", "per cent", "the move"),
            Field("seconds", "s", "within how long"),
        ),
    ),
    Event(
        "instrument.settled",
        "An instrument expired and is gone.",
        ("info",),
        ("market_time", "instrument", Field("price_usd", "USD per coin", "its settlement price")),
    ),
    Event(
        "state.changed",
        "The machine changed its state, for one underlying or (`coin` empty) the instance. A "
        "warning into PAUSED and REDUCE_DELTA_ONLY, an error into HALTED.",
        ("info", "warning", "error"),
        ("market_time", "coin", "before", "after", "reasons"),
    ),
    Event(
        "doubt.raised",
        "Something cannot be trusted from now on, or a breaker opened. An error where somebody "
        "has to look also at night; equal warnings once a minute.",
        ("warning", "error"),
        _DOUBT,
        figures=True,
    ),
    Event("doubt.cleared", "It can be trusted again.", ("info",), _DOUBT, figures=True),
    Event(
        "command.done",
        "An operator's command was obeyed or refused.",
        ("info",),
        (
            *("market_time", "id"),
            Field("accepted", "true or false", "it was obeyed"),
            Field("outcome", "text", "what it came to"),
        ),
    ),
    Event("off.begun", "An operator switched hedging off.", ("warning",), _STANDING),
    Event("off.ended", "Hedging is on again.", ("info",), _STANDING),
    Event(
        "hold.begun",
        "What is traded by hand from now on is not hedged for a while.",
        ("warning",),
        _STANDING,
    ),
    Event("hold.ended", "Nothing is held any more.", ("info",), _STANDING),
    Event(
        "review.begun",
        "A breaker stopped an underlying until a person has looked.",
        ("warning", "error"),
        _STANDING,
    ),
    Event("review.ended", "A person has looked.", ("info",), _STANDING),
    Event(
        "target.begun",
        "An operator moved the owner's delta band away from the settings'.",
        ("warning",),
        _STANDING,
    ),
    Event("target.ended", "The band is the settings' again.", ("info",), _STANDING),
    Event(
        "band.left",
        "A measure was outside its owner's band and is inside again; debug where that took no "
        "longer than a hedge takes (2 s).",
        ("info", "debug"),
        (
            *("market_time", "coin", "since", "state"),
            Field("kind", "text", "`delta`, `gamma` or `gamma_expiring`"),
            Field("seconds", "s", "for how long"),
            Field("worst", "coin; gamma in coin per 1 %", "how far outside, signed"),
        ),
    ),
    Event(
        "pnl.explained",
        "What the equity in one currency changed by since the last such line, line by line.",
        ("debug",),
        (
            *("market_time", "coin", "since"),
            Field("unpriced", "count", "positions that no line could be told of"),
            *(
                Field(f"{line}_usd", "USD", f"part of the change from {line}")
                for line in PROFIT_LINES[:-1]
            ),
            Field("unexplained_usd", "USD", "part of the change that nothing explains"),
            Field("total_usd", "USD", "the change: the sum of the lines"),
            Field("hedges_usd", "USD", "part of the change that this bot's own positions made"),
            Field("equity_usd", "USD", "equity at the end"),
        ),
    ),
    Event("position.parked", "A trade by hand is left unhedged for a time.", ("info",), _PARKED),
    Event("position.released", "It is hedged from now on.", ("info",), _PARKED),
)
