"""What of a look has to be computed, coin by coin, each only where its inputs are new."""

from __future__ import annotations

from typing import Any

from bot.monitor.dashboard.expiries import desk
from bot.monitor.dashboard.landscape import landscape
from bot.monitor.dashboard.legs import Book, book
from bot.monitor.dashboard.smiles import smiles
from greeks.surface import Surface


class Compute:
    """Keeps what was last shown, and the surfaces that the next fit begins with.

    To be used from one thread, which is not the one that answers browsers.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._shown: dict[str, Any] = {}
        self._surfaces: dict[str, Surface | None] = {}
        self._smiles: dict[str, Any] = {}

    def parts(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Return the computed parts that follow from new inputs."""
        self._shown |= inputs
        found: dict[str, Any] = {}
        if inputs.get("chain"):
            found["smile"] = self._fitted(inputs["chain"])
        if self._shown.get("greeks") is not None and self._shown.get("exposure"):
            books = self._books()
            found["map"] = {coin: landscape(mine) for coin, mine in books.items()}
            found["expiry"] = {coin: desk(mine) for coin, mine in books.items()}
        return found

    def _books(self) -> dict[str, Book]:
        feeds = self._shown.get("feeds") or {}
        found = {}
        for coin, sample in self._shown["exposure"].items():
            windows = (feeds.get(coin) or {}).get("windows") or {}
            averages = {int(expiry): average for expiry, average in windows.items()}
            found[coin] = book(coin, sample, self._shown["greeks"], averages)
        return found

    def _fitted(self, chains: dict[str, Any]) -> dict[str, Any]:
        for coin, quotes in chains.items():
            shown, surface = smiles(quotes, self._surfaces.get(coin))
            self._smiles[coin], self._surfaces[coin] = shown, surface
        return dict(self._smiles)
