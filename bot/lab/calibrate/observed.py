"""What an estimator may look at: option snapshots, hours and minutes, recorded or generated.

A recording is a folder with `deribit_chain_6h` (chains and the perpetual beside them),
`deribit_dvol_perp_1h` and `spot_1m`. A generated market is looked at in the same way, at the same
cadence.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bot.domain.errors import BadInputError
from bot.domain.quotes import BoolArray, Chain, FloatArray, IntArray
from bot.domain.units import NS_PER_S
from bot.lab import tables
from bot.lab.recording import read
from bot.lab.tables import Column
from bot.sim.market import SyntheticMarket
from bot.sim.market.params import EPOCH_NS, REGIMES
from bot.sim.market.path import Block
from bot.sim.market.path import Path as PricePath
from bot.sim.market.surface import Moment, atm_variance

HOUR_NS: Final = 3_600 * NS_PER_S
DAY_NS: Final = 24 * HOUR_NS
SNAPSHOT_EVERY: Final = 6 * HOUR_NS
MONTH_YEARS: Final = 30.0 / 365.0


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One coin's options at one moment; prices in coin, NaN where absent."""

    ts_ns: int
    index: float
    expiry_ns: IntArray
    strike: FloatArray
    is_call: BoolArray
    forward: FloatArray
    vol: FloatArray
    mark: FloatArray
    bid: FloatArray
    ask: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """A market as estimators see it. `hour_*` are aligned; `minutes` is (BTC, ETH) log-prices."""

    shots: tuple[Shot, ...]
    basis: FloatArray  # of the perpetual over the index, at snapshots
    month_vol: FloatArray  # 30-day implied volatility, hourly
    hour_vol: FloatArray  # the same, at the hours of `hour_price`
    hour_price: FloatArray
    minutes: FloatArray


def recorded(folder: Path) -> Observed:
    """Return what a folder of recordings holds of BTC.

    Raises BadInputError where files are missing or damaged, DeltabandError without polars.
    """
    record = read(folder / "deribit_chain_6h", coins=("BTC",)).coins["BTC"]
    track = dict(zip(record.perpetual.ts_ns.tolist(), record.perpetual.price, strict=True))
    shots = []
    basis = []
    last = record.snapshots[0].ts_ns
    for snapshot in record.snapshots:
        if snapshot.ts_ns - last > DAY_NS:
            break  # what follows is another stretch of recording
        last = snapshot.ts_ns
        rows = snapshot.option
        shots.append(
            Shot(
                snapshot.ts_ns,
                snapshot.index,
                record.expiry_ns[rows],
                record.strike[rows],
                record.is_call[rows],
                snapshot.forward,
                snapshot.vol,
                snapshot.mark,
                snapshot.bid,
                snapshot.ask,
            )
        )
        if snapshot.ts_ns in track:
            basis.append(track[snapshot.ts_ns] / snapshot.index - 1.0)
    month = _series(_one(folder, "deribit_dvol_perp_1h/*dvol*.csv*"), "iv")
    price = _series(_one(folder, "deribit_dvol_perp_1h/*perpetual*.csv*"), "close")
    hours = sorted(month.keys() & price.keys())
    since = shots[0].ts_ns
    spot = [_series(_one(folder, f"spot_1m/{coin}*.csv*"), "close") for coin in ("btc", "eth")]
    both = sorted(spot[0].keys() & spot[1].keys())
    return Observed(
        shots=tuple(shots),
        basis=np.array(basis),
        month_vol=np.array([vol for at, vol in month.items() if at >= since]),
        hour_vol=np.array([month[at] for at in hours]),
        hour_price=np.array([price[at] for at in hours]),
        minutes=np.log([[prices[at] for at in both] for prices in spot]),
    )


def generated(seed: int, regime: str, days: int) -> Observed:
    """Return a generated market: snapshots every six hours, and hours and minutes of its path."""
    market = SyntheticMarket(seed, regime, coins=("BTC",), dated_futures=False)
    shots, basis = [], []
    for at in range(EPOCH_NS, EPOCH_NS + days * DAY_NS, SNAPSHOT_EVERY):
        quote = market.advance(at)[0].quote
        shots.append(_shot(market.chain("BTC", at)))
        basis.append(quote.mark / quote.index - 1.0)
    path = PricePath(seed, REGIMES[regime], EPOCH_NS, ("BTC", "ETH"))
    month, hourly, minutes = [], [], []
    for _ in range(days * 24):
        block = path.next_block()
        month.append(_month_vol(block, float(path.level[0])))
        hourly.append(block.price[0, 0])
        minutes.append(np.log(block.price[:, ::60]))
    vols = np.array(month)
    return Observed(
        tuple(shots), np.array(basis), vols, vols, np.array(hourly), np.concatenate(minutes, axis=1)
    )


def _month_vol(block: Block, level: float) -> float:
    """Return BTC's 30-day volatility at the beginning of an hour."""
    fast, slow = float(block.fast[0, 0]), float(block.slow[0, 0])
    state = Moment(1.0, level, fast, slow, 0.0, 0.0, 0.0, 1.0, 0.0)
    return float(np.sqrt(atm_variance(state, np.array([MONTH_YEARS]))[0] / MONTH_YEARS))


def _shot(chain: Chain) -> Shot:
    listing = chain.listing
    return Shot(
        chain.ts_ns,
        chain.index,
        listing.expiry_ns,
        listing.strike,
        listing.is_call,
        chain.forward,
        chain.vol,
        chain.mark,
        chain.bid,
        chain.ask,
    )


def _one(folder: Path, pattern: str) -> Path:
    """Return the one file of a pattern."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise BadInputError(f"{folder}: expected one file {pattern}, found {len(found)}")
    return found[0]


def _series(path: Path, column: str) -> dict[int, float]:
    """Return a column of a file of candles by its time."""
    rows = tables.csv(path, {"timestamp": Column.TIME, column: Column.NUMBER})
    return dict(zip(rows["timestamp"].to_list(), rows[column].to_list(), strict=True))
