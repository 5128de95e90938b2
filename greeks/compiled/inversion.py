"""Implied volatility, compiled: a guess, then three Householder steps on all columns at once.

The price is reduced to the out-of-the-money value over min(F, K); its logarithm, or that of its
distance to 1 where that is smaller, is solved for s = vol sqrt(T) (see `greeks.implied`). Columns
that three steps do not bring home are finished one by one between bounds.
"""

import math
from typing import Final

import numpy as np
from numba import njit, types
from numpy.typing import NDArray
from scipy.special import erfcx

from greeks import compiled
from greeks.compiled.option import ratios
from greeks.compiled.scalars import (
    EXACT,
    INLINE,
    exponential,
    log_ratio,
    logarithm,
)
from greeks.status import Status

__all__ = ["volatility"]

Row = NDArray[np.float64]
Matrix = NDArray[np.float64]
Bytes = NDArray[np.int8]

BLOCK: Final = 128
EPS: Final = 2.220446049250313e-16
TINY: Final = 2.2250738585072014e-308
ROOT_TWO_PI: Final = 2.5066282746310002
LOG_ROOT_TWO_PI: Final = 0.9189385332046727
CLOSE: Final = 1e-4  # what is left after a relative step so small is of its fourth power
STEPS: Final = 4
STEPS_MAX: Final = 200
ROOT_HALF: Final = math.sqrt(0.5)
ROOT_HALF_PI: Final = math.sqrt(0.5 * math.pi)
OFFSET: Final = 20.0
PER_CELL: Final = 32.0
CELLS: Final = 1024
SIGNATURE: Final = types.void(types.float64[:, ::1], types.float64[::1], types.int8[::1])
SOLVED: Final = int(Status.SOLVED)
AT_INTRINSIC: Final = int(Status.AT_INTRINSIC)
BELOW_INTRINSIC: Final = int(Status.BELOW_INTRINSIC)
ABOVE_BOUND: Final = int(Status.ABOVE_BOUND)
NO_TIME: Final = int(Status.NO_TIME)
INVALID: Final = int(Status.INVALID)


@njit(**INLINE)
def _error_and_step(y: float, s: float, target: float, upper: bool) -> tuple[float, float]:
    """Return the error of the logarithm (positive where s is too high) and the Householder step."""
    h = 0.5 * s
    inverse = 1.0 / s
    z = y * inverse
    a = z - h
    b = z + h
    near, ratio_low, ratio_high, gap = ratios(a, b, s)
    both = ratio_low + ratio_high
    # Value or room over n(a); the whole is 1/n(a), which matters where a is small alone.
    square = min(a * a, 60.0)
    whole = ROOT_TWO_PI * exponential(0.5 * square)
    below = gap if near else whole - both
    above = whole - gap if near else both
    ratio = above if upper else below
    # Beyond the clamp the room is the whole, and must be divided by the same density.
    exponent = square if upper and near else a * a
    error = logarithm(ratio) - 0.5 * exponent - LOG_ROOT_TWO_PI - target
    slope = (-1.0 if upper else 1.0) / ratio
    bend = a * b * inverse
    third = bend * bend - 3.0 * (z * inverse) * (z * inverse) - 0.25
    second = bend - slope
    third = third + slope * (2.0 * slope - 3.0 * bend)
    newton = error * (ratio if upper else -ratio)
    step = newton * (1.0 + 0.5 * newton * second)
    step = step / (1.0 + newton * (second + newton * third * (1.0 / 6.0)))
    return (-error if upper else error), step


def _levels(count: int) -> np.ndarray:
    """Return ln g over an even grid of sqrt(ln(z/g) + OFFSET); see `_guess`."""
    z = np.concatenate([np.geomspace(1e-9, 0.05, 400), np.linspace(0.05, 45.0, 40_001)[1:]])
    log_g = -0.5 * z * z - LOG_ROOT_TWO_PI + np.log(1.0 - z * ROOT_HALF_PI * erfcx(z * ROOT_HALF))
    grid = np.arange(count) / PER_CELL
    return np.interp(grid, np.sqrt(np.log(z) - log_g + OFFSET), log_g)


LEVELS: Final = _levels(CELLS + 1)


@njit(**INLINE)
def _lower_guess(y: float, target: float) -> float:
    """Return s for a value below half its bound, exact as s goes to 0, else within some 2 %.

    As s goes to 0 the value over sqrt(F K) is s g(z), g = n(z) - z N(-z): Bachelier's formula. What
    he calls s is then s (1 - s**2/24 + ...).
    """
    level = target - 0.5 * y
    place = math.sqrt(max(logarithm(max(y, TINY)) - level + OFFSET, 0.0)) * PER_CELL
    place = min(place, CELLS - 1.0)
    cell = int(place)
    below = LEVELS[cell]
    s = exponential(level - (below + (place - cell) * (LEVELS[cell + 1] - below)))
    return s * (1.0 + s * s * (1.0 / 24.0))


@njit(**INLINE)
def _tail_point(log_p: float) -> float:
    """Return about -ndtri(p) for p <= 1/2 (an absolute error of 4.5e-4)."""
    t = math.sqrt(-2.0 * log_p)
    top = 2.515517 + t * (0.802853 + t * 0.010328)
    return t - top / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)))


@njit(**INLINE)
def _upper_guess(y: float, target: float) -> float:
    """Return s where the room to the bound has this logarithm: between N(-x) and 2 N(-x)."""
    x = _tail_point(target - 0.35)
    return x + math.sqrt(x * x + 2.0 * y)


