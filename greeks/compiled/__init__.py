"""The kernels compiled by numba, which must be installed; `greeks.arithmetic` chooses them.

Nothing here is imported, and so compiled, before `kernel` asks for it.
"""

from collections.abc import Callable
from typing import Any

__all__ = ["kernel"]

keeps = False  # whether what is compiled goes to a folder; read by the modules as they compile


def kernel(name: str, cache: str | None) -> Callable[..., Any]:
    """Compile one of `arithmetic.Kernels`, or take it from the folder `cache`."""
    global keeps
    from numba.core import config

    before, keeps = config.CACHE_DIR, cache is not None
    config.CACHE_DIR = cache or before
    try:
        return _imported(name)
    finally:
        config.CACHE_DIR = before


def _imported(name: str) -> Callable[..., Any]:
    found: Callable[..., Any]
    match name:
        case "first":
            from greeks.compiled.first import first as found
        case "greeks":
            from greeks.compiled.fourteen import greeks as found
        case "coin":
            from greeks.compiled.coin import coin as found
        case "volatility":
            from greeks.compiled.inversion import volatility as found
        case "scenario":
            from greeks.compiled.nodes import scenario as found
        case _:
            raise ValueError(f"expected a kernel of arithmetic.ALL, found {name!r}")
    return found
