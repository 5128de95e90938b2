"""A market that is joined later than it began: the same path from a later moment on.

For runs that go on where an earlier one stopped: the seed's path is moved forward, unseen, to that
moment.
"""

from __future__ import annotations

from bot.domain.instruments import Instrument
from bot.domain.quotes import Chain
from bot.sim.ports import Cadence, FutureMove, Market


class LaterMarket:
    """Implements `Market` over another one, from `start_ns` (at or after the other's own start)."""

    def __init__(self, market: Market, start_ns: int) -> None:
        """Raise ValueError when the moment lies before the market's own start."""
        if start_ns < market.start_ns:
            msg = f"expected a start at or after {market.start_ns}, found {start_ns}"
            raise ValueError(msg)
        self._market = market
        self._start_ns = start_ns

    @property
    def start_ns(self) -> int:
        """Return the moment at which this market is joined."""
        return self._start_ns

    @property
    def coins(self) -> tuple[str, ...]:
        """Return the coins, in a fixed order."""
        return self._market.coins

    @property
    def cadence(self) -> Cadence:
        """Return how often this market speaks."""
        return self._market.cadence

    def next_time(self, now_ns: int) -> int | None:
        """Return the next time after `now_ns` at which the market moves; None at its end."""
        return self._start_ns if now_ns < self._start_ns else self._market.next_time(now_ns)

    def advance(self, now_ns: int) -> tuple[FutureMove, ...]:
        """Move to `now_ns` and return every future that moved."""
        return self._market.advance(now_ns)

    def chain_due(self, coin: str, now_ns: int) -> bool:
        """Tell whether a new option batch is published at `now_ns`; always at the start."""
        return now_ns == self._start_ns or self._market.chain_due(coin, now_ns)

    def chain(self, coin: str, now_ns: int) -> Chain:
        """Return the coin's option quotes at the time of the last advance."""
        return self._market.chain(coin, now_ns)

    def instruments(self, coin: str, now_ns: int) -> tuple[Instrument, ...]:
        """Return what is listed at `now_ns`."""
        return self._market.instruments(coin, now_ns)
