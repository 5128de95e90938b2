"""The venue's dead-man switch: armed and read back before an order, and what the exchange does."""

import asyncio
import json
import signal
import time

import pytest

from bot.sim.wire.auth import READER, TRADER, Key
from bot.venues.deribit.canceller import Canceller
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.orders import OrderLaneError
from bot.venues.deribit.terms import ApiKey, DeribitSettings
from tests.wire.resting import RestingBot, comes, opening, rests
from tests.wire.scripted import ScriptedDeribit
from tests.wire.test_doctor import doctor
from tests.wire.test_run import Bot
from tests.wire.test_turbulence import armed, venue_of

TERMS = {"instrument_name": "BTC-PERPETUAL", "amount": 100, "price": 80_000}
TEST_REQUEST = json.dumps({"method": "heartbeat", "params": {"type": "test_request"}})


@pytest.fixture
async def scripted():
    """Return a scripted exchange."""
    server = ScriptedDeribit()
    await server.start()
    yield server
    await server.stop()


def settings_of(server, **more):
    """Return how to connect to a scripted exchange, with a pulse that does not help."""
    return DeribitSettings(
        FeedRules(("BTC",)), ("BTC",), server.rest, server.ws, redial_s=0.0, pulse_s=600.0, **more
    )


def canceller(server):
    """Return a plain authenticated connection."""
    return Canceller(settings_of(server), ApiKey("KEY", "SECRET"), time.time_ns)


async def test_the_order_lane_opens_with_the_switch_armed_and_a_heartbeat(server):
    """Both are the exchange's own word."""
    venue = venue_of(server, time.time_ns, orders=True)
    await venue.start()
    try:
        assert armed(server).beats
        assert venue.lane is not None
        assert venue.lane.armed
    finally:
        await venue.close()


@pytest.mark.parametrize("told", [{"scope": "connection", "enabled": False}, {}, "ok", None])
async def test_a_lane_whose_switch_is_not_armed_by_the_venues_own_word_stays_shut(scripted, told):
    """An answer that does not say so is not enough."""
    scripted.answers["private/get_cancel_on_disconnect"] = lambda _params: told
    made = canceller(scripted)
    await made.open()
    lane = _lane(made)
    with pytest.raises(OrderLaneError, match="cancel on disconnect"):
        await lane.arm()
    assert not lane.armed
    await made.close()


def _lane(made):
    from bot.venues.deribit.inbox import Surroundings
    from bot.venues.deribit.orders import OrderLane

    around = Surroundings(lambda _event: None, time.time_ns, made.flaws)
    requests = made._exchange.requests
    return OrderLane(
        *(requests, made._credits, dict, around, made._tasks),
        lambda _error: None,
        lambda: ("not_connected", ""),
    )


async def test_a_heartbeat_that_asks_is_answered(scripted):
    """At once, and one that does not ask is not."""
    made = canceller(scripted)
    await made.open()
    before = scripted.count("public/test")
    await scripted.say(TEST_REQUEST.replace("test_request", "heartbeat"))
    await scripted.say(TEST_REQUEST)
    await scripted.until(lambda: scripted.count("public/test") > before)
    await scripted.say(TEST_REQUEST)
    await scripted.until(lambda: scripted.count("public/test") == before + 2)
    assert dict(made.flaws.counts) == {}
    await made.close()


async def _dying(server, dial):
    """Return a connection with the switch armed and an order that rests, and one that looks."""
    one, other = await dial(server), await dial(server)
    for raw in (one, other):
        await raw.login()
    await one.call("private/enable_cancel_on_disconnect", scope="connection")
    await one.call("private/buy", **TERMS, label="mine")
    return one, other


async def test_the_exchange_cancels_for_a_client_that_is_silent_and_reads_nothing(
    hand_server, hand, dial
):
    """Two heartbeats without an answer; its full pipe keeps nobody's goodbye waiting."""
    one, _ = await _dying(hand_server, dial)
    await one.call("public/set_heartbeat", interval=10)
    session = hand_server.sessions[1]
    for _ in range(60):
        session.push(b" " * (1 << 20))
    hand.move(10)
    await asyncio.sleep(0.05)
    assert len(hand_server.hub.exchange.working) == 1
    hand.move(10)
    await asyncio.wait_for(session.ended.wait(), 10)
    assert hand_server.hub.exchange.working == ()


async def test_the_exchange_cancels_after_ten_idle_minutes_and_not_before(hand_server, hand, dial):
    """A ping within them is enough to live."""
    one, _ = await _dying(hand_server, dial)
    session = hand_server.sessions[1]
    hand.move(599)
    await one.pinged()
    hand.move(599)
    await asyncio.sleep(0.05)
    assert len(hand_server.hub.exchange.working) == 1
    hand.move(1)
    await asyncio.wait_for(session.ended.wait(), 10)
    assert hand_server.hub.exchange.working == ()


async def test_the_exchange_cancels_what_a_killed_bot_had_resting(serve, tmp_path):
    """SIGKILL says goodbye to nobody."""
    server = await serve(opening())
    process = await RestingBot(server, tmp_path).start()
    await comes(lambda: rests(server))
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    await comes(lambda: not server.hub.exchange.working)


async def test_the_doctor_tells_whether_the_switch_can_be_armed(serve, tmp_path):
    """With the heartbeat after which it acts."""
    server = await serve(opening())
    code, checks, said = await doctor(Bot(server, tmp_path))
    assert code == 0, said
    found = checks["dead-man switch"][0]
    assert found["found"] == "cancels when a connection is lost, or silent for 20 s"
    assert TRADER.secret not in said


@pytest.mark.parametrize(
    "key,verdict,found",
    [
        (TRADER, "ok", "one of its own, of the same account"),
        (READER, "fail", "one without trade:read_write"),
        (Key("nobody", "x", TRADER.scopes), "fail", "13004"),
    ],
)
async def test_the_doctor_looks_at_the_watchdogs_own_key(
    serve, tmp_path, monkeypatch, key, verdict, found
):
    """One that cannot cancel for the account is found before it is needed."""
    server = await serve(opening())
    monkeypatch.setenv("DELTABAND_DERIBIT_WATCHDOG_KEY", key.client_id)
    monkeypatch.setenv("DELTABAND_DERIBIT_WATCHDOG_SECRET", key.secret)
    _, checks, said = await doctor(Bot(server, tmp_path))
    (told,) = checks["watchdog key"]
    assert (told["verdict"], found in told["found"]) == (verdict, True), said
