"""What tests of runs that only look at an exchange share: settings, the command, the wiretap."""

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

import config
from bot.journal import Reader
from bot.sim.wire import dispatch
from bot.sim.wire.server import Server
from bot.venues.live_paper import LivePaper
from bot.wiring.live import Live
from tests import warm

TOP = Path(__file__).parents[2]
SETTINGS = """
mode = "{mode}"
market = "venue"
instance = "look"
state_dir = "{state}"
[venue.deribit]
rest_url = "{rest}"
[underlying.BTC]
numeraire = "usd"
collateral_delta = "exclude"
delta = {{ target = 0.0, upper = 0.05, lower = -0.05 }}
gamma = {{ action = "off" }}
"""
ORDERS = ("private/buy", "private/sell", "private/edit", "private/cancel", "private/close")


class Onlooker:
    """A command of deltaband beside one server."""

    def __init__(self, server: Server, folder: Path, mode: str, rows: dict[str, float]) -> None:
        """Write its settings; `rows` are paper positions."""
        self.folder, self.file = folder, folder / "look.toml"
        text = SETTINGS.format(mode=mode, state=folder, rest=server.rest_url)
        if rows:
            held = [f'{{instrument="{name}", quantity={size}}}' for name, size in rows.items()]
            text += f"[paper]\nposition = [{', '.join(held)}]\n"
        self.file.write_text(text, encoding="utf-8")

    async def start(self, *words: str, **environ: str) -> asyncio.subprocess.Process:
        """Start a verb."""
        bare = {name: value for name, value in os.environ.items() if "DELTABAND" not in name}
        return await asyncio.create_subprocess_exec(
            *(*warm.python(), "-m", "bot", words[0], "-c", str(self.file), "--json", *words[1:]),
            env=bare | {"PYTHONPATH": str(TOP)} | environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *words: str, **environ: str) -> tuple[int, dict[str, Any], str]:
        """Run a verb to its end: exit code, summary, what it said."""
        process = await self.start(*words, **environ)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, json.loads(out or "{}"), err.decode()

    async def run_until(
        self, said: str, *words: str, **environ: str
    ) -> tuple[int, dict[str, Any], str]:
        """Run a verb until it says something, and stop it as a person does."""
        process = await self.start(*words, **environ)
        assert process.stderr is not None
        err = b""
        async with asyncio.timeout(60):
            while said.encode() not in err and (line := await process.stderr.readline()):
                err += line
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
            out, rest = await process.communicate()
        return process.returncode or 0, json.loads(out or "{}"), (err + rest).decode()

    def held(self, instance: str) -> dict[str, float]:
        """Return what a journal says is held."""
        reader = Reader.open(self.folder, instance)
        try:
            rows = reader.view("positions") or []
        finally:
            reader.close()
        total: dict[str, float] = {}
        for row in rows:
            total[row["instrument"]] = total.get(row["instrument"], 0.0) + row["quantity"]
        return {name: size for name, size in total.items() if size}

    def settings(self) -> config.Settings:
        """Return the settings as the command reads them."""
        return config.load((self.file,), environ={}).settings


def simulated(graph: Live) -> LivePaper:
    """Return a graph's venue, whose fills are simulated."""
    assert isinstance(graph.venue, LivePaper)
    return graph.venue


def tap(monkeypatch: Any) -> list[str]:
    """Return the methods that servers in this process are asked for, also those they refuse."""
    asked: list[str] = []
    call = dispatch._call

    def heard(hub: Any, caller: Any, request: Any, now_ns: int) -> Any:
        asked.append(request["method"])
        return call(hub, caller, request, now_ns)

    monkeypatch.setattr(dispatch, "_call", heard)
    return asked


def orders(asked: list[str]) -> list[str]:
    """Return what could change an account's orders."""
    return [name for name in asked if name.startswith(ORDERS)]


async def step(graph: Live, done: Any, within_s: float = 10.0) -> list[Any]:
    """Give the venue its events until something holds; return them."""
    venue, events = graph.venue, []
    until = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < until, "it did not happen in time"
        event = venue.next_event()
        if event is None:
            await venue.wait(0.05)
        else:
            events.append(event)
    return events


def chance() -> np.random.Generator:
    """Return a generator of a fixed seed."""
    return np.random.Generator(np.random.PCG64(1))
