"""Where no order may leave, the thing that could send one does not exist.

Everything that a started run can reach is walked. The run of `deltaband run` is walked too: there
the lane is found, so the walk would find it elsewhere.
"""

import gc
import time
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest

import config
from bot import wiring
from bot.domain.commands import Cancel, Place, Query
from bot.sim.market import EPOCH_NS, SyntheticMarket
from bot.sim.wire.auth import READER, TRADER
from bot.sim.wire.hub import Opening
from bot.venues.deribit.client import HardenedDeribit
from bot.venues.deribit.orders import OrderLane, OrderLaneError
from bot.venues.deribit.terms import ApiKey
from bot.wiring.live import Keys, live
from bot.wiring.onlooking import public_paper, shadow
from tests.builders.intents import intent
from tests.wire.onlooking import Onlooker, simulated
from tests.wire.test_run import straddle

PERPETUAL = "BTC-PERPETUAL"
START: Any = {"epoch": 1, "sticky": {}}


def reached(root: object) -> Iterator[object]:
    """Yield everything that an object refers to, however far; not through modules and classes."""
    seen, waiting = {id(root)}, [root]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, FunctionType):
            next_ones: list[Any] = [one.__closure__, one.__defaults__, one.__kwdefaults__]
        else:
            next_ones = gc.get_referents(one)
        for other in next_ones:
            if id(other) not in seen and not isinstance(other, ModuleType | type):
                seen.add(id(other))
                waiting.append(other)


def found(root: object, kind: type) -> int:
    """Return how many of a kind can be reached."""
    return sum(isinstance(one, kind) for one in reached(root))


@pytest.fixture
async def looking(serve, tmp_path):
    """Return a server with a position, and what looks at it."""
    server = await serve(Opening(seed=3, positions=straddle("-2")))
    return server, Onlooker(server, tmp_path, "sandbox", {}).settings()


async def test_a_run_has_the_lane(looking):
    """The walk finds it there."""
    _, settings = looking
    keys = Keys(ApiKey(TRADER.client_id, TRADER.secret), {})
    graph = live(settings, keys, time.time_ns, left_open=frozenset(), **START)
    await graph.venue.start()
    try:
        assert found(graph, OrderLane) == 1
    finally:
        await graph.venue.close()


@pytest.mark.parametrize(
    "key", [None, READER, TRADER], ids=["paper", "shadow", "shadow, may trade"]
)
async def test_who_only_looks_has_no_lane_and_refuses_to_send(looking, key):
    """Whatever the key may do; and the connection inside refuses every request of an order."""
    _, settings = looking
    if key is None:
        graph = public_paper(settings, time.time_ns, seed=1, **START)
    else:
        known = ApiKey(key.client_id, key.secret)
        graph = shadow(settings, known, time.time_ns, seed=1, **START)
    venue = simulated(graph)
    await venue.start()
    try:
        assert found(graph, HardenedDeribit) == (1 if key is None else 2)
        assert found(graph, OrderLane) == 0
        place = Place(intent(PERPETUAL, "10", "100000", label="db-1"))
        for request in (place, Cancel("db-1", PERPETUAL), Query("db-1", PERPETUAL)):
            with pytest.raises(OrderLaneError):
                venue.feed.send(request, time.time_ns())
    finally:
        await venue.close()


def test_paper_on_its_own_market_has_no_connection_at_all(tmp_path):
    """Neither a lane nor a client that one could hang on."""
    settings = config.load((), environ={"DELTABAND__STATE_DIR": str(tmp_path)}).settings
    owned = wiring.owned(settings)
    assert owned
    market = SyntheticMarket(1, "calm", EPOCH_NS, tuple(settings.underlying), owned=owned)
    graph = wiring.paper(settings, market, seed=1)
    assert found(graph, OrderLane) == found(graph, HardenedDeribit) == 0
