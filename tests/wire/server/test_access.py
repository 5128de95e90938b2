"""Who gets in and how far: grants, signatures, scopes, expiry, replays, and credits."""

import base64

import aiohttp
import pytest

from bot.sim.wire.auth import OWNER, READER, TRADER, signature
from bot.sim.wire.clock import HandClock
from tests.wire.conftest import NOON_NS, RpcFault

NOW_MS = NOON_NS // 1_000_000
ORDER = {"instrument_name": "BTC-PERPETUAL", "amount": 100, "type": "market"}


def signed(stamp=NOW_MS, nonce="n1", secret=TRADER.secret):
    """Return the parameters of a client signature."""
    return {
        "grant_type": "client_signature",
        "client_id": TRADER.client_id,
        "timestamp": stamp,
        "nonce": nonce,
        "data": "",
        "signature": signature(secret, f"{stamp}\n{nonce}\n"),
    }


async def get(server, path, **headers):
    """Make one REST request; return status and body."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{server.rest_url}{path}", headers=headers) as response,
    ):
        return response.status, await response.json()


async def fails(call, code):
    """Wait for a call that must fail with a code; return the error's data."""
    with pytest.raises(RpcFault) as caught:
        await call
    assert caught.value.code == code
    return caught.value.data


async def test_a_signature_opens_the_connection(hand_server, dial):
    """As ccxt does it: the reply names token, life and scopes."""
    raw = await dial(hand_server)
    await fails(raw.call("private/get_positions"), 13009)
    reply = await raw.call("public/auth", **signed())
    assert reply["expires_in"] == 900
    assert set(reply["scope"].split()) >= {"connection", "trade:read_write"}
    assert await raw.call("private/get_positions") == []


@pytest.mark.parametrize(
    "params",
    [
        signed(secret="wrong"),
        signed(stamp=NOW_MS - 61_000),
        signed(stamp=NOW_MS + 61_000),
        {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "x"},
        {
            "grant_type": "client_credentials",
            "client_id": TRADER.client_id,
            "client_secret": "x",
        },
        {"grant_type": "refresh_token", "refresh_token": "x"},
    ],
)
async def test_wrong_credentials_are_refused(hand_server, dial, params):
    """13004, and the connection stays unknown."""
    raw = await dial(hand_server)
    await fails(raw.call("public/auth", **params), 13004)
    await fails(raw.call("private/get_positions"), 13009)


async def test_a_signature_counts_once(hand_server, hand: HandClock, dial):
    """A replay from another connection is refused once clients' clocks cannot explain it."""
    first, second = await dial(hand_server), await dial(hand_server)
    await first.call("public/auth", **signed())
    hand.move(0.06)
    data = await fails(second.call("public/auth", **signed()), 13004)
    assert data == {"reason": "nonce_already_used"}


async def test_a_token_expires_and_is_refreshed(hand_server, hand: HandClock, dial):
    """After 15 minutes private calls fail with 13009 until the token is renewed."""
    raw = await dial(hand_server)
    token = await raw.login()
    hand.move(500)
    await raw.pinged()  # an idle connection would be hung up on before
    hand.move(401)
    assert (await fails(raw.call("private/get_positions"), 13009))["reason"] == "token_expired"
    renewal = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    await raw.call("public/auth", **renewal)
    assert await raw.call("private/get_positions") == []
    await fails(raw.call("public/auth", **renewal), 13004)


async def test_a_reading_key_cannot_trade(hand_server, dial):
    """13021 before anything is booked."""
    raw = await dial(hand_server)
    reply = await raw.login(READER)
    assert "trade:read" in reply["scope"].split()
    await fails(raw.call("private/buy", **ORDER), 13021)
    assert hand_server.hub.exchange.tickets == {}


