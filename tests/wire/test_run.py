"""The bot in its own process on an exchange over loopback: the whole way, and after a kill."""

import asyncio
import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain import deribit
from bot.domain.positions import Position
from bot.journal import Reader
from bot.sim.wire.auth import TRADER, Key
from bot.sim.wire.hub import Opening
from bot.sim.wire.server import Server
from tests import warm
from tests.wire.switchboard import Switchboard

TOP = Path(__file__).parents[2]
PATIENCE_S = 90.0  # only ends what hangs
SETTINGS = """
mode = "sandbox"
market = "venue"
instance = "sand"
state_dir = "{state}"
[venue.deribit]
rest_url = "{rest}"
ws_url = "{ws}"
[underlying.BTC]
numeraire = "usd"
collateral_delta = "exclude"
delta = {{ target = 0.0, upper = 0.1, lower = -0.1 }}
gamma = {{ action = "off" }}
"""
NO_WORD = (
    "expected --live on the command line as well, which says that real money is meant, because "
    'mode = "live"; found no --live'
)
NO_MODE = (
    'expected mode = "live" beside --live, which says that orders for real money are meant, found '
    '"sandbox"'
)


def straddle(size: str) -> tuple[Position, ...]:
    """Return a short straddle of the second Friday from now, which the exchange surely lists."""
    day = datetime.now(UTC) + timedelta(days=8)
    day += timedelta(days=(4 - day.weekday()) % 7)
    names = [f"BTC-{day.day}{day:%b%y}-92000-{side}".upper() for side in "CP"]
    return tuple(Position(name, deribit.parse(name).quantity(size)) for name in names)


