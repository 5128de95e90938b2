"""A connection that fails: what was not answered is sent again, and the broker says `offline`."""

import asyncio
import gc
import threading
from contextlib import asynccontextmanager, suppress
from typing import Any

import paho.mqtt.client as paho
import pytest

from bot.journal.tail import News
from bot.monitor.mqtt import Broker, MqttOutlet, Topics
from bot.monitor.mqtt import outages as outages_module
from bot.monitor.mqtt.audit import Audit
from bot.monitor.mqtt.client import connected
from bot.monitor.mqtt.commands import Commands
from bot.monitor.mqtt.link import LinkError
from bot.monitor.redact import Redactor
from tests.monitor.mqtt.listening import ear
from tests.monitor.mqtt.parts import Clock, Queue, Said, door_in

WILL = ("deltaband/demo/availability", b"offline")


class FrailLink:
    """A connection that answers so many publications and is lost then."""

    refused = ""

    def __init__(self, heard, answers):
        """Put what is published into `heard`."""
        self._heard, self._answers = heard, answers

    async def publish(self, topic, payload, *, retain, for_s=None):
        """Take it, or be lost; a state alone is forgotten."""
        assert for_s is None or topic.endswith("/state")
        await asyncio.sleep(0)
        if self._answers == 0:
            raise LinkError("gone")
        self._answers -= 1
        self._heard.append((topic, payload, retain))

    async def subscribe(self, topics):
        """Agree."""

    async def messages(self):
        """Hear nothing."""
        await asyncio.Event().wait()
        yield None


@pytest.mark.parametrize("late", [False, True], ids=["before it connects", "as it connects"])
async def test_who_stops_waiting_for_a_connection_leaves_none_behind(broker, monkeypatch, late):
    """It is made in a thread that nothing stops: its socket is closed, and no loop hears of it."""
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
    clients: list[paho.Client] = []
    go_on, connected_in_thread = threading.Event(), threading.Event()
    connect = paho.Client.connect

    def slow(client, *how):
        clients.append(client)
        assert go_on.wait(10.0)
        connect(client, *how)
        connected_in_thread.set()

    monkeypatch.setattr(paho.Client, "connect", slow)

    async def hold():
        async with connected(Broker(broker.host, broker.port, "deltaband-demo", WILL)):
            raise AssertionError("expected nobody to come so far")

    task = asyncio.create_task(hold())
    while not clients:  # noqa: ASYNC110  a thread knows no event of ours
        await asyncio.sleep(0.01)
    task.cancel()
    if late:  # the loop hears of the new socket once it has heard of the end
        go_on.set()
        assert connected_in_thread.wait(10.0)
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    async with asyncio.timeout(10):
        while not connected_in_thread.is_set() or clients[0].socket() is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert faults == []


async def test_what_the_broker_did_not_answer_is_sent_again_in_order(tmp_path, monkeypatch):
    """At least once, the oldest first, over as many connections as it takes."""
    monkeypatch.setattr(outages_module, "FIRST_S", 0.01)
    monkeypatch.setattr(outages_module, "LONGEST_S", 0.01)
    heard: list[tuple[str, bytes, bool]] = []
    answers = iter([0, 3, 5, 1_000])
    clock, queue, said = Clock(), Queue(), Said()

    @asynccontextmanager
    async def connect(_):
        yield FrailLink(heard, next(answers))

    def commands(reply):
        audit = Audit(queue, said, clock.s)
        return Commands(door_in(tmp_path, clock), queue, audit, said, reply, clock.s)

    broker = Broker("localhost", 1, "deltaband-demo", WILL)
    outlet = MqttOutlet(
        broker, Topics("demo"), said, Redactor(["s3cret-words"]), commands, connect=connect
    )
    rows = [{"label": f"s3cret-words-{n}", "instrument": "x"} for n in range(12)]
    outlet.hear([News("order", n, 1, 0, row) for n, row in enumerate(rows)])
    outlet._reply("command-1", {"id": "command-1"})
    task = asyncio.create_task(outlet.run())
    async with asyncio.timeout(10):
        while len({payload for _, payload, _ in heard}) < 13:  # noqa: ASYNC110  no event says so
            await asyncio.sleep(0.01)
        await outlet.close()
    task.cancel()
    firsts = list(dict.fromkeys(payload for topic, payload, _ in heard if "order" in topic))
    assert [f'"seq":{n},'.encode() in payload for n, payload in enumerate(firsts)] == [True] * 12
    assert heard[0][0] == "deltaband/demo/reply/command-1"
    assert all(b"[redacted]" in payload and b"s3cret" not in payload for payload in firsts)
    assert ("deltaband/demo/availability", b"offline", True) in heard
    assert [event for event, _, _ in said] == ["mqtt.lost"]


async def test_a_connection_that_ends_in_a_fault_leaves_the_last_will(broker):
    """Nobody would know else that nobody looks; a farewell leaves what was told."""
    where = Broker("127.0.0.1", broker.port, "deltaband-demo", WILL)
    async with ear(broker) as (listener, _):
        async with connected(where) as link:
            await link.publish(WILL[0], b"online", retain=True)
        await asyncio.sleep(0.3)
        assert listener.on("availability") == ["online"]
        with pytest.raises(LinkError, match="too slow"):
            async with connected(where) as link:
                raise LinkError("too slow")
        await listener.first("availability", lambda word: word == "offline", patience_s=5)


async def test_of_a_flood_the_newest_are_kept_and_the_rest_is_counted(broker):
    """Behind it there may be a halt."""
    where = Broker("127.0.0.1", broker.port, "deltaband-demo", WILL)
    async with connected(where) as link, broker.client("") as client:
        await link.subscribe("deltaband/demo/cmd/#")
        for n in range(1_200):
            await client.publish("deltaband/demo/cmd/halt", str(n).encode(), qos=0)
        await client.publish("deltaband/demo/cmd/halt", b"last", qos=1)
        await asyncio.sleep(1.0)
        found, lost = [], 0
        async for arrived in link.messages():
            found.append(arrived.payload)
            lost += arrived.lost
            if arrived.payload == b"last":
                break
    assert len(found) == 1_000
    assert lost == 201


async def test_a_connection_that_is_dropped_with_something_to_write_leaves_nothing_behind(broker):
    """A monitor that was stopped for a minute: what it wanted to write has no socket any more."""
    faults: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: faults.append(str(context["message"])))
    told = Broker("127.0.0.1", broker.port, "deltaband-demo", WILL)
    with suppress(LinkError):
        async with connected(told) as link:
            await link.publish("a", b"1", retain=False)
            link._paho._call_socket_register_write()  # type: ignore[attr-defined]
            raise LinkError("stopped")
    await asyncio.sleep(0.1)
    gc.collect()
    assert faults == []