@njit(**INLINE)
def _reduced(
    phi: float, price: float, forward: float, strike: float, discount: float
) -> tuple[float, float, float]:
    """Return the undiscounted out-of-the-money value, its room to the bound, and the rounding."""
    undiscounted = price / discount
    d = forward - strike
    back = d + strike
    lost = (forward - back) + ((back - d) - strike)  # F - K = d + lost, exactly
    inside = phi * d > 0.0
    value = (undiscounted - abs(d)) - phi * lost if inside else undiscounted
    room = (forward if phi > 0.0 else strike) - undiscounted
    noise = (0.5 if discount == 1.0 else 2.0) * EPS * abs(d) if inside else 0.0
    return value, room, noise


@njit(**EXACT)
def _targets(
    phis: Row,
    prices: Row,
    forwards: Row,
    strikes: Row,
    times: Row,
    discounts: Row,
    status: Bytes,
    ys: Row,
    targets: Row,
    uppers: Row,
) -> None:
    """Fill status, y, the logarithm to be met (NaN: too small for it), whether it is the room's."""
    for i in range(phis.size):
        phi, price, forward, strike = phis[i], prices[i], forwards[i], strikes[i]
        years, discount = times[i], discounts[i]
        value, room, noise = _reduced(phi, price, forward, strike, discount)
        small = min(forward, strike)
        least = min(small, discount)
        total = forward + strike + years + discount + abs(price)
        valid = (least > 0.0) & (years >= 0.0) & (total < math.inf) & (phi * phi == 1.0)
        at = (value <= 0.0) | ((discount != 1.0) & (value <= noise))
        found = NO_TIME if years == 0.0 else SOLVED
        found = ABOVE_BOUND if room <= 0.0 else found
        found = AT_INTRINSIC if at else found
        found = BELOW_INTRINSIC if value < -noise else found
        status[i] = found if valid else INVALID
        upper = room < value
        ratio = (room if upper else value) / small
        ys[i] = log_ratio(max(forward, strike), small)
        targets[i] = logarithm(ratio) if ratio >= TINY else math.nan
        uppers[i] = 1.0 if upper else 0.0


@njit(**EXACT)
def _bracketed(y: float, target: float, upper: bool, s: float) -> float:
    """Return s between bounds that close in, from any beginning."""
    low, high = 0.0, math.inf
    if not (s > 0.0 and s < math.inf):
        s = 1.0
    for _ in range(STEPS_MAX):
        error, step = _error_and_step(y, s, target, upper)
        if error < 0.0:
            low = s
        else:
            high = s
        moved = s + step
        if not (moved > low and moved < high):
            if low == 0.0:
                moved = 0.25 * s
            elif high == math.inf:
                moved = 4.0 * s
            else:
                moved = math.sqrt(low) * math.sqrt(high)
        done = abs(moved - s) <= 1e-7 * s
        s = moved
        if done:
            break
    return s


@njit(**EXACT)
def _guesses(ys: Row, targets: Row, uppers: Row, found: Row) -> None:
    for i in range(ys.size):
        y, target = ys[i], targets[i]
        lower, upper = _lower_guess(y, target), _upper_guess(y, target)  # both: no branch
        found[i] = upper if uppers[i] > 0.0 else lower


@njit(**EXACT)
def _finish_upper(ys: Row, targets: Row, uppers: Row, found: Row) -> None:
    """Solve the few whose guess is rough: the steps of all would wait for them."""
    for i in range(ys.size):
        if uppers[i] > 0.0:
            found[i] = _bracketed(ys[i], targets[i], uppers[i] > 0.0, found[i])


@njit(**EXACT)
def _steps(ys: Row, targets: Row, uppers: Row, found: Row, moves: Row) -> int:
    """Move every s by one step; return how many moved far."""
    far = 0
    for i in range(ys.size):
        s = found[i]
        _, step = _error_and_step(ys[i], s, targets[i], uppers[i] > 0.0)
        moved = max(min(s + step, 4.0 * s), 0.25 * s)
        move = abs(moved - s)
        found[i], moves[i] = moved, move
        far += not (move <= CLOSE * s)
    return far


@njit(SIGNATURE, cache=compiled.keeps, **EXACT)
def volatility(inputs: Matrix, vols: Row, status: Bytes) -> None:
    """Fill volatilities and statuses; rows: phi, price, forward, strike, years, discount."""
    spare = np.empty((4, BLOCK))
    for start in range(0, inputs.shape[1], BLOCK):
        stop = min(start + BLOCK, inputs.shape[1])
        size = stop - start
        phi, price, forward = inputs[0][start:stop], inputs[1][start:stop], inputs[2][start:stop]
        strike, years, discount = (
            inputs[3][start:stop],
            inputs[4][start:stop],
            inputs[5][start:stop],
        )
        y, target, upper, move = spare[0][:size], spare[1][:size], spare[2][:size], spare[3][:size]
        found, said = vols[start:stop], status[start:stop]
        _targets(phi, price, forward, strike, years, discount, said, y, target, upper)
        _guesses(y, target, upper, found)
        _finish_upper(y, target, upper, found)
        for _ in range(STEPS):
            if not _steps(y, target, upper, found, move):
                break
        for i in range(size):
            if said[i] == SOLVED:
                if not move[i] <= CLOSE * found[i]:
                    value, room, _ = _reduced(phi[i], price[i], forward[i], strike[i], discount[i])
                    least = math.log(min(forward[i], strike[i]))
                    wanted = math.log(room if upper[i] > 0.0 else value) - least
                    found[i] = _bracketed(y[i], wanted, upper[i] > 0.0, found[i])
                found[i] /= math.sqrt(years[i])
            else:
                found[i] = 0.0 if said[i] == AT_INTRINSIC else math.nan
