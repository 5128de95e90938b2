"""How a connection is kept: when it is dialled again, and that the one before is gone."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from bot.venues.deribit import session
from bot.venues.deribit.client import HardenedDeribit
from bot.venues.deribit.session import Session
from tests.wire.adapter.drive import until

DIALS = 9
CHANGES = "user.changes.any.any.raw"


class Nowhere(HardenedDeribit):
    """A client of an exchange that is not there: every dial fails."""

    def __init__(self) -> None:
        """Begin with no dial."""
        super().__init__({}, clock=time.time_ns)
        self.dials = 0

    async def connect(self) -> Any:
        """Fail, and count it."""
        self.dials += 1
        raise ConnectionRefusedError("nobody listens")


async def nothing(_epoch):
    """Set up nothing."""


async def test_dials_that_fail_are_further_and_further_apart(monkeypatch):
    """After the third at most one a second, up to five seconds apart."""
    slept: list[float] = []
    enough = asyncio.Event()

    async def sleep(seconds):
        slept.append(seconds)
        if len(slept) == DIALS:
            enough.set()
            await asyncio.Event().wait()

    nowhere = Nowhere()
    kept = Session(nowhere, authenticated=False, on_ready=nothing, on_lost=lambda _epoch: None)
    monkeypatch.setattr(session, "asyncio", SimpleNamespace(**vars(asyncio) | {"sleep": sleep}))
    going = asyncio.create_task(kept.run())
    await enough.wait()
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)
    assert slept == sorted(slept)
    assert min(slept[3:]) >= 1.0
    assert slept[-1] == slept[-2] == 5.0
    assert nowhere.dials == DIALS


@pytest.mark.parametrize("how", ["cut", "given up"])
async def test_a_connection_that_is_given_up_is_closed(how, connect, server):
    """By whichever side: after some, the exchange still sees as many as at the beginning."""
    venue = await connect(orders=True, redial_s=0.0)
    before = len(server.lines)
    for _ in range(5):
        epoch = venue.health().account_epoch
        if how == "cut":
            server.cut(CHANGES)
        else:
            await venue.private.session.reconnect(ConnectionError("no use any more"))
        await until(venue, lambda epoch=epoch: venue.health().account_epoch > epoch)
        await until(venue, lambda: venue.lane.armed)
    assert len(server.lines) == before
