"""What dealing in an instrument was found to cost, for the next choice: it starts from nothing.

Two figures by instrument, each an average in which a new observation has the weight of `PART`, so
that eight of them halve what was known before:

    times         what takers paid beyond the mid of the decision, over what the quote showed then
                  (half spread and impact); starts at 1, what is shown
    maker_share   the part of a hedge that was filled as a maker; starts at the owner's assumption

The price moves while an order travels, one way as often as the other. So one observation counts at
most `FURTHEST` times what was shown above or below it, alike on both sides: noise cancels, and one
absurd fill moves the average by a third. What is believed of it lies within `TIMES`, and nobody is
believed to be always a maker (`MOST_MAKER`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from bot.strategy.hedge_cost import HedgePolicy

PART: Final = 1.0 - 0.5 ** (1.0 / 8.0)
FURTHEST: Final = 4.0
TIMES: Final = (0.5, 3.0)
MOST_MAKER: Final = 0.9


@dataclass(frozen=True, slots=True)
class Dealt:
    """What was found in one instrument; `maker_share` is NaN before the first hedge ended."""

    times: float = 1.0
    maker_share: float = math.nan

    def took(self, paid_bps: float, shown_bps: float) -> Dealt:
        """Return what is known after an order that took; basis points of the price."""
        if not (math.isfinite(paid_bps) and 0.0 < shown_bps < math.inf):
            return self
        off = min(max(paid_bps / shown_bps - 1.0, -FURTHEST), FURTHEST)
        return replace(self, times=self.times + PART * (1.0 + off - self.times))

    def hedged(self, maker_share: float, assumed: float) -> Dealt:
        """Return what is known after a hedge; `assumed` is what was, before the first."""
        before = assumed if math.isnan(self.maker_share) else self.maker_share
        share = min(max(maker_share, 0.0), 1.0)
        return replace(self, maker_share=before + PART * (share - before))

    def on(self, policy: HedgePolicy) -> HedgePolicy:
        """Return the policy with what was found in the place of what it assumes."""
        times = min(max(self.times, TIMES[0]), TIMES[1])
        if math.isnan(self.maker_share):
            return replace(policy, times=times)
        most = max(MOST_MAKER, policy.maker_share)
        return replace(policy, times=times, maker_share=min(self.maker_share, most))


UNDEALT: Final[Mapping[str, Dealt]] = MappingProxyType({})
