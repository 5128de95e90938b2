"""The synthetic market: prices, smiles and liquidity of BTC and ETH from one seed. Pure.

`SyntheticMarket` implements `bot.sim.ports.Market`. The model is written down in docs/market-
model.md.
"""

from __future__ import annotations

from bot.sim.market.jumps import Jump
from bot.sim.market.params import EPOCH_NS, REGIMES
from bot.sim.market.synthetic import SyntheticMarket

__all__ = ["EPOCH_NS", "REGIMES", "Jump", "SyntheticMarket"]
