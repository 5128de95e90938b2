"""What a running bot shows its readers: named documents in the journal, replaced in place.

Plain inputs once a second, and what is larger every ten. Nothing is computed here for readers'
sake beyond what `status` and `plan` have always shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from bot.core import Core
from bot.desk.market_rows import Quoted, feed_rows

CHAIN_S: Final = 10.0


class Views:
    """The views of one core; call it with the market's time."""

    def __init__(self, core: Core, wall_s: Callable[[], float] = time.monotonic) -> None:
        """Show a core; `wall_s` tells how long ago the larger ones were shown."""
        self._core, self._wall_s = core, wall_s
        self._quoted = {coin: Quoted() for coin in core.rules}
        self._shown_s = float("-inf")

    def __call__(self, now_ns: int) -> Iterable[tuple[str, object]]:
        """Yield each view by its name."""
        core = self._core
        yield "exposure", {coin: core.sample(coin, now_ns) for coin in core.rules}
        yield "plan", {coin: core.preview(coin, now_ns) for coin in core.rules}
        yield "positions", core.position_rows()
        yield "greeks", core.greek_rows(now_ns)
        yield "feeds", {coin: feed_rows(core.floor, coin) for coin in core.rules}
        if self._wall_s() - self._shown_s >= CHAIN_S:
            found = {coin: one.chain(core.floor, coin) for coin, one in self._quoted.items()}
            chains = {coin: chain for coin, chain in found.items() if chain is not None}
            if chains:
                self._shown_s = self._wall_s()
                yield "chain", chains
