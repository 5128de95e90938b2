"""Which system answers is the venue's own word, heard before all else and in every reply after."""

import asyncio
import json

import pytest

from bot.domain.errors import KeyRightsError, WrongEnvironmentError
from bot.domain.events import OrderUpdate
from bot.domain.orders import OrderState
from bot.sim.wire.auth import OWNER, READER, TRADER, Key
from bot.sim.wire.hub import Opening
from bot.venues.deribit.environment import Environment
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.flaws import Flaw
from bot.venues.deribit.terms import ApiKey, DeribitSettings
from bot.venues.deribit.venue import DeribitVenue
from tests.struck import struck
from tests.wire.adapter.drive import take, until
from tests.wire.adapter.test_venue import place
from tests.wire.onlooking import Onlooker
from tests.wire.scripted import ScriptedDeribit
from tests.wire.test_run import Bot, booked, straddle
from tests.wire.test_shadow import keyed

CANARY = "c4n4ry-of-a-secret"


def venue_of(server, key=TRADER, *, orders=True, **settings) -> DeribitVenue:
    """Return a venue of a server that is meant to be the test system."""
    terms = DeribitSettings(
        feed=FeedRules(coins=("BTC",)),
        currencies=("BTC",),
        rest_url=server.rest_url,
        ws_url=server.ws_url,
        **({"testnet": True} | settings),
    )
    clock = server.hub.clock.now_ns
    return DeribitVenue(terms, clock, ApiKey(key.client_id, key.secret), orders=orders)


async def refusal(venue: DeribitVenue, label: str) -> tuple[str, str]:
    """Send an order that is refused here and return code and sentence."""
    venue.send(place(label), venue.now_ns())
    told = await take(venue, OrderUpdate, where=lambda e: e.report.label == label)
    assert told.report.state is OrderState.REJECTED
    return told.report.code, told.report.message


@pytest.fixture
async def running(serve):
    """Return a server and a venue that may send orders to it."""
    server = await serve(Opening(seed=3))
    venue = venue_of(server, pulse_s=0.2)
    await venue.start()
    yield server, venue
    await venue.close()


def ready(venue: DeribitVenue) -> bool:
    """Tell whether orders can leave."""
    return venue.lane is not None and venue.lane.armed


# --- at the start ---------------------------------------------------------------------------------


async def test_a_sandbox_run_refuses_the_real_system(serve, tmp_path):
    """Exit code 2, one sentence, nothing sent, and the key was shown to nobody."""
    struck("F77")
    server = await serve(Opening(seed=3, compress=60, positions=straddle("-5")))
    server.hub.rest_faults.says_real = server.hub.dial_faults.says_real = True
    before = booked(server)
    code, _, err = await Bot(server, tmp_path).run("--for", "20s")
    assert code == 2, err
    assert "expected the venue's test system, found the real system (testnet false)" in err
    assert booked(server) == before
    assert server.hub.auth._tokens == {}


async def test_a_shadow_refuses_it_too(serve, tmp_path):
    """Exit code 2: it would look at another account than the one that is meant."""
    struck("F77")
    server = await serve(Opening(seed=3))
    server.hub.rest_faults.says_real = server.hub.dial_faults.says_real = True
    code, _, err = await Onlooker(server, tmp_path, "sandbox", {}).run("shadow", **keyed(READER))
    assert code == 2
    assert "expected the venue's test system" in err


async def test_streams_of_another_system_than_the_requests_are_refused(serve):
    """Each connection is asked by itself, before the key."""
    struck("F77")
    server = await serve(Opening(seed=3))
    server.hub.dial_faults.says_real = True
    venue = venue_of(server)
    with pytest.raises(WrongEnvironmentError, match="found the real system"):
        await venue.start()
    assert server.hub.auth._tokens == {}


async def test_requests_to_another_system_than_the_streams_are_refused(serve, monkeypatch):
    """Positions of another account would be believed otherwise."""
    struck("F77")
    server = await serve(Opening(seed=3))
    venue = venue_of(server)
    load = venue.public.load

    async def load_and_turn() -> None:
        await load()
        server.hub.rest_faults.says_real = True

    monkeypatch.setattr(venue.public, "load", load_and_turn)  # after the first answer
    with pytest.raises(WrongEnvironmentError, match="found the real system"):
        await venue.start()
    assert venue.lane is not None
    assert not venue.lane.armed


async def test_a_venue_that_does_not_say_which_one_it_is_counts_as_the_wrong_one():
    """Absence of an answer is no permission."""
    struck("F77")
    server = ScriptedDeribit()
    server.testnet = None
    await server.start()
    terms = DeribitSettings(
        feed=FeedRules(coins=("BTC",)),
        currencies=("BTC",),
        rest_url=server.rest,
        ws_url=server.ws,
        testnet=True,
    )
    venue = DeribitVenue(terms, lambda: 1, ApiKey("KEY", "SECRET"), orders=True)
    try:
        with pytest.raises(WrongEnvironmentError, match="an answer that names none"):
            await venue.start()
        assert server.auths == 0
    finally:
        await server.stop()


