"""What a trade and a delivery cost, in the currency that the instrument settles in.

Trading fees follow the instrument's own rule and the account's tier; an option's fee is capped at
a part of its price. Delivery costs half of the taker's rate (0.015 % for options with the same
cap on the delivered value, 0.025 % for dated futures); the venue is said to spare daily options,
which is not modelled: the charge errs on the dear side. Positive is paid, negative is a rebate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bot.domain.instruments import FeeTier, Instrument

DELIVERY_PART_OF_TAKER: Final = 0.5


def trade_fee(
    instrument: Instrument,
    quantity: float,
    price: float,
    index: float,
    *,
    maker: bool,
    tier: FeeTier,
) -> float:
    """Return the fee of a trade of `quantity` (either sign) at `price`."""
    size = abs(quantity)
    if instrument.is_option:
        reference = 1.0 if instrument.is_inverse else index
        return size * instrument.fees.per_coin(price, reference, maker=maker, tier=tier)
    in_usd = instrument.coins(size, price) * instrument.fees.per_coin(
        price, price, maker=maker, tier=tier
    )
    return in_usd / price if instrument.is_inverse else in_usd


def delivery_fee(
    instrument: Instrument, quantity: float, value: float, index: float, tier: FeeTier
) -> float:
    """Return the fee of delivering a position worth `value` per unit of price at settlement.

    `value` is the option's payoff in its price unit, or the settlement price of a dated future.
    """
    rule = replace(instrument.fees, taker=instrument.fees.taker * DELIVERY_PART_OF_TAKER)
    delivered = replace(instrument, fees=rule)
    return trade_fee(delivered, quantity, value, index, maker=False, tier=tier)
