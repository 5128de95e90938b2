"""What the book means: delta as an interval, gamma, vega, theta, shocks.

Delta and gamma are in the underlying's numeraire (see `numeraire`). `delta` is what is held; `low`
and `high` add every fill that working orders may still bring, and the whole payoff range of an
option whose volatility is not known: an order is only right if it is right for every point of the
interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.book.kinds import DeltaKind
from bot.book.numeraire import Numeraire
from bot.domain.reasons import Because


@dataclass(frozen=True, slots=True)
class Exposure:
    """Figures of one underlying at one moment.

    Deltas in coin; gammas in coin per 1 %; vega in USD per volatility point; theta in USD per day.
    `gamma` excludes what expires within 24 hours, which is `gamma_expiring`. `collateral` is the
    part of `delta` that counted collateral brings; `window_delta` the part that belongs to what is
    inside its settlement window, which ends in `window_left_s`. `trusted` is False when a leg
    cannot be bounded at all. `kind` is whose delta it is (see `kinds`); `by_model` counts the legs
    of which that one says nothing, so that they are the model's.
    """

    coin: str
    ts_ns: int
    numeraire: Numeraire
    index: float
    delta: float
    low: float
    high: float
    gamma: float
    gamma_expiring: float
    vega_usd: float
    theta_usd_day: float
    collateral: float = 0.0
    window_delta: float = 0.0
    window_left_s: float = 0.0
    vol: float = float("nan")
    gross_option_coin: float = 0.0
    doubts: tuple[Because, ...] = ()
    trusted: bool = True
    kind: DeltaKind = DeltaKind.MODEL
    by_model: int = 0

    @property
    def gamma_total(self) -> float:
        """Return gamma over all expiries, coin per 1 %."""
        return self.gamma + self.gamma_expiring


@dataclass(frozen=True, slots=True)
class Shocks:
    """The book revalued at shocked index levels, volatilities held per strike.

    `delta` maps a relative move to delta there (coin); `pnl_usd` to the change in value (USD).
    """

    delta: Mapping[float, float] = field(default_factory=dict)
    pnl_usd: Mapping[float, float] = field(default_factory=dict)

    def worst_usd(self) -> float:
        """Return the worst shocked profit or loss; 0 when nothing was shocked."""
        return min(self.pnl_usd.values(), default=0.0)

    def figures(self) -> dict[str, float]:
        """Return flat names for journals and JSON, e.g. `pnl_up_10pct_usd`."""
        rows = {f"delta_{_word(move)}_coin": value for move, value in self.delta.items()}
        return rows | {f"pnl_{_word(move)}_usd": value for move, value in self.pnl_usd.items()}


def _word(move: float) -> str:
    return f"{'up' if move > 0 else 'down'}_{abs(move) * 100:.0f}pct"
