"""The recorder by hand: what is kept, how parts are cut, what a report counts, how it replays."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from bot.domain import deribit
from bot.domain.errors import BadInputError
from bot.domain.events import InstrumentsListed
from bot.domain.instruments import Kind
from bot.domain.quotes import Chain, Quote
from bot.domain.units import NS_PER_S, utc_ns
from bot.lab.recorder import DiskError, Plan, Recorder
from bot.lab.recording import read
from bot.sim.replay import ReplayMarket
from bot.venues.deribit.prices import listing_of

NOON = utc_ns(2026, 3, 4, 12)
MIDNIGHT = utc_ns(2026, 3, 5)
NAMES = (
    "BTC-27MAR26-70000-C",
    "BTC-27MAR26-70000-P",
    "BTC-6MAR26-70000-C",
    "BTC_USDC-27MAR26-70000-C",
)
FUTURES = ("BTC-PERPETUAL", "BTC-27MAR26", "BTC_USDC-PERPETUAL")
INSTRUMENTS = tuple(deribit.parse(name) for name in (*FUTURES, *NAMES))
LISTING = listing_of("BTC", INSTRUMENTS)
NAN = math.nan


def chain(ts_ns: int, made_ns: int | None = None, **columns: Any) -> Chain:
    """Return a chain of all four options, tight and sized except for what is changed."""
    told = {
        "forward": [70_100.0] * 4,
        "vol": [0.6] * 4,
        "mark": [0.0500] * 4,
        "bid": [0.0495] * 4,
        "ask": [0.0505] * 4,
        "bid_size": [7.0] * 4,
        "ask_size": [9.0] * 4,
    } | columns
    arrays = {name: np.array(values) for name, values in told.items()}
    return Chain(LISTING, ts_ns, ts_ns if made_ns is None else made_ns, 70_000.0, **arrays)


def quote(name: str, ts_ns: int, **changes: float) -> Quote:
    """Return a quote of a future around 70,050."""
    told = {
        "bid": 70_049.5,
        "ask": 70_050.5,
        "bid_size": 1_230.0,
        "ask_size": 4_560.0,
        "mark": 70_050.0,
        "index": 70_000.0,
        "funding_8h": 0.0001,
    } | changes
    return Quote(name, "BTC", ts_ns, ts_ns, **told)


class Hand:
    """A recorder that is fed by hand, second by second."""

    def __init__(self, folder: Path, at_ns: int = NOON, **plan: Any) -> None:
        """Open the folder and list the instruments."""
        asked = {"every_s": 1.0, "part_s": 60.0, "keep_free": 0} | plan
        limits = {Kind.PERPETUAL: 2.0, Kind.FUTURE: 15.0}
        wanted = Plan(folder, ("BTC",), limit_s=lambda one: limits[one.kind], **asked)
        self.recorder = Recorder(wanted, {"venue": "by hand"})
        self.recorder.start(at_ns)
        self.recorder.see(InstrumentsListed(at_ns, "BTC", INSTRUMENTS), 1)

    def second(self, ts_ns: int, epoch: int = 1, **columns: Any) -> None:
        """Show every future and the chain at one moment."""
        for name in FUTURES:
            self.recorder.see(quote(name, ts_ns), epoch)
        self.recorder.see(chain(ts_ns, **columns), epoch)

    def end(self, ts_ns: int) -> dict[str, Any]:
        """Save the rest and the report, give the folder free and return the coin's report."""
        for part in self.recorder.rest():
            self.recorder.save(part)
        self.recorder.save_report(ts_ns)
        self.recorder.close()
        report: dict[str, Any] = self.recorder.report(ts_ns)["coins"]["BTC"]
        return report


@pytest.fixture
def hand(tmp_path) -> Iterator[Hand]:
    """Return a recorder of bitcoin, a snapshot each second."""
    made = Hand(tmp_path)
    yield made
    made.recorder.close()


def at(second: float) -> int:
    """Return noon and so many seconds."""
    return NOON + round(second * NS_PER_S)


