"""What a connection cannot be without must not end unnoticed: the run ends, and nothing rests."""

import asyncio

import pytest

from bot.domain.errors import TaskEndedError
from bot.engine import Control, Engine
from bot.journal import Durability, Journal, RunStart
from tests.simulation.drive import book
from tests.struck import struck
from tests.wire.in_process import graph
from tests.wire.resting import comes, opening, rests

STANDING = (
    *("PublicSide._poll", "PublicSide._look", "PublicSide._reload", "PublicSide._choose"),
    "Session.run",
)
DELTA = {
    "target": 0.0,
    "lower": -0.6,
    "upper": 0.6,
    "policy": {"kind": "fixed", "width_coin": 0.2, "rest_at_edges": True},
}


@pytest.mark.parametrize("amid", [True, False], ids=["an order rests", "no order yet"])
@pytest.mark.parametrize("name", STANDING)
async def test_a_run_ends_when_a_standing_task_does(name, amid, serve, tmp_path):
    """At the next event, and what rested is gone from the exchange."""
    struck("F67")
    server = await serve(opening())
    run = graph(book(delta=DELTA), server)
    journal = Journal.open(tmp_path, "demo", durability=Durability.BATCH)
    journal.begin_run(RunStart("sandbox", "venue", None, "test", 0, {}, fresh=True))
    await run.venue.start()
    engine = Engine(
        run.core,
        run.venue,
        journal,
        Control(),
        speed=None,
        views=lambda _: (),
        account=lambda: ((), ()),
    )
    going = asyncio.create_task(engine.run(None))
    try:
        await comes(lambda: rests(server) or going.done() or not amid)
        assert not going.done()
        next(task for task in asyncio.all_tasks() if task.get_name() == name).cancel()
        await comes(going.done)
        assert isinstance(going.exception(), TaskEndedError)
        assert name in str(going.exception())
    finally:
        going.cancel()
        await run.venue.close()
        journal.close()
    await comes(lambda: not rests(server))
