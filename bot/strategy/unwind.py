"""The settlement unwind: the hedge of an option that settles on an average leaves in equal steps.

Inside the averaging window (30 minutes on Deribit) an expiring option's delta fades linearly,
whatever the index does, and its hedge must fade with it: a hedge that is kept until the end is
naked at settlement, and one that chases the fading gamma pays for noise. So each step trades its
equal share of what would be left if the fading options were gone already, at the middle of the
step, also inside the band. What they are worth in delta meanwhile plays no part, so their noise is
not traded; what price drift, rounding and partial fills leave over is shared by the steps that
remain, so that nothing is left at the end.

What is unwound is the hedge of the expiring options. Their book's own distance from the target goes
with it where it is small beside that hedge, and stays where the band left it otherwise: a small
option's expiry is no reason to trade a large book. Options that are next to worthless have no hedge
to unwind.

The band comes first. A schedule begins only inside it, takes as many steps as keep the drift
between two of them well within it, and no step ever leaves it: band and unwind must not undo each
other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.book.exposure import Exposure
from bot.domain.reasons import Because, Reason
from bot.domain.units import NS_PER_S
from bot.strategy.bands import Band
from bot.strategy.delta import STEP_SHARE, DeltaPlan

FEWEST_STEPS = 30
# Below this share of the policy's band an expiring delta is noise.
LEAST_SHARE = 0.02
# The unwind may trade this much of the fading delta's size, and so this much more than it.
MOST = 1.1


@dataclass(frozen=True, slots=True)
class UnwindPolicy:
    """At least `steps` equal trades over a window of `window_s` seconds, `most` at most."""

    steps: int = 60
    window_s: float = 1_800.0
    most: int = 240

    def __post_init__(self) -> None:
        """Refuse a schedule that is coarser than the promise."""
        if self.steps < FEWEST_STEPS:
            msg = f"expected at least {FEWEST_STEPS} unwind steps, found {self.steps}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Unwind:
    """A schedule in progress: `done` of `steps` are traded on the way to `aim` (coin)."""

    expiry_ns: int
    aim: float
    steps: int
    done: int


def steps_due(policy: UnwindPolicy, steps: int, left_s: float) -> int:
    """Return how many of the steps should have been traded with this much of the window left."""
    elapsed = min(max(1.0 - left_s / policy.window_s, 0.0), 1.0)
    return min(math.floor(elapsed * steps + 0.5), steps)


def whole_hedge(policy: UnwindPolicy, exposure: Exposure) -> float:
    """Return the size of the hedge (coin) that what fades now had when its window opened."""
    if exposure.window_left_s <= 0.0:
        return 0.0
    return abs(exposure.window_delta) * policy.window_s / exposure.window_left_s


def schedule(
    policy: UnwindPolicy,
    running: Unwind | None,
    exposure: Exposure,
    band: Band,
    target: float | None = None,
) -> Unwind | None:
    """Return the schedule in force: the running one, a new one for what is inside its window now.

    `band` is the policy's, `target` the owner's where funding has shifted the band's middle: what
    funding asks for is no part of the options' hedge. None when nothing worth a hedge is inside a
    window, or while the book is outside the band: what the band will trade first must not be taken
    for the options' hedge.
    """
    if running is not None and running.expiry_ns > exposure.ts_ns:
        return running
    fading, width = exposure.window_delta, min(band.upper - band.target, band.target - band.lower)
    if exposure.window_left_s <= 0.0 or abs(fading) < LEAST_SHARE * width:
        return None
    if not band.holds(exposure.low, exposure.high):
        return None
    whole = whole_hedge(policy, exposure)
    steps = min(max(policy.steps, math.ceil(whole / (STEP_SHARE * width))), policy.most)
    done = steps_due(policy, steps, exposure.window_left_s)
    if done >= steps:
        return None
    middle = band.target if target is None else target
    left_over = _without_fading(exposure) - middle
    traded = math.copysign(min(abs(left_over), MOST * abs(fading)), left_over)
    expiry_ns = exposure.ts_ns + round(exposure.window_left_s * NS_PER_S)
    return Unwind(expiry_ns, middle + left_over - traded, steps, done)


def due(
    policy: UnwindPolicy, running: Unwind, exposure: Exposure, band: Band, smallest: float = 0.0
) -> DeltaPlan | None:
    """Return the trade of the steps that are due; None between steps.

    What would leave the band, and what is less than the smallest order (coin), waits for later.
    """
    steps = steps_due(policy, running.steps, exposure.window_left_s)
    if exposure.window_left_s <= 0.0 or steps <= running.done:
        return None
    if not band.holds(exposure.low, exposure.high):
        return None
    left_over = _without_fading(exposure) - running.aim
    change = -left_over * (steps - running.done) / (running.steps - running.done)
    change = max(min(change, band.upper - exposure.high), band.lower - exposure.low)
    if change == 0.0 or abs(change) < smallest:
        return None
    figures = {
        "step": float(steps),
        "steps": float(running.steps),
        "left_s": exposure.window_left_s,
    }
    because = Because(Reason.SETTLEMENT_UNWIND, "", figures)
    return DeltaPlan(change, band, (because,), step=steps)


def _without_fading(exposure: Exposure) -> float:
    """Return delta as it would be with the fading options gone, coin."""
    return 0.5 * (exposure.low + exposure.high) - exposure.window_delta
