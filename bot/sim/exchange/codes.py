"""The reject codes of this exchange: Deribit's numbers and words, one table.

| code   | word                     | when this exchange answers with it                           |
|--------|--------------------------|--------------------------------------------------------------|
| 10002  | qty_too_low              | the quantity is zero or below the instrument's minimum       |
| 10009  | not_enough_funds         | initial margin or premium would exceed the margin balance    |
| 10020  | invalid_or_unsupported_… | the name is unknown or not listed yet                        |
| 10021  | invalid_amount           | the quantity is off the lot grid                             |
| 10023  | invalid_price            | the price is not positive                                    |
| 10041  | settlement_in_progress   | within seconds of 08:00 UTC                                  |
| 10043  | price_wrong_tick         | the price is off the tick grid                               |
| 11044  | not_open_order           | a cancel came for an order that has ended                    |
| 11054  | post_only_reject         | a post-only order would have taken liquidity                 |
| 13019  | orderbook_closed         | the instrument has expired                                   |
| 13888  | timed_out                | the request arrived after its `valid_until`                  |
| -32602 | invalid_params           | a post-only IOC, or a quantity in another unit               |

Codes and words follow the venue's public error list. Which code an expired instrument gets is our
choice among several that fit. `reduce_delta` of an intent is a word among ourselves: the venue's
own flag (`reduce_only`) is per instrument, is not in the order's terms, and is not modelled.
"""

from __future__ import annotations

from enum import Enum


class Refusal(Enum):
    """Why a request was refused: (code, word)."""

    QTY_TOO_LOW = ("10002", "qty_too_low")
    NOT_ENOUGH_FUNDS = ("10009", "not_enough_funds")
    INVALID_INSTRUMENT = ("10020", "invalid_or_unsupported_instrument")
    INVALID_AMOUNT = ("10021", "invalid_amount")
    INVALID_PRICE = ("10023", "invalid_price")
    SETTLEMENT_IN_PROGRESS = ("10041", "settlement_in_progress")
    PRICE_WRONG_TICK = ("10043", "price_wrong_tick")
    NOT_OPEN_ORDER = ("11044", "not_open_order")
    POST_ONLY_REJECT = ("11054", "post_only_reject")
    BOOK_CLOSED = ("13019", "orderbook_closed")
    TIMED_OUT = ("13888", "timed_out")
    INVALID_PARAMS = ("-32602", "invalid_params")

    @property
    def code(self) -> str:
        """Return the venue's number."""
        return self.value[0]

    @property
    def word(self) -> str:
        """Return the venue's word."""
        return self.value[1]
