# ruff: noqa: ANN401  what crosses into ccxt has no types
"""ccxt's own `pro.deribit` with the values that it derives wrongly put right: defects 7 and 9.

Prices on the venue's steps, an option's cost as it was paid, the label as the client's id, and a
nonce that no other request of the key has.
"""

from __future__ import annotations

import secrets
from typing import Any

import ccxt.pro  # type: ignore[import-untyped]

from bot.venues.deribit.listing import nearest_tick


class TrueValues(ccxt.pro.deribit):  # type: ignore[misc]
    """The stock client, but for what it computes."""

    def nonce(self) -> int:
        """Return what makes a signature the only one, also of its millisecond and its key (9)."""
        return secrets.randbits(63)

    def price_to_precision(self, symbol: str, price: Any) -> str:
        """Return a price on the venue's grid, steps included, to the nearest tick (7)."""
        return nearest_tick(self.market(symbol)["info"], price)

    def parse_order(self, order: Any, market: Any = None) -> Any:
        """Return ccxt's order with the label as its client id and an option's true cost (7)."""
        parsed = super().parse_order(order, market)
        parsed["clientOrderId"] = order.get("label") or None
        if self.safe_market(order.get("instrument_name"), market)["option"]:
            filled, average = parsed["filled"], parsed["average"]
            parsed["cost"] = filled * average if filled and average else 0.0
        return parsed

    def parse_trade(self, trade: Any, market: Any = None) -> Any:
        """Return ccxt's trade with an option's true cost (7)."""
        parsed = super().parse_trade(trade, market)
        if self.safe_market(trade.get("instrument_name"), market)["option"]:
            parsed["cost"] = parsed["amount"] * parsed["price"]
        return parsed