@pytest.mark.parametrize("said", [None, 1, 0, "true", "", [], {}])
def test_only_a_plain_true_or_false_is_a_word(said):
    """Anything else says nothing."""
    struck("F77")
    environment = Environment(testnet=True)
    environment.hear({"testnet": said})
    with pytest.raises(WrongEnvironmentError):
        environment.must_be_told()


# --- while it runs --------------------------------------------------------------------------------


async def test_another_system_after_a_reconnect_gets_no_order_until_the_right_one_is_back(running):
    """The connection is given up with its name, each order is refused by it, and all comes back."""
    struck("F77")
    server, venue = running
    server.hub.dial_faults.says_real = True
    for session in tuple(server.sessions.values()):
        session.drop()
    await until(venue, lambda: venue.flaws.counts[Flaw.WRONG_ENVIRONMENT] > 0)
    code, said = await refusal(venue, "w1")
    assert code == "wrong_environment"
    assert "expected the venue's test system, found the real system" in said
    server.hub.dial_faults.says_real = False
    await until(venue, lambda: ready(venue), 10.0)
    assert server.hub.exchange.tickets == {}


async def test_a_reply_of_another_system_ends_the_connection_that_it_came_on(running):
    """Also without a reconnect: the next sign of life says it, and no such reply counts."""
    struck("F77")
    server, venue = running
    for session in server.sessions.values():
        session.faults.says_real = True
    await until(venue, lambda: venue.flaws.counts[Flaw.WRONG_ENVIRONMENT] > 1)
    await until(venue, lambda: ready(venue), 10.0)  # new connections are those of the right one


# --- rights that change ---------------------------------------------------------------------------


def becomes(server, scopes) -> None:
    """Change what the trader's key may do, as its owner does on the venue's page."""
    key = Key(TRADER.client_id, TRADER.secret, scopes)
    server.hub.auth.keys[key.client_id] = key


CHANGES = pytest.mark.parametrize(
    "scopes,said",
    [
        (TRADER.scopes - {"wallet:read"} | {"wallet:read_write"}, "one with wallet:read_write"),
        (OWNER.scopes, "one with account:read_write, wallet:read_write"),
        (READER.scopes, "one without trade:read_write"),
        (frozenset({"trade:read_write"}), "one without account:read"),
    ],
    ids=["moves money", "does everything", "only reads", "sees no account"],
)


@CHANGES
async def test_a_reconnect_with_other_rights_ends_the_orders_until_they_are_right(
    running, scopes, said
):
    """Named at once, refused by that name, without a storm of dials, and mended by itself."""
    struck("F63")
    server, venue = running
    becomes(server, scopes)
    dialled = server.dialled
    for session in tuple(server.sessions.values()):
        session.drop()
    await until(venue, lambda: venue.flaws.counts[Flaw.KEY_RIGHTS] > 0)
    code, message = await refusal(venue, "r1")
    assert code == "key_rights"
    assert said in message
    assert venue.private is not None
    assert isinstance(venue.private.session.failure, KeyRightsError)
    await asyncio.sleep(0.8)
    assert server.dialled - dialled <= 2  # one public, and no second of the private one yet
    becomes(server, TRADER.scopes)
    await until(venue, lambda: ready(venue), 10.0)
    assert server.hub.exchange.tickets == {}


@CHANGES
async def test_a_renewal_with_other_rights_ends_the_orders_until_they_are_right(
    serve, scopes, said
):
    """The token is renewed on a sound connection: that one is given up."""
    struck("F62")
    struck("F63")
    server = await serve(Opening(seed=3))
    server.hub.auth.token_life_s = 2
    venue = venue_of(server)
    try:
        await venue.start()
        assert venue.private is not None
        epoch = venue.private.session.epoch
        becomes(server, scopes)
        await until(venue, lambda: venue.flaws.counts[Flaw.KEY_RIGHTS] > 0)
        code, message = await refusal(venue, "n1")
        assert code == "key_rights"
        assert said in message
        becomes(server, TRADER.scopes)
        await until(venue, lambda: ready(venue), 10.0)
        assert venue.private.session.epoch > epoch
    finally:
        await venue.close()


async def test_a_bot_says_why_it_sends_nothing_and_goes_on_when_it_may(serve, tmp_path):
    """An error in its log, no crash, the reconnection, and the same books at the end."""
    server = await serve(Opening(seed=3, compress=60, positions=straddle("-2")))
    server.hub.auth.token_life_s = 2
    bot = Bot(server, tmp_path)
    process = await bot.start()
    assert process.stderr is not None
    await heard(process.stderr, "hedge.done")
    becomes(server, OWNER.scopes)
    said = await heard(process.stderr, "venue.key_rights")
    assert said["level"] == "error"
    assert "neither move money nor change the account" in said["said"]
    becomes(server, TRADER.scopes)
    await heard(process.stderr, "venue.reconnected")
    process.terminate()
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err
    assert bot.held() == booked(server)


async def heard(stream: asyncio.StreamReader, event: str) -> dict[str, str]:
    """Return the next line of a log that tells of an event."""
    async with asyncio.timeout(40):
        while line := await stream.readline():
            told: dict[str, str] = json.loads(line)
            if told["event"] == event:
                return told
    raise EOFError(f"expected {event}, found the end")
