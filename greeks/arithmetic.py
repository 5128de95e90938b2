"""Which kernels are in use: plain numpy, or the same arithmetic compiled by numba.

Both give the same answers but for the last few bits. A program begins with numpy, which is there at
once. `use` changes over, once, where a start may take seconds: nothing is ever compiled in a call.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from greeks import plain

__all__ = ["ALL", "COMPILED", "PLAIN", "Kernels", "available", "current", "name", "use"]

PLAIN: Final = "numpy"
COMPILED: Final = "compiled"
ALL: Final = ("first", "greeks", "coin", "volatility", "scenario")

Kernel: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Kernels:
    """Packed float64 rows in (6, n), rows out, in place; all C-contiguous.

    `first`, `greeks` and `coin` fill out (5 or 14, n) with the fields of `black76.First`,
    `black76.Greeks` and `inverse.CoinGreeks`; `first` also tells whether the shapes are these.
    `volatility` fills volatilities (n) and statuses (n, int8) of phi, price, forward, strike,
    years, discount; `scenario` fills the sums of `scenario.Map` (5, nodes).
    """

    first: Kernel = plain.first
    greeks: Kernel = plain.greeks
    coin: Kernel = plain.coin
    volatility: Kernel = plain.volatility
    scenario: Kernel = plain.scenario


_current = Kernels()
_name = PLAIN


def current() -> Kernels:
    """Return the kernels in use."""
    return _current


def name() -> str:
    """Return which they are: `numpy` or `compiled`."""
    return _name


def available() -> tuple[str, ...]:
    """Return what `use` accepts on this machine, the fastest first; imports numba where it is."""
    try:
        import numba  # noqa: F401  whether it can be
    except ImportError:
        return (PLAIN,)
    return (COMPILED, PLAIN)


def use(wanted: str | None = None, only: Iterable[str] = ALL, cache: str | None = None) -> str:
    """Change over to the kernels of a name (None: the fastest there are) and return it.

    Compiling takes seconds each; `only` names the ones that are worth it, the others stay numpy's.
    `cache` is an existing private folder that keeps the result for the next program, and must be
    another for every version of this package. Raises ValueError for what is not available.
    """
    global _current, _name  # noqa: PLW0603  one choice for the whole program
    chosen = available()[0] if wanted is None else wanted
    if chosen != PLAIN and chosen not in available():
        raise ValueError(f"expected one of {', '.join(available())}, found {chosen!r}")
    if chosen == COMPILED:
        from greeks.compiled import kernel

        _current = Kernels(**{one: kernel(one, cache) for one in only})
    else:
        _current = Kernels()
    _name = chosen
    return chosen
