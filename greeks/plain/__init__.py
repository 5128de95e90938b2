"""The kernels in numpy and scipy alone, for wherever nothing can be compiled."""

from greeks.plain.inversion import volatility
from greeks.plain.nodes import scenario
from greeks.plain.rows import coin, first, greeks

__all__ = ["coin", "first", "greeks", "scenario", "volatility"]
