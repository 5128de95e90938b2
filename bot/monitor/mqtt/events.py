"""What happened, as events: which rows of the journal are told, and what of each.

Samples (exposure, margins, equity) and accounts of them are no events. Neither settings nor
summaries, nor the inputs and the rejected candidates of a decision leave the machine, nor what came
with a command beside its words: there are proofs of the second key among it. The forms are in
`schemas/event.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bot.journal.rows import to_json
from bot.journal.tail import News
from bot.monitor.mqtt.state import NS_PER_MS, VERSION

LONGEST_BYTES: Final = 16 * 1024
_BAND: Final = ("target", "lower", "upper")
_DELTA: Final = ("delta_coin", "delta_low_coin", "delta_high_coin", "delta_after_coin")

# Of each kind that is told, the columns that are.
TOLD: Final[Mapping[str, tuple[str, ...]]] = {
    "state": ("coin", "before", "after", "reasons"),
    "doubt": ("coin", "because", "active"),
    "decision": (
        *("id", "coin", "kind", "numeraire", *_DELTA, *_BAND, "gamma_coin_per_pct"),
        *("gamma_after_coin_per_pct", "index", "cost_usd", "trades", "reasons", "refused"),
    ),
    "intent": (
        *("label", "decision", "instrument", "purpose", "quantity", "unit", "price"),
        *("time_in_force", "post_only", "reduce_delta"),
    ),
    "order": ("label", "instrument", "before", "after", "evidence"),
    "fill": (
        *("trade_id", "label", "instrument", "quantity", "unit", "price", "fee", "fee_unit"),
        "maker",
    ),
    "hedge": (
        *("decision", "coin", "kind", "delta_before_coin", "delta_after_coin"),
        *("gamma_before_coin_per_pct", "gamma_after_coin_per_pct", "lower", "upper", "index"),
        *("filled", "unit", "fee_usd", "slippage_usd", "seconds", "orders", "reason"),
    ),
    "breach": ("coin", "kind", "worst", "seconds", "state"),
    "command": ("id", "verb", "coin", "who", "why", "accepted", "outcome"),
    "run": ("id", "mode", "market", "version", "seed", "outcome"),
    "standing": ("coin", "word", "because", "stands"),
    "parked": ("instrument", "coin", "stands"),
}
_SAME: Final = {"kind": "what", "id": "name"}  # the event itself has these names
_FLAGS: Final = frozenset({"active", "accepted", "post_only", "reduce_delta", "maker", "stands"})
_LISTS: Final = ("trades", "reasons", "refused")


def event(news: News) -> dict[str, Any] | None:
    """Return what is told of a row; None for one that is no event."""
    told = TOLD.get(news.kind)
    if told is None:
        return None
    fields = {_SAME.get(name, name): _value(name, news.fields.get(name)) for name in told}
    when = {"ts": news.ts_ns // NS_PER_MS}
    return {"v": VERSION, "kind": news.kind, "run": news.run, "seq": news.seq, **when, **fields}


def encoded(told: Mapping[str, Any]) -> bytes:
    """Return an event as JSON; one that is too large without its lists, and says so."""
    text = to_json(told).encode()
    if len(text) <= LONGEST_BYTES:
        return text
    cut = {name: [] if name in _LISTS else _shortened(value) for name, value in told.items()}
    return to_json(cut | {"cut": True}).encode()


def _value(name: str, value: Any) -> Any:  # noqa: ANN401  JSON
    return bool(value) if name in _FLAGS and value is not None else value


def _shortened(value: Any) -> Any:  # noqa: ANN401  JSON
    return value[:500] if isinstance(value, str) else value
