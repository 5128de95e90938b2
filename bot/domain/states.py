"""States of the machine, held for the instance and for each underlying; the stricter one applies.

BOOT → RECONCILING → READY → RUNNING is the way up. REDUCE_DELTA_ONLY is what every automatic
control enters: orders that are proven to reduce worst-case |delta| still go out. Only an operator
pauses, and only a halt stops for good. PAUSED and HALTED send nothing but cancels and queries, and
survive a restart.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """What the bot may do now."""

    BOOT = "BOOT"
    RECONCILING = "RECONCILING"
    READY = "READY"
    RUNNING = "RUNNING"
    REDUCE_DELTA_ONLY = "REDUCE_DELTA_ONLY"
    PAUSED = "PAUSED"
    HALTED = "HALTED"


# Loosest first. The states before RUNNING send nothing either, but an operator's word outranks
# them.
_STRICTNESS: Final = {
    State.RUNNING: 0,
    State.REDUCE_DELTA_ONLY: 1,
    State.READY: 2,
    State.RECONCILING: 3,
    State.BOOT: 4,
    State.PAUSED: 5,
    State.HALTED: 6,
}
STICKY: Final = frozenset({State.PAUSED, State.HALTED})
SENDING: Final = frozenset({State.RUNNING, State.REDUCE_DELTA_ONLY})


def stricter(one: State, other: State) -> State:
    """Return the state that allows less."""
    return one if _STRICTNESS[one] >= _STRICTNESS[other] else other
