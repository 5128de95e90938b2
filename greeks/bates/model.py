"""The parameters of Bates's model, of which Heston's, Merton's and Black's are cases.

Under the pricing measure, on the forward F (USD per coin), times in years of 365 days:

    dF/F = sqrt(v) dW + (e^J - 1) dN - rate kbar dt      dv = kappa (theta - v) dt + xi sqrt(v) dZ
    dW dZ = rho dt, N Poisson with `jump_rate` per year, J ~ N(jump_mean, jump_deviation²),
    kbar = exp(jump_mean + jump_deviation² / 2) - 1, so that F is a martingale

Variance is per year (0.25 is a volatility of 0.50). Heston is the case of no jumps, Merton the case
of xi = 0 and v0 = theta. Sources: Heston (1993), Bates (1996).
"""

from dataclasses import dataclass, fields
from math import exp, isfinite
from typing import Final

__all__ = ["Bates"]


LARGEST: Final = 10.0
"""Of |jump_mean| + jump_deviation: a factor of 20,000 at once."""


@dataclass(frozen=True, slots=True)
class Bates:
    """The model's parameters; raises ValueError for one that is out of its range."""

    v0: float  # variance now, per year; > 0
    theta: float  # variance in the long run, per year; > 0
    kappa: float  # speed of return, per year; > 0
    xi: float  # volatility of variance, per sqrt(year); >= 0
    rho: float  # correlation of price and variance; -1 < rho < 1
    jump_rate: float = 0.0  # jumps per year; >= 0
    jump_mean: float = 0.0  # of the jump's log-size
    jump_deviation: float = 0.0  # of the jump's log-size; >= 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isfinite(value):
                raise ValueError(f"expected a finite {field.name}, found {value}")
        for name in ("v0", "theta", "kappa"):
            if getattr(self, name) <= 0.0:
                raise ValueError(f"expected {name} > 0, found {getattr(self, name)}")
        for name in ("xi", "jump_rate", "jump_deviation"):
            if getattr(self, name) < 0.0:
                raise ValueError(f"expected {name} >= 0, found {getattr(self, name)}")
        if abs(self.jump_mean) + self.jump_deviation > LARGEST:
            size = f"{self.jump_mean} and {self.jump_deviation}"
            raise ValueError(f"expected jump sizes of at most {LARGEST:g} in log, found {size}")
        if not -1.0 < self.rho < 1.0:
            raise ValueError(f"expected -1 < rho < 1, found {self.rho}")

    @property
    def jump_drift(self) -> float:
        """Return kbar, the mean relative size of a jump: E[e^J] - 1."""
        return exp(self.jump_mean + 0.5 * self.jump_deviation**2) - 1.0

    @property
    def jump_variance(self) -> float:
        """Return what jumps add to the variance of the log-price, per year."""
        return self.jump_rate * (self.jump_mean**2 + self.jump_deviation**2)
