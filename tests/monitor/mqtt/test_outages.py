"""A broker that goes, hangs or refuses: a line when it begins, a line when it is over."""

import asyncio
import json

import pytest

from bot.domain.states import State
from bot.journal import Journal
from bot.journal.following import Following
from bot.monitor.mqtt import client, outages, outlet
from bot.monitor.mqtt.outages import LONGEST_S, Outages
from bot.monitor.newsroom import Newsroom
from bot.wiring.monitoring import outlets
from config import load
from tests.journal.records import T0, decision, run_start, sample
from tests.monitor.mqtt.listening import ear
from tests.monitor.mqtt.parts import Clock, Said
from tests.struck import struck


@pytest.fixture
def journal(tmp_path):
    """Open a journal with a run that decides."""
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start())
    journal.record(sample(1))
    journal.tick(T0, State.RUNNING)
    yield journal
    journal.close()


class Monitor:
    """A newsroom with one outlet, on a bot that lives for as long as this does."""

    def __init__(self, journal, broker, *sets, environ=None):
        """Take what a monitor is made of."""
        state = journal.path.parents[1]
        url = f'mqtt.url="mqtt://127.0.0.1:{broker.port}"'
        wanted = (url, "instance=demo", f'state_dir="{state}"', *sets)
        self.said, self.stop, self.journal = Said(), asyncio.Event(), journal
        settings = load((), sets=wanted, environ={}).settings
        following = Following(state, "demo")
        (self.outlet,) = outlets(settings, environ or {}, following, self.said)
        self._room = Newsroom(following, (self.outlet,), self.said)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self):
        """Begin."""
        self._tasks = [
            asyncio.create_task(self._room.run(self.stop)),
            asyncio.create_task(self._live()),
        ]
        return self

    async def __aexit__(self, *_):
        """End, in seconds."""
        self.stop.set()
        async with asyncio.timeout(15):
            await self._tasks[0]
        self._tasks[1].cancel()

    async def _live(self):
        while True:
            self.journal.tick(T0, State.RUNNING)
            await asyncio.sleep(0.2)

    def events(self):
        """Return what was told, without its figures."""
        return [event for event, _, _ in self.said]

    async def until(self, event):
        """Wait until something is told, and return its fields."""
        async with asyncio.timeout(30):
            while event not in self.events():  # noqa: ASYNC110  it is told by nobody we know
                await asyncio.sleep(0.05)
        return next(fields for name, _, fields in self.said if name == event)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Let nobody wait half a minute."""
    monkeypatch.setattr(outages, "LONGEST_S", 0.5)
    monkeypatch.setattr(outages, "STEADY_S", 0.3)
    monkeypatch.setattr(client, "ANSWER_S", 1.0)


async def test_a_broker_that_goes_and_comes_is_two_lines_and_keeps_everything_anew(
    journal, brokers
):
    """What a broker has forgotten it is told again, and what happened meanwhile too."""
    broker = brokers().start()
    async with Monitor(journal, broker) as monitor:
        async with ear(broker) as (listener, _):
            await listener.first("availability", lambda word: word == "online")
            await listener.first("state")
        broker.stop()
        await monitor.until("mqtt.lost")
        journal.record(decision(7))
        journal.commit()
        await asyncio.sleep(2.0)
        broker.start()
        async with ear(broker) as (listener, _):
            await listener.first("availability", lambda word: word == "online")
            await listener.first("state", lambda one: one["online"])
            told = await listener.first("event/decision")
            assert (told["name"], told["coin"]) == ("d7", "BTC")
        back = await monitor.until("mqtt.back")
        assert back["dropped_events"] == 0
        assert back["lasted_s"] >= 1.5
        assert monitor.events() == ["mqtt.connected", "mqtt.lost", "mqtt.back"]


@pytest.mark.slow
async def test_a_broker_that_hangs_is_one_outage_and_holds_up_nobody(journal, brokers):
    """It stands still with its connections open; the monitor's own end takes seconds."""
    broker = brokers().start()
    async with Monitor(journal, broker) as monitor:
        async with ear(broker) as (listener, _):
            await listener.first("availability", lambda word: word == "online")
        broker.freeze()
        lost = await monitor.until("mqtt.lost")
        assert "timed out" in lost["found"].lower()
        await asyncio.sleep(4.0)
        broker.thaw()
        await monitor.until("mqtt.back")
        async with ear(broker) as (listener, _):
            # What hung is answered now, last wills of what was left behind among it.
            await listener.first("availability", lambda word: word == "online")
            await asyncio.sleep(2.0)
            assert listener.on("availability")[-1] == "online"
        assert monitor.events() == ["mqtt.connected", "mqtt.lost", "mqtt.back"]
        broker.freeze()
        await asyncio.sleep(0.5)
    broker.thaw()
    async with ear(broker) as (listener, _):
        await listener.until(lambda: (listener.on("availability") or [""])[-1] == "offline")


