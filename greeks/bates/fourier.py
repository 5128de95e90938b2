"""Bates's characteristic function, and the integral that makes option prices of it.

With x = ln(F/K), phi(u) = E[exp(iu ln(F_T/F))], Lewis (2001) puts the contour at -i/2:

    call = F - sqrt(F K) / pi  integral over u > 0 of Re[exp(iux) phi(u - i/2)] / (u² + 1/4)

Black-76 has the same integral with exp(-w (u² + 1/4) / 2). Andersen and Lake (2018) integrate the
difference of the two and add Black-76 in closed form. In the difference the poles at u = ±i/2
cancel, so that the integrand is even and analytic as far as moments exist, and the plain
trapezoidal rule converges geometrically: its error is the same function some 2 pi / step further
out in x. The step is halved until that no longer shows.

phi is written with (beta - d)/xi² = -(u² + iu)/(beta + d) and log1p: no branch is crossed
(Albrecher et al. 2007, "the little Heston trap") and nothing cancels as xi goes to 0.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from greeks.bates.model import Bates

__all__ = ["difference", "excess", "exponent"]

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

XI_FLOOR: Final = 1e-12  # the formulas divide by xi; the price depends on it as rho xi
TRUNCATION: Final = 1e-12  # of sqrt(F K): what the integral beyond the last node may be
SETTLED: Final = 1e-7  # a halving that moves prices by e leaves about e² (geometric tails)
HALVINGS: Final = 8
MOST_NODES: Final = 1 << 21
"""More are needed only where variance is next to nothing and jumps are not: that is NaN."""

BLOCK: Final = 1 << 19  # strikes times nodes at once: 8 MB of complex numbers


def exponent(model: Bates, u: Array, years: Array | float) -> Complex:
    """Return ln phi(u - i/2) for real ``u``; ``years`` > 0 broadcasts against it."""
    xi = max(model.xi, XI_FLOOR)
    power = np.asarray(0.5 + 1j * u, dtype=np.complex128)  # iu on the contour
    square = u * u + 0.25
    beta = model.kappa - model.rho * xi * power
    d = np.sqrt(beta * beta + xi * xi * square)
    slope = -square / (beta + d)
    g = xi * xi * slope / (beta + d)
    fading = np.exp(-d * years)
    level = _log1p(g * (1.0 - fading) / (1.0 - g)) * (-2.0 / (xi * xi)) + slope * years
    result = model.kappa * model.theta * level
    result += model.v0 * slope * (1.0 - fading) / (1.0 - g * fading)
    if model.jump_rate > 0.0:
        size = power * (model.jump_mean + 0.5 * model.jump_deviation**2 * power)
        jumps = np.exp(size) - 1.0 - power * model.jump_drift
        result += model.jump_rate * years * jumps
    return np.asarray(result, dtype=np.complex128)


def _log1p(z: Complex) -> Complex:
    """Return log(1 + z), exact for small z too (numpy's is not for complex numbers)."""
    x, y = z.real, z.imag
    return np.asarray(0.5 * np.log1p(x * (2.0 + x) + y * y) + 1j * np.arctan2(y, 1.0 + x))


def excess(model: Bates, x: Array, years: float) -> tuple[float, Array]:
    """Return Black-76's total variance w, and (call - Black-76 at w) / sqrt(F K), x = ln(F/K).

    w makes the integrand vanish at u = 0. One expiry, ``years`` > 0; x of shape (n,).
    """
    total = float(-8.0 * exponent(model, np.zeros(1), years)[0].real)
    end = _end(model, total, years)
    reach = float(np.abs(x).max()) + 8.0 * np.sqrt(total)
    if model.jump_rate > 0.0:
        reach += abs(model.jump_mean) + 6.0 * model.jump_deviation
    step = 2.0 * np.pi / reach
    if not end / step < MOST_NODES:
        return total, np.full(x.shape, np.nan)
    count = int(end / step) + 2
    value = step * _sum(model, x, years, total, step * np.arange(count))
    for _ in range(HALVINGS):
        between = step * _sum(model, x, years, total, step * (np.arange(count) + 0.5))
        change = 0.5 * (between - value)
        value = value + change
        if np.abs(change).max() < SETTLED or count > MOST_NODES:
            break
        step, count = 0.5 * step, 2 * count
    return total, value


def _end(model: Bates, total: float, years: float) -> float:
    """Return a u beyond which the integral is less than the error that is allowed."""
    candidates = 2.0 ** (0.25 * np.arange(4, 120)) / np.sqrt(total)
    # Both functions fall, so their integrals over 1/u² beyond u are at most their values over u.
    log_tail = np.maximum(
        exponent(model, candidates, years).real, -0.5 * total * candidates**2
    ) - np.log(candidates)
    return float(candidates[np.argmax(log_tail < np.log(TRUNCATION))])


def _sum(model: Bates, x: Array, years: float, total: float, u: Array) -> Array:
    """Return the integrand's sum over the nodes for every x; at u = 0 it has no value to halve."""
    terms = difference(model, u, years, total)
    result = np.empty(x.size)
    rows = max(1, BLOCK // u.size)
    for start in range(0, x.size, rows):
        angle = np.outer(x[start : start + rows], u)
        result[start : start + rows] = np.cos(angle) @ terms.real - np.sin(angle) @ terms.imag
    return result


def difference(model: Bates, u: Array, years: Array | float, total: Array | float) -> Complex:
    """Return (Black-76's exp - phi) / (pi (u² + 1/4)); its value at u = 0 is 0 by choice of w."""
    square = u * u + 0.25
    black = np.exp(-0.5 * total * square)
    return np.asarray((black - np.exp(exponent(model, u, years))) / (np.pi * square))
