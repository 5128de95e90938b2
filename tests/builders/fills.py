"""Fills and order reports, in one line each."""

from decimal import Decimal

from bot.domain.deribit import parse
from bot.domain.orders import OrderReport, OrderState
from bot.domain.positions import Fill


def fill(
    instrument: str,
    quantity: float | str,
    *,
    label: str = "a1",
    trade: str = "t1",
    price: float = 60_000.0,
    fee: float = 0.0,
    ts_ns: int = 0,
    maker: bool = False,
) -> Fill:
    """Return a fill of a signed quantity."""
    return Fill(
        trade_id=trade,
        label=label,
        instrument=instrument,
        quantity=parse(instrument).quantity(Decimal(str(quantity))),
        price=Decimal(str(price)),
        fee=fee,
        fee_unit="BTC",
        maker=maker,
        ts_ns=ts_ns,
    )


def report(
    state: OrderState,
    filled: float | str = 0,
    *,
    label: str = "a1",
    instrument: str = "BTC-PERPETUAL",
    ts_ns: int = 0,
    code: str = "",
) -> OrderReport:
    """Return what the venue says about an order; `filled` is signed and cumulative."""
    quantity = parse(instrument).quantity(Decimal(str(filled)))
    return OrderReport(label, instrument, "v1", state, quantity, ts_ns, code)
