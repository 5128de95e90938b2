"""`python -m tests.bench.wire_clients MODE REST WS SETTINGS SECONDS`: who is measured on the wire.

stock_committed, stock_uncommitted   stock ccxt: watch, perhaps commit a row, send
flood_stock, flood_adapter           take every quote for a while and print what it cost
flood_bot                            `deltaband run`, with its queue and its lag looked at
"""

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

SYMBOL = "BTC/USD:BTC"
AMOUNT = 15_000.0
LOOK_S = 0.05


def main(arguments: list[str]) -> int:
    """Run one client."""
    mode, rest, ws, settings, seconds = arguments
    if mode.startswith("stock_"):
        asyncio.run(_stock(rest, ws, Path(settings), commits=mode == "stock_committed"))
    elif mode == "flood_stock":
        asyncio.run(_flood_stock(rest, ws, float(seconds)))
    elif mode == "flood_adapter":
        asyncio.run(_flood_adapter(rest, ws, float(seconds)))
    else:
        return _flood_bot(settings, float(seconds))
    return 0


class Meter:
    """Processor time from the first message until the time is over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.begun_ns = 0
        self._cpu_s = 0.0

    def over(self) -> bool:
        """Begin at the first call; tell whether the time is over."""
        now_ns = time.monotonic_ns()
        if not self.begun_ns:
            self.begun_ns, self._cpu_s = now_ns, time.process_time()
        return now_ns >= self.begun_ns + round(self.seconds * 1e9)

    def say(self, **more: Any) -> None:
        """Print what it came to."""
        cpu_s = time.process_time() - self._cpu_s
        times = {"begun_ns": self.begun_ns, "ended_ns": time.monotonic_ns(), "cpu_s": cpu_s}
        print(json.dumps(times | more), flush=True)


def _ccxt(rest: str, ws: str) -> Any:
    import ccxt.pro  # type: ignore[import-untyped]

    both = {"rest": rest, "ws": ws}
    urls = {"api": both, "test": both}
    keys = {"apiKey": "KEY", "secret": "SECRET", "enableRateLimit": False}
    return ccxt.pro.deribit({**keys, "urls": urls})


async def _stock(rest: str, ws: str, settings: Path, *, commits: bool) -> None:
    """Watch, decide by the sign of the move, perhaps commit, send."""
    exchange = _ccxt(rest, ws)
    await exchange.load_markets()
    db = sqlite3.connect(settings.parent / f"{settings.stem}.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE intents (label TEXT PRIMARY KEY, side TEXT, price REAL)")
    last, number = None, 0
    while True:
        quote = await exchange.watch_ticker(SYMBOL)
        price = quote["bid"]
        if last is not None and abs(price - last) > 1.0:
            number += 1
            side, label = ("sell" if price > last else "buy"), f"s-{number}"
            if commits:
                db.execute("INSERT INTO intents VALUES (?, ?, ?)", (label, side, price))
            terms = {"label": label, "time_in_force": "immediate_or_cancel"}
            await exchange.create_order(SYMBOL, "limit", side, AMOUNT, price, terms)
        last = price


async def _flood_stock(rest: str, ws: str, seconds: float) -> None:
    exchange = _ccxt(rest, ws)
    markets = await exchange.load_markets()
    symbols = [name for name, market in markets.items() if market["swap"] or market["future"]]
    meter = Meter(seconds)
    while True:
        await exchange.watch_tickers(symbols)
        if meter.over():
            break
    meter.say()
    await exchange.close()


async def _flood_adapter(rest: str, ws: str, seconds: float) -> None:
    from bot.domain.quotes import Quote
    from bot.venues.deribit.feeds import FeedRules
    from bot.venues.deribit.terms import DeribitSettings
    from bot.venues.deribit.venue import DeribitVenue

    terms = DeribitSettings(FeedRules(("BTC",)), ("BTC",), rest, ws)
    venue = DeribitVenue(terms, time.time_ns)
    await venue.start()
    meter = Meter(seconds)
    while True:
        await venue.wait(1.0)
        quoted = False
        while (event := venue.next_event()) is not None:
            quoted |= isinstance(event, Quote)
        if quoted and meter.over():
            break
    meter.say()
    await venue.close()


def _flood_bot(settings: str, seconds: float) -> int:
    from bot.cli import live, main
    from bot.domain.events import Event
    from bot.domain.quotes import Quote
    from bot.domain.records import Told
    from bot.engine import Engine

    meter = Meter(seconds)
    waiting: list[int] = []
    lags: list[float] = []

    class Watched(Engine):
        """An engine whose queue is looked at twenty times a second."""

        looked = 0.0

        async def run(self, until_ns: int | None) -> None:
            self.steps.observers = (self, *self.steps.observers)
            await super().run(until_ns)

        def see(self, event: Event) -> None:
            if isinstance(event, Quote) and not self.control.stop.is_set():
                self._look(event)

        def note(self, record: Told) -> None:
            """Nothing that is told is measured."""

        def _look(self, quote: Quote) -> None:
            lags.append((time.time_ns() - quote.ts_venue_ns) / 1e6)
            now = time.monotonic()
            if now - self.looked >= LOOK_S:
                self.looked = now
                waiting.append(self.venue.health().waiting)  # type: ignore[attr-defined]
            if meter.over():
                self.control.request_stop()

    _measured(live, Watched, lambda: main(["run", "-c", settings]))
    meter.say(waiting=waiting, lags_ms=lags, seen=len(lags))
    return 0


def _measured(module: Any, engine: type, run: Callable[[], int]) -> None:
    """Run the bot with another engine, its own words put aside."""
    with mock.patch.object(module, "Engine", engine):
        code = run()
    if code:
        raise SystemExit(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
