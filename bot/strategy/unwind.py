"""The settlement unwind: the hedge of an option that settles on an average leaves in equal steps.

Inside the averaging window (30 minutes on Deribit) an expiring option's delta fades linearly,
whatever the index does, and its hedge must fade with it: a hedge that is kept until the end is
naked at settlement, and one that chases the fading gamma pays for noise. So each step trades its
equal share of what would be left if the fading options were gone already, at the middle of the
step, also inside the band. What they are worth in delta meanwhile plays no part, so their noise is
not traded; what price drift, rounding and partial fills leave over is shared by the steps that
remain, so that nothing is left at the end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.book.exposure import Exposure
from bot.domain.reasons import Because, Reason
from bot.domain.units import NS_PER_S

FEWEST_STEPS = 30


@dataclass(frozen=True, slots=True)
class UnwindPolicy:
    """`steps` equal trades over a window of `window_s` seconds."""

    steps: int = 60
    window_s: float = 1_800.0

    def __post_init__(self) -> None:
        """Refuse a schedule that is coarser than the promise."""
        if self.steps < FEWEST_STEPS:
            msg = f"expected at least {FEWEST_STEPS} unwind steps, found {self.steps}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Unwind:
    """A schedule in progress: `done` steps are traded on the way to `target` (coin) without it."""

    expiry_ns: int
    target: float
    done: int


def steps_due(policy: UnwindPolicy, left_s: float) -> int:
    """Return how many steps should have been traded with this much of the window left."""
    elapsed = min(max(1.0 - left_s / policy.window_s, 0.0), 1.0)
    return min(math.floor(elapsed * policy.steps + 0.5), policy.steps)


def start(policy: UnwindPolicy, exposure: Exposure, target: float) -> Unwind | None:
    """Return the schedule for what is inside its window now; None when nothing is."""
    if exposure.window_left_s <= 0.0 or exposure.window_delta == 0.0:
        return None
    expiry_ns = exposure.ts_ns + round(exposure.window_left_s * NS_PER_S)
    done = steps_due(policy, exposure.window_left_s)
    return None if done >= policy.steps else Unwind(expiry_ns, target, done)


def due(
    policy: UnwindPolicy, schedule: Unwind, exposure: Exposure
) -> tuple[Unwind, float, Because] | None:
    """Return the advanced schedule, the due change of delta (coin) and why; None between."""
    steps = steps_due(policy, exposure.window_left_s)
    if steps <= schedule.done:
        return None
    left_over = 0.5 * (exposure.low + exposure.high) - exposure.window_delta - schedule.target
    change = -left_over * (steps - schedule.done) / (policy.steps - schedule.done)
    because = Because(
        Reason.SETTLEMENT_UNWIND,
        "",
        {"step": float(steps), "steps": float(policy.steps), "left_s": exposure.window_left_s},
    )
    return Unwind(schedule.expiry_ns, schedule.target, steps), change, because
