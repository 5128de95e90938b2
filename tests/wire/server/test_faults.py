"""What goes wrong when it is asked to: each fault does what its name says, and only there."""

import asyncio
import socket

import aiohttp
import orjson
import pytest

from bot.sim.wire.auth import TRADER
from tests.wire.conftest import RpcFault

BOOK = "book.BTC-PERPETUAL.raw"
CHANGES = "user.changes.any.any.raw"
TIME = "/api/v2/public/get_time"
HANDSHAKE = (
    b"GET /ws/api/v2 HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
REST_ORDER = {"instrument_name": "BTC-PERPETUAL", "amount": 100, "price": 80_000}


def pass_s(server, hand, seconds):
    """Let time pass and the market follow."""
    hand.move(seconds)
    server.hub.catch_up()


@pytest.fixture
async def raw(hand_server, dial):
    """Return a connection that is logged in."""
    raw = await dial(hand_server)
    await raw.login()
    return raw


async def rest(server, path=TIME):
    """Make one REST request; return status, type and body."""
    async with aiohttp.ClientSession() as session, session.get(server.rest_url + path) as response:
        return response.status, response.content_type, await response.read()


async def test_an_order_is_booked_and_then_the_connection_is_gone(hand_server, raw, dial):
    """No reply and no event; the next connection finds one order."""
    await raw.call("private/subscribe", channels=[CHANGES])
    await raw.call("private/set_faults", drop_after_booking=1)
    await raw.send("private/buy", **REST_ORDER, label="lost")
    with pytest.raises(ConnectionError):
        await raw.receive()
    again = await dial(hand_server)
    await again.login()
    found = await again.call("private/get_order_state_by_label", currency="BTC", label="lost")
    assert [order["order_state"] for order in found] == ["open"]


async def test_an_order_is_lost_before_it_counts(hand_server, raw):
    """The connection ends and nothing was booked."""
    await raw.call("private/set_faults", drop_before_booking=1)
    await raw.send("private/buy", **REST_ORDER)
    with pytest.raises(ConnectionError):
        await raw.receive()
    assert hand_server.hub.exchange.tickets == {}


async def test_replies_are_lost_or_late(hand_server, hand, raw):
    """A late one is overtaken; a lost one never comes, though its order stands."""
    await raw.call("private/set_faults", late_replies=1, reply_delay_s=2.0)
    late = await raw.send("public/test")
    await raw.call("public/get_time")
    hand.move(2)
    assert (await raw.receive())["id"] == late
    await raw.call("private/set_faults", lose_replies=1)
    lost = await raw.send("private/buy", **REST_ORDER)
    await raw.call("public/test")
    assert lost not in {frame.get("id") for frame in raw.frames}
    assert len(hand_server.hub.exchange.working) == 1


async def test_silence_leaves_requests_and_pongs_alive(hand_server, hand, raw):
    """Prices stop, and nothing else tells that they have."""
    await raw.call("public/subscribe", channels=[BOOK])
    await raw.data(BOOK)
    await raw.call("private/set_faults", silent=True)
    pass_s(hand_server, hand, 3)
    assert await raw.pinged(b"alive?") == b"alive?"
    await raw.call("public/test")
    assert raw.frames == []
    await raw.call("private/set_faults", silent=False)
    pass_s(hand_server, hand, 1)
    assert (await raw.data(BOOK))["type"] == "change"


async def test_a_stalled_connection_answers_nothing_until_it_goes_on(hand_server, hand, raw):
    """Not even a ping; what came meanwhile is answered afterwards."""
    (session,) = hand_server.sessions.values()
    await raw.call("private/set_faults", stalled=True)
    await raw.ws.ping()
    await raw.send("public/test")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(raw.ws.receive(), 0.05)
    session.faults.stalled = False
    hand.move(1)
    assert (await raw.receive())["result"]


async def test_a_gap_shows_in_the_change_ids(hand_server, hand, raw):
    """The change after the lost one continues what was never shown."""
    await raw.call("public/subscribe", channels=[BOOK])
    first = await raw.data(BOOK)
    await raw.call("private/set_faults", book_gaps=1)
    pass_s(hand_server, hand, 2)
    assert (await raw.data(BOOK))["prev_change_id"] > first["change_id"]


async def test_events_are_lost_and_repeated(raw):
    """One fill is never told, the next one twice."""
    await raw.call("private/subscribe", channels=[CHANGES])
    await raw.call("private/set_faults", lost_events=1, repeated_events=1)
    for label in ("lost", "twice"):
        await raw.call("private/buy", **REST_ORDER, label=label)
    labels = [frame["params"]["data"]["orders"][0]["label"] for frame in raw.frames]
    assert labels == ["twice", "twice"]


async def test_frames_are_errors_pages_halves_or_enormous(raw):
    """Each once, in front of or in place of a reply."""
    await raw.call("private/set_faults", error_frames=1)
    await raw.call("public/test")
    assert [frame["error"]["code"] for frame in raw.frames] == [11029]
    for fault in ({"html": 1}, {"truncated": 1}):
        await raw.call("private/set_faults", **fault)
        await raw.send("public/test")
        with pytest.raises(orjson.JSONDecodeError):
            await raw.receive()
    await raw.call("private/set_faults", oversize_bytes=300_000)
    await raw.send("public/test")
    assert len((await raw.ws.receive()).data) >= 300_000
    assert await raw.call("public/test")


async def test_a_request_too_many_is_answered_and_then_the_connection_ends(raw):
    """With 10028, and whatever the credits are; switching faults itself is not counted."""
    await raw.call("private/set_faults", too_many=1)
    await raw.call("private/set_faults", late_replies=0)
    with pytest.raises(RpcFault, match="10028"):
        await raw.call("private/buy", **REST_ORDER)
    with pytest.raises(ConnectionError, match="4000"):
        await raw.receive()


async def test_bytes_that_are_no_frame_end_the_connection_at_the_clients_side(raw):
    """The client finds reserved bits and hangs up; the frame behind them is not read."""
    await raw.call("private/set_faults", garbage=1)
    await raw.send("public/test")
    with pytest.raises(ConnectionError, match="reserved bits"):
        await raw.receive()


async def test_a_ping_that_meets_a_cut_connection_is_no_fault(server, dial, caplog):
    """Who is stalled takes the ping up when the other side is gone: the server says nothing."""
    raw = await dial(server)
    await raw.login()
    (session,) = server.sessions.values()
    await raw.call("private/set_faults", stalled=True)
    await raw.ws.ping()
    await asyncio.sleep(0.3)  # it has been read, and waits
    session.drop()
    session.faults.clear()
    await asyncio.wait_for(session.ended.wait(), 30.0)
    assert caplog.records == []


async def test_who_dials_and_leaves_before_the_answer_is_no_fault(server, dial, caplog):
    """A server that was busy finds the request of somebody who has given up: it says nothing."""
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(HANDSHAKE)
    raw = await dial(server)
    assert await raw.call("public/test")
    assert caplog.records == []


async def test_a_slow_login_holds_up_nothing_else(hand, raw):
    """The reply to public/auth comes late and is overtaken."""
    await raw.call("private/set_faults", slow_auth_s=0.25)
    login = {"grant_type": "client_credentials", "client_id": TRADER.client_id}
    asked = await raw.send("public/auth", **login, client_secret=TRADER.secret)
    await raw.call("public/test")
    assert raw.frames == []
    hand.move(0.25)
    assert (await raw.receive())["id"] == asked


async def test_slow_logins_and_refused_dials_await_the_next_connection(hand_server, raw, dial):
    """A plan for connections to come touches no living one."""
    await raw.call("private/set_faults", on="next", silent=True, refuse_dials=1)
    assert not next(iter(hand_server.sessions.values())).faults.silent
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await dial(hand_server)
    await dial(hand_server)
    assert list(hand_server.sessions.values())[-1].faults.silent


async def test_a_code_can_be_set_for_a_label(hand_server, raw):
    """The order is refused with it and never booked."""
    await raw.call("private/set_faults", reject={"bad": 10041})
    with pytest.raises(RpcFault, match="10041"):
        await raw.call("private/buy", **REST_ORDER, label="bad")
    await raw.call("private/buy", **REST_ORDER, label="good")
    assert [one.label for one in hand_server.hub.exchange.tickets.values()] == ["good"]


@pytest.mark.parametrize(
    "fault,status,kind",
    [
        ({"http_429": 1}, 429, "text/plain"),
        ({"http_503": 1}, 503, "text/plain"),
        ({"html": 1}, 200, "text/html"),
    ],
)
async def test_rest_answers_as_a_broken_front_end_does(hand_server, raw, fault, status, kind):
    """Once, and then as ever."""
    await raw.call("private/set_faults", on="rest", **fault)
    assert (await rest(hand_server))[:2] == (status, kind)
    assert (await rest(hand_server))[:2] == (200, "application/json")


async def test_rest_redirects_for_ever_halves_and_pads(hand_server, raw):
    """What a client meets as too many redirects, broken JSON and too much JSON."""
    await raw.call("private/set_faults", on="rest", redirects=1)
    with pytest.raises(aiohttp.TooManyRedirects):
        await rest(hand_server)
    await raw.call("private/set_faults", on="rest", truncated=1)
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads((await rest(hand_server))[2])
    await raw.call("private/set_faults", on="rest", oversize_bytes=2_000_000)
    assert len((await rest(hand_server))[2]) >= 2_000_000


async def test_a_clock_can_be_skewed_for_one_connection(hand_server, raw):
    """It is told another time; the exchange keeps its own."""
    before = await raw.call("public/get_time")
    await raw.call("private/set_faults", clock_skew_s=-30)
    assert await raw.call("public/get_time") == before - 30_000
    assert orjson.loads((await rest(hand_server))[2])["result"] == before


ON_ONE = (
    *({"drop_before_booking": 1}, {"drop_after_booking": 1}, {"lose_replies": 1}),
    *({"late_replies": 1, "reply_delay_s": 5.0}, {"silent": True}, {"stalled": True}),
    *({"book_gaps": 9}, {"lost_events": 9}, {"repeated_events": 9}, {"error_frames": 9}),
    *({"truncated": 9}, {"html": 9}, {"oversize_bytes": 99_999}, {"clock_skew_s": -30.0}),
    {"reject": {"mine": 10041}},
)


@pytest.mark.parametrize("fault", ON_ONE, ids=lambda fault: next(iter(fault)))
async def test_a_fault_stays_on_its_connection(hand_server, hand, raw, dial, fault):
    """Another one of the same account is served as ever, and so is REST."""
    other = await dial(hand_server)
    await other.login()
    await other.call("private/subscribe", channels=[BOOK, CHANGES])
    await other.data(BOOK)
    before = await other.call("public/get_time")
    await raw.call("private/set_faults", **fault)
    assert await other.call("public/get_time") == before
    done = await other.call("private/buy", **REST_ORDER, label="mine")
    assert done["order"]["order_state"] == "open"
    assert (await other.data(CHANGES))["orders"][0]["label"] == "mine"
    pass_s(hand_server, hand, 2)
    assert (await other.data(BOOK))["type"] == "change"
    assert await other.pinged(b"here") == b"here"
    assert not [frame for frame in other.frames if "error" in frame or "padding" in frame]
    assert not [
        frame for frame in other.frames if frame.get("params", {}).get("channel") == CHANGES
    ]
    assert (await rest(hand_server))[0] == 200


@pytest.mark.parametrize("wrong", [{"nonsense": 1}, {"silent": 1}, {"html": "1"}, {"reject": 1}])
async def test_an_unknown_fault_is_refused(raw, wrong):
    """And changes nothing."""
    with pytest.raises(RpcFault, match="-32602"):
        await raw.call("private/set_faults", **wrong)
