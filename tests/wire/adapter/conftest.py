"""A scripted server and clients of it, each closed when its test ends."""

import asyncio
import time

import ccxt.pro  # type: ignore[import-untyped]
import pytest

from bot.venues.deribit.client import HardenedDeribit
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.terms import ApiKey, DeribitSettings
from bot.venues.deribit.venue import DeribitVenue
from tests.wire.adapter.drive import PATIENCE_S
from tests.wire.scripted import ScriptedDeribit

KEY = {"apiKey": "KEY", "secret": "SECRET"}


@pytest.fixture
async def server():
    """Return a server that listens."""
    scripted = ScriptedDeribit()
    await scripted.start()
    yield scripted
    await scripted.stop()


@pytest.fixture
async def stock(server):
    """Return ccxt's own client, as it is shipped."""
    client = ccxt.pro.deribit({**server.urls, **KEY, "enableRateLimit": False})
    client.timeout_on_exit = 0
    yield client
    await client.close()


@pytest.fixture
async def hardened(server):
    """Return our client."""
    client = HardenedDeribit({**server.urls, **KEY}, clock=time.time_ns)
    yield client
    await client.close()


class Errors:
    """Exceptions that nobody awaited, as the event loop was told of them."""

    def __init__(self):
        self.found = []
        self._came = asyncio.Event()

    def hear(self, _loop, context):
        """Take what the loop says."""
        self.found.append(context.get("exception"))
        self._came.set()

    async def first(self):
        """Wait for the first one."""
        async with asyncio.timeout(PATIENCE_S):
            await self._came.wait()


@pytest.fixture
async def event_loop_errors():
    """Return what the loop was told of exceptions that nobody awaited."""
    errors = Errors()
    asyncio.get_running_loop().set_exception_handler(errors.hear)
    return errors


@pytest.fixture
async def connect(server):
    """Return what makes started venues of the server."""
    venues = []

    async def made(*, key=False, orders=False, feed=None, start=True, **settings):
        rules = FeedRules(("BTC",), **(feed or {}))
        terms = DeribitSettings(
            feed=rules,
            currencies=("BTC",),
            rest_url=server.rest,
            ws_url=server.ws,
            **settings,
        )
        secret = ApiKey("KEY", "SECRET") if key or orders else None
        venue = DeribitVenue(terms, time.time_ns, secret, orders=orders)
        venues.append(venue)
        if start:
            await venue.start()
        return venue

    yield made
    for venue in venues:
        await venue.close()