async def test_scopes_can_be_narrowed_and_wide_ones_are_visible(hand_server, dial):
    """A client asks for less than its key may; a key that moves money says so."""
    raw = await dial(hand_server)
    asked = {"grant_type": "client_credentials", "client_id": OWNER.client_id}
    secret = {"client_secret": OWNER.secret}
    wide = await raw.call("public/auth", **asked, **secret)
    assert "wallet:read_write" in wide["scope"].split()
    narrow = await raw.call(
        "public/auth", **asked, **secret, scope="trade:read wallet:none expires:60 session:one"
    )
    words = set(narrow["scope"].split())
    assert words == {"account:read_write", "trade:read", "session:one", "mainaccount"}
    assert narrow["expires_in"] == 60
    await fails(raw.call("private/buy", **ORDER), 13021)


async def test_rest_takes_signed_basic_and_bearer_headers(hand_server, dial):
    """And refuses a header that was seen before."""
    path = "/api/v2/private/get_positions?currency=BTC"
    text = f"{NOW_MS}\n{NOW_MS}\nGET\n{path}\n\n"
    sig = signature(TRADER.secret, text)
    header = f"deri-hmac-sha256 id={TRADER.client_id},ts={NOW_MS},sig={sig},nonce={NOW_MS}"
    assert (await get(hand_server, path, Authorization=header))[0] == 200
    status, body = await get(hand_server, path, Authorization=header)
    assert (status, body["error"]["code"]) == (400, 13004)
    token = await (await dial(hand_server)).login()
    bearer = f"Bearer {token['access_token']}"
    assert (await get(hand_server, path, Authorization=bearer))[0] == 200
    pair = base64.b64encode(f"{TRADER.client_id}:{TRADER.secret}".encode()).decode()
    basic = f"Basic {pair}"
    assert (await get(hand_server, path, Authorization=basic))[0] == 200
    assert (await get(hand_server, path))[1]["error"]["code"] == 13009


async def test_private_and_raw_channels_need_somebody_known(hand_server, dial):
    """13009 and 13778."""
    raw = await dial(hand_server)
    await fails(raw.call("private/subscribe", channels=["user.orders.any.any.raw"]), 13009)
    await fails(raw.call("public/subscribe", channels=["user.orders.any.any.raw"]), 13009)
    await fails(raw.call("public/subscribe", channels=["book.BTC-PERPETUAL.raw"]), 13778)
    await fails(raw.call("public/subscribe", channels=["nonsense.BTC-PERPETUAL"]), -32602)


async def test_spent_credits_are_answered_and_end_the_connection(serve, hand: HandClock, dial):
    """Twenty orders at once, then 10028 and the end; later the credits are back."""
    server = await serve(clock=hand, limited=True)
    raw = await dial(server)
    await raw.login()
    for _ in range(20):
        await raw.call("private/cancel_all")
    await fails(raw.call("private/cancel_all"), 10028)
    with pytest.raises(ConnectionError):
        await raw.receive()
    hand.move(1)
    again = await dial(server)
    await again.login()
    for _ in range(5):
        await again.call("private/cancel_all")
    await fails(again.call("private/cancel_all"), 10028)


async def test_reads_have_credits_of_their_own(serve, hand: HandClock, dial):
    """A hundred at once, whatever the orders have spent."""
    server = await serve(clock=hand, limited=True)
    raw = await dial(server)
    for _ in range(100):
        await raw.call("public/test")
    await fails(raw.call("public/test"), 10028)


@pytest.mark.parametrize(
    "body,code",
    [
        (b"{", -32700),
        (b"[]", -32600),
        (b'{"method":"public/nothing"}', -32601),
        (b'{"method":"public/ticker","params":[1]}', -32602),
        (b'{"method":"public/ticker","params":{}}', -32602),
        (b'{"method":"public/ticker","params":{"instrument_name":"X"}}', 10020),
    ],
)
async def test_a_bad_request_is_named(hand_server, dial, body, code):
    """Over both transports, and the connection lives on."""
    raw = await dial(hand_server)
    await raw.ws.send_bytes(body)
    assert (await raw.receive())["error"]["code"] == code
    assert await raw.call("public/test")
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{hand_server.rest_url}/api/v2", data=body) as response,
    ):
        assert (response.status, (await response.json())["error"]["code"]) == (400, code)
