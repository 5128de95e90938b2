"""A hedge from its first order until the book is back inside: what it did and what it cost.

Slippage is what fills cost against the mid at the time of decision, in USD, positive when worse.
Of each instrument it also knows which part was filled as a maker.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.book.exposure import Exposure
from bot.desk.receipts import fee_usd, slippage_usd
from bot.domain.instruments import Instrument
from bot.domain.positions import Fill
from bot.domain.records import HedgeDone
from bot.domain.units import seconds_between
from bot.execution.tactics import Progress
from bot.strategy.bands import Band


@dataclass(slots=True)
class Episode:
    """One hedge under way. `mids` are the decision mids by instrument, in its own price unit.

    `sides` sums by instrument what was filled as a maker, and all that was filled.
    """

    decision: str
    coin: str
    kind: str
    reason: str
    started_ns: int
    delta_before: float
    gamma_before: float
    band: Band
    labels: set[str] = field(default_factory=set)
    mids: dict[str, float] = field(default_factory=dict)
    sides: dict[str, tuple[float, float]] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    filled: float = 0.0
    unit: str = ""
    fee_usd: float = 0.0
    slippage_usd: float = 0.0

    def fold(self, fill: Fill, instrument: Instrument, index: float) -> None:
        """Add a fill of one of this episode's orders."""
        quantity, price = float(fill.quantity), float(fill.price)
        self.filled += quantity
        self.unit = str(fill.quantity.unit)
        self.fee_usd += fee_usd(fill, index)
        made, traded = self.sides.get(fill.instrument, (0.0, 0.0))
        made += abs(quantity) if fill.maker else 0.0
        self.sides[fill.instrument] = (made, traded + abs(quantity))
        mid = self.mids.get(fill.instrument)
        if mid is not None:
            self.slippage_usd += slippage_usd(instrument, quantity, price, mid, index)

    @property
    def maker_shares(self) -> dict[str, float]:
        """Return by instrument which part of what was traded was filled as a maker."""
        return {name: made / traded for name, (made, traded) in self.sides.items() if traded}

    def close(self, exposure: Exposure) -> HedgeDone:
        """Return the record of the finished hedge."""
        return HedgeDone(
            decision=self.decision,
            ts_ns=exposure.ts_ns,
            coin=self.coin,
            kind=self.kind,
            delta_before_coin=self.delta_before,
            delta_after_coin=exposure.delta,
            gamma_before_coin_per_pct=self.gamma_before,
            gamma_after_coin_per_pct=exposure.gamma,
            lower=self.band.lower,
            upper=self.band.upper,
            index=exposure.index,
            filled=self.filled,
            unit=self.unit,
            fee_usd=self.fee_usd,
            slippage_usd=self.slippage_usd,
            seconds=seconds_between(self.started_ns, exposure.ts_ns),
            orders=len(self.labels),
            reason=self.reason,
        )
