"""What browsers are answered, and what nobody is."""

import asyncio
import gzip
import json
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import ClientTimeout
from aiohttp.test_utils import TestClient, TestServer

from bot.monitor.dashboard import hub as hubs
from bot.monitor.dashboard.access import COOKIE, Access
from bot.monitor.dashboard.hub import Hub
from bot.monitor.dashboard.server import GUARDS, Server
from bot.monitor.dashboard.watch import Watch
from tests.monitor.dashboard.bots import Bot, explain, hedge, measured, write

WORD = "correct-horse-battery"


@asynccontextmanager
async def served(state, token=None, streams=32):
    """Serve a state folder to a client."""
    hub = Hub(state)
    server = Server(hub, Access(token), streams=streams)
    client = TestClient(TestServer(server.app()))
    await client.start_server()
    try:
        yield client
    finally:
        await client.close()
        await hub.close()


async def messages(client, path="/stream"):
    """Yield the messages of a stream."""
    async with client.get(path, timeout=ClientTimeout(total=30)) as answer:
        assert answer.status == 200
        rest = b""
        async for chunk in answer.content.iter_any():
            *whole, rest = (rest + chunk).split(b"\n\n")
            for message in whole:
                if message.startswith(b"data: "):
                    yield json.loads(message[6:])


async def until(client, good, path="/stream"):
    """Return what a page knows when it is good enough: parts, and the newest of each series."""
    known: dict[str, Any] = {}
    async for message in messages(client, path):
        known |= message["parts"]
        if good(known):
            return known
    raise AssertionError(f"the stream ended with {sorted(known)}")


async def room(client):
    """Wait until there is room for another stream."""
    for _ in range(400):
        async with client.get("/stream") as answer:
            if answer.status == 200:
                break
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.3)


@pytest.fixture
def state(tmp_path):
    """Return a state folder with the journal of a run that is over."""
    write(tmp_path, measured(1), hedge(5), measured(9))
    return tmp_path


