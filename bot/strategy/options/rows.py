"""The limits on a book's options as rows of a program: which are passed, and where they should be.

    gamma               beyond 24 hours, coin per 1 %
    gamma_expiring      within 24 hours, coin per 1 %: a bucket of its own
    vega_<bucket>       USD per point, by time to expiry
    pnl<move>           profit or loss after a move of the index, USD, delta hedged
    swing<move>         what a small move makes of delta, in its direction, coin

Every limit that is set is a row, so that what is inside stays inside. One that is passed is wanted
at `aim_share` of the limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from bot.book.exposure import Exposure, Shocks
from bot.domain.programs import Row
from bot.domain.reasons import Because, Reason
from bot.strategy.bands import GammaBand
from bot.strategy.candidates import Candidate
from bot.strategy.gamma import GammaPolicy

# bucket: the tenors (see `bot.book.shocks`) that it is made of, and the days where it ends
BUCKETS: Final = {
    "under_7d": (("under_1d", "1_7d"), 7.0),
    "from_7d": (("7_30d",), 30.0),
    "from_30d": (("30_90d",), 90.0),
    "from_90d": (("over_90d",), math.inf),
}

Effect = Callable[[Candidate], float]


@dataclass(frozen=True, slots=True)
class Limit:
    """A row, what one bought coin of a candidate does to it, and why it is passed (None: not)."""

    row: Row
    effect: Effect
    passed: Because | None = None


@dataclass(frozen=True, slots=True)
class GammaNeed:
    """Every limit that is set, with what the passed ones miss; `losses` are the passed shocked."""

    limits: tuple[Limit, ...] = ()
    losses: tuple[Limit, ...] = ()

    @property
    def any(self) -> bool:
        """Tell whether some limit is passed."""
        return any(limit.passed is not None for limit in self.limits)

    @property
    def reasons(self) -> tuple[Because, ...]:
        """Return why something is wanted."""
        return tuple(limit.passed for limit in self.limits if limit.passed is not None)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Return the limits' rows."""
        return tuple(limit.row for limit in self.limits)

    def badly(self, share: float) -> bool:
        """Tell whether some limit is passed by more than what lies between it and `share` of it."""
        return any(
            max(limit.row.lower - limit.row.now, limit.row.now - limit.row.upper)
            > (1.0 - share) * limit.row.scale
            for limit in self.limits
            if limit.passed is not None
        )


def gamma_need(
    exposure: Exposure,
    policy: GammaPolicy,
    shocks: Shocks | None = None,
    vega_usd: Mapping[str, float] | None = None,
    target: float = 0.0,
) -> GammaNeed:
    """Return what the limits miss now.

    `vega_usd` maps tenors to USD per point; `target` is delta's, coin.
    """
    if policy.action == "off":
        return GammaNeed()
    limits = [
        *_gamma("gamma", exposure.gamma, policy.band, policy.aim_share, expiring=False),
        *_gamma(
            "gamma_expiring", exposure.gamma_expiring, policy.expiring, policy.aim_share,
            expiring=True,
        ),
    ]  # fmt: skip
    if vega_usd is not None:
        limits += _vegas(vega_usd, policy)
    if shocks is not None:
        limits += _swings(exposure, shocks, policy, target)
        limits += _losses(shocks, policy)
    return GammaNeed(tuple(limits), tuple(m for m in limits if m.passed and _is_loss(m)))


def _gamma(
    name: str, now: float, band: GammaBand, share: float, *, expiring: bool
) -> Iterator[Limit]:
    sides = [side for side in (band.lower, band.upper) if side is not None]
    if not sides:
        return
    lower = -math.inf if band.lower is None else band.lower
    upper = math.inf if band.upper is None else band.upper
    below = now < lower
    limit = lower if below else upper if now > upper else max(sides, key=abs)
    aim, passed = None, None
    if band.shortfall(now):
        aim = band.aim(now, share)
        reason = Reason.GAMMA_BELOW if below else Reason.GAMMA_ABOVE
        reason = Reason.EXPIRING_GAMMA if expiring else reason
        passed = Because(reason, "", {"gamma": now, "limit": limit})
    scale = abs(limit) or abs(now) or 1.0
    yield Limit(Row(name, now, lower, upper, aim, scale), partial(_gamma_of, expiring), passed)


def _vegas(vega_usd: Mapping[str, float], policy: GammaPolicy) -> Iterator[Limit]:
    begins = 0.0
    for bucket, (tenors, ends) in BUCKETS.items():
        limit = policy.vega_usd.get(bucket)
        if limit is not None:
            now = sum(vega_usd.get(tenor, 0.0) for tenor in tenors)
            aim, passed = None, None
            if abs(now) > limit:
                aim = math.copysign(policy.aim_share * limit, now)
                passed = Because(Reason.VEGA_LIMIT, bucket, {"vega_usd": now, "limit_usd": limit})
            row = Row(f"vega_{bucket}", now, -limit, limit, aim, limit)
            yield Limit(row, partial(_vega_of, begins, ends), passed)
        begins = ends


def _swings(
    exposure: Exposure, shocks: Shocks, policy: GammaPolicy, target: float
) -> Iterator[Limit]:
    """Only a delta that runs against the move is short gamma, and only that can be bought back.

    What delta is away already is the delta plan's: gamma can only take back what the move brings.
    """
    limit = policy.shock_delta_coin
    for move, delta in shocks.delta.items() if limit is not None else ():
        assert limit is not None
        brought = (delta - exposure.delta) * math.copysign(1.0, move)
        away, inner = abs(delta - target), -policy.aim_share * limit
        aim, passed = None, None
        if away > limit and brought < inner:
            aim = inner
            figures = {"move": move, "away_coin": away, "limit_coin": limit}
            passed = Because(Reason.SHOCK_LIMIT, "delta", figures)
        row = Row(f"swing{move:+g}", brought, -limit, aim=aim, scale=limit)
        yield Limit(row, partial(_swing_of, move), passed)


def _losses(shocks: Shocks, policy: GammaPolicy) -> Iterator[Limit]:
    for move, limit in policy.shock_loss_usd.items():
        if move not in shocks.pnl_usd:
            continue
        pnl = shocks.pnl_usd[move]
        aim, passed = None, None
        if pnl < -limit:
            aim = -policy.aim_share * limit
            figures = {"move": move, "loss_usd": -pnl, "limit_usd": limit}
            passed = Because(Reason.SHOCK_LIMIT, "loss", figures)
        row = Row(f"pnl{move:+g}", pnl, -limit, aim=aim, scale=limit)
        yield Limit(row, partial(_gain_of, move), passed)


def _is_loss(limit: Limit) -> bool:
    return limit.row.name.startswith("pnl")


def _gamma_of(expiring: bool, candidate: Candidate) -> float:  # noqa: FBT001  bound, not called
    return candidate.gamma if candidate.expiring is expiring else 0.0


def _vega_of(begins: float, ends: float, candidate: Candidate) -> float:
    return candidate.vega_usd if begins <= candidate.days < ends else 0.0


def _swing_of(move: float, candidate: Candidate) -> float:
    return candidate.shock_delta.get(move, 0.0) * math.copysign(1.0, move)


def _gain_of(move: float, candidate: Candidate) -> float:
    return candidate.shock_usd(move)
