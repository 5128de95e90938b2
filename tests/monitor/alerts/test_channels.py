"""Messages over real HTTP: what takes them, what refuses, what never answers."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import apprise
import pytest

from bot.domain.reasons import Because, Reason
from bot.domain.records import Doubt
from bot.journal import Journal
from bot.journal.following import Following
from bot.journal.tail import News
from bot.monitor.alerts import channels as module
from bot.monitor.alerts.alert import Alert, Severity
from bot.monitor.alerts.channels import ROOM, Channel, UnknownAddressError, channels
from bot.monitor.alerts.days import Days
from bot.monitor.alerts.outlet import Alerts
from bot.monitor.newsroom import Newsroom
from bot.monitor.outlet import Sight
from bot.monitor.reach import NAME, Reach, unreached
from tests.journal.records import T0, run_start
from tests.struck import struck


class Hook:
    """A webhook's server: keeps what it is sent, and answers with `status`."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            """Takes a POST."""

            protocol_version = "HTTP/1.1"

            def do_POST(self):
                """Keep the body."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.status == 200:
                    hook.got.append(json.loads(body))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def titles(self) -> list[str]:
        """Return the titles that arrived."""
        return [one["title"] for one in self.got]


@pytest.fixture
def hook() -> Iterator[Hook]:
    """Serve a webhook."""
    hook = Hook()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"json://127.0.0.1:{server.getsockname()[1]}/?rto=1&cto=1"


@pytest.fixture(autouse=True)
def grace(monkeypatch):
    """Call a channel failing at once, where a test does not wait."""
    monkeypatch.setattr(module, "GRACE_S", 0.0)


def alert(n: int = 0, severity=Severity.WARNING) -> Alert:
    """Return a message."""
    return Alert(f"kind {n}", severity, "BTC", f"message {n}", f"text {n}")


def wait(condition, patience_s: float = 20.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "expected it within patience"
        time.sleep(0.01)


class Said(list):
    """What was told."""

    def __call__(self, event, level="info", **fields):
        """Keep what is told."""
        self.append((event, level, fields))


HABITS: dict[str, Any] = {"cooldown_s": 900.0, "remind_s": 300.0, "report": False}


def halted_sight() -> Sight:
    """Return how a bot stands that was halted as a whole."""
    status = {"state": "HALTED", "stale": False, "disconnected": {}, "underlyings": {}, "ts_ns": 0}
    return Sight(0, alive=True, status=status)


def outlet(made, said, **habits) -> Alerts:
    """Return the outlet on channels, without a journal to report of."""
    habits = HABITS | habits
    days = Days(Path("absent"))
    following = Following(Path("absent"), "demo")
    return Alerts(made, following, Reach(None, said), days, **habits)


def test_a_message_arrives_with_its_title_text_and_urgency(hook):
    """The title says which bot it is about."""
    (channel,) = channels([hook.url], "deltaband main")
    for n, severity in enumerate(Severity):
        channel.put(alert(n, severity))
        wait(lambda n=n: channel.sent == n + 1)
    assert hook.titles == [f"deltaband main: message {n}" for n in range(3)]
    assert [one["type"] for one in hook.got] == ["info", "warning", "failure"]
    assert hook.got[0]["message"] == "text 0"
    assert (channel.lost, channel.failing, channel.idle) == (0, None, True)
    channel.close()


def test_what_is_refused_is_tried_again(hook, monkeypatch):
    """A service that is back within seconds loses nothing."""
    monkeypatch.setattr(module, "TRIES_S", (0.0, 0.1, 0.1, 5.0))
    (channel,) = _quick([hook.url])
    hook.status = 503
    channel.put(alert())
    wait(lambda: channel.failing is not None)
    hook.status = 200
    wait(lambda: channel.sent == 1)
    assert channel.failing is None
    channel.close()


def test_what_is_urgent_does_not_wait_for_what_is_tried_again(hook):
    """A halt behind a warning that the service has just refused."""
    (channel,) = channels([hook.url], "bot")
    channel._tries_s = (0.0, 30.0)
    hook.status = 503
    channel.put(alert(0))
    wait(lambda: channel.failing is not None)
    hook.status = 200
    channel.put(alert(1, Severity.CRITICAL))
    wait(lambda: channel.sent == 1)
    assert hook.titles == ["bot: message 1"]
    channel.close()


def test_what_is_tried_again_keeps_its_place(hook):
    """Among what is as urgent the order is that of asking."""
    (channel,) = channels([hook.url], "bot")
    channel._tries_s = (0.0, 2.0, 2.0)
    hook.status = 503
    channel.put(alert(0))
    channel.put(alert(1))
    wait(lambda: channel.failing is not None)
    hook.status = 200
    wait(lambda: channel.sent == 2)
    assert hook.titles == ["bot: message 0", "bot: message 1"]
    channel.close()


def test_a_message_says_when_it_was_so(hook):
    """It may have waited for long."""
    (channel,) = channels([hook.url], "bot")
    channel.put(replace(alert(0), at_ns=1_767_000_000 * 10**9))
    channel.put(replace(alert(1), text="", at_ns=1_767_000_000 * 10**9))
    wait(lambda: channel.sent == 2)
    assert [one["message"] for one in hook.got] == [
        "text 0\n2025-12-29 09:20:00 UTC",
        "2025-12-29 09:20:00 UTC",
    ]
    channel.close()


def test_an_address_that_never_answers_holds_up_nobody(hook, silent):
    """Its own thread waits; the other channel's messages leave."""
    dead, sound = _quick([silent, hook.url])
    begun = time.monotonic()
    for n in range(50):
        dead.put(alert(n))
        sound.put(alert(n))
    assert time.monotonic() - begun < 1.0  # that it does not wait is the point
    wait(lambda: sound.sent == 50)
    assert dead.sent == 0
    for channel in (dead, sound):
        channel.close()


