"""Random books to be hedged in delta, gamma and vega with random chains: a fixed experiment.

Options of 7 to 180 days within ±0.25·√(T/30 d) of the money at 60,000; lots of 0.1 coin, 20 to 399
of them on each side; half a spread of 1 to 4 % of the value, the venue's fee; bands of 0.05 coin,
0.1 coin per 1 % and 500 USD per point.
"""

import math

import numpy as np

from bot.domain.programs import Offer, Program, Row
from greeks import black76

INDEX, LOT = 60_000.0, 0.1
DAYS = (7.0, 14.0, 30.0, 60.0, 90.0, 180.0)
BAND_DELTA, BAND_GAMMA, BAND_VEGA = 0.05, 0.1, 500.0


def program(count, seed, max_legs=4):
    """Return a random program over `count` options, both sides of each."""
    rng = np.random.Generator(np.random.PCG64(seed))
    offers = []
    for k in range(count):
        offers += _sides(k, rng)
    gamma = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 3.0))
    vega, delta = float(rng.normal(0.0, 3_000.0)), float(rng.normal(0.0, 5.0))
    rows = (_banded("gamma", gamma, BAND_GAMMA), _banded("vega", vega, BAND_VEGA))
    return Program(
        coin="BTC",
        ts_ns=0,
        rows=rows,
        offers=tuple(offers),
        max_legs=max_legs,
        ticket_usd=2.0,
        hedge_usd=5e-4 * INDEX,
        free=(-delta - BAND_DELTA, -delta + BAND_DELTA),
    )


def _banded(name, now, band):
    aim = None if abs(now) <= band else math.copysign(band, now)
    return Row(name, now, -band, band, aim, band)


def _sides(k, rng):
    days, call = float(rng.choice(DAYS)), bool(rng.random() < 0.5)
    away = rng.uniform(-0.25, 0.25) * math.sqrt(days / 30.0)
    strike, vol = round(INDEX * math.exp(away) / 500.0) * 500.0, rng.uniform(0.5, 0.7)
    first = black76.first(call, INDEX, strike, days / 365.0, vol)
    value = float(first.price)
    half = max(1e-4 * INDEX, rng.uniform(0.01, 0.04) * value)
    cost = LOT * (half + min(3e-4 * INDEX, 0.125 * value))
    net = LOT * (float(first.delta) - value / INDEX)
    brings = LOT * float(first.gamma) * INDEX / 100.0, LOT * float(first.vega) / 100.0
    most = rng.integers(20, 400, 2)
    return [
        Offer(f"{days:03.0f}-{k:03d}", side, LOT, 1, int(most[i]), cost, side * net,
              tuple(side * b for b in brings))
        for i, side in enumerate((1, -1))
    ]  # fmt: skip
