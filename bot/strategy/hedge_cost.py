"""What a coin of delta costs in one instrument until it is not needed any more, item by item.

    half spread + fee      now, by what is expected to be filled as a maker; the spread by what
                           takers were found to pay of it
    impact                 beyond the displayed size
    exit                   half spread + fee once more, when what was opened is closed again
    carry                  funding, or the basis that runs off, over the time that it is held
    margin                 the financing of the initial margin over that time

All in USD per coin of the order. What closes a position has no exit to come and frees margin: it is
given back both, so that a book is closed where it is open before anything is opened elsewhere.
Carry needs no such rule: selling what pays funding saves it.

How much is offered behind the best price is not told to the book; it is taken to grow evenly with
the distance, so that the size up to a distance d is Q (1 + d/spread)², Q being what is displayed,
and the order is walked through that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from bot.book.margin import FUTURES
from bot.domain.instruments import FeeTier, Instrument, Kind
from bot.domain.quotes import Quote
from bot.domain.units import USD, years_between

HOURS_A_YEAR = 24.0 * 365.0
DAYS_A_YEAR = 365.0
PERPETUAL: Final = Kind.PERPETUAL
SPOT: Final = Kind.SPOT


@dataclass(frozen=True, slots=True)
class HedgePolicy:
    """How instruments are compared.

    `hold_h` is for how long a hedge is expected to be held, `maker_share` which part of it is
    expected to be filled as a maker, `carry_cap_usd_day` the most that carry is believed to cost or
    earn one order in a day, `financing_rate` (a year) what margin costs. Another instrument than
    that of the last hedge must be cheaper by `switch_bps` of the price. `basis_coin` is the largest
    position (coin) in the dated futures of one expiry. `times` is what takers pay over what is
    displayed (see `dealt`).
    """

    hold_h: float = 8.0
    maker_share: float = 0.0
    carry_cap_usd_day: float = math.inf
    financing_rate: float = 0.0
    switch_bps: float = 1.0
    basis_coin: float = math.inf
    times: float = 1.0


class HedgeCost(NamedTuple):
    """The items of the module, USD per coin; a rebate, a saving and what is earned are negative.

    A tuple, as every tick makes one for each instrument.
    """

    half_spread: float
    fee: float
    impact: float = 0.0
    exit: float = 0.0
    carry: float = 0.0
    margin: float = 0.0

    @property
    def crossing(self) -> float:
        """Return what trading costs now, whatever the size: half spread and fee."""
        return self.half_spread + self.fee

    @property
    def all_in(self) -> float:
        """Return the sum of the items."""
        half_spread, fee, impact, leave, carry, margin = self
        return half_spread + fee + impact + leave + carry + margin


def hedge_cost(
    policy: HedgePolicy,
    instrument: Instrument,
    quote: Quote,
    tier: FeeTier,
    *,
    change: float,
    held: float,
    carry_usd_year: float,
    years_left: float = math.inf,
) -> HedgeCost:
    """Return what it costs to change delta by `change` (signed coin) in an instrument.

    `held` is what the venue would net it with (coin), `carry_usd_year` what a coin held long pays
    in a year. A change of zero is one of either side and of no size: spread and fee alone.
    """
    taken, mark = 1.0 - policy.maker_share, quote.mark
    fee = taken * instrument.fees.per_coin(mark, mark, maker=False, tier=tier)
    if policy.maker_share:
        fee += policy.maker_share * instrument.fees.per_coin(mark, mark, maker=True, tier=tier)
    crossed = taken * policy.times
    half = crossed * (0.5 * (quote.ask - quote.bid))
    if not change:
        return HedgeCost(half, fee)
    size = abs(change)
    years = min(policy.hold_h / HOURS_A_YEAR, years_left)
    closes = min(abs(held) / size, 1.0) if held * change < 0.0 else 0.0
    grows = 1.0 - 2.0 * closes
    most = policy.carry_cap_usd_day * DAYS_A_YEAR / size
    paid = carry_usd_year if change > 0.0 else -carry_usd_year
    paid = min(max(paid, -most), most)
    share = _margin_share(instrument)
    return HedgeCost(
        half,
        fee,
        crossed * impact(instrument, quote, change),
        grows * (half + fee),
        paid * years,
        grows * share * policy.financing_rate * mark * years,
    )


def impact(instrument: Instrument, quote: Quote, change: float) -> float:
    """Return what crossing pays beyond the best price, USD per coin on average (see the module)."""
    shown = quote.ask_size if change > 0.0 else quote.bid_size
    size = abs(change) * (quote.mark if instrument.unit is USD else 1.0)
    if size <= shown:
        return 0.0
    # Without a size behind it a price is good for the smallest order.
    least = float(instrument.min_quantity)
    ratio = size / (max(shown, least) if shown > 0.0 else least)
    if ratio <= 1.0:
        return 0.0
    beyond = (ratio * math.sqrt(ratio) - 1.0) / 1.5 - (ratio - 1.0)
    return (quote.ask - quote.bid) * beyond / ratio


def shown_bps(instrument: Instrument, quote: Quote, change: float) -> float:
    """Return what a quote shows that crossing costs beside the fee, basis points of the mid."""
    mid = 0.5 * (quote.bid + quote.ask)
    return (quote.ask - mid + impact(instrument, quote, change)) / mid * 1e4


def carry_usd_year(
    instrument: Instrument, quote: Quote, funding_a_year: float, now_ns: int
) -> float:
    """Return what a coin held long pays in a year (USD): funding, or the basis as it runs off."""
    if instrument.kind is PERPETUAL:
        return funding_a_year * quote.index
    if instrument.expiry_ns is None:
        return 0.0
    return (quote.mark - quote.index) / years_between(now_ns, instrument.expiry_ns)


def _margin_share(instrument: Instrument) -> float:
    """Return the initial margin of a coin; a spot pair is paid in full, as is what is not known."""
    terms = FUTURES.get(instrument.coin)
    return 1.0 if instrument.kind is SPOT or terms is None else terms.initial
