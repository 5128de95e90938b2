"""Credits: how many requests the venue takes, per account or, unknown, per connection.

Two buckets as on the venue: the matching engine (5 a second, burst 20) and everything else (20 a
second, burst 100); portfolio simulations may come once a second besides. A request that finds its
bucket empty is answered with 10028, and the venue ends the connection that it came over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bot.domain.units import NS_PER_S
from bot.sim.wire.rpc import TOO_MANY, RpcError


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests per second, and how many may come at once."""

    per_s: float
    burst: float


MATCHING: Final = Rate(5.0, 20.0)
OTHERS: Final = Rate(20.0, 100.0)
HEAVY_NS: Final = NS_PER_S


class TooManyRequestsError(RpcError):
    """The credits are spent: answered, and then the connection ends."""

    ends = True

    def __init__(self) -> None:
        super().__init__(TOO_MANY, {"wait": 1})


@dataclass(slots=True)
class Limits:
    """The buckets of every caller; `enforced` may be switched while it runs."""

    matching: Rate = MATCHING
    others: Rate = OTHERS
    enforced: bool = True
    _levels: dict[tuple[str, bool], tuple[float, int]] = field(default_factory=dict)
    _heavy_ns: dict[str, int] = field(default_factory=dict)

    def spend(self, caller: str, now_ns: int, *, matching: bool) -> None:
        """Take one credit; raises TooManyRequestsError where there is none."""
        if not self.enforced:
            return
        rate = self.matching if matching else self.others
        left, since_ns = self._levels.get((caller, matching), (rate.burst, now_ns))
        left = min(rate.burst, left + rate.per_s * (now_ns - since_ns) / NS_PER_S)
        if left < 1.0:
            self._levels[caller, matching] = (left, now_ns)
            raise TooManyRequestsError
        self._levels[caller, matching] = (left - 1.0, now_ns)

    def spend_heavy(self, caller: str, now_ns: int) -> None:
        """Take a request that is dear to compute: raises where the last is not a second old."""
        last_ns = self._heavy_ns.get(caller)
        if self.enforced and last_ns is not None and now_ns - last_ns < HEAVY_NS:
            raise TooManyRequestsError
        self._heavy_ns[caller] = now_ns

    def forget(self, caller: str) -> None:
        """Drop what is known of a caller that is gone."""
        for matching in (True, False):
            self._levels.pop((caller, matching), None)
        self._heavy_ns.pop(caller, None)

    def shown(self) -> dict[str, object]:
        """Return the limits as an account summary states them."""

        def rate(one: Rate) -> dict[str, float]:
            return {"rate": one.per_s, "burst": one.burst}

        return {
            "matching_engine": {"trading": {"total": rate(self.matching)}},
            "non_matching_engine": rate(self.others),
        }
