"""The kernels compiled by numba, which must be installed; `greeks.path` chooses them.

Nothing here is imported, and so compiled, before `kernel` asks for it.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

__all__ = ["kernel"]

MODULES: Final = {
    "first": "first",
    "greeks": "fourteen",
    "coin": "coin",
    "volatility": "inversion",
}

keeps = False  # whether what is compiled goes to a folder; read by the modules as they compile


def kernel(name: str, cache: str | None) -> Callable[..., Any]:
    """Compile a kernel, or take it from the folder `cache`, and return it."""
    global keeps
    from numba.core import config

    before, keeps = config.CACHE_DIR, cache is not None
    config.CACHE_DIR = cache or before
    try:
        found: Callable[..., Any] = getattr(import_module(f"greeks.compiled.{MODULES[name]}"), name)
    finally:
        config.CACHE_DIR = before
    return found
