"""The graph that a wiring builds for a served exchange, in the test's own process."""

import time
from collections.abc import Callable

from bot.sim.wire.auth import TRADER
from bot.sim.wire.server import Server
from bot.venues.deribit.terms import ApiKey
from bot.wiring.live import Keys, Live, live
from config.schema import Settings, Venue


def graph(
    settings: Settings, server: Server | None = None, clock: Callable[[], int] = time.time_ns
) -> Live:
    """Return the graph of a sandbox run on a server (None: nowhere); nothing is connected yet."""
    to = {"mode": "sandbox", "market": "venue"}
    if server is not None:
        venue = {"deribit": Venue(rest_url=server.rest_url, ws_url=server.ws_url)}
        settings = settings.model_copy(update={"venue": venue})
    keys = Keys(ApiKey(TRADER.client_id, TRADER.secret), {})
    nothing: frozenset[str] = frozenset()
    return live(settings.model_copy(update=to), keys, clock, epoch=3, sticky={}, left_open=nothing)
