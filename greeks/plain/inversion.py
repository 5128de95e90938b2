"""Implied volatility in plain numpy: Householder steps on all columns inside brackets."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtri

from greeks.packing import Matrix
from greeks.plain.mills import ROOT_HALF, ROOT_HALF_PI, SERIES_BELOW, gap, gap_series
from greeks.status import Status

__all__ = ["volatility"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

EPS: Final = float(np.finfo(np.float64).eps)
TINY: Final = float(np.finfo(np.float64).tiny)
LOG_ROOT_TWO_PI: Final = 0.5 * float(np.log(2.0 * np.pi))

STEPS_MAX: Final = 64  # four or five do; bisection alone would need about this many
CLOSE: Final = 1e-7  # a relative step this small leaves an error of its fourth power


def volatility(inputs: Matrix, vols: Array, statuses: NDArray[np.int8]) -> None:
    """Fill volatilities and statuses; rows: phi, price, forward, strike, years, discount."""
    with np.errstate(all="ignore"):
        status, value, room = _classify(inputs)
        vols[:] = np.where(status == Status.AT_INTRINSIC, 0.0, np.nan)
        solvable = status == Status.SOLVED
        if solvable.any():
            _, _, forward, strike, years, _ = inputs[:, solvable]
            least = np.minimum(forward, strike)
            y = np.log1p(np.abs(forward - strike) / least)
            base = np.log(least)  # a quotient could underflow
            s = _solve(y, np.log(value[solvable]) - base, np.log(room[solvable]) - base)
            vols[solvable] = s / np.sqrt(years)
        statuses[:] = status


def _classify(inputs: Array) -> tuple[NDArray[np.int8], Array, Array]:
    """Return status, undiscounted out-of-the-money value and its distance to the upper bound."""
    phi, price, forward, strike, years, discount = inputs
    undiscounted = price / discount
    d = forward - strike
    back = d + strike
    lost = (forward - back) + ((back - d) - strike)  # F - K = d + lost, exactly
    inside = phi * d > 0.0
    value = np.where(inside, (undiscounted - np.abs(d)) - phi * lost, undiscounted)
    room = np.where(phi > 0.0, forward, strike) - undiscounted
    # What rounding (of the price; with a discount also of the quotient) does to a difference.
    noise = np.where(inside, np.where(discount == 1.0, 0.5, 2.0) * EPS * np.abs(d), 0.0)
    at = (value <= 0.0) | ((discount != 1.0) & (value <= noise))

    valid = (phi * phi == 1.0) & np.isfinite(inputs).all(axis=0)
    valid &= (forward > 0.0) & (strike > 0.0) & (discount > 0.0) & (years >= 0.0)
    status = np.select(
        [~valid, value < -noise, at, room <= 0.0, years == 0.0],
        [
            Status.INVALID,
            Status.BELOW_INTRINSIC,
            Status.AT_INTRINSIC,
            Status.ABOVE_BOUND,
            Status.NO_TIME,
        ],
        Status.SOLVED,
    )
    return status.astype(np.int8), value, room


def _table() -> tuple[Array, Array]:
    """Return ln(z/g) and ln g on a grid of z; g = n(z) - z N(-z) is the value per s as s -> 0."""
    z = np.concatenate([np.geomspace(1e-6, 0.05, 24), np.linspace(0.08, 45.0, 400)])
    bend = 1.0 - z * ROOT_HALF_PI * erfcx(z * ROOT_HALF)
    log_g = -0.5 * z * z - LOG_ROOT_TWO_PI + np.log(bend)
    return np.log(z) - log_g, log_g


_LOG_RATIO, _LOG_G = _table()


def _guess(y: Array, log_value: Array) -> Array:
    """Return s for a value below half its bound, exact as s goes to 0."""
    level = log_value - 0.5 * y  # per sqrt(F K)
    return np.exp(level - np.interp(np.log(y) - level, _LOG_RATIO, _LOG_G))


def _solve(y: Array, log_value: Array, log_room: Array) -> Array:
    """Return s where the value over min(F, K) has this logarithm, or its distance to 1 that one."""
    upper = log_room < log_value
    target = np.where(upper, log_room, log_value)
    # Upwards of half the bound N(z - h) lies between half the room and the room; half the bound
    # itself needs h - z <= 0.6745 = -ndtri(1/4).
    near = -ndtri(np.where(upper, np.exp(target), 0.25))
    far = -ndtri(np.where(upper, 0.5 * np.exp(target), 0.25))
    far_end = far + np.sqrt(far * far + 2.0 * y)
    low = np.where(upper, near + np.sqrt(near * near + 2.0 * y), np.exp(target))
    low = np.maximum(low * (1.0 - 8.0 * EPS), TINY)
    high = far_end * (1.0 + 8.0 * EPS)
    s = np.where(upper, far_end, _guess(y, log_value))
    s = np.where((s > low) & (s < high), s, np.where(upper, far_end, np.sqrt(low * high)))
    for _ in range(STEPS_MAX):
        error, step = _step(y, s, target, upper)
        low = np.where(error < 0.0, s, low)
        high = np.where(error > 0.0, s, high)
        moved = s + step
        inside = (moved >= low) & (moved <= high)
        moved = np.where(inside, moved, np.sqrt(low) * np.sqrt(high))
        done = np.abs(moved - s) <= CLOSE * s
        s = moved
        if done.all():
            break
    return s


def _step(y: Array, s: Array, target: Array, upper: Mask) -> tuple[Array, Array]:
    """Return the error of the logarithm, positive where s is too high, and the Householder step."""
    h = 0.5 * s
    z = y / s
    d, e = z - h, z + h
    ratio = np.empty_like(s)
    spare = tuple(np.empty((4, s.size)))
    gap(d, e, ratio, spare[0])
    small = (h < SERIES_BELOW) & ~upper
    if small.any():
        series = np.empty_like(s)
        gap_series(z, h, series, (spare[0], spare[1], spare[2], spare[3]))
        ratio[small] = series[small]
    rest = ROOT_HALF_PI * (erfcx(-d * ROOT_HALF) + erfcx(e * ROOT_HALF))
    ratio = np.where(upper, rest, ratio)
    error = np.log(ratio) - 0.5 * d * d - LOG_ROOT_TWO_PI - target
    slope = np.where(upper, -1.0, 1.0) / ratio
    bend = d * e / s
    third = bend * bend - 3.0 * (z / s) ** 2 - 0.25
    second = bend - slope
    third += slope * (2.0 * slope - 3.0 * bend)
    newton = -error / slope
    step = newton * (1.0 + 0.5 * newton * second)
    step /= 1.0 + newton * (second + newton * third / 6.0)
    return np.where(upper, -error, error), step
