"""Our Greeks against the exchange's own: raw tickers, one rich snapshot, recorded chains.

The exchange's conventions: Black-76 on the option's underlying price, r = 0, 365-day years, expiry
at 08:00 UTC; delta undiscounted and not premium-adjusted, vega per vol point, prices in coin. In
the recorded chains delta and vega were read up to 205 seconds after price, volatility and forward.
"""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from greeks import black76, implied

YEAR_S = 365 * 86_400.0
CHAINS = (
    "btc_20251230_20260331",
    "btc_eth_20260419_20260421",
    "eth_20251230_20260131",
)


class Quoted(NamedTuple):
    """What the exchange published, one element per option."""

    is_call: NDArray[np.bool_]
    forward: NDArray[np.float64]
    strike: NDArray[np.float64]
    years: NDArray[np.float64]
    vol: NDArray[np.float64]
    theirs: dict[str, NDArray[np.float64]]

    @property
    def ours(self) -> black76.Greeks:
        """Return our Greeks on the exchange's forward and mark volatility."""
        return black76.greeks(self.is_call, self.forward, self.strike, self.years, self.vol)

    @property
    def theta_day(self) -> NDArray[np.float64]:
        """Return theta as the exchange states it: USD until tomorrow or expiry, capped by price."""
        ours = self.ours
        day = ours.theta / 365 * np.minimum(1.0, self.years * 365)
        return np.maximum(day, -ours.price)

    @property
    def rho_percent(self) -> NDArray[np.float64]:
        """Return rho as the exchange states it: phi K T N(phi d2) / 100, USD per 1 %."""
        ours = self.ours
        return (self.forward * ours.delta - ours.price) * self.years / 100


@pytest.fixture(scope="module")
def tickers(data_dir: Path) -> Quoted:
    """Return the option tickers of a raw WebSocket capture of 2021."""
    path = data_dir / "market" / "raw_captures" / "cryptofeed_DERIBIT.ws.1.0.txt.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        messages = [json.loads(line.split(": ", 1)[1]) for line in file if '"greeks"' in line]
    data = [message["params"]["data"] for message in messages]
    names = [row["instrument_name"].split("-") for row in data]
    expiry = [
        datetime.strptime(name[1], "%d%b%y").replace(hour=8, tzinfo=UTC).timestamp()
        for name in names
    ]
    stamps = np.array([row["timestamp"] for row in data]) / 1e3
    theirs = {key: np.array([row["greeks"][key] for row in data]) for key in data[0]["greeks"]}
    theirs["mark"] = np.array([row["mark_price"] for row in data])
    return Quoted(
        np.array([name[3] == "C" for name in names]),
        np.array([row["underlying_price"] for row in data]),
        np.array([float(name[2]) for name in names]),
        (np.array(expiry) - stamps) / YEAR_S,
        np.array([row["mark_iv"] for row in data]) / 100,
        theirs,
    )


@pytest.fixture(scope="module")
def rich(data_dir: Path) -> Quoted:
    """Return one snapshot of 2026 with every Greek; its prices are mids, not marks."""
    table = pl.read_csv(
        data_dir / "market" / "deribit_rich_greeks" / "btc_rich_20260428.csv.gz",
        try_parse_dates=True,
    )
    left = (table["expiry"] - table["quote_timestamp"]).dt.total_microseconds().to_numpy() / 1e6
    return Quoted(
        (table["option_type"] == "C").to_numpy(),
        table["underlying"].to_numpy(),
        table["strike"].to_numpy(),
        left / YEAR_S,
        table["mark_iv"].to_numpy() / 100,
        {key: table[key].to_numpy() for key in ("delta", "gamma", "vega", "theta", "rho")},
    )


