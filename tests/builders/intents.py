"""Orders for tests, in one line each."""

from decimal import Decimal

from bot.domain.deribit import parse
from bot.domain.orders import Intent, TimeInForce

FOREVER_NS = 2**62


def intent(
    instrument: str,
    quantity: str,
    price: str,
    *,
    label: str = "a1",
    ioc: bool = True,
    post_only: bool = False,
    valid_until_ns: int = FOREVER_NS,
) -> Intent:
    """Return an order of a signed quantity at a limit price."""
    return Intent(
        label=label,
        instrument=instrument,
        quantity=parse(instrument).quantity(quantity),
        price=Decimal(price),
        time_in_force=TimeInForce.IOC if ioc else TimeInForce.GTC,
        post_only=post_only,
        reduce_delta=False,
        decision="d1",
        purpose="test",
        created_ns=0,
        valid_until_ns=valid_until_ns,
    )
