"""What answers in the place of a venue: redirects, pages, halves and floods, by REST and WebSocket.

At the start each is named and nothing goes on; while it runs it is noted, nothing is believed, and
the next sound answer is taken as before.
"""

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.domain.commands import QueryPositions
from bot.domain.events import PositionsReport
from bot.sim.wire.certificate import CERTIFICATE, self_signed
from bot.sim.wire.hub import Hub, Opening
from bot.sim.wire.server import Server
from bot.venues.deribit import transport
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.flaws import Flaw
from bot.venues.deribit.terms import ApiKey, DeribitSettings, VenueUnreachableError
from bot.venues.deribit.venue import DeribitVenue
from tests.struck import struck
from tests.wire.adapter.drive import drain, take, until
from tests.wire.adapter.test_venue import now_ns, place
from tests.wire.scripted import PERPETUAL, ticker

PAGE = "<!doctype html><html><body>Please log in to the hotel's network.</body></html>"
TICKER = f"ticker.{PERPETUAL}.100ms"
WHOLE = '{"jsonrpc":"2.0","result":[{"instrument_name":"BTC-PERPETUAL","size":50.0'
SMALL = 200_000


def page(status=200):
    """Return an answer that is a page."""
    return web.Response(text=PAGE, content_type="text/html", status=status)


def half():
    """Return an answer that ends in the middle."""
    return web.Response(text=WHOLE, content_type="application/json")


def flood():
    """Return an answer that is larger than what is read."""
    return web.Response(text="[" + "0," * SMALL + "0]", content_type="application/json")


def packed_flood():
    """Return the same, small on the wire."""
    response = flood()
    response.enable_compression(web.ContentCoding.gzip)
    return response


def nothing():
    """Return an empty answer."""
    return web.Response(text="", content_type="application/json")


ANSWERS = {
    "page": (page, "expected an object"),
    "page of an error": (lambda: page(502), "ExchangeNotAvailable"),
    "half": (half, "expected an object"),
    "nothing": (nothing, "expected an object"),
    "flood": (flood, "expected at most"),
    "packed flood": (packed_flood, "expected at most"),
}
BAD = pytest.mark.parametrize("answer,said", ANSWERS.values(), ids=ANSWERS)


@pytest.fixture(autouse=True)
def _small_bodies(monkeypatch):
    """Let a flood be one that a test can make."""
    monkeypatch.setattr(transport, "LARGEST_BODY", 100_000)


def rest(method, answer):
    """Return what answers one method of REST."""
    return lambda request: answer() if request.path.endswith(method) else None


# --- requests -------------------------------------------------------------------------------------


@BAD
async def test_at_the_start_a_bad_answer_is_named_and_no_key_is_shown(
    connect, server, answer, said
):
    """The list of instruments is the first thing that is asked for."""
    server.instead = rest("get_instruments", answer)
    venue = await connect(orders=True, start=False)
    with pytest.raises(VenueUnreachableError, match="expected the venue to answer") as caught:
        await venue.start()
    assert said in str(caught.value)
    assert (server.auths, server.count("private/get_positions")) == (0, 0)


@BAD
async def test_a_bad_answer_while_it_runs_closes_no_position(connect, server, answer, said):
    """It is noted, nothing is told of it, and the next sound answer is."""
    server.positions = {PERPETUAL: 50.0}
    venue = await connect(orders=True)
    await take(venue, PositionsReport)
    noted = sum(venue.flaws.counts.values())
    server.instead = rest("get_positions", answer)
    venue.send(QueryPositions(), now_ns())
    await until(venue, lambda: sum(venue.flaws.counts.values()) > noted)
    assert said in venue.flaws.newest[-1].sentence
    assert not [event for event in drain(venue) if isinstance(event, PositionsReport)]
    server.instead = lambda _request: None
    venue.send(QueryPositions(), now_ns())
    report = await take(venue, PositionsReport)
    assert [float(p.quantity) for p in report.positions] == [50.0]
    assert venue.lane is not None
    assert venue.lane.armed


# --- redirects ------------------------------------------------------------------------------------


@pytest.fixture
async def elsewhere():
    """Return another server, and what it was asked."""
    asked: list[web.Request] = []

    async def hear(request: web.Request) -> web.StreamResponse:
        asked.append(request)
        return web.json_response({"jsonrpc": "2.0", "result": []})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hear)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    await runner.cleanup()


def moved(status, to):
    """Return a redirect."""
    return web.Response(status=status, headers={"Location": to})


def named(venue, words):
    """Tell whether a sentence with these words was noted."""
    return any(words in noted.sentence for noted in venue.flaws.newest)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed_with_a_key_in_the_header(
    connect, server, elsewhere, status
):
    """Neither to another place nor to another path of the same; it is noted with where it led."""
    there, asked = elsewhere
    venue = await connect(orders=True)
    await take(venue, PositionsReport)
    for to in (f"{there}/api/v2/private/get_positions", "/api/v2/public/test"):
        tests = server.count("public/test")
        server.instead = rest("get_positions", lambda to=to: moved(status, to))
        venue.send(QueryPositions(), now_ns())
        await until(venue, lambda to=to: named(venue, f"redirect ({status}) to '{to}'"))
        assert server.count("public/test") - tests <= 1  # the sign of life may have been asked for
    assert asked == []


async def test_a_redirect_at_the_start_is_named(connect, server, elsewhere):
    """With where it led."""
    there, asked = elsewhere
    server.instead = rest("get_instruments", lambda: moved(302, f"{there}/login"))
    venue = await connect(orders=True, start=False)
    with pytest.raises(VenueUnreachableError, match=r"found a redirect \(302\) to .*login"):
        await venue.start()
    assert asked == []