def test_a_full_queue_drops_what_can_wait_first():
    """The oldest of the least urgent; what cannot wait stays."""
    held = threading.Event()
    got = []

    def send(one):
        held.wait(20.0)
        got.append(one.title)
        return True

    channel = Channel("slow", send)
    channel.put(alert(0))
    wait(lambda: channel._busy)
    channel.put(alert(1, Severity.CRITICAL))
    for n in range(2, ROOM + 12):
        channel.put(alert(n, Severity.INFO))
    assert channel.lost == 11
    struck("F84", channel.lost)
    held.set()
    wait(lambda: channel.idle)
    assert got[:2] == ["message 0", "message 1"]
    assert got[-1] == f"message {ROOM + 11}"
    assert len(got) == 1 + ROOM
    channel.close()


def test_what_can_wait_never_takes_the_place_of_what_cannot():
    """Where all that waits is more urgent, the new message is the one that is dropped."""
    held = threading.Event()
    got = []

    def send(one):
        held.wait(20.0)
        got.append(one.severity)
        return True

    channel = Channel("slow", send)
    channel.put(alert(0))
    wait(lambda: channel._busy)
    for n in range(ROOM):
        channel.put(alert(n, Severity.CRITICAL))
    channel.put(alert(0, Severity.INFO))
    assert channel.lost == 1
    held.set()
    wait(lambda: channel.idle)
    assert got == [Severity.WARNING, *[Severity.CRITICAL] * ROOM]
    channel.close()


@pytest.mark.parametrize(
    "url,mode",
    [
        ("discord://123456789012345678/" + "a" * 64, "split"),
        ("tgram://123456789:abcdefg_hijklmnop_qrstuvwxyz012345/1234567", "split"),
        ("json://127.0.0.1/?overflow=truncate", "truncate"),
    ],
)
def test_what_is_too_long_for_a_chat_is_sent_in_parts(monkeypatch, url, mode):
    """A chat refuses a report of more than its 2,000 or 4,096 characters as a whole."""
    made: list[Any] = []
    find = apprise.Apprise.instantiate

    def instantiate(*args, **habits):
        made.append(find(*args, **habits))
        return made[-1]

    monkeypatch.setattr(apprise.Apprise, "instantiate", instantiate)
    (channel,) = channels([url], "deltaband main")
    channel.close()
    assert made[0].overflow_mode == mode


@pytest.mark.parametrize(
    "url,form",
    [
        ("mailto://ann:secret@example.com", "html"),
        ("mailto://ann:secret@example.com?format=text", "text"),
        ("tgram://123456789:abcdefg_hijklmnop_qrstuvwxyz012345/1234567", "text"),
        ("json://127.0.0.1/", "text"),
    ],
)
def test_a_page_goes_to_who_shows_pages(monkeypatch, url, form):
    """Mail shows a table; what Telegram calls HTML is bold and italics."""
    sent: list[dict[str, Any]] = []

    def notify(_, **said):
        sent.append(said)
        return True

    monkeypatch.setattr(apprise.Apprise, "notify", notify)
    (channel,) = channels([url], "deltaband main")
    channel.put(Alert("report", Severity.INFO, "", "the day", "columns", "<table></table>"))
    wait(lambda: channel.sent == 1)
    channel.close()
    assert sent[0]["body_format"] == form
    assert sent[0]["body"] == ("<table></table>" if form == "html" else "columns")


def test_whatever_a_service_raises_it_took_nothing():
    """A bug in somebody's plugin ends no thread."""

    def send(_):
        raise RuntimeError("plugin")

    channel = Channel("broken", send, (0.0,))
    for n in range(3):
        channel.put(alert(n))
    wait(lambda: channel.lost == 3)
    assert channel.failing is not None
    channel.close()


