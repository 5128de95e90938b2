"""Other people's option mathematics, called as its makers mean it: one way for all to be timed.

A peer that is not installed (see `make peers`), or does not load, is left out with its reason.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# One thread for everybody: a peer's idle threads spin, and would be booked on whoever runs.
os.environ["NUMBA_NUM_THREADS"] = "1"

Array = NDArray[np.float64]
Call = Callable[[], object]


@dataclass(frozen=True)
class Peer:
    """A library's name, and its calls for a book (6, n) as `packed` takes it, by what they do."""

    name: str
    prices: Callable[[Array], Array]
    five: Callable[[Array], Call]
    implied: Callable[[Array, Array], Call]


def peers() -> tuple[list[Peer], list[str]]:
    """Return the peers that are here, and the reasons of those that are not."""
    found, missing = [], []
    for make in (_nautilus, _fast_vollib):
        try:
            found.append(make())
        except (ImportError, OSError) as error:
            name = make.__name__.strip("_").replace("_", "-")
            missing.append(f"{name}: {error} (`make peers` installs it)")
    return found, missing


def _nautilus() -> Peer:
    from nautilus_trader.core import nautilus_pyo3

    greeks, imply = nautilus_pyo3.black_scholes_greeks, nautilus_pyo3.imply_vol

    def five(book: Array) -> Call:
        rows = [(f, 0.0, 0.0, v, p > 0.0, k, t, 1.0) for p, f, k, t, v, _ in book.T.tolist()]
        return lambda: [greeks(*row) for row in rows]

    def implied(book: Array, price: Array) -> Call:
        columns = zip(book.T.tolist(), price.tolist(), strict=True)
        rows = [(f, 0.0, 0.0, p > 0.0, k, t, worth) for (p, f, k, t, _, _), worth in columns]
        return lambda: [imply(*row) for row in rows]

    def prices(book: Array) -> Array:
        rows = [(f, 0.0, 0.0, v, p > 0.0, k, t, 1.0) for p, f, k, t, v, _ in book.T.tolist()]
        return np.array([greeks(*row).price for row in rows])

    return Peer("nautilus", prices, five, implied)


def _fast_vollib() -> Peer:
    import fast_vollib
    from fast_vollib import jackel

    def shared(book: Array) -> tuple[Any, ...]:
        phi, forward, strike, years, vol, _ = (np.ascontiguousarray(row) for row in book)
        return np.where(phi > 0.0, "c", "p"), forward, strike, years, vol

    def five(book: Array) -> Call:
        flag, forward, strike, years, vol = shared(book)
        rate = np.zeros_like(forward)
        how = {"return_as": "numpy", "backend": "numba"}

        def call() -> object:
            price = fast_vollib.fast_black(flag, forward, strike, years, rate, vol, **how)
            rest = fast_vollib.get_all_greeks(
                flag, forward, strike, years, rate, vol, model="black", **how
            )
            return price, rest

        return call

    def implied(book: Array, price: Array) -> Call:
        _, forward, strike, years, _ = shared(book)
        call = book[0] > 0.0
        return lambda: jackel.jackel_iv_black(price, forward, strike, years, call)

    def prices(book: Array) -> Array:
        flag, forward, strike, years, vol = shared(book)
        how = {"return_as": "numpy", "backend": "numba"}
        rate = np.zeros_like(forward)
        found: Array = fast_vollib.fast_black(flag, forward, strike, years, rate, vol, **how)
        return found

    return Peer("fast_vollib", prices, five, implied)
