"""How fast the kernels are beside plain numpy, interleaved in one run so that ratios are fair.

The book: half calls, half puts, K/F from 0.4 to 2.5, one hour to a year, volatility 0.2 to 2.0.
"""

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from greeks import black76, implied
from tests.bench import rows
from tests.bench.rows import Row

Array = NDArray[np.float64]
ROUNDS = 41
BATCH_S = 0.005
MANY = 2_000
FORWARD = 90_000.0
SEED = 20_260_105


def book(count: int) -> Array:
    """Return `packed` inputs (6, count): phi, forward, strike, years, vol, discount."""
    draw = np.random.Generator(np.random.PCG64(SEED))
    inputs = np.empty((6, count))
    inputs[0] = np.where(np.arange(count) % 2, 1.0, -1.0)
    inputs[1] = FORWARD
    inputs[2] = FORWARD * np.exp(draw.uniform(np.log(0.4), np.log(2.5), count))
    inputs[3] = np.exp(draw.uniform(np.log(1.0 / 8_760.0), 0.0, count))
    inputs[4] = draw.uniform(0.2, 2.0, count)
    inputs[5] = 1.0
    return inputs


def textbook(
    is_call: NDArray[np.bool_], forward: Array, strike: Array, years: Array, vol: Array, disc: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Return price, delta, gamma, vega, theta as formulas are usually written down."""
    phi = np.where(is_call, 1.0, -1.0)
    root = np.sqrt(years)
    d1 = np.log(forward / strike) / (vol * root) + 0.5 * vol * root
    d2 = d1 - vol * root
    density = np.exp(-0.5 * d1 * d1) / np.sqrt(2.0 * np.pi)
    price = disc * phi * (forward * ndtr(phi * d1) - strike * ndtr(phi * d2))
    delta = disc * phi * ndtr(phi * d1)
    gamma = disc * density / (forward * vol * root)
    vega = disc * forward * density * root
    theta = -disc * forward * density * vol / (2.0 * root) - np.log(disc) / years * price
    return price, delta, gamma, vega, theta


def kernels() -> list[Row]:
    """Return times per call and per option, medians of interleaved rounds."""
    few, some, many = book(20), book(50), book(MANY)
    spaces = {len(inputs[0]): np.empty((5, len(inputs[0]))) for inputs in (few, some)}
    is_call, (_, forward, strike, years, vol, disc) = many[0] > 0.0, many
    columns = (is_call, forward, strike, years, vol, disc)
    value = black76.price(*columns)
    took = _interleaved(
        {
            "few": lambda: black76.packed(few, spaces[20]),
            "some": lambda: black76.packed(some, spaces[50]),
            "first": lambda: black76.first(*columns),
            "textbook": lambda: textbook(*columns),
            "implied": lambda: implied.volatility(is_call, value, forward, strike, years, disc),
        }
    )
    each = {name: seconds / MANY * 1e9 for name, seconds in took.items()}
    return [
        rows.plain("speed.packed_20", took["few"] * 1e6, "us a call"),
        rows.plain("speed.packed_50", took["some"] * 1e6, "us a call"),
        rows.plain("speed.first_2000", each["first"], "ns an option"),
        rows.plain("speed.textbook_2000", each["textbook"], "ns an option, plain numpy and ndtr"),
        rows.plain("speed.first_ratio", each["textbook"] / each["first"], "times as fast"),
        rows.plain("speed.implied_2000", each["implied"], "ns an option"),
    ]


def _interleaved(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return processor seconds a call: the median of rounds in which all take turns."""
    counts = {name: _calibrated(call) for name, call in calls.items()}
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            found[name].append(_timed(call, counts[name]))
    return {name: median(seconds) for name, seconds in found.items()}


def _calibrated(call: Callable[[], object]) -> int:
    """Return how many calls fill a batch."""
    call()
    return max(1, round(BATCH_S / _timed(call, 5)))


def _timed(call: Callable[[], object], count: int) -> float:
    begun = time.process_time()
    for _ in range(count):
        call()
    return (time.process_time() - begun) / count