async def test_a_broker_that_refuses_the_login_is_named_with_its_reason(journal, brokers):
    """Again and again, in one line; with the right password it is over."""
    broker = brokers("allow_anonymous false")
    passwords = broker.passwords(deltaband_demo="right horse", desk="other horse")
    broker.configure(["allow_anonymous false", f"password_file {passwords}"])
    broker.start()
    environ = {"DELTABAND_MQTT_PASSWORD": "wrong horse"}
    said = "mqtt.username=deltaband-demo"
    async with Monitor(journal, broker, said, environ=environ) as monitor:
        lost = await monitor.until("mqtt.lost")
        assert "not authorized" in lost["found"].lower()
        assert "DELTABAND_MQTT_PASSWORD" in lost["found"]
        await asyncio.sleep(3.0)
        broker.stop()
        broker.passwords(deltaband_demo="wrong horse")
        broker.start()
        await monitor.until("mqtt.back")
        async with ear(broker, username="desk", password="other horse") as (listener, _):
            await listener.first("availability", lambda word: word == "online")
        assert monitor.events() == ["mqtt.lost", "mqtt.back"]
        assert "wrong horse" not in str(monitor.said)


async def test_events_without_a_broker_are_bounded_and_what_is_lost_is_counted(
    journal, brokers, monkeypatch
):
    """The newest are kept; the state and the line say how many are gone."""
    monkeypatch.setattr(outlet, "ROOM", 50)
    broker = brokers()
    async with Monitor(journal, broker) as monitor:
        await monitor.until("mqtt.lost")
        for n in range(200):
            journal.record(decision(n))
        journal.commit()
        await asyncio.sleep(1.0)
        broker.start()
        async with ear(broker) as (listener, _):
            state = await listener.first("state")
            assert state["dropped_events"] == 150
            await listener.until(lambda: len(listener.on("event/decision")) == 50)
            names = [one["name"] for one in listener.on("event/decision")]
            assert names == [f"d{n}" for n in range(150, 200)]
        back = await monitor.until("mqtt.back")
        assert back["dropped_events"] == 150


async def test_two_that_take_the_place_of_each_other_are_no_flood(journal, brokers):
    """A connection that comes and goes is one outage."""
    broker = brokers().start()
    async with Monitor(journal, broker) as monitor:
        await monitor.until("mqtt.connected")
        for _ in range(10):
            async with broker.client("", identifier="deltaband-demo"):
                await asyncio.sleep(0.1)
            struck("F81")
            await asyncio.sleep(0.1)
        assert len(monitor.events()) <= 4, monitor.events()


async def test_a_state_is_kept_once_a_second_at_most(journal, broker):
    """However often things change."""
    async with Monitor(journal, broker) as monitor, ear(broker) as (listener, _):
        await listener.first("state")
        before = len(listener.on("state"))
        for n in range(30):
            journal.record(sample(n + 2, delta_coin=n / 10))
            journal.commit()
            monitor.outlet.see(monitor.outlet._sight)
            await asyncio.sleep(0.1)
        assert 2 <= len(listener.on("state")) - before <= 5
        assert all(json.dumps(one) for one in listener.on("state"))


def test_the_wait_doubles_with_chance_in_it_and_is_short_again_after_one_that_held(monkeypatch):
    """From half a second to half a minute."""
    monkeypatch.setattr(outages, "LONGEST_S", LONGEST_S)
    clock, said = Clock(), Said()
    chances = iter([1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    found = Outages("a:1", said, clock.s, lambda: next(chances))
    assert [found.went("gone") for _ in range(8)] == [0.5, 1.0, 1.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    found.came(0)
    clock.ms += 61_000
    found.came(3)
    assert found.went("gone again") == 0.5
    told = [(event, fields.get("found")) for event, _, fields in said]
    assert told == [("mqtt.lost", "gone"), ("mqtt.back", "gone"), ("mqtt.lost", "gone again")]
    assert said[1][2]["dropped_events"] == 3
