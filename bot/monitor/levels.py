"""How much something matters: `debug`, `info`, `warning`, or `error` for whoever is on call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.events import Settled
from bot.domain.orders import OrderState
from bot.domain.reasons import Reason
from bot.domain.records import (
    Breach,
    CommandOutcome,
    Decision,
    Doubt,
    HedgeDone,
    OrderTransition,
    Parked,
    Standing,
    StateChange,
)
from bot.domain.states import State
from bot.monitor.telling import Item, Moved
from bot.risk.breakers import BREAKERS

# Somebody has to look, also at night.
PAGED: Final = frozenset(
    {
        *(Reason.DELTA_DISAGREES, Reason.ANOTHER_BOT, Reason.JOURNAL_BUSY),
        *BREAKERS,
    }
)
HELPLESS: Final = frozenset({Reason.SOLVER_FAILED, Reason.NO_CANDIDATE, Reason.NO_FUNDS})
ROUTINE: Final = "post_only_reject"  # the market came to meet a maker's order; another follows
ALLOWED_S: Final = 2.0  # a hedge takes its time: shorter breaches are how one works
# What no flood limit leaves out, beside every error: the canonical lines, and what a run is.
WHOLE: Final = frozenset(
    {
        *("hedge.done", "hedge.refused", "gamma.planned", "gamma.refused"),
        *("flatten.decided", "flatten.refused", "state.changed", "command.done"),
        *("run.started", "run.finished", "run.failed", "run.left_open"),
        *("log.failing", "log.recovered", "log.suppressed"),
    }
)
LEVELS: Final = ("debug", "info", "warning", "error")
_ORDER_LEVEL: Final = {
    OrderState.UNKNOWN: "warning",
    OrderState.REJECTED: "warning",
    OrderState.NOT_BOOKED: "warning",
    OrderState.FILLED: "info",
    OrderState.CANCELLED: "info",
}
_LEVEL: Final[Mapping[type, str]] = {
    Moved: "warning",
    HedgeDone: "info",
    CommandOutcome: "info",
    Settled: "info",
    Parked: "info",
    Breach: "info",
}
_DECIDED: Final = {"gamma": "info", "flatten": "warning"}
_STATE_LEVEL: Final = {
    State.HALTED: "error",
    State.PAUSED: "warning",
    State.REDUCE_DELTA_ONLY: "warning",
}


def level(item: Item | Moved) -> str:
    """Return how much an item matters, without composing what it says."""
    match item:
        case OrderTransition():
            return _of_order(item)
        case StateChange():
            return _STATE_LEVEL.get(item.after, "info")
        case Decision():
            if item.refused:
                naked = item.kind != "gamma" and not item.lower <= item.delta_coin <= item.upper
                return "warning" if naked or _helpless(item) else "info"
            return _DECIDED.get(item.kind, "debug")
        case Doubt() | Standing():
            loud = "error" if item.because.reason in PAGED else "warning"
            return loud if item.active else "info"
        case _:
            brief = isinstance(item, Breach) and item.seconds < ALLOWED_S
            return "debug" if brief else _LEVEL.get(type(item), "debug")


def _helpless(item: Decision) -> bool:
    """Tell whether a limit on options is passed and nothing can be done about it."""
    return any(because.reason in HELPLESS for because in item.refused)


def _of_order(moved: OrderTransition) -> str:
    if moved.before is OrderState.UNKNOWN:
        return "warning"
    routine = moved.after is OrderState.REJECTED and ROUTINE in moved.evidence
    return "info" if routine else _ORDER_LEVEL.get(moved.after, "debug")