def test_a_snapshot_is_replayed_with_the_books_and_sizes_that_were_seen(hand, tmp_path):
    """Quotes are the recorded ones; a size that was not told is modelled, an absent side absent."""
    hand.second(at(0), bid_size=[7.0, NAN, 7.0, 7.0], ask=[0.0505, 0.0505, NAN, 0.0505])
    hand.second(at(1))
    hand.end(at(1))
    market = ReplayMarket(read(tmp_path))
    moves = {move.quote.instrument: move.quote for move in market.advance(NOON)}
    assert sorted(moves) == ["BTC-27MAR26", "BTC-PERPETUAL"]
    perpetual = moves["BTC-PERPETUAL"]
    assert (perpetual.bid, perpetual.ask) == (70_049.5, 70_050.5)
    assert (perpetual.bid_size, perpetual.ask_size) == (1_230.0, 4_560.0)
    assert (perpetual.mark, perpetual.funding_8h) == (70_050.0, 0.0001)
    shown = market.chain("BTC", NOON)
    assert shown.listing.names == tuple(name for name in LISTING.names if "USDC" not in name)
    row = [LISTING.names.index(name) for name in shown.listing.names]
    told = np.array([7.0, NAN, 7.0, 7.0])[row]
    known = np.isfinite(told)
    np.testing.assert_array_equal(shown.bid_size[known], told[known])
    assert (shown.bid_size[~known] > 0.0).all()
    silent = np.isnan(shown.ask)
    assert silent.sum() == 1
    assert (shown.ask_size[silent] == 0.0).all()


def test_a_recording_of_older_make_is_modelled_as_before(hand, tmp_path):
    """Without the futures' file and the sizes, books are modelled around the index."""
    hand.second(at(0))
    hand.end(at(0))
    for path in tmp_path.glob("futures_*"):
        path.unlink()
    (path,) = tmp_path.glob("chain_*")
    pl.read_parquet(path).drop("bid_size", "ask_size").write_parquet(path)
    market = ReplayMarket(read(tmp_path))
    (future, perpetual) = sorted(market.advance(NOON), key=lambda m: m.quote.instrument)
    assert perpetual.quote.bid_size != 1_230.0
    assert perpetual.quote.funding_8h == 0.0
    assert future.quote.mark == 70_100.0
    assert (market.chain("BTC", NOON).bid_size > 0.0).all()


def test_a_part_is_due_by_its_length_and_never_holds_two_days(tmp_path):
    """One part at its length, two where midnight lies inside."""
    begin = MIDNIGHT - 2 * NS_PER_S
    hand = Hand(tmp_path, begin, part_s=3.0)
    for second in range(3):
        hand.second(begin + second * NS_PER_S)
        assert bool(hand.recorder.due(begin + second * NS_PER_S)) is (second == 2)
    hand.second(begin + 3 * NS_PER_S)
    hand.second(begin + 4 * NS_PER_S)
    assert hand.recorder.due(begin + 5 * NS_PER_S) == []
    (part,) = hand.recorder.due(begin + 6 * NS_PER_S)
    assert len(part.shots) == 2
    hand.recorder.close()


def test_parts_of_two_days_lie_in_files_of_two_days(tmp_path):
    """The name tells the day, also where the recorder was late to look."""
    hand = Hand(tmp_path, MIDNIGHT - NS_PER_S)
    hand.second(MIDNIGHT - NS_PER_S)
    hand.second(MIDNIGHT)
    hand.end(MIDNIGHT)
    names = sorted(path.name for path in tmp_path.glob("chain_*"))
    assert names == ["chain_BTC_20260304_235959000.parquet", "chain_BTC_20260305_000000000.parquet"]
    assert len(read(tmp_path).coins["BTC"].snapshots) == 2


@pytest.mark.parametrize("epoch,why", [(1, "no_chain_from_the_venue"), (2, "connection_lost")])
def test_a_gap_is_told_with_its_reason(hand, epoch, why):
    """More than two and a half intervals is a gap; its reason is what happened to the line."""
    hand.second(at(0))
    hand.second(at(2.4))
    hand.second(at(10), epoch)
    (gap,) = hand.end(at(10))["gaps"]
    assert (gap["from"], gap["seconds"], gap["why"]) == ("2026-03-04T12:00:02.400Z", 7.6, why)


