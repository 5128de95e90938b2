"""Where model numbers become venue numbers: the only meeting of float and Decimal.

Quantities are rounded towards zero (never more than was decided), prices towards the less
aggressive side (a buy limit down, a sell limit up), so that rounding never costs more or trades
more than was allowed.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from bot.domain.instruments import Instrument
from bot.domain.units import Quantity, Unit

_EXACT = Decimal("1e-9")


def to_lots(instrument: Instrument, quantity: float) -> Quantity:
    """Return a signed quantity in whole lots, towards zero; zero when below the minimum."""
    size = Decimal(repr(abs(float(quantity))))
    # A float that is a whole number of lots up to its last bits is meant to be that number.
    lots = ((size / instrument.lot) + _EXACT).to_integral_value(ROUND_FLOOR)
    rounded = lots * instrument.lot
    if rounded < instrument.min_quantity:
        return instrument.quantity(0)
    return instrument.quantity(rounded if quantity > 0 else -rounded)


def to_tick(instrument: Instrument, price: float, *, buy: bool) -> Decimal:
    """Return a limit price on the tick grid: down for a buy, up for a sell, at least one tick."""
    exact = Decimal(repr(float(price)))
    tick = instrument.ticks.at(exact)
    steps = exact / tick
    if buy:
        whole = (steps + _EXACT).to_integral_value(ROUND_FLOOR)
    else:
        whole = (steps - _EXACT).to_integral_value(ROUND_CEILING)
    return max(whole, Decimal(1)) * tick


def quantity_for(instrument: Instrument, delta_coin: float, price: float, index: float) -> float:
    """Return the quantity of a future, in its unit, whose index delta is `delta_coin`."""
    return delta_coin * price if instrument.unit is Unit.USD else delta_coin * index / price