def test_an_address_that_nobody_knows_is_refused_without_repeating_it():
    """It may hold a token."""
    with pytest.raises(UnknownAddressError) as caught:
        channels(["carrierpigeon://s3cr3t-token@loft/"], "bot")
    assert "carrierpigeon" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


async def test_a_channel_that_fails_is_reported_on_the_others_and_so_is_its_return(hook):
    """Once each, and never on itself."""
    said = Said()
    broken = Hook()
    broken.status = 500
    made = _quick([broken.url, hook.url])
    told = outlet(made, said)
    watching = asyncio.create_task(told.run())
    told._send(alert(0))
    await asyncio.to_thread(wait, lambda: len(hook.got) == 2)
    assert hook.titles[1] == "bot: alerts: channel 1 (JSON) takes nothing"
    assert [event for event, *_ in said] == ["alerts.channel_failed"]
    broken.status = 200
    told._send(alert(1))
    await asyncio.to_thread(wait, lambda: len(hook.got) == 4)
    assert hook.titles[3] == "bot: alerts: channel 1 (JSON) takes messages again"
    await asyncio.to_thread(wait, lambda: len(broken.got) == 2)
    assert broken.titles[1] == "bot: alerts: 1 message was lost on this channel"
    assert broken.got[1]["message"].startswith("no bot runs")
    watching.cancel()
    await told.close()
    broken.server.shutdown()
    broken.server.server_close()


async def test_a_channel_that_is_back_hears_what_stands_and_what_it_missed(
    hook, tmp_path, monkeypatch
):
    """Also where nothing else happens, and it is the only one: a halt must not be lost for ever."""
    monkeypatch.setattr(module, "PROBE_S", 0.2)
    monkeypatch.setattr("bot.monitor.alerts.outlet.LOOK_S", 0.05)
    hook.status = 500
    reach = Reach(tmp_path, Said())
    following = Following(tmp_path, "demo")
    told = Alerts(_quick([hook.url]), following, reach, Days(tmp_path), **HABITS)
    watching = asyncio.create_task(told.run())
    told.see(halted_sight())
    await asyncio.to_thread(wait, lambda: (tmp_path / NAME).read_text() != "{}")
    assert list(unreached(tmp_path)) == ["alerts 1 (JSON)"]
    await asyncio.sleep(0.5)
    hook.status = 200
    await asyncio.to_thread(wait, lambda: len(hook.got) == 2)
    assert hook.titles[0] == "bot: alerts arrive here again"
    # Of the halt; what only asked whether anybody is there was no message.
    assert hook.titles[1] == "bot: alerts: 1 message was lost on this channel"
    assert hook.got[1]["message"].splitlines()[:2] == ["what stands now:", "everything is HALTED"]
    assert hook.got[1]["type"] == "failure"
    assert unreached(tmp_path) == {}
    watching.cancel()
    await told.close()


async def test_a_channel_that_hesitates_missed_nothing(hook, monkeypatch):
    """What is taken at the second try needs no word about it, there or elsewhere."""
    monkeypatch.setattr(module, "GRACE_S", 10.0)
    said = Said()
    (channel,) = channels([hook.url], "bot")
    channel._tries_s = (0.0, 2.0, 2.0)
    told = outlet([channel], said)
    hook.status = 500
    told._send(alert(0))
    await asyncio.to_thread(wait, lambda: channel.failing is not None)
    told._watch()
    hook.status = 200
    await asyncio.to_thread(wait, lambda: channel.sent == 1)
    told._watch()
    await told.close()
    assert (hook.titles, said) == (["bot: message 0"], [])


async def test_a_bot_that_dies_at_every_start_is_one_page(hook):
    """Started again every few seconds, it is not back in between."""
    told = outlet(_quick([hook.url]), Said())
    ended: dict[str, Any] = {"mode": "live", "market": "deribit", "version": "1", "ended_ns": 5}
    for n in range(5):
        begun = News("run", n, n, n, ended | {"ended_ns": None, "outcome": None})
        told.hear([begun, News("run", n, n, n, ended | {"outcome": "failed: no exchange"})])
        wall_ns = time.time_ns() + n * 10**10
        told.see(replace(halted_sight(), wall_ns=wall_ns, alive=n % 2 == 0, ended=False))
    await told.close()
    pages = [one["title"] for one in hook.got if one["type"] == "failure"]
    assert pages == ["bot: the bot has ended: nobody hedges", "bot: everything is HALTED"]
    assert not [title for title in hook.titles if "back" in title]