def test_the_time_between_two_runs_is_a_gap(hand, tmp_path):
    """The second run knows where the first one's files end."""
    hand.second(at(0))
    hand.end(at(0))
    again = Hand(tmp_path, at(60))
    again.second(at(60))
    (gap,) = again.end(at(60))["gaps"]
    assert (gap["seconds"], gap["why"]) == (60.0, "not_running")


def test_a_report_that_cannot_be_read_stops_no_recording(tmp_path):
    """It is an account of the past, not what the recording hangs on."""
    (tmp_path / "quality_1.json").write_text('{"coins": [', encoding="utf-8")
    (tmp_path / "quality_2.json").write_text('{"coins": {"BTC": null}}', encoding="utf-8")
    again = Hand(tmp_path)
    again.second(at(0))
    assert again.end(at(0))["gaps"] == []


def test_a_report_counts_sides_sizes_and_silence(hand, tmp_path):
    """Shares are of all option rows, the crossed too; a chain that stands still is stale."""
    hand.second(at(0), bid=[NAN] * 4, ask_size=[NAN] * 4)
    hand.recorder.see(
        chain(at(2.5), made_ns=at(0)), 1
    )  # the perpetual is too old by now, the chain is the same
    hand.recorder.crossed(["BTC-27MAR26-70000-C", "BTC-6MAR26-70000-C", "SOL-PERPETUAL"])
    report = hand.end(at(3))
    assert (report["snapshots"], report["rows"], report["future_rows"]) == (2, 6, 3)
    assert (report["one_sided_share"], report["without_size_share"]) == (0.375, 0.375)
    assert report["crossed_share"] == 0.25
    assert (report["stale_s"], report["perpetual_missing"]) == (2.5, 1)
    (path,) = tmp_path.glob("quality_*.json")
    assert json.loads(path.read_bytes())["coins"]["BTC"] == report


def test_a_clock_that_goes_back_writes_no_moment_twice(hand, tmp_path):
    """The earlier snapshot stays, the later one is counted and left out."""
    hand.second(at(1))
    hand.second(at(1))
    hand.second(at(0))
    assert hand.end(at(1))["clock_went_back"] == 2
    assert len(read(tmp_path).coins["BTC"].snapshots) == 1


def test_an_expired_future_is_left_out(tmp_path):
    """Its last quote may be young: the contract is gone all the same."""
    expiry = utc_ns(2026, 3, 27, 8)
    hand = Hand(tmp_path, expiry)
    hand.second(expiry)
    hand.end(expiry)
    assert pl.read_parquet(tmp_path / "futures_*.parquet")["instrument_name"].to_list() == [
        "BTC-PERPETUAL"
    ]


def test_a_disk_below_the_floor_is_refused(tmp_path):
    """The message names the folder and both figures."""
    with pytest.raises(DiskError, match="free on the disk, found"):
        Hand(tmp_path / "other", keep_free=10**18)


def test_a_second_recorder_of_the_same_folder_is_refused(hand, tmp_path):
    """Two would write each moment twice; when the first has ended, the next may begin."""
    with pytest.raises(BadInputError, match="expected no other recorder at work, found one"):
        Hand(tmp_path)
    hand.recorder.close()
    Hand(tmp_path).recorder.close()


def test_a_future_twice_in_one_snapshot_is_refused(hand, tmp_path):
    """Copies contradict each other; the future and the time are named."""
    hand.second(at(0))
    hand.end(at(0))
    (path,) = tmp_path.glob("futures_*")
    path.with_name("futures_copy.parquet").write_bytes(path.read_bytes())
    with pytest.raises(BadInputError, match="each future once per snapshot, found BTC-"):
        read(tmp_path)


@pytest.mark.parametrize(
    "name", ["BTC_USDC-PERPETUAL", "ETH-PERPETUAL", "BTC-27MAR26-70000-C", "?"]
)
def test_a_name_that_is_no_inverse_future_of_the_coin_is_refused(hand, tmp_path, name):
    """Nothing is guessed about an instrument."""
    hand.second(at(0))
    hand.end(at(0))
    (path,) = tmp_path.glob("futures_*")
    rows = pl.read_parquet(path).head(1).with_columns(pl.lit(name).alias("instrument_name"))
    rows.write_parquet(path)
    with pytest.raises(BadInputError, match="in instrument_name"):
        read(tmp_path)