async def test_a_stream_is_not_followed_to_another_place_either(connect, server, elsewhere):
    """A handshake that is sent elsewhere is no connection."""
    there, asked = elsewhere
    server.instead = rest("/ws/api/v2", lambda: moved(307, f"{there}/ws"))
    venue = await connect(orders=True, start=False)
    with pytest.raises(VenueUnreachableError, match=r"found a redirect \(307\)"):
        await venue.start()
    assert asked == []


# --- streams --------------------------------------------------------------------------------------


async def test_a_page_in_the_place_of_a_stream_is_named_at_the_start(connect, server):
    """A captive portal answers everything."""
    server.instead = rest("/ws/api/v2", page)
    venue = await connect(orders=True, start=False)
    with pytest.raises(VenueUnreachableError, match=r"expected the venue to answer.*200"):
        await venue.start()
    assert server.auths == 0


@pytest.mark.parametrize("text", [PAGE, WHOLE, "", "null", "[" * 5_000], ids=range(5))
async def test_bad_text_on_a_stream_is_noted_and_the_stream_goes_on(connect, server, text):
    """On both connections at once."""
    venue = await connect(orders=True)
    await server.until(lambda: server.listens(TICKER))
    await server.say(text)
    await server.push(TICKER, ticker(last_price=77.0))
    await until(venue, lambda: venue.flaws.counts[Flaw.BAD_MESSAGE] >= 2)
    assert venue.health().connected
    assert venue.flaws.counts[Flaw.CONNECTION_LOST] == 0


async def test_a_frame_that_is_too_large_costs_its_connection_and_no_more(connect, server):
    """It is given up before it is read whole; the next one is set up, and orders leave again."""
    venue = await connect(orders=True)
    await server.until(lambda: server.listens(TICKER))
    await server.say('{"jsonrpc":"2.0","result":"' + "x" * 12_000_000 + '"}')
    await until(venue, lambda: venue.flaws.counts[Flaw.CONNECTION_LOST] >= 2, 10.0)
    await until(venue, lambda: venue.health().connected and venue.lane.armed, 10.0)
    venue.send(place("after"), now_ns())
    await until(venue, lambda: bool(server.booked("after")))


# --- certificates ---------------------------------------------------------------------------------


def _terms(server, **options):
    return DeribitSettings(
        feed=FeedRules(("BTC",)),
        currencies=("BTC",),
        rest_url=server.rest_url,
        ws_url=server.ws_url,
        options=options,
    )


@pytest.fixture
async def secured(tmp_path):
    """Return an exchange over TLS and the certificate that signs for it."""
    server = Server(Hub(Opening(seed=3)), tls=self_signed(tmp_path, datetime.now(UTC)))
    async with server:
        yield server, tmp_path / CERTIFICATE


async def test_a_certificate_that_nobody_known_has_signed_is_named(secured):
    """Nothing was said to whoever it is."""
    struck("F61")
    server, _ = secured
    venue = DeribitVenue(_terms(server), time.time_ns, ApiKey("KEY", "SECRET"), orders=True)
    with pytest.raises(VenueUnreachableError, match="certificate verify failed"):
        await venue.start()
    assert server.dialled == 0


async def test_a_certificate_of_another_name_is_named(secured, tmp_path):
    """Signed by somebody known, for somebody else."""
    struck("F61")
    server, certificate = secured
    terms = _terms(server, cafile=str(certificate))
    away = server.rest_url.replace("127.0.0.1", "127.0.0.2")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, tmp_path / "exchange.key")
    runner = web.AppRunner(web.Application(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.2", server.port, ssl_context=context).start()
    try:
        changed = DeribitSettings(
            feed=terms.feed,
            currencies=terms.currencies,
            rest_url=away,
            ws_url=terms.ws_url,
            options=terms.options,
        )
        venue = DeribitVenue(changed, time.time_ns, ApiKey("KEY", "SECRET"), orders=True)
        with pytest.raises(VenueUnreachableError, match="certificate is not valid for"):
            await venue.start()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("days", [-3_650, -365, -31, 2, 30, 3_650])
async def test_a_certificate_of_another_time_is_named(tmp_path, days):
    """Signed by somebody known; over, or of tomorrow: our own clock may be the wrong one."""
    made = self_signed(tmp_path, datetime.now(UTC) + timedelta(days=days))
    async with Server(Hub(Opening(seed=3)), tls=made) as server:
        terms = _terms(server, cafile=str(tmp_path / CERTIFICATE))
        venue = DeribitVenue(terms, time.time_ns, ApiKey("KEY", "SECRET"), orders=True)
        said = "certificate has expired" if days < 0 else "certificate is not yet valid"
        with pytest.raises(VenueUnreachableError, match=said):
            await venue.start()
        assert server.dialled == 0
    struck("F61")


@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL])
async def test_a_name_that_does_not_resolve_is_named(monkeypatch, code):
    """Whether nobody has it or nobody answers."""

    def resolve(*_asked, **_how):
        raise socket.gaierror(code, "no such name here")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    away = ("https://exchange.invalid", "wss://exchange.invalid/ws/api/v2")
    terms = DeribitSettings(FeedRules(("BTC",)), ("BTC",), *away)
    venue = DeribitVenue(terms, time.time_ns, ApiKey("KEY", "SECRET"), orders=True)
    with pytest.raises(VenueUnreachableError, match=r"exchange\.invalid"):
        await venue.start()
    struck("F61")
