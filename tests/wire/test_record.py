"""`deltaband record`: a market seen over loopback, written, and played again as it was."""

import asyncio
import json
import os
import re
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl
import pytest

from bot.cli import main
from bot.lab.recording import read
from bot.sim.replay import ReplayMarket
from bot.sim.wire.hub import Opening
from bot.sim.wire.server import Server
from tests.wire.test_run import straddle

TOP = Path(__file__).parents[2]
SETTINGS = """
instance = "tape"
state_dir = "{state}"
[venue.deribit]
rest_url = "{rest}"
ws_url = "{ws}"
[underlying.BTC]
numeraire = "usd"
collateral_delta = "exclude"
delta = {{ target = 0.0, upper = 0.1, lower = -0.1 }}
gamma = {{ action = "off" }}
[paper]
collateral = {{ BTC = 5.0 }}
position = [{positions}]
"""
HELD = straddle("-2")
FILLING = """
import collections, shutil, sys
from bot.cli import main
usage, asked = collections.namedtuple("usage", "total used free"), []
def disk_usage(path):
    asked.append(path)
    return usage(10**10, 0, 10**10 if len(asked) < 10 else 0)
shutil.disk_usage = disk_usage
sys.exit(main(sys.argv[1:]))
"""
"""A disk of which others leave nothing after a while: a real one cannot be filled by a test."""
Done: TypeAlias = tuple[int, str, str]


class Tape:
    """The command `deltaband` of this source, with settings that lead to one server."""

    def __init__(self, server: Server, home: Path) -> None:
        """Write the settings."""
        self.server = server
        self.folder, self.settings = home / "tape", home / "tape.toml"
        held = [f'{{instrument = "{p.instrument}", quantity = {p.quantity.value}}}' for p in HELD]
        text = SETTINGS.format(
            state=home, rest=server.rest_url, ws=server.ws_url, positions=", ".join(held)
        )
        self.settings.write_text(text, encoding="utf-8")

    async def start(self, *argv: object, program: str = "") -> asyncio.subprocess.Process:
        """Start the command, or a program that calls it."""
        how = ("-c", program) if program else ("-m", "bot")
        return await asyncio.create_subprocess_exec(
            *(sys.executable, *how, *map(str, argv), "-c", str(self.settings)),
            env=os.environ | {"PYTHONPATH": str(TOP)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def record(self, *more: object) -> asyncio.subprocess.Process:
        """Start recording, a snapshot each second."""
        argv = ("record", self.folder, "--every", "1s", "--keep-free", "1", *more)
        return await self.start(*argv)


async def saved(process: asyncio.subprocess.Process, count: int) -> str:
    """Wait until the command has said that so many parts are on disk; return its last word."""
    assert process.stdout is not None
    line = b""
    async with asyncio.timeout(30):
        while count:
            line = await process.stdout.readline()
            assert line, "expected a saved part, found the end"
            count -= line.startswith(b"saved ")
    return line.decode()


async def done(process: asyncio.subprocess.Process) -> Done:
    """Wait for the end: exit code and what was said."""
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), err.decode()


Make: TypeAlias = Callable[..., Awaitable[Tape]]


@pytest.fixture
def tape(serve, tmp_path) -> Make:
    """Return a maker of commands beside an exchange of their own."""

    async def make(**opening: Any) -> Tape:
        return Tape(await serve(Opening(seed=11, compress=120, **opening)), tmp_path)

    return make


def check_tables(folder: Path) -> None:
    """Check that rows are of inverse instruments with sides in order, and times agree."""
    chain = pl.read_parquet(folder / "chain_*.parquet")
    futures = pl.read_parquet(folder / "futures_*.parquet")
    assert set(chain["currency"]) == {"BTC", "ETH"}
    assert not [name for name in chain["instrument_name"] if "USDC" in name]
    assert {"BTC-PERPETUAL", "ETH-PERPETUAL"} <= set(futures["instrument_name"])
    assert (futures["bid"] < futures["ask"]).all()
    assert (futures["bid_size"] > 0.0).all()
    quoted = chain.filter(pl.col("bid").is_finite() & pl.col("ask").is_finite())
    assert len(quoted) > 100
    assert (quoted["bid"] < quoted["ask"]).all()
    assert chain["delta"].is_between(-1.0, 1.0).all()
    assert set(futures["snapshot_ts"]) <= set(chain["snapshot_ts"])


async def test_what_is_recorded_is_replayed_by_paper_with_its_own_quotes(tape):
    """Record some seconds; the bot hedges on them, and sees the recorded prices and sizes."""
    made = await tape()
    code, out, err = await done(await made.record("--coins", "BTC,ETH", "--for", "5s", "--json"))
    assert (code, err) == (0, "")
    report = json.loads(out)["coins"]["BTC"]
    assert report["snapshots"] >= 3
    assert report["gaps"] == []
    assert 0.0 < report["without_size_share"] < 1.0
    check_tables(made.folder)
    recording = read(made.folder)
    shots = recording.coins["BTC"].snapshots
    assert len(shots) == report["snapshots"]
    assert len({shot.index for shot in shots}) > 1
    market = ReplayMarket(recording)
    last = shots[-1]
    quotes = {move.quote.instrument: move.quote for move in market.advance(last.ts_ns)}
    chain = market.chain("BTC", last.ts_ns)
    for name, top in last.tops.items():
        assert quotes[name].bid == top.bid
        assert (quotes[name].ask_size, quotes[name].mark) == (top.ask_size, top.mark)
    row = [chain.listing.row[recording.coins["BTC"].names[i]] for i in last.option]
    np.testing.assert_array_equal(chain.bid[row], last.bid)
    assert last.bid_size is not None
    sized = np.isfinite(last.bid_size) & np.isfinite(last.bid)
    assert sized.any()
    np.testing.assert_array_equal(chain.bid_size[row][sized], last.bid_size[sized])

    code, out, err = await done(
        await made.start("paper", "--market", f"replay:{made.folder}", "--json")
    )
    assert code == 0, err
    summary = json.loads(out)
    assert summary["ended"] == "recording"
    assert summary["fills"] > 0


async def test_a_kill_loses_the_part_under_way_and_no_more(tape):
    """What was renamed before the kill is read; the next run notes the gap and goes on."""
    made = await tape()
    process = await made.record("--coins", "BTC", "--part", "1s")
    await saved(process, 2)
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    (made.folder / ".chain_BTC_half.parquet.part").write_bytes(b"PAR1")  # killed while it wrote
    before = len(read(made.folder).coins["BTC"].snapshots)
    assert before >= 2
    await asyncio.sleep(1.5)  # nobody records: this is the gap itself

    code, out, err = await done(await made.record("--coins", "BTC", "--for", "2s", "--json"))
    assert (code, err) == (0, "")
    (gap,) = json.loads(out)["coins"]["BTC"]["gaps"]
    assert gap["why"] == "not_running"
    assert gap["seconds"] > 2.5
    assert len(read(made.folder).coins["BTC"].snapshots) > before
    assert not list(made.folder.glob(".*"))


async def test_a_stop_saves_what_was_seen(tape):
    """Exit code 0, the part under way is on disk, and the report beside it says the same."""
    made = await tape()
    process = await made.record("--coins", "BTC", "--part", "1s")
    line = await saved(process, 1)
    process.send_signal(signal.SIGTERM)
    code, out, err = await done(process)
    assert (code, err) == (0, "")
    assert "recorded from http://127.0.0.1" in out
    assert re.search(r"saved BTC: .* so far 0 gaps, [\d.]+% one-sided, 0.0% crossed", line)
    (path,) = made.folder.glob("quality_*.json")
    report = json.loads(path.read_bytes())["coins"]["BTC"]
    assert report["snapshots"] == len(read(made.folder).coins["BTC"].snapshots)


async def test_a_disk_that_takes_no_more_is_said_in_one_line(tape):
    """No file of half a part is left, and what was whole before stays readable."""
    made = await tape()
    process = await made.record("--coins", "BTC", "--for", "30s", "--part", "1s")
    await saved(process, 1)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4_096, 4_096))
    code, _, err = await done(process)
    assert code == 1
    (line,) = err.splitlines()
    assert "expected to write it, found: File too large" in line
    assert not list(made.folder.glob(".*"))
    assert len(read(made.folder).coins["BTC"].snapshots) >= 1