async def test_the_page_and_all_it_needs_come_from_here(state):
    """Packed for who can unpack it, and known again by its mark."""
    async with served(state) as client:
        page = await client.get("/")
        assert page.status == 200
        text = await page.text()
        assert "style-of-maps" not in text
        for name in (
            "css/base.css",
            "js/main.js",
            "js/panels/exposure.js",
            "charts.js",
            "icon.svg",
        ):
            found = await client.get(f"/{name}", headers={"Accept-Encoding": "gzip"})
            assert (found.status, found.headers["Content-Encoding"]) == (200, "gzip")
            again = await client.get(f"/{name}", headers={"If-None-Match": found.headers["ETag"]})
            assert again.status == 304
        plain = await client.get("/js/main.js", headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        assert "text/javascript" in plain.headers["Content-Type"]


async def test_every_answer_is_guarded_and_no_other_site_is_let_in(state):
    """No inline script, no frame, no other origin."""
    async with served(state) as client:
        for path in ("/", "/js/main.js", "/nothing", "/../secrets.py"):
            answer = await client.get(path)
            for name, value in GUARDS.items():
                assert answer.headers[name] == value
            assert "Access-Control-Allow-Origin" not in answer.headers
        assert "unsafe" not in GUARDS["Content-Security-Policy"]
        cross = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
        assert (await client.get("/stream", headers=cross)).status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/stream", "/pause", "/js/main.js"])
async def test_nothing_but_get_is_answered(state, method, path):
    """There is no way to steer."""
    async with served(state) as client:
        answer = await client.request(method, path)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET")


async def test_another_name_is_not_answered(state):
    """DNS rebinding: the browser says whom it means."""
    async with served(state) as client:
        for path in ("/", "/stream", "/js/main.js"):
            assert (await client.get(path, headers={"Host": "evil.example"})).status == 421


@pytest.mark.parametrize(
    "path", ["/index.html/", "/page/index.html", "/%2e%2e/server.py", "/js/", "/stream?instance=x"]
)
async def test_nothing_else_is_there(state, path):
    """Only files of the page and instances with a journal."""
    async with served(state) as client:
        assert (await client.get(path)).status == 404


async def test_a_word_is_asked_for_once_and_becomes_a_cookie(state):
    """It leaves the address at once; a script cannot read the cookie."""
    async with served(state, token=WORD) as client:
        door = await client.get("/")
        assert 'name="token"' in await door.text()
        assert (await client.get("/stream")).status == 401
        assert (await client.get("/js/main.js")).status == 401
        assert (await client.get("/css/base.css")).status == 200
        wrong = await client.post("/", data={"token": "guess"}, allow_redirects=False)
        assert (wrong.status, wrong.headers["Location"]) == (303, "/#wrong")
        assert COOKIE not in wrong.cookies
        asked = await client.get("/", params={"token": WORD}, allow_redirects=False)
        assert (asked.status, COOKIE in asked.cookies) == (200, False)
        where = "/?instance=demo"
        right = await client.post(where, data={"token": WORD}, allow_redirects=False)
        assert (right.status, right.headers["Location"]) == (303, "/?instance=demo")
        cookie = right.cookies[COOKIE]
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
        assert WORD not in cookie.value
        kept = {"Cookie": f"{COOKIE}={cookie.value}"}
        assert "exposure" in await (await client.get("/", headers=kept)).text()


async def test_wrong_words_are_soon_not_heard(state):
    """Whoever guesses waits."""
    async with served(state, token=WORD) as client:
        for _ in range(5):
            await client.post("/", data={"token": "guess"}, allow_redirects=False)
        slow = await client.post("/", data={"token": WORD}, allow_redirects=False)
        assert (slow.status, slow.headers["Retry-After"]) == (429, "60")


@pytest.mark.parametrize(
    "form, headers, status",
    [
        ({"token": "x" * 20_000}, {}, 413),
        ({"other": "x"}, {}, 303),
        (b"\x00", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"token": WORD}, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
    ],
)
async def test_what_is_no_form_of_the_page_opens_nothing(state, form, headers, status):
    """Too long, of another kind, without a word, or sent by the page of another site."""
    async with served(state, token=WORD) as client:
        answer = await client.post("/", data=form, headers=headers, allow_redirects=False)
        assert (answer.status, COOKIE in answer.cookies) == (status, False)
        assert "Content-Security-Policy" in answer.headers


async def test_a_stream_tells_everything_and_then_what_is_new(tmp_path):
    """A hedge that is journalled reaches who listens."""
    bot = Bot(tmp_path)
    try:
        async with served(tmp_path) as client:
            whole = await until(client, lambda k: "coins" in k and "points" in k)
            assert whole["now"]["running"]
            assert whole["instances"] == [{"name": "demo", "running": True}]
            waiting = asyncio.create_task(until(client, lambda k: k.get("hedges", {}).get("coins")))
            await asyncio.sleep(0.5)
            await asyncio.to_thread(bot.tell, hedge(30))
            found = await waiting
            assert found["hedges"]["coins"]["BTC"]["reason"] == ["delta_above_owner"]
    finally:
        bot.end()


async def test_before_any_bot_has_run_the_page_waits_for_one(tmp_path, monkeypatch):
    """The stream says so, and ends when there is something to reopen it for."""
    monkeypatch.setattr(hubs, "PULSE_S", 0.1)
    async with served(tmp_path) as client:
        heard = []
        async for message in messages(client):
            heard.append(message["parts"])
            if len(heard) == 2:
                await asyncio.to_thread(write, tmp_path, measured(1))
            assert len(heard) < 50
        assert "no bot has run" in heard[0]["now"]["problem"]
        found = await until(client, lambda k: "coins" in k)
        assert found["now"]["instance"] == "demo"


async def test_there_are_only_so_many_streams_and_one_that_ends_makes_room(state):
    """A thousand tabs do not open a thousand streams."""
    async with served(state, streams=1) as client:
        async with client.get("/stream") as first:
            assert first.status == 200
            assert (await client.get("/stream")).status == 503
        await room(client)


async def test_all_listeners_share_one_look_and_nobody_listening_means_none(state, monkeypatch):
    """Ten pages cost the journal what one does."""
    looks = []
    look = Watch.look

    def counted(self):
        looks.append(self)
        return look(self)

    monkeypatch.setattr(Watch, "look", counted)
    monkeypatch.setattr(hubs, "LINGER_S", 0.5)
    async with served(state) as client:
        await asyncio.sleep(0.3)
        assert looks == []
        good = [until(client, lambda k: "points" in k) for _ in range(10)]
        begun = asyncio.get_running_loop().time()
        await asyncio.gather(*good)
        took_s = asyncio.get_running_loop().time() - begun
        assert len(looks) <= 2 + took_s / hubs.LOOK_S
        await asyncio.sleep(1.5)
        before = len(looks)
        await asyncio.sleep(0.6)
        assert len(looks) == before


async def test_a_page_that_is_opened_again_later_shows_each_hedge_once(state, monkeypatch):
    """Nobody looked in between, and the journal was let go of."""
    monkeypatch.setattr(hubs, "LINGER_S", 0.2)
    async with served(state) as client:
        for _ in range(3):
            known = await until(client, lambda k: k.get("hedges", {}).get("coins"))
            assert len(known["hedges"]["coins"]["BTC"]["t"]) == 1
            await asyncio.sleep(1.2)


async def test_no_minute_of_two_days_is_left_out_of_the_causes(state):
    """They are summed: a line may be thinned, they may not."""
    explain(state, 5 * 1_440, gamma=1.0)
    async with served(state) as client:
        known = await until(client, lambda k: k.get("attribution", {}).get("coins"))
    times = known["attribution"]["coins"]["BTC"]["t"]
    assert len(times) == 3_000
    assert {b - a for a, b in pairwise(times)} == {60_000}


async def test_a_reader_who_does_not_read_is_dropped_and_holds_up_nobody(tmp_path, monkeypatch):
    """When the patience with him ends his place is another's, who is told everything."""
    monkeypatch.setattr("bot.monitor.dashboard.server.PATIENCE_S", 3.0)
    bot = Bot(tmp_path)
    try:
        async with served(tmp_path, streams=1) as client:
            _, stuck = await asyncio.open_connection(client.host, client.port, limit=1)
            stuck.write(b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            await stuck.drain()
            for n in range(100, 120):
                await asyncio.to_thread(bot.tell, hedge(n, reason="x" * 500_000))
            await room(client)
            found = await until(client, lambda k: k.get("hedges", {}).get("coins"))
            assert len(found["hedges"]["coins"]["BTC"]["t"]) == 20
            stuck.transport.abort()
            with suppress(ConnectionError):
                await stuck.wait_closed()
    finally:
        bot.end()


def test_the_chart_library_is_the_packages_own():
    """Nothing is fetched from elsewhere, and no page file is unpacked wrongly."""
    from bot.monitor.dashboard.assets import load

    assets = load()
    assert gzip.decompress(assets["charts.js"].packed) == assets["charts.js"].body
    assert b"plotly.js v" in assets["charts.js"].body[:200]
    pages = {name: a.body for name, a in assets.items() if name != "charts.js"}
    assert [n for n, b in pages.items() if b"http://" in b.replace(b"http://www.w3.org", b"")] == []
    assert [n for n, b in pages.items() if b"https://" in b or b"innerHTML" in b] == []
