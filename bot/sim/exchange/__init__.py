"""The simulated exchange: one account, several coins, Deribit's rules, event time only.

`exchange` is the door. Behind it: `board` (where the market stands), `ladder` and `matching` (how
orders fill), `account`, `fees`, `margin` and `valuation` (what it costs and what it is worth),
`settlement`, `admission` and `codes` (what is refused). It refuses nothing silently and reads no
clock. It does not liquidate, match orders of other people, or let our own orders move the
market's prices.
"""

from bot.sim.exchange.account import StartingAccount
from bot.sim.exchange.exchange import Exchange

__all__ = ["Exchange", "StartingAccount"]