async def test_a_disk_that_fills_up_ends_the_recording_before_it_is_full(tape):
    """What was seen until then is saved and reported, then the reason stands in one line."""
    made = await tape()
    argv = ("record", made.folder, "--coins", "BTC", "--every", "1s", "--for", "30s")
    process = await made.start(*argv, program=FILLING)
    code, out, err = await done(process)
    assert code == 1
    (line,) = err.splitlines()
    assert "MB free on the disk, found 0 MB" in line
    assert "recorded from http://127.0.0.1" in out
    assert len(read(made.folder).coins["BTC"].snapshots) >= 1


async def test_a_lost_connection_is_a_gap_with_its_reason(tape):
    """The exchange goes away for three seconds and comes back: the recording tells it."""
    made = await tape()
    process = await made.record("--coins", "BTC", "--part", "1s")
    await saved(process, 1)
    hub, sessions = made.server.hub, made.server.sessions
    hub.dial_faults.refuse_dials = 3
    for session in list(sessions.values()):
        session.drop()
    await saved(process, 2)
    process.send_signal(signal.SIGTERM)
    code, _, err = await done(process)
    assert (code, err) == (0, "")
    (path,) = made.folder.glob("quality_*.json")
    (gap,) = json.loads(path.read_bytes())["coins"]["BTC"]["gaps"]
    assert gap["why"] == "connection_lost"
    assert 2.5 < gap["seconds"] < 20


@pytest.mark.parametrize(
    "argv,said",
    [
        (["--coins", "DOGE"], "--coins: expected coins among BTC, ETH, found 'DOGE'"),
        (["--every", "10"], "expected a time"),
        (["--every", "2h"], "expected a time from 1s to 1h, found '2h'"),
        (["--part", "2d"], "expected a time from 1s to 1d, found '2d'"),
    ],
)
def test_what_cannot_be_recorded_is_refused_before_anything_is_done(tmp_path, capsys, argv, said):
    """Exit code 2, one line, no folder."""
    folder = tmp_path / "tape"
    assert main(["record", str(folder), *argv]) == 2
    assert said in capsys.readouterr().err
    assert not folder.exists()


def test_a_disk_below_the_floor_is_said_before_anything_is_recorded(tmp_path, capsys):
    """One line with both figures."""
    assert main(["record", str(tmp_path), "--keep-free", str(10**12)]) == 1
    assert re.fullmatch(
        r"error: .*: expected at least [\d,]+ MB free on the disk, found [\d,]+ MB\n",
        capsys.readouterr().err,
    )


async def test_an_exchange_that_is_not_there_is_said(serve, tmp_path):
    """Exit code 3 and what was expected."""
    server = await serve(Opening(seed=3))
    made = Tape(server, tmp_path)
    await server.stop()
    code, _, err = await done(await made.record())
    assert (code, "expected the venue to answer" in err) == (3, True)
