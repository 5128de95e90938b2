"""The checks that a request passes before it may touch the book, in the venue's order of severity.

What is refused here never became an order: a query for its label is denied.
"""

from __future__ import annotations

from bot.domain.instruments import Instrument
from bot.domain.orders import Intent, TimeInForce
from bot.sim.exchange.codes import Refusal


def refusal(intent: Intent, instrument: Instrument, now_ns: int) -> Refusal | None:
    """Return why an order's own terms are refused at `now_ns`, or None."""
    if now_ns > intent.valid_until_ns:
        return Refusal.TIMED_OUT
    if intent.post_only and intent.time_in_force is TimeInForce.IOC:
        return Refusal.INVALID_PARAMS
    if intent.quantity.unit is not instrument.unit:
        return Refusal.INVALID_PARAMS
    return _off_grid(intent, instrument)


def _off_grid(intent: Intent, instrument: Instrument) -> Refusal | None:
    """Return what is wrong with an order's numbers, or None."""
    size = abs(intent.quantity.value)
    if size == 0 or size < instrument.min_quantity:
        return Refusal.QTY_TOO_LOW
    if size % instrument.lot:
        return Refusal.INVALID_AMOUNT
    if not intent.price.is_finite() or intent.price <= 0:
        return Refusal.INVALID_PRICE
    if intent.price % instrument.ticks.at(intent.price):
        return Refusal.PRICE_WRONG_TICK
    return None
