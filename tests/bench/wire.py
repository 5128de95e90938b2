"""The way over the wire: from a quote at the server to the order that it causes there.

Our bot (`deltaband run`: engine, core, journal with full sync, adapter) beside two loops of stock
ccxt that watch and send, one of which commits a row with full sync before it does. All three live
at once, each on a small server in this process, and are asked in turn.
"""

import asyncio
import itertools
import json
import os
import random
import signal
import sys
import time
from functools import partial
from pathlib import Path
from statistics import mean, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from bot.domain.deribit import parse
from tests.bench import rows
from tests.bench.programs import TOP, BenchError
from tests.bench.rows import Row
from tests.wire.scripted import CALL, PERPETUAL, ScriptedDeribit, perpetual, summary, ticker

FLIPS, WARM = 120, 10
PAUSES_S = (0.12, 0.16)  # the bot may send four orders a second, and three clients take turns
INDEX, STEP = 100_000.0, 600.0
RATE, FLOOD_S = 2_000, 10.0
TARGET = 1.3
PATIENCE_S = 1.0
NAMES = ("27NOV26", "4DEC26", "25DEC26", "29JAN27", "26FEB27", "26MAR27", "25JUN27", "24SEP27")
FUTURES = tuple(f"BTC-{name}" for name in NAMES)
CLIENT = "tests.bench.wire_clients"
SETTINGS = """
mode = "sandbox"
market = "venue"
instance = "bench"
state_dir = "{folder}"
[venue.deribit]
rest_url = "{rest}"
ws_url = "{ws}"
[limits]
order_usd = 1e6
position_coin = 100.0
orders_per_min = 10000
loss_day_usd = 1e9
fees_day_usd = 1e9
[underlying.BTC]
numeraire = "usd"
collateral_delta = "exclude"
delta = {{ target = 0.0, upper = 0.05, lower = -0.05, poll_s = 0.01, cooldown_s = 0.0 }}
gamma = {{ action = "off" }}
"""


class Stopwatch(ScriptedDeribit):
    """A scripted server that notes when each order came in."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived = asyncio.Event()
        self.at_ns = 0
        self.high = False
        # An account whose tier is wide enough: what is measured is the way, not the budget.
        self.limits = {"matching_engine": {"rate": 100, "burst": 100}}

    def _book(self, params: dict[str, Any], line: Any, side: str) -> Any:
        self.at_ns = time.monotonic_ns()
        self.arrived.set()
        return super()._book(params, line, side)

    def _position(self, name: str) -> Any:
        # Its own deltas are made up: a bot that compares them would rightly hold back.
        return super()._position(name) | {"delta": None}

    def quote(self, name: str = PERPETUAL) -> dict[str, Any]:
        """Return a ticker at the present price."""
        price = INDEX + STEP * self.high
        quoted: dict[str, Any] = ticker(
            name,
            index_price=price,
            mark_price=price,
            last_price=price,
            best_bid_price=price,
            best_ask_price=price + 0.5,
            best_bid_amount=5e6,
            best_ask_amount=5e6,
        )
        return quoted

    async def flip(self) -> float | None:
        """Move the price and return the milliseconds until an order came; None where none did."""
        self.high = not self.high
        forward = (INDEX + STEP * self.high) * 1.0012
        self.summaries["BTC"] = [summary(underlying_price=forward, creation_timestamp=_now_ms())]
        self.arrived.clear()
        data = self.quote()
        begun_ns = time.monotonic_ns()
        await self.push(f"ticker.{PERPETUAL}.100ms", data)
        try:
            await asyncio.wait_for(self.arrived.wait(), PATIENCE_S)
        except TimeoutError:
            return None
        return (self.at_ns - begun_ns) / 1e6


def latency() -> list[Row]:
    """Return quote to order, ours and stock's, and the ratio of the medians."""
    with TemporaryDirectory() as folder:
        took, missed = asyncio.run(_latency(Path(folder)))
    ours, theirs = took["bot"], took["stock_committed"]
    report = []
    for name, found in took.items():
        cuts = quantiles(found, n=100)
        report += [
            rows.plain(f"wire.{name}_p50", cuts[49], "ms from quote to order at the server"),
            rows.plain(f"wire.{name}_p99", cuts[98], "ms"),
        ]
    ratio = quantiles(ours, n=100)[49] / quantiles(theirs, n=100)[49]
    report += [
        rows.most("wire.p50_ratio", ratio, "of stock ccxt that commits a row", TARGET),
        rows.plain("wire.late", missed["bot"], f"of {FLIPS} quotes without an order in a second"),
    ]
    return report


async def _latency(folder: Path) -> tuple[dict[str, list[float]], dict[str, int]]:
    names = ("bot", "stock_committed", "stock_uncommitted")
    servers = {name: Stopwatch() for name in names}
    clients = []
    try:
        for name, server in servers.items():
            await server.start()
            server.positions = {CALL: 10.0, PERPETUAL: -500_000.0}
            clients.append(await _client(name, server, folder))
        for server in servers.values():
            await server.until(partial(server.listens, f"ticker.{PERPETUAL}.100ms"), 30.0)
        await asyncio.sleep(2.0)
        took: dict[str, list[float]] = {name: [] for name in names}
        missed = dict.fromkeys(names, 0)
        luck = random.Random(1)
        for number, (name, server) in itertools.product(range(WARM + FLIPS), servers.items()):
            found = await server.flip()
            if number >= WARM and found is not None:
                took[name].append(found)
            missed[name] += number >= WARM and found is None
            await asyncio.sleep(luck.uniform(*PAUSES_S))
        short = [name for name in names if len(took[name]) < FLIPS / 2]
        if short:
            raise BenchError(f"expected an order after each quote, found {missed}")
        return took, missed
    finally:
        await _end(clients, servers.values())


