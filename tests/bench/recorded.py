"""Figures on recorded market data: the hedging study, and our Greeks beside the exchange's."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.domain import deribit
from bot.domain.units import NS_PER_MS, NS_PER_S, SECONDS_PER_YEAR
from bot.lab.options_study import trips
from bot.lab.recorded_study import study as study_of
from bot.lab.recording import read
from bot.sim.recorded import CoinRecord
from greeks import black76
from tests.bench import rows
from tests.bench.rows import Row

DATA = "DELTABAND_DATA"
CHAINS = Path("market/deribit_chain_6h")
TICKERS = Path("market/raw_captures/cryptofeed_DERIBIT.ws.1.0.txt.gz")
NS_PER_YEAR = SECONDS_PER_YEAR * NS_PER_S

Array = NDArray[np.float64]


def study() -> list[Row]:
    """Return what hedging at recorded snapshots leaves of the risk of short options."""
    data = os.environ.get(DATA)
    if not data:
        return rows.skipped("recorded", f"{DATA} is not set")
    (coin,) = study_of(read(data / CHAINS, coins=["BTC"])).coins
    return [
        rows.plain("recorded.options", coin.options, coin.coin),
        rows.plain("recorded.unhedged", coin.unhedged_coin, "coin, deviation"),
        rows.plain("recorded.hedged", coin.hedged_coin, "coin, deviation"),
        rows.most("recorded.left", coin.left, "hedged / unhedged", 0.10),
        rows.least("recorded.plain_factor", coin.plain_factor, "N(d1) / net delta", 1.7),
    ]


def round_trips() -> list[Row]:
    """Return what our option plans save of the nearest option's costs at equal shocked results."""
    data = os.environ.get(DATA)
    if not data:
        return rows.skipped("round_trips", f"{DATA} is not set")
    found = trips.study(read(data / CHAINS, coins=["BTC"]).coins["BTC"], sizes=(trips.TOLD,))
    told = []
    for one in found.comparisons:
        if one.measure != trips.RESULTS:
            continue
        mean = one.rows[-1]
        name = f"round_trips.{one.bucket}.{one.ours}_beside_{one.beside}".replace(" ", "_")
        unit = f"of the cost, {mean.low:.2f} to {mean.high:.2f}"
        if not np.isfinite(mean.share):
            told.append(rows.plain(name, None, "the other never leaves as little"))
            continue
        ours = (one.ours, one.beside) == (trips.OURS, trips.NEAREST)
        told.append(
            rows.least(name, mean.share, unit, 0.10) if ours else rows.plain(name, mean.share, unit)
        )
        if ours:
            told.append(rows.least(f"{name}_low", mean.low, "of the cost, 2.5 %", 0.0))
    return told


def agreement() -> list[Row]:
    """Return how far our Greeks are from the exchange's on raw tickers and on recorded chains."""
    data = os.environ.get(DATA)
    if not data:
        return rows.skipped("agreement", f"{DATA} is not set")
    delta, mark = _tickers(data / TICKERS)
    found = [
        rows.plain("agreement.tickers", len(delta), "raw tickers"),
        rows.most("agreement.tickers_delta_median", float(np.median(delta)), "", 5e-6),
        rows.most("agreement.tickers_delta_max", float(delta.max()), "", 2e-5),
        rows.most("agreement.tickers_mark_max", float(mark.max()), "coin", 2.5e-4),
    ]
    for coin, record in read(data / CHAINS, coins=["BTC", "ETH"]).coins.items():
        delta, mark = _chain(record)
        name = f"agreement.{coin.lower()}"
        found += [
            rows.plain(f"{name}_options", len(delta), "rows of recorded chains"),
            rows.most(f"{name}_delta_median", float(np.median(delta)), "", 3e-4),
            rows.most(f"{name}_delta_p99", float(np.quantile(delta, 0.99)), "", 0.015),
            rows.most(f"{name}_mark_p99", float(np.quantile(mark, 0.99)), "coin", 5e-4),
        ]
    return found


def _tickers(path: Path) -> tuple[Array, Array]:
    """Return distances of delta and mark (coin) on a raw capture's option tickers."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        messages = [json.loads(line.split(": ", 1)[1]) for line in file if '"greeks"' in line]
    data = [message["params"]["data"] for message in messages]
    options = [deribit.parse(row["instrument_name"]) for row in data]
    forward = np.array([row["underlying_price"] for row in data])
    left = [
        o.expiry_ns - row["timestamp"] * NS_PER_MS for o, row in zip(options, data, strict=True)
    ]
    ours = black76.first(
        np.array([option.is_call for option in options]),
        forward,
        np.array([float(option.strike) for option in options]),
        np.array(left) / NS_PER_YEAR,
        np.array([row["mark_iv"] for row in data]) / 100.0,
    )
    delta = np.array([row["greeks"]["delta"] for row in data])
    mark = np.array([row["mark_price"] for row in data])
    return np.abs(ours.delta - delta), np.abs(ours.price / forward - mark)


def _chain(record: CoinRecord) -> tuple[Array, Array]:
    """Return distances of delta and mark (coin) on all snapshots of a coin."""
    shots = record.snapshots
    option = np.concatenate([shot.option for shot in shots])
    ts_ns = np.repeat([shot.ts_ns for shot in shots], [len(shot.option) for shot in shots])
    forward, vol, mark, delta = (
        np.concatenate([getattr(shot, name) for shot in shots])
        for name in ("forward", "vol", "mark", "delta")
    )
    years = (record.expiry_ns[option] - ts_ns) / NS_PER_YEAR
    ours = black76.first(record.is_call[option], forward, record.strike[option], years, vol)
    known = np.isfinite(ours.delta + delta + mark)
    return (
        np.abs(ours.delta - delta)[known],
        np.abs(ours.price / forward - mark)[known],
    )
