"""The market as readers are shown it: how old what we know is, and what options are quoted at.

Plain inputs alone: what follows from them, readers compute.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bot.book.market import made_ns
from bot.desk.floor import Floor
from bot.domain.quotes import IntArray, Listing

Row = dict[str, object]

NEAREST = 4
"""So many expiries are shown beside those that are held."""

FARTHEST = 0.35
"""Strikes farther from the forward than this share are shown where they are held alone."""


def feed_rows(floor: Floor, coin: str) -> Row:
    """Return the venue's times (ns) of what is known of a coin, and what its windows have averaged.

    `windows` holds the known part of the settlement average (USD) by expiry (ns).
    """
    mine = floor.book.coins[coin]
    market, chain = mine.market, mine.market.chain
    return {
        "index_ns": market.index_ns,
        "chain_ns": None if chain is None else made_ns(chain),
        "quotes_ns": {
            one.name: made_ns(market.quotes[one.name])
            for one in mine.hedges
            if one.name in market.quotes
        },
        "windows": {str(expiry): one.value() for expiry, one in market.windows.items()},
        "refused": [str(because) for because in market.refused.values()],
        "state": str(floor.machine.at(coin)),
        "barred": floor.barred,
    }


@dataclass(slots=True)
class Quoted:
    """The rows of one coin's listing that are shown, found once for each list and book."""

    listing: Listing | None = None
    held: frozenset[str] = frozenset()
    rows: dict[int, IntArray] = field(default_factory=dict)

    def chain(self, floor: Floor, coin: str) -> Row | None:
        """Return the newest quotes out of the money of the expiries that matter, and what is held.

        Prices in the options' own unit, `vol` the venue's mark volatility, NaN where there is none.
        """
        mine = floor.book.packed(coin)
        chain = mine.market.chain
        if chain is None:
            return None
        held = frozenset(mine.columns.names)
        if chain.listing is not self.listing or held != self.held:
            self.listing, self.held = chain.listing, held
            self.rows = _rows(chain.listing, held, chain.forward, chain.ts_ns)
        owned = set(mine.columns.expiry_ns.tolist())
        expiries = [
            {
                "expiry_ns": expiry,
                "held": expiry in owned,
                "forward": float(np.nanmedian(chain.forward[rows])),
                "strike": chain.listing.strike[rows],
                "call": chain.listing.is_call[rows],
                "bid": chain.bid[rows],
                "ask": chain.ask[rows],
                "vol": chain.vol[rows],
            }
            for expiry, rows in self.rows.items()
            if expiry > chain.ts_ns and np.isfinite(chain.forward[rows]).any()
        ]
        return {
            "ts_ns": chain.ts_ns, "index": chain.index, "inverse": True, "expiries": expiries
        }  # fmt: skip


def _rows(
    listing: Listing, held: frozenset[str], forward: np.typing.NDArray[np.float64], now_ns: int
) -> dict[int, IntArray]:
    """Return the rows to show by expiry, in the order of strikes."""
    inverse = np.array(["_" not in name for name in listing.names], dtype=np.bool_)
    owned = np.array([name in held for name in listing.names], dtype=np.bool_)
    alive = inverse & (listing.expiry_ns > now_ns)
    coming = np.unique(listing.expiry_ns[alive])[:NEAREST]
    wanted = np.union1d(coming, listing.expiry_ns[alive & owned])
    with np.errstate(invalid="ignore", divide="ignore"):
        away = listing.strike / forward - 1.0
        outside = np.where(listing.is_call, away >= 0.0, away < 0.0)
        shown = alive & outside & (np.abs(away) <= FARTHEST)
    found: dict[int, IntArray] = {}
    for expiry in wanted.tolist():
        rows = np.flatnonzero(shown & (listing.expiry_ns == expiry))
        if rows.size:
            found[int(expiry)] = rows[np.argsort(listing.strike[rows], kind="stable")]
    return found