def flood() -> list[Row]:
    """Return what 2,000 quotes a second do to the bot's queue, and processor time a message."""
    with TemporaryDirectory() as folder:
        bot = asyncio.run(_flood("flood_bot", Path(folder)))
        adapter = asyncio.run(_flood("flood_adapter", Path(folder)))
        stock = asyncio.run(_flood("flood_stock", Path(folder)))
    waiting = bot["waiting"]
    half = len(waiting) // 2
    early, late = mean(waiting[:half]), mean(waiting[half:])
    lags = quantiles(bot["lags_ms"], n=100)
    old = quantiles(bot["lags_ms"][: len(bot["lags_ms"]) // 2], n=100)[49]
    new = quantiles(bot["lags_ms"][len(bot["lags_ms"]) // 2 :], n=100)[49]
    per, beside = adapter["us"], stock["us"]
    return [
        rows.least("wire.quotes_sent", bot["rate"], "a second", 0.98 * RATE),
        rows.plain("wire.quotes_decided", bot["seen"] / bot["seconds"], "a second, newest of each"),
        rows.plain("wire.queue_early", early, "events waiting, first half"),
        rows.most("wire.queue_late", late, "events waiting, second half", 2.0 * early + 2.0),
        rows.plain("wire.queue_most", max(waiting), "events"),
        rows.plain("wire.lag_p50_early", old, "ms from the quote's stamp to the core, first half"),
        rows.plain("wire.lag_p50_late", new, "ms, second half"),
        rows.plain("wire.lag_p99", lags[98], "ms"),
        rows.plain("wire.bot_cpu", bot["us"], "us a message, engine, core and journal included"),
        rows.plain("wire.adapter_cpu", per, "us a message"),
        rows.plain("wire.stock_cpu", beside, "us a message, watch_tickers of the same futures"),
        rows.plain("wire.adapter_ratio", per / beside, "of stock ccxt's"),
    ]


async def _flood(mode: str, folder: Path) -> dict[str, Any]:
    """Return what a client said of a flood, with the rate that was sent and time a message."""
    server = Stopwatch()
    server.positions = {CALL: 10.0, PERPETUAL: -500_000.0}
    names = (PERPETUAL, *FUTURES)
    server.instruments += [_future(name) for name in FUTURES]
    await server.start()
    client = await _client(mode, server, folder)
    try:
        channels = [f"ticker.{name}.100ms" for name in names]
        await server.until(lambda: all(server.listens(c) for c in channels), 30.0)
        await asyncio.sleep(2.0)
        sent = await _pour(server, list(zip(channels, names, strict=True)), FLOOD_S + 3.0)
        out, err = await asyncio.wait_for(client.communicate(), 60.0)
        if client.returncode:
            raise BenchError(f"expected code 0 of {mode}, found {err.decode()[-300:]}")
        said: dict[str, Any] = json.loads(out.splitlines()[-1])
        count = sum(said["begun_ns"] <= at < said["ended_ns"] for at in sent)
        said["seconds"] = (said["ended_ns"] - said["begun_ns"]) / 1e9
        said["rate"] = count / said["seconds"]
        said["us"] = said["cpu_s"] / count * 1e6
        return said
    finally:
        await _end([client], [server])


async def _pour(server: Stopwatch, feeds: list[tuple[str, str]], for_s: float) -> list[int]:
    """Push quotes at the rate, in turn, and return when each left."""
    sent: list[int] = []
    begun = time.monotonic()
    (line,) = (one for one in server.lines if feeds[0][0] in one.channels)
    while (now := time.monotonic()) < begun + for_s:
        for number in range(len(sent), int((now - begun) * RATE)):
            channel, name = feeds[number % len(feeds)]
            data = server.quote(name)
            message = {"jsonrpc": "2.0", "method": "subscription"}
            text = json.dumps(message | {"params": {"channel": channel, "data": data}})
            sent.append(time.monotonic_ns())
            try:
                await line.socket.send_str(text)
            except ConnectionError:
                return sent
        await asyncio.sleep(0.002)
    return sent


async def _client(mode: str, server: Stopwatch, folder: Path) -> asyncio.subprocess.Process:
    settings = folder / f"{mode}.toml"
    own = folder / mode
    own.mkdir(exist_ok=True)
    settings.write_text(SETTINGS.format(folder=own, rest=server.rest, ws=server.ws))
    if mode == "bot":
        command: tuple[str, ...] = ("-m", "bot", "run", "-c", str(settings), "--json")
    else:
        command = ("-m", CLIENT, mode, server.rest, server.ws, str(settings), str(FLOOD_S))
    keys = {"DELTABAND_DERIBIT_KEY": "KEY", "DELTABAND_DERIBIT_SECRET": "SECRET"}
    quiet = mode in {"bot", "stock_committed", "stock_uncommitted"}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd=TOP,
        env=os.environ | keys,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL if quiet else asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL if quiet else asyncio.subprocess.PIPE,
    )


async def _end(clients: list[asyncio.subprocess.Process], servers: Any) -> None:
    for client in clients:
        if client.returncode is None:
            client.send_signal(signal.SIGKILL)
            await client.wait()
    for server in servers:
        await server.stop()


def _future(name: str) -> dict[str, Any]:
    expiry_ns = parse(name).expiry_ns or 0
    expires = {"expiration_timestamp": expiry_ns // 1_000_000}
    entry: dict[str, Any] = perpetual(name, settlement_period="month", **expires)
    return entry


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
