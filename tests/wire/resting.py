"""A bot whose next hedge rests at the exchange, and the watchdog beside it."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.sim.wire.hub import Opening
from tests.wire.test_run import Bot, straddle

RESTING = 'policy = { kind = "fixed", width_coin = 0.2, rest_at_edges = true }'
PATIENCE_S = 40.0


def opening(**more: Any) -> Opening:
    """Return an exchange on which a long straddle waits for a move that does not come."""
    return Opening(seed=7, regime="calm", positions=straddle("2"), **more)


class RestingBot(Bot):
    """`deltaband run` on a long straddle: a sale or a purchase rests at the band's edge."""

    def __init__(self, server: Any, folder: Path, **more: Any) -> None:
        """Write its settings."""
        super().__init__(server, folder, **more)
        text = self.settings.read_text(encoding="utf-8")
        band = f"delta = {{ target = 0.0, upper = 0.6, lower = -0.6, {RESTING} }}"
        old = "delta = { target = 0.0, upper = 0.1, lower = -0.1 }"
        assert old in text
        self.settings.write_text(text.replace(old, band), encoding="utf-8")

    @property
    def halt_file(self) -> Path:
        """Return where its HALT file would be."""
        return self.folder / "sand" / "HALT"


class Watchdog(RestingBot):
    """`deltaband watchdog` on the same settings; it says JSON lines on standard output."""

    verb = "watchdog"


def rests(server: Any) -> bool:
    """Tell whether an order of ours rests."""
    return any(order.intent.label.startswith("db-") for order in server.hub.exchange.working)


async def comes(true: Callable[[], object], within_s: float | None = None) -> float:
    """Wait until something is true, and return the seconds that it took."""
    begun = time.monotonic()
    async with asyncio.timeout(PATIENCE_S if within_s is None else within_s):
        while not true():  # noqa: ASYNC110  another process makes it true
            await asyncio.sleep(0.005)
    return time.monotonic() - begun


async def says(stream: asyncio.StreamReader | None, event: str) -> dict[str, Any]:
    """Return the next line of an event that a process says."""
    assert stream is not None
    said = []
    async with asyncio.timeout(PATIENCE_S):
        while raw := await stream.readline():
            said.append(raw)
            line: dict[str, Any] = json.loads(raw)
            if line["event"] == event:
                return line
    raise AssertionError(f"the process ended before {event}: {said[-3:]}")
