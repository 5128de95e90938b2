"""Candles of the public trades: one per channel, from the first trade that its listener could see.

A candle's `tick` is its first millisecond. Volume is in coin and cost in dollars, as the venue
tells a contract that is settled in coin.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bot.sim.wire.instruments import Json

MS_PER_MIN: Final = 60_000
RESOLUTIONS: Final = {
    **{str(minutes): minutes for minutes in (1, 3, 5, 10, 15, 30, 60, 120, 180, 360, 720)},
    "1D": 1_440,
}


class Candle:
    """The candle that is open on one channel; `resolution` is one of RESOLUTIONS."""

    def __init__(self, resolution: str) -> None:
        """Begin without a trade."""
        self._length_ms = RESOLUTIONS[resolution] * MS_PER_MIN
        self._said: Json = {"tick": -1}

    def take(self, prints: Iterable[Json]) -> Json:
        """Take public trades in their order and return the candle that is open after them."""
        for one in prints:
            price, usd = one["price"], one["amount"]
            tick = one["timestamp"] // self._length_ms * self._length_ms
            if tick != self._said["tick"]:
                whole = dict.fromkeys(("open", "high", "low", "close"), price)
                self._said = {"tick": tick, **whole, "volume": 0.0, "cost": 0.0}
            old = self._said
            self._said = old | {
                "high": max(old["high"], price),
                "low": min(old["low"], price),
                "close": price,
                "volume": round(old["volume"] + usd / price, 8),
                "cost": old["cost"] + usd,
            }
        return dict(self._said)
