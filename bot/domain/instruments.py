"""What can be traded: options, perpetuals, dated futures and spot, inverse or linear.

An instrument knows its grid (lot, tick table), its fee rule and its two times to expiry. Calendar
time runs to the expiry. Variance time runs to `variance_expiry_ns`: an option that settles on the
average of its last W seconds has the variance of one that expires W * 2/3 earlier (see
greeks.settlement).

Units: option quantities and linear contracts in coins, inverse futures and perpetuals in USD.
Prices of inverse options are in coin per coin; every other price is in USD per coin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from bot.domain.units import NS_PER_S, SECONDS_PER_DAY, Quantity, Unit, years_between

HISTORY_NS = round(SECONDS_PER_DAY * NS_PER_S)


class Kind(StrEnum):
    """What an instrument is."""

    OPTION = "option"
    PERPETUAL = "perpetual"
    FUTURE = "future"
    SPOT = "spot"


class Settlement(StrEnum):
    """What an instrument pays in: the coin itself (inverse) or dollars (linear)."""

    INVERSE = "inverse"
    LINEAR = "linear"


def coin_of(instrument: str) -> str:
    """Return the coin of an instrument by its name: it need not be listed."""
    return instrument.partition("-")[0].partition("_")[0]


@dataclass(frozen=True, slots=True)
class TickTable:
    """Smallest price steps: `base` below the first threshold, then (from price, tick) upwards."""

    base: Decimal
    steps: tuple[tuple[Decimal, Decimal], ...] = ()

    def at(self, price: Decimal) -> Decimal:
        """Return the tick that applies to a price (a price on a threshold has the larger tick)."""
        tick = self.base
        for threshold, step in self.steps:
            if price >= threshold:
                tick = step
        return tick


@dataclass(frozen=True, slots=True)
class FeeTier:
    """An account's multipliers on an instrument's fee rule (1 = the venue's base tier)."""

    name: str = "base"
    maker_factor: float = 1.0
    taker_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class FeeRule:
    """Fee as a fraction of the underlying's notional, for options capped at a part of the price."""

    maker: float
    taker: float
    cap_of_price: float | None = None

    def per_coin(self, price: float, reference: float, *, maker: bool, tier: FeeTier) -> float:
        """Return the fee per coin of notional, in the unit of `price`.

        `reference` is the value of one coin in that unit: 1 for inverse options (priced in coin),
        the index for linear ones, the price itself for futures and perpetuals.
        """
        rate = self.maker * tier.maker_factor if maker else self.taker * tier.taker_factor
        fee = rate * reference
        return fee if self.cap_of_price is None else min(fee, self.cap_of_price * price)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable thing of a venue, under the venue's own name.

    Every tick asks what it is; that follows from the rest once: `unit` of its quantities, whether
    it is an option and whether it pays in the coin (inverse), and the `currency` that it settles
    in: its coin, or USD for linear ones.
    """

    name: str
    coin: str
    kind: Kind
    settlement: Settlement
    lot: Decimal
    min_quantity: Decimal
    ticks: TickTable
    fees: FeeRule
    contract_size: Decimal = Decimal(1)
    expiry_ns: int | None = None
    averaging_s: float = 0.0
    strike: float = 0.0
    is_call: bool = True
    unit: Unit = field(init=False, repr=False, compare=False)
    is_option: bool = field(init=False, repr=False, compare=False)
    is_inverse: bool = field(init=False, repr=False, compare=False)
    currency: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Tell once what follows."""
        inverse = self.settlement is Settlement.INVERSE
        dated = self.kind in (Kind.PERPETUAL, Kind.FUTURE)
        object.__setattr__(self, "unit", Unit.USD if dated and inverse else Unit.COIN)
        object.__setattr__(self, "is_option", self.kind is Kind.OPTION)
        object.__setattr__(self, "is_inverse", inverse)
        object.__setattr__(self, "currency", self.coin if inverse else "USD")

    @property
    def variance_expiry_ns(self) -> int | None:
        """Return the time to which variance runs before the averaging window opens."""
        if self.expiry_ns is None:
            return None
        return self.expiry_ns - round(self.averaging_s * 2.0 / 3.0 * NS_PER_S)

    def is_history(self, now_ns: int) -> bool:
        """Tell whether it expired so long ago that nobody has anything left to say of it."""
        return self.expiry_ns is not None and now_ns - self.expiry_ns > HISTORY_NS

    def calendar_years(self, now_ns: int) -> float:
        """Return ACT/365 years to expiry; infinite for what never expires."""
        return float("inf") if self.expiry_ns is None else years_between(now_ns, self.expiry_ns)

    def quantity(self, value: Decimal | str | int) -> Quantity:
        """Return an amount in this instrument's unit."""
        return Quantity(Decimal(value), self.unit)

    def coins(self, quantity: float, price: float) -> float:
        """Return the signed coin notional of a quantity at a price (USD per coin for inverse)."""
        return quantity / price if self.unit is Unit.USD else quantity
