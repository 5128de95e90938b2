"""What is owned: positions, fills and coin balances.

A position is a signed quantity of one instrument. `tag` tells whose it is: the owner's book, or
`hedge` for what this bot has added. A fill is a fact of the venue and carries its trade id, which
makes folding it twice harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from bot.domain.units import Quantity

OWNER_TAG: Final = "book"
HEDGE_TAG: Final = "hedge"
TRADING_ACCOUNT: Final = "main"


@dataclass(frozen=True, slots=True)
class Position:
    """A signed holding of one instrument, in that instrument's unit."""

    instrument: str
    quantity: Quantity
    tag: str = OWNER_TAG
    account: str = TRADING_ACCOUNT


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of one of our orders, as the venue reports it.

    `quantity` is signed (bought > 0). `price` is in the instrument's price unit. `fee` is in
    `fee_unit` (the coin, or USD for linear instruments); negative is a rebate.
    """

    trade_id: str
    label: str
    instrument: str
    quantity: Quantity
    price: Decimal
    fee: float
    fee_unit: str
    maker: bool
    ts_ns: int


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's cash in one coin and its equity as the venue values it (both in that coin).

    `open_profit` is the futures' profit that is not yet cash: where collateral counts as delta, it
    counts with it. What the venue has not told is None, or "" for its margin model:
    `margin_balance` is what margins are held against, `delta_total` its own net delta of all that
    settles in the coin (coin), `option_value` the worth of all options that do, `liquidation_ratio`
    the price at which it would liquidate in parts of today's.
    """

    coin: str
    cash: float
    equity: float
    initial_margin: float
    maintenance_margin: float
    open_profit: float = 0.0
    margin_balance: float | None = None
    model: str = ""
    delta_total: float | None = None
    option_value: float | None = None
    liquidation_ratio: float | None = None

    @property
    def funds(self) -> float:
        """Return what margins are held against: the venue's word, else cash and open profit."""
        own = self.cash + self.open_profit
        return own if self.margin_balance is None else self.margin_balance