async def test_how_a_dead_bot_began_is_no_news_any_more(hook):
    """A start that was held back is not told after the death."""
    told = outlet(_quick([hook.url]), Said(), cooldown_s=10.0)
    start: dict[str, Any] = {
        "mode": "live",
        "market": "x",
        "version": "1",
        "ended_ns": None,
        "outcome": None,
    }
    for n in range(3):
        told.hear([News("run", n, n, n, start)])
    later_ns = time.time_ns() + 60 * 10**9
    told.see(replace(halted_sight(), wall_ns=later_ns, alive=False))
    await told.close()
    assert [title for title in hook.titles if "started" in title] == ["bot: the bot has started"]


async def test_the_end_waits_for_what_is_on_its_way_but_not_for_ever(hook, silent, monkeypatch):
    """A last message leaves; a dead address does not keep the process."""
    monkeypatch.setattr("bot.monitor.alerts.outlet.LEAVING_S", 1.0)
    said = Said()
    made = _quick([hook.url, silent])
    told = outlet(made, said)
    told._send(alert(0))
    async with asyncio.timeout(15.0):
        await told.close()
    assert hook.titles == ["bot: message 0"]


def _quick(urls) -> list[Channel]:
    """Return channels that try twice, soon."""
    made = channels(urls, "bot")
    for channel in made:
        channel._tries_s = (0.0, 0.1)
    return made


def test_the_newsroom_takes_it_for_an_outlet(hook):
    """It has what an outlet has."""
    (channel,) = channels([hook.url], "bot")
    following = Following(Path("absent"), "demo")
    room = Newsroom(following, [outlet([channel], Said())], Said())
    assert [one.name for one in room._outlets] == ["alerts"]
    channel.close()


async def test_the_last_word_about_starts_and_stops_is_told_within_a_minute(hook):
    """A stop after a start after a stop: whoever read the first must not believe it for long."""
    told = outlet(_quick([hook.url]), Said())
    run: dict[str, Any] = {
        "mode": "live",
        "market": "x",
        "version": "1",
        "ended_ns": None,
        "outcome": None,
    }
    start, stop = run, run | {"ended_ns": 5, "outcome": "stopped"}
    for n, row in enumerate((start, stop, start, stop)):
        told.hear([News("run", n, n, n, row)])
    now_ns = time.time_ns()
    told.see(replace(halted_sight(), wall_ns=now_ns + 61 * 10**9, alive=False, ended=True))
    await asyncio.to_thread(wait, lambda: len(hook.got) == 2)
    assert hook.titles == ["bot: the bot has started", "bot: the bot was stopped"]
    await told.close()
    assert len(hook.got) == 2


async def test_who_ends_tells_the_last_word_that_had_to_wait(hook):
    """A monitor beside a run ends with it: that the bot was stopped cannot wait for a minute."""
    told = outlet(_quick([hook.url]), Said())
    run: dict[str, Any] = {"mode": "live", "market": "x", "version": "1"}
    told.hear([News("run", 1, 1, 0, run | {"ended_ns": None, "outcome": None})])
    told.see(replace(halted_sight(), wall_ns=time.time_ns()))
    told.hear([News("run", 2, 1, 0, run | {"ended_ns": 5, "outcome": "stopped"})])
    told.see(replace(halted_sight(), wall_ns=time.time_ns(), ended=True, final=True))
    await told.close()
    assert "bot: the bot was stopped" in hook.titles


async def test_what_happened_before_the_first_look_is_not_told_as_of_now(hook):
    """A monitor that is started again beside a run reads all of it: old halts are no news."""
    told = outlet(_quick([hook.url]), Said())
    halt: dict[str, Any] = {
        "verb": "halt",
        "coin": "",
        "who": "ann",
        "why": "",
        "outcome": "HALTED",
        "accepted": 1,
    }
    run: dict[str, Any] = {
        "mode": "live",
        "market": "x",
        "version": "1",
        "ended_ns": None,
        "outcome": None,
    }
    told.hear([News("run", 1, 1, 0, run), News("command", 1, 1, 0, halt)])
    told.see(replace(halted_sight(), wall_ns=time.time_ns()))
    told.hear([News("command", 2, 1, 0, halt)])
    await told.close()
    assert sorted(hook.titles) == [
        "bot: ann: halt",
        "bot: everything is HALTED",
        "bot: the bot has started",
    ]


async def test_a_doubt_that_stands_is_told_by_a_monitor_that_comes_later(hook, tmp_path):
    """It reads what the run doubts already."""
    with closing(Journal.open(tmp_path, "demo")) as journal:
        journal.begin_run(run_start())
        doubt = Because(Reason.ANOTHER_BOT, "db-other", {})
        journal.record(Doubt(T0, "BTC", doubt, active=True))
        journal.commit()
        following = Following(tmp_path, "demo")
        reach, days = Reach(None, Said()), Days(tmp_path)
        told = Alerts(_quick([hook.url]), following, reach, days, **HABITS)
        told.see(replace(halted_sight(), wall_ns=time.time_ns()))
        await told.close()
        following.close()
    assert "bot: BTC: another bot" in hook.titles
