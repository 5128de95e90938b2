"""A chain of quoted volatilities, and how far a model's smiles are from it, over and over.

Fourier nodes are fixed and their waves tabulated, so that a model costs one characteristic
function and one product per expiry. The nodes are wide enough for any model near the chain, but
unlike `fourier.excess` nothing is checked: measure a final fit with `bates.volatility`.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks import black76, implied
from greeks.bates import fourier
from greeks.bates.model import Bates

__all__ = ["Chain", "Quotes", "quotes"]

Array = NDArray[np.float64]


FAR: Final = (-10.0, 10.0)
LIVES: Final = (1e-5, 100.0)  # five minutes
VOLS: Final = (0.01, 5.0)  # per 1.00: a volatility of 60 % is 0.6
"""What a chain may hold; beyond, no model of this kind says anything."""


class Quotes(NamedTuple):
    """Quotes that have a weight, by expiry."""

    k: Array  # ln(strike / forward)
    years: Array  # ascending
    vol: Array  # per 1.00
    weight: Array  # their sum is 1


def quotes(
    log_moneyness: ArrayLike, years: ArrayLike, vols: ArrayLike, weights: ArrayLike, least: int
) -> Quotes:
    """Return the quotes whose weight is not 0; raise ValueError for bad ones and too few."""
    columns = np.broadcast_arrays(
        *(np.asarray(one, dtype=np.float64) for one in (log_moneyness, years, vols, weights))
    )
    table = np.stack([column.ravel() for column in columns])
    table = table[:, table[3] != 0.0]
    sound = np.isfinite(table).all(axis=0) & (table[1:] > 0.0).all(axis=0)
    if not sound.all():
        raise ValueError(
            "expected finite log-moneyness and positive years, vols and weights (or weight 0),"
            f" found {np.count_nonzero(~sound)} of {sound.size} quotes without"
        )
    for name, column, (low, high) in zip(
        ("log-moneyness", "years", "vols"), table, (FAR, LIVES, VOLS), strict=False
    ):
        odd = column[(column < low) | (column > high)]
        if odd.size:
            raise ValueError(f"expected {name} of {low:g} to {high:g}, found {odd[0]:g}")
    if sound.size < least:
        raise ValueError(f"expected at least {least} quotes with weight, found {sound.size}")
    table = table[:, np.argsort(table[1], kind="stable")]
    table[3] /= table[3].max()
    table[3] /= table[3].sum()
    return Quotes(*table)


class Chain:
    """Quotes, and what of a model's prices of them does not depend on the model."""

    def __init__(self, given: Quotes) -> None:
        self.quotes = given
        self.years, first = np.unique(given.years, return_index=True)
        self.slices = [
            slice(start, end) for start, end in zip(first, [*first[1:], given.k.size], strict=True)
        ]
        spread, reach = (
            np.array([pick(column[one]) for one in self.slices])
            for pick, column in ((np.median, given.vol), (np.max, np.abs(given.k)))
        )
        spread *= np.sqrt(self.years)
        end = 60.0 / spread  # in the middle of a smile the integrand is gone at 8 / spread
        count = int(np.max(end * (reach + 12.0 * spread + 0.5)) / (2.0 * np.pi)) + 1
        self._step = (end / count)[:, None]
        self._u = self._step * np.arange(count)
        angles = [np.outer(-given.k[one], u) for one, u in zip(self.slices, self._u, strict=True)]
        self._waves = [np.concatenate([np.cos(one), np.sin(one)], axis=1) for one in angles]
        self._call, self._strike = (given.k >= 0.0).astype(np.float64), np.exp(given.k)
        quoted = black76.first(self._call, 1.0, self._strike, given.years, given.vol)
        self._quoted, self._vega = quoted.price, np.maximum(quoted.vega, 1e-6)

    def at_the_money(self, expiry: int) -> float:
        """Return the quoted volatility nearest to the forward; ``expiry`` 0 is the first."""
        here = self.slices[expiry]
        return float(self.quotes.vol[here][np.argmin(np.abs(self.quotes.k[here]))])

    def errors(self, model: Bates) -> Array:
        """Return model less quoted volatility, per 1.00.

        Where a model's price is so small that it has no volatility, the error is that of the price
        over the quote's vega.
        """
        total = -8.0 * fourier.exponent(model, self._u[:, :1], self.years[:, None]).real
        terms = fourier.difference(model, self._u, self.years[:, None], total)
        parts = np.concatenate([terms.real, -terms.imag], axis=1) * self._step
        pairs = zip(self._waves, parts, strict=True)
        excess = np.concatenate([waves @ part for waves, part in pairs])
        spread = np.repeat(np.sqrt(total[:, 0]), [waves.shape[0] for waves in self._waves])
        value = black76.price(self._call, 1.0, self._strike, 1.0, spread)
        value += np.sqrt(self._strike) * excess
        vol, status = implied.volatility(self._call, value, 1.0, self._strike, self.quotes.years)
        linear = (value - self._quoted) / self._vega
        return np.where(status == implied.Status.SOLVED, vol - self.quotes.vol, linear)
