"""A journal that says all that a bot can say, and the outlet that serves it over a real socket."""

import asyncio
import time
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.orders import OrderState
from bot.domain.reasons import Because, Reason
from bot.domain.records import Doubt, MarginSample
from bot.domain.states import State
from bot.journal import Journal
from bot.journal.following import Following
from bot.monitor.metrics import Metrics
from bot.monitor.newsroom import Newsroom
from bot.pace import BOUNDS_S, LOOP_VIEW
from tests.journal.records import (
    T0,
    breach,
    decision,
    explained,
    fill,
    hedge_done,
    intent,
    moved,
    paid,
    run_start,
    sample,
)

INSTANCE = "demo"
GAMMAS = {"BTC": (-0.25, 0.5)}


def feed(age_s: float | None, limit_s: float, *, needed: bool = True) -> dict[str, Any]:
    """Return a feed as a bot shows it."""
    return {"age_s": age_s, "limit_s": limit_s, "needed": needed}


def feeds(**changed: Any) -> dict[str, Any]:
    """Return fresh feeds of a coin, or others."""
    return {
        "quote": feed(0.5, 2.0),
        "chain": feed(4.0, 30.0),
        "positions": feed(12.0, 65.0),
    } | changed


def loop_view(**changed: Any) -> dict[str, Any]:
    """Return what a bot on an exchange says of its pace."""
    counts = [0] * (len(BOUNDS_S) + 1)
    counts[3], counts[6], counts[-1] = 90, 9, 1
    histogram = {"bounds_s": BOUNDS_S, "counts": counts, "sum_s": 6.25}
    return {
        "wall_ns": time.time_ns(),
        "steps": histogram | {"longest_s": 6.0},
        "lag": histogram,
        "events": {"quote": {"count": 100, "seconds": 6.25}},
        "rubbish": {"count": 3, "seconds": 0.01},
        "feeds": {"BTC": feeds()},
        "outside": {"BTC": {"delta": 0.0, "gamma": 61.5, "gamma_expiring": 0.0}},
        "journal": {"commits": 12, "seconds": 0.02, "dropped": 1},
        "process": {"cpu_seconds": 3.5, "rss_bytes": 2e8, "open_fds": 14, "max_fds": 1024},
        "logs": {"dropped": 2, "failed": 1},
        "inbox": {"waiting": 3, "conflated": 40},
        "clock": {"ahead_s": -0.004, "error_s": 0.002},
        "connections": {"public": 1, "account": 2},
        "flaws": {"stray": 4},
    } | changed


def margin(**changed: Any) -> MarginSample:
    """Return the margin of an account that no rise of the index liquidates."""
    figures: dict[str, Any] = {
        "ts_ns": T0,
        "coin": "BTC",
        "model": "segregated_sm",
        "cash": 5.0,
        "equity": 4.9,
        "funds": 5.0,
        "initial_margin": 1.0,
        "maintenance_margin": 0.5,
        "down": -0.5,
        "up": 2.5,
        "delta_venue": 0.05,
        "delta_ours": 0.05,
    }
    return MarginSample(**figures | changed)


def begin(folder: Path) -> Journal:
    """Begin the run of a bot in a folder."""
    journal = Journal.open(folder, INSTANCE)
    journal.begin_run(run_start(settings={"underlying": {"BTC": {"numeraire": "usd"}}}))
    return journal


def stand(journal: Journal, **view: Any) -> None:
    """Show how a bot stands: figures, margin, pace, connection, doubts; and that it decides."""
    stale = Because(Reason.STALE_CHAIN, "BTC-12JAN26-92000-C", {"age_s": 40.0, "limit_s": 30.0})
    journal.record(sample(1, doubts=(stale,)))
    journal.record(margin())
    journal.record(Doubt(T0, "BTC", Because(Reason.PNL_UNEXPLAINED, "BTC"), active=True))
    journal.record(explained(1))
    journal.view(LOOP_VIEW, T0, loop_view(**view))
    journal.view("connection", T0, {"lost_ns": {"account": time.time_ns() - 5_000_000_000}})
    journal.tick(T0 + 60_000_000_000, State.RUNNING)
    journal.commit()


def trade(journal: Journal) -> None:
    """Decide, send, fill, pay, end, leave a band and come back; be refused and rejected."""
    refused = (Because(Reason.COLLAR, "BTC-PERPETUAL"), Because(Reason.MARGIN))
    journal.record(decision(1))
    journal.record(decision(2, refused=refused))
    journal.intent(intent(1))
    journal.record(moved(1, OrderState.INTENDED, OrderState.SENT))
    journal.fill(fill(1))
    journal.record(moved(1, OrderState.SENT, OrderState.FILLED))
    journal.record(moved(3, OrderState.SENT, OrderState.REJECTED))
    journal.record(paid(1))
    journal.record(paid(2, fee_usd=-3.0, slippage_usd=-1.5, slippage_bps=-0.2))
    journal.record(hedge_done(1))
    journal.record(breach(1))
    journal.commit()


class Served:
    """An outlet that answers, and the newsroom that feeds it."""

    def __init__(self, room: Newsroom, outlet: Metrics, session: aiohttp.ClientSession) -> None:
        """Take the parts."""
        self.room, self.outlet, self.session = room, outlet, session
        self.second = 0.0

    def look(self) -> None:
        """Let the newsroom look once, a while after the last time."""
        self.second += 10.0
        self.room.look(self.second)

    async def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str, str]:
        """Return status, type and body of an answer."""
        host, port = self.outlet.address or ("", 0)
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"
        async with self.session.request(method, url, headers=headers) as answer:
            return answer.status, answer.headers["Content-Type"], await answer.text()

    async def samples(self) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
        """Return what /metrics exposes: by name and labels, without `bot`."""
        status, _, body = await self.get("/metrics")
        assert status == 200, body
        return parsed(body)


def parsed(body: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return the samples of an exposition by name and labels, each of which names its bot."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(body):
        for one in family.samples:
            assert one.labels["bot"], one
            labels = tuple(sorted((k, v) for k, v in one.labels.items() if k != "bot"))
            assert labels not in found.setdefault(one.name, {}), one
            found[one.name][labels] = one.value
    return found


async def ready(condition, patience_s=10.0):
    """Wait until something holds."""
    async with asyncio.timeout(patience_s):
        while not condition():  # noqa: ASYNC110  what is waited for knows no event
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(folder: Path, *, whole_run: bool = True, host: str = "127.0.0.1", **more: Any):
    """Serve the journal in a folder on a free port."""
    said: list[tuple[str, dict[str, Any]]] = []

    def say(event: str, level: str = "info", **fields: Any) -> None:
        said.append((f"{level} {event}", fields))

    with closing(Following(folder, INSTANCE)) as following:
        place = folder / INSTANCE
        outlet = Metrics((host, 0), place, following.reader, say, gammas=GAMMAS, **more)
        task = asyncio.create_task(outlet.run())
        try:
            await ready(lambda: outlet.address or task.done())
            if task.done():
                task.result()
            async with aiohttp.ClientSession() as session:
                room = Newsroom(following, (outlet,), say, whole_run=whole_run)
                yield Served(room, outlet, session)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
