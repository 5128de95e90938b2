"""How fast the kernels are beside numpy, C and peers, interleaved in one run: ratios are fair.

The book: half calls, half puts, K/F from 0.4 to 2.5, one hour to a year, volatility 0.2 to 2.0.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bot.wiring.kernels import _folder
from greeks import arithmetic, black76, plain, scenario
from tests.bench import c_kernel, rows
from tests.bench.peers import peers
from tests.bench.programs import BenchError
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


def careful(inputs: Array, out: Array, rows: Array) -> None:
    """Fill out (5, n) in place with numpy and ndtr, as careful programs do; rows (6, n) spare."""
    phi, forward, strike, years, vol, discount = inputs
    price, delta, gamma, vega, theta = out
    root, s, d1, d2, density, other = rows
    np.sqrt(years, out=root)
    np.multiply(vol, root, out=s)
    np.divide(forward, strike, out=d1)
    np.log(d1, out=d1)
    np.divide(d1, s, out=d1)
    np.multiply(s, 0.5, out=other)
    np.add(d1, other, out=d1)
    np.subtract(d1, s, out=d2)
    np.multiply(d1, d1, out=density)
    np.multiply(density, -0.5, out=density)
    np.exp(density, out=density)
    np.multiply(density, 0.3989422804014327, out=density)
    np.multiply(density, discount, out=density)
    np.multiply(phi, d1, out=delta)
    ndtr(delta, out=delta)
    np.multiply(delta, phi, out=delta)
    np.multiply(delta, discount, out=delta)
    np.multiply(phi, d2, out=other)
    ndtr(other, out=other)
    np.multiply(other, phi, out=other)
    np.multiply(other, discount, out=other)
    np.multiply(other, strike, out=other)
    np.multiply(delta, forward, out=price)
    np.subtract(price, other, out=price)
    np.multiply(forward, s, out=other)
    np.divide(density, other, out=gamma)
    np.multiply(forward, root, out=vega)
    np.multiply(vega, density, out=vega)
    np.multiply(vega, vol, out=theta)
    np.multiply(theta, -0.5, out=theta)
    np.divide(theta, years, out=theta)
    np.log(discount, out=other)
    np.divide(other, years, out=other)
    np.multiply(other, price, out=other)
    np.subtract(theta, other, out=theta)


def kernels() -> list[Row]:
    """Return times per call and per option, medians of interleaved rounds, beside peers."""
    arithmetic.use(cache=_folder())
    here = arithmetic.current()
    few, some, many = book(20), book(50), book(MANY)
    five, fourteen, spare = np.empty((5, MANY)), np.empty((14, MANY)), np.empty((6, MANY))
    columns = (many[0] > 0.0, *many[1:])
    asked, price = _to_invert(many)
    inverted = np.vstack([asked[0], price, asked[1:4], asked[5]])
    vols, said = np.empty(len(price)), np.empty(len(price), dtype=np.int8)
    calls: dict[str, Callable[[], object]] = {
        "packed_20": partial(black76.packed, few, np.empty((5, 20))),
        "packed_50": partial(black76.packed, some, np.empty((5, 50))),
        "first": partial(here.first, many, five),
        "greeks": partial(here.greeks, many, fourteen),
        "coin": partial(here.coin, many, five),
        "columns": lambda: black76.first(*columns),
        "plain": partial(plain.first, many, five),
        "careful": partial(careful, many, five, spare),
        "implied": partial(here.volatility, inverted, vols, said),
        "scenario": partial(_scenario, 500),
        "plain_implied": partial(plain.volatility, inverted, vols, said),
    }
    found, missing = peers()
    for peer in found:
        calls[f"{peer.name}_50"] = peer.five(some)
        calls[peer.name] = peer.five(many)
        calls[f"{peer.name}_implied"] = peer.implied(asked, price)
    with TemporaryDirectory() as folder:
        try:
            calls["c"] = partial(c_kernel.first(Path(folder)), many, five)
        except BenchError as fault:
            missing.append(f"C kernel: {fault}")
        took = interleaved(calls)
    arithmetic.use(arithmetic.PLAIN)
    return [
        *_calls(took),
        *_per_option(took, len(price)),
        *(row for reason in missing for row in rows.skipped("speed", reason)),
    ]


def _scenario(count: int) -> object:
    """Revalue a book over 27 moves of price and volatility at 3 times."""
    phi, *columns = book(count)
    return scenario.revalue(
        phi, phi > 0.0, *columns,
        moves=np.linspace(-0.4, 0.4, 9), vol_moves=(-0.3, 0.0, 0.3), elapsed=(0.0, 0.003, 0.02),
    )  # fmt: skip


def _calls(took: Mapping[str, float]) -> list[Row]:
    """Return what a book costs on each tick."""
    found = [
        rows.plain("speed.packed_20", took["packed_20"] * 1e6, "us a call"),
        rows.most("speed.packed_50", took["packed_50"] * 1e6, "us a call", 2.0),
    ]
    found.append(rows.most("speed.scenario", took["scenario"] * 1e3, "ms, 500 x 27 x 3", 1.5))
    if "nautilus_50" in took:
        ratio = took["nautilus_50"] / took["packed_50"]
        found.append(rows.least("speed.packed_50_nautilus", ratio, "times as fast as a loop", 10.0))
    return found


def _per_option(took: Mapping[str, float], inverted: int) -> list[Row]:
    """Return nanoseconds an option, and how often that fits into what others take."""
    each = {name: seconds / MANY * 1e9 for name, seconds in took.items()}
    told = [
        rows.plain(f"speed.{name}_2000", each[name], f"ns an option, {what}")
        for name, what in (
            ("first", "five outputs, packed"),
            ("greeks", "fourteen outputs, packed"),
            ("coin", "five outputs, packed"),
            ("columns", "five outputs, from columns"),
            ("plain", "five outputs, the path without a compiler"),
        )
    ]
    told += [
        rows.plain(f"speed.{name}_implied_2000", took[key] / inverted * 1e9, "ns an option")
        for name, key in (("compiled", "implied"), ("plain", "plain_implied"))
    ]
    told.append(rows.most("speed.greeks_over_first", each["greeks"] / each["first"], "times", 2.2))
    wanted = (
        ("careful", "first", 4.0), ("c", "first", 1.0), ("nautilus", "first", 50.0),
        ("fast_vollib", "first", 10.0), ("nautilus_implied", "implied", 10.0),
        ("fast_vollib_implied", "implied", 7.0),
    )  # fmt: skip
    for theirs, ours, least in wanted:
        if theirs in took:
            ratio = took[theirs] / took[ours]
            told.append(rows.least(f"speed.{ours}_{theirs}", ratio, "times as fast", least))
    return told


def _to_invert(many: Array) -> tuple[Array, Array]:
    """Return the options of a book on their out-of-the-money side, and their prices.

    Without dust: a peer ends the process on some premiums of less than 1e-9 of the forward.
    """
    options = many.copy()
    options[0] = np.where(options[2] > options[1], 1.0, -1.0)
    price = black76.price(options[0] > 0.0, *options[1:])
    kept = price > 1e-9 * options[1]
    return np.ascontiguousarray(options[:, kept]), price[kept]


def interleaved(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
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