@pytest.fixture(scope="module", params=CHAINS)
def chain(request: pytest.FixtureRequest, data_dir: Path) -> Quoted:
    """Return one file of chains recorded every six hours."""
    path = data_dir / "market" / "deribit_chain_6h" / f"{request.param}.parquet"
    name = pl.col("instrument_name").cast(pl.String).str.split("-")
    day = name.list.get(1).str.to_titlecase().str.strptime(pl.Date, "%d%b%y")
    expiry = day.cast(pl.Datetime("us", "UTC")) + pl.duration(hours=8)
    table = pl.read_parquet(path).with_columns(
        left=(expiry - pl.col("snapshot_ts")).dt.total_microseconds() / 1e6,
        strike=name.list.get(2).cast(pl.Float64),
        is_call=name.list.get(3) == "C",
    )
    return Quoted(
        table["is_call"].to_numpy(),
        table["underlying_price"].to_numpy(),
        table["strike"].to_numpy(),
        table["left"].to_numpy() / YEAR_S,
        table["mark_iv_pct"].to_numpy() / 100,
        {key: table[key].to_numpy() for key in ("delta", "vega", "mark")},
    )


def test_raw_tickers_are_all_read(tickers):
    """The capture has 89 option tickers."""
    assert tickers.strike.size == 89


def test_raw_tickers_agree_to_the_rounding_of_the_wire(tickers):
    """Delta, gamma, vega, rho and mark agree with every ticker."""
    ours, theirs = tickers.ours, tickers.theirs
    np.testing.assert_allclose(ours.delta, theirs["delta"], rtol=0, atol=2e-5)
    np.testing.assert_allclose(ours.gamma, theirs["gamma"], rtol=0, atol=6e-6)
    np.testing.assert_allclose(ours.vega / 100, theirs["vega"], rtol=0, atol=2e-3)
    np.testing.assert_allclose(tickers.rho_percent, theirs["rho"], rtol=0, atol=4e-3)
    np.testing.assert_allclose(ours.price / tickers.forward, theirs["mark"], rtol=0, atol=2.5e-4)
    assert np.median(np.abs(ours.delta - theirs["delta"])) <= 5e-6
    assert np.median(np.abs(ours.price / tickers.forward - theirs["mark"])) <= 1e-6


def test_raw_tickers_theta_is_capped_by_life_and_price(tickers):
    """With the exchange's two caps our theta is theirs, also for options of a day."""
    np.testing.assert_allclose(tickers.theta_day, tickers.theirs["theta"], rtol=0, atol=4e-3)


def test_a_rich_snapshot_agrees_in_every_greek(rich):
    """Five years later the conventions are the same; its volatilities have two decimals."""
    ours, theirs = rich.ours, rich.theirs
    np.testing.assert_allclose(ours.delta, theirs["delta"], rtol=0, atol=2e-4)
    np.testing.assert_allclose(ours.gamma, theirs["gamma"], rtol=0, atol=6e-6)
    np.testing.assert_allclose(ours.vega / 100, theirs["vega"], rtol=0, atol=1e-2)
    np.testing.assert_allclose(rich.rho_percent, theirs["rho"], rtol=0, atol=3e-3)
    long_dated = rich.years * 365 > 10
    error = np.abs(rich.theta_day - theirs["theta"])[long_dated]
    assert error.max() <= 2e-2


def test_recorded_deltas_agree(chain):
    """Median within 3e-4 and 99th percentile within 0.015, read late as they were."""
    error = np.abs(chain.ours.delta - chain.theirs["delta"])
    assert np.median(error) <= 3e-4
    assert np.quantile(error, 0.99) <= 0.015


def test_recorded_marks_agree(chain):
    """Median within 2e-5 coin and 99th percentile within 5e-4 coin."""
    error = np.abs(chain.ours.price / chain.forward - chain.theirs["mark"])
    assert np.median(error) <= 2e-5
    assert np.quantile(error, 0.99) <= 5e-4


def test_recorded_marks_imply_the_recorded_volatility(chain):
    """Where a mark has a vega to speak of, inverting it gives the exchange's volatility back."""
    mark = chain.theirs["mark"] * chain.forward
    vol, status = implied.volatility(chain.is_call, mark, chain.forward, chain.strike, chain.years)
    telling = chain.ours.vega / chain.forward > 0.02
    assert np.mean(status[telling] == implied.Status.SOLVED) >= 0.999
    error = np.abs(vol - chain.vol)[telling & (status == implied.Status.SOLVED)]
    assert np.median(error) <= 5e-4
    assert np.isnan(vol[status > implied.Status.AT_INTRINSIC]).all()