class Bot:
    """The command `deltaband run` (or another `verb`) against one server.

    `python` is how it is started: one that is killed at any moment has an interpreter of its own.
    """

    verb = "run"
    python = staticmethod(warm.python)

    def __init__(self, server: Server | Switchboard, folder: Path, key: Key = TRADER) -> None:
        """Write its settings."""
        self.folder, self.key = folder, key
        self.started: list[asyncio.subprocess.Process] = []
        self.settings = folder / "sandbox.toml"
        text = SETTINGS.format(state=folder, rest=server.rest_url, ws=server.ws_url)
        self.settings.write_text(text, encoding="utf-8")

    async def start(self, *more: str, **environ: str) -> asyncio.subprocess.Process:
        """Start it."""
        own = {
            "PYTHONPATH": str(TOP),
            "DELTABAND_DERIBIT_KEY": self.key.client_id,
            "DELTABAND_DERIBIT_SECRET": self.key.secret,
        }
        process = await asyncio.create_subprocess_exec(
            *(*self.python(), "-m", "bot", self.verb, "-c", str(self.settings), "--json", *more),
            env=os.environ | own | environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.started.append(process)
        return process

    async def run(self, *more: str, **environ: str) -> tuple[int, str, str]:
        """Run it to its end: exit code and what it said."""
        process = await self.start(*more, **environ)
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        return process.returncode or 0, out.decode(), err.decode()

    async def run_until(
        self, words: str, *more: str, then_s: float = 0.0, **environ: str
    ) -> tuple[int, str, str]:
        """Run it until it says something and a while longer, and stop it as a person does."""
        process = await self.start(*more, **environ)
        assert process.stderr is not None
        said = b""
        async with asyncio.timeout(PATIENCE_S):
            while words.encode() not in said and (line := await process.stderr.readline()):
                said += line
        await asyncio.sleep(then_s)
        code, out, err = await self.stop(process)
        return code, out, said.decode() + err

    async def stop(self, process: asyncio.subprocess.Process) -> tuple[int, str, str]:
        """Stop it as a person does: exit code and what it said."""
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        return process.returncode or 0, out.decode(), err.decode()

    def shown(self, name: str) -> Any:
        """Return a view of its journal."""
        reader = Reader.open(self.folder, "sand")
        try:
            return reader.view(name)
        finally:
            reader.close()

    def held(self) -> dict[str, float]:
        """Return what its journal says that it holds."""
        rows = self.shown("positions") or []
        total: dict[str, float] = {}
        for row in rows:
            total[row["instrument"]] = total.get(row["instrument"], 0.0) + row["quantity"]
        return {name: size for name, size in total.items() if size}


def booked(server: Server) -> dict[str, float]:
    """Return what the exchange has on its books."""
    holdings = server.hub.exchange.holdings.values()
    return {h.instrument.name: float(h.quantity) for h in holdings if h.quantity}


async def test_a_sandbox_run_hedges_and_both_sides_agree(serve, tmp_path):
    """Delta is inside the band, nothing works any more, and the books are the same."""
    server = await serve(Opening(seed=3, compress=60, positions=straddle("-2")))
    bot = Bot(server, tmp_path)
    code, out, err = await bot.run_until('"hedge.done"', then_s=3.0)
    assert code == 0, err
    summary = json.loads(out)
    assert summary["fills"] > 0
    assert (summary["unknown_orders"], summary["flaws"]) == (0, {})
    assert bot.held() == booked(server)
    assert "BTC-PERPETUAL" in booked(server)
    assert server.hub.exchange.working == ()
    pace = bot.shown("loop")
    assert pace["connections"] == summary["connections"]
    assert abs(pace["clock"]["ahead_s"]) < 1.0
    assert pace["inbox"].keys() == {"waiting", "conflated"}
    assert sum(pace["lag"]["counts"]) > 0
    assert all(feed["age_s"] is not None for feed in pace["feeds"]["BTC"].values())


async def test_orders_that_each_cost_the_connection_are_booked_once_and_known(serve, tmp_path):
    """Booked, and then neither reply nor connection: the bot asks by label and goes on."""
    server = await serve(Opening(seed=5, compress=240, positions=straddle("-5")))
    server.hub.dial_faults.drop_after_booking = 1
    bot = Bot(server, tmp_path)
    process = await bot.start()
    async with asyncio.timeout(PATIENCE_S):
        while len(server.hub.exchange.tickets) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await asyncio.sleep(3.0)
    code, out, err = await bot.stop(process)
    assert code == 0, err
    summary = json.loads(out)
    labels = [one.label for one in server.hub.exchange.tickets.values()]
    assert len(labels) == len(set(labels)) >= 3
    assert summary["connections"]["account"] > len(labels)
    assert summary["fills"] == len(server.hub.exchange.executions) > 0
    assert bot.held() == booked(server)
    assert server.hub.exchange.working == ()


async def test_a_bot_that_is_killed_again_and_again_loses_and_doubles_nothing(serve, tmp_path):
    """Each start asks about what was open; the last one ends with the exchange's own positions."""
    server = await serve(Opening(seed=5, compress=240, positions=straddle("-5")))
    bot = Bot(server, tmp_path)
    for pause_s in (1.3, 1.6, 2.1):
        process = await bot.start()
        await asyncio.sleep(pause_s)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
    code, _, err = await bot.run_until('"hedge.done"', then_s=2.0)
    assert code == 0, err
    assert bot.held() == booked(server)
    assert server.hub.exchange.working == ()


@pytest.mark.parametrize(
    "given,said",
    [
        ({"DELTABAND_DERIBIT_SECRET": "wrong"}, "13004"),
        ({"DELTABAND_DERIBIT_KEY": "nobody"}, "13004"),
    ],
)
async def test_a_key_that_the_exchange_refuses_ends_with_its_answer(serve, tmp_path, given, said):
    """Exit code 2, one line, and nothing was sent."""
    server = await serve(Opening(seed=3))
    code, _, err = await Bot(server, tmp_path).run(**given)
    assert code == 2
    assert said in err
    assert "trader-secret" not in err


async def test_an_exchange_that_is_not_there_is_said(serve, tmp_path):
    """Exit code 3."""
    server = await serve(Opening(seed=3))
    bot = Bot(server, tmp_path)
    await server.stop()
    code, _, err = await bot.run()
    assert code == 3
    assert "expected the venue to answer" in err


@pytest.mark.parametrize(
    "fault,said",
    [
        ("redirects", "found a redirect (302) to '/loop'"),
        ("html", "expected an object"),
        ("truncated", "expected an object"),
        ("http_503", "ExchangeNotAvailable"),
    ],
)
async def test_what_is_no_answer_of_an_exchange_is_said(serve, tmp_path, fault, said):
    """Exit code 3 and one line: a proxy, a portal or half an answer; nothing was sent."""
    server = await serve(Opening(seed=3, positions=straddle("-5")))
    before = booked(server)
    setattr(server.hub.rest_faults, fault, 1)
    code, _, err = await Bot(server, tmp_path).run("--for", "20s")
    assert code == 3, err
    assert said in err
    assert (booked(server), server.dialled) == (before, 0)


@pytest.mark.parametrize(
    "mode,flags,said",
    [
        ("live", (), NO_WORD),
        ("sandbox", ("--live",), NO_MODE),
        ("paper", (), 'expected mode = "sandbox" or "live" for this verb, found "paper"'),
        ("paper", ("--live",), 'expected mode = "sandbox" or "live" for this verb, found "paper"'),
    ],
)
async def test_mode_and_command_line_must_mean_the_same(serve, tmp_path, mode, flags, said):
    """Exit code 2, before a key is read or anything is dialled."""
    server = await serve(Opening(seed=3))
    bot = Bot(server, tmp_path)
    text = SETTINGS.format(state=tmp_path, rest=server.rest_url, ws=server.ws_url)
    urls = f'rest_url = "{server.rest_url}"\nws_url = "{server.ws_url}"\n'
    bot.settings.write_text(text.replace('"sandbox"', f'"{mode}"').replace(urls, ""))
    code, _, err = await bot.run(*flags)
    assert (code, err) == (2, f"error: {said}\n")
    assert not (tmp_path / "sand").exists()


async def test_a_connection_that_is_cut_is_told_and_taken_up_again(serve, tmp_path):
    """A warning with what was found, the reconnection, and the same books at the end."""
    server = await serve(Opening(seed=3, compress=60, positions=straddle("-2")))
    bot = Bot(server, tmp_path)
    process = await bot.start()
    line = b""
    assert process.stderr is not None
    while b"hedge.done" not in line:
        line = await asyncio.wait_for(process.stderr.readline(), PATIENCE_S)
        assert line, "the bot ended before its first hedge"
    for session in tuple(server.sessions.values()):
        session.drop()
    told: list[dict[str, object]] = []
    while not told or (told[-1].get("public"), told[-1].get("account")) != (2, 2):
        line = await asyncio.wait_for(process.stderr.readline(), PATIENCE_S)
        told.append(json.loads(line))
    assert told[-1]["event"] == "venue.reconnected"
    assert "venue.connection_lost" in {line["event"] for line in told}
    code, out, err = await bot.stop(process)
    assert code == 0, err
    assert json.loads(out)["connections"] == {"public": 2, "account": 2}
    assert bot.held() == booked(server)
