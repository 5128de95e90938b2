"""A real broker between operators and a bot: rights, encryption, certificates, commands, death."""

import asyncio
import contextlib
import json
import random
import re
import signal
import sqlite3
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from bot.monitor.mqtt.outlet import KEPT_S
from tests.monitor.mqtt.broker import Authority
from tests.monitor.mqtt.listening import ear
from tests.monitor.mqtt.parts import Clock
from tests.monitor.mqtt.schemas import faults, schema
from tests.monitor.mqtt.signing import SECRET, fields, packed, sealed, signed
from tests.monitor.mqtt.test_door import mutated

DEPLOY = Path(__file__).parents[3] / "config" / "deploy" / "mosquitto"


@pytest.fixture
def keys(deltaband):
    """Write a file of keys that sign commands."""
    path = deltaband.home / "keys"
    path.touch(mode=0o600)
    path.write_text(f"# who may\ndesk {SECRET}\n", encoding="utf-8")
    return path


@pytest.fixture
def monitor(deltaband):
    """Return a starter of monitors that end with the test."""
    started = []

    def start(broker, *sets, scheme="mqtt", host="127.0.0.1", instance="demo", **env):
        url = f'mqtt.url="{scheme}://{host}:{broker.port}"'
        words = [word for one in (url, f"instance={instance}", *sets) for word in ("--set", one)]
        started.append(deltaband.start("monitor", *words, **env))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


async def told(process, event):
    """Wait until a monitor says an event; return what it has said."""
    lines: list[dict[str, Any]] = []
    async with asyncio.timeout(40):
        while not lines or lines[-1]["event"] != event:
            lines.append(json.loads(await asyncio.to_thread(process.stdout.readline)))
    return lines


async def over(process):
    """End a monitor as a service manager does; return what else it said."""
    process.send_signal(signal.SIGTERM)
    out = await asyncio.to_thread(process.stdout.read)
    assert await asyncio.to_thread(process.wait, 30) == 0, process.stderr.read()
    return [json.loads(line) for line in out.splitlines()]


def commands(state, instance="demo"):
    """Return the journal's commands: verb, who, accepted, outcome."""
    with contextlib.closing(sqlite3.connect(state / instance / "journal.sqlite")) as db:
        return db.execute("SELECT verb, who, accepted, outcome FROM commands").fetchall()


async def test_a_monitor_that_is_killed_leaves_offline_behind(monitor, broker, live_bot):
    """The broker says it: a last will."""
    live_bot()
    process = monitor(broker)
    async with ear(broker) as (listener, _):
        await listener.first("availability", lambda word: word == "online")
        process.kill()
        await listener.until(lambda: listener.on("availability")[-1] == "offline")
    async with ear(broker, "deltaband/demo/availability") as (listener, _):
        await listener.first("availability", lambda word: word == "offline")
        assert listener.heard[0][2], "it is kept"
    assert 0 < await kept_for_s(broker) <= KEPT_S, "what nobody renews is forgotten"


async def test_the_last_state_of_an_orderly_end_is_kept_for_ever(monitor, broker, live_bot):
    """It says that nobody is there."""
    live_bot()
    process = monitor(broker)
    async with ear(broker) as (listener, _):
        await listener.first("state", lambda one: one["online"])
        assert await kept_for_s(broker) <= KEPT_S
        await over(process)
        await listener.until(lambda: not listener.on("state")[-1]["online"])
    assert await kept_for_s(broker) == float("inf")


async def kept_for_s(broker) -> float:
    """Return how long the broker will still keep the state."""
    async with broker.client("deltaband/demo/state") as client:
        message = await anext(client.messages)
        assert message.retain
        return getattr(message.properties, "MessageExpiryInterval", float("inf"))


async def test_a_bot_that_dies_is_offline_while_its_monitor_lives(monitor, broker, live_bot):
    """And online again when another begins."""
    bot = live_bot()
    monitor(broker)
    async with ear(broker) as (listener, _):
        await listener.first("availability", lambda word: word == "online")
        bot.end()
        await listener.until(lambda: listener.on("availability")[-1] == "offline")
        live_bot()
        await listener.until(lambda: listener.on("availability")[-1] == "online")
        assert all(list(faults(one, schema("state"))) == [] for one in listener.on("state"))


async def test_commands_that_are_wrong_change_nothing_and_right_ones_do(
    monitor, broker, live_bot, deltaband, keys
):
    """Replayed, forged, retained, expired, out of order, and hundreds that are nonsense."""
    bot = live_bot()
    monitor(broker, f'mqtt.command_key_file="{keys}"')
    async with ear(broker) as (listener, client):

        async def send(payload, verb="pause", **how):
            await client.publish(f"deltaband/demo/cmd/{verb}", payload, qos=1, **how)

        async def reply(payload):
            return await listener.first(f"reply/{json.loads(payload)['id']}")

        await listener.first("availability", lambda word: word == "online")
        await send(signed(), retain=True)
        old = fields(ts=fields()["ts"] - 60_000)
        await send(packed(sealed(old | {"exp": old["ts"] + 8_000})))
        await send(packed(sealed(fields(), "z" * 40)))
        await send(signed("resume"), "resume")
        await send(signed("resume"), "pause")
        await send(b"x" * 17_000)
        await send(b"x" * 70_000)  # is not even delivered
        rng, clock = random.Random(5), Clock()
        for _ in range(300):
            verb = rng.choice(["pause", "resume", "halt", "target", "challenge"])
            await send(mutated(rng, clock), verb)
        first = signed(args={"coin": "BTC", "why": "news"})
        await send(first)
        told = await reply(first)
        assert (told["accepted"], told["outcome"]) == (True, "PAUSED")
        assert list(faults(told, schema("reply"))) == []
        assert [(one.verb, one.coin, one.who, one.why) for one in bot.heard] == [
            ("pause", "BTC", "mqtt:desk", "news")
        ]
        for _ in range(3):
            await send(first)
        earlier = signed(seq=json.loads(first)["seq"] - 1)
        await send(earlier)
        assert "expected seq above" in (await reply(earlier))["outcome"]
        challenge = signed("challenge")
        await send(challenge, "challenge")
        nonce = (await reply(challenge))["nonce"]
        target = signed("target", args={"coin": "BTC", "target": "0.5"}, nonce=nonce)
        await send(target, "target")
        await reply(target)
        again = signed("resume", nonce=nonce)
        await send(again, "resume")
        assert not (await reply(again))["accepted"]
        assert [(one.verb, one.arguments) for one in bot.heard] == [
            ("pause", {}),
            ("target", {"target": 0.5}),
        ]
        same = listener.on(f"reply/{json.loads(first)['id']}")
        assert len(same) == 4
        assert all(one == same[0] for one in same)
    rows = commands(deltaband.state)
    assert [row[:3] for row in rows if row[2]] == [
        ("pause", "mqtt:desk", 1),
        ("target", "mqtt:desk", 1),
    ]
    refused = [outcome for _, _, accepted, outcome in rows if not accepted]
    assert all(outcome.startswith("refused at the door: ") for outcome in refused)
    assert any("a retained one" in outcome for outcome in refused)
    bot.end()
    assert deltaband("journal", "verify", "--instance", "demo").returncode == 0


async def test_without_keys_every_command_is_refused_and_audited(
    monitor, broker, live_bot, deltaband
):
    """The state says that none is taken."""
    bot = live_bot()
    process = monitor(broker)
    async with ear(broker) as (listener, client):
        state = await listener.first("state")
        assert state["commands"] == "off"
        await client.publish("deltaband/demo/cmd/halt", signed("halt"), qos=1)
        async with asyncio.timeout(10):
            while not commands(deltaband.state):  # noqa: ASYNC110  another process writes it
                await asyncio.sleep(0.05)
    lines = await over(process)
    assert bot.heard == []
    assert [line["found"] for line in lines if line["event"] == "mqtt.refused"] == [
        "expected a key that is known here, found another"
    ]


@pytest.fixture
def deployed(brokers):
    """Start a broker by the example's own files: encrypted, with passwords and rights."""
    broker = brokers()
    authority = Authority(broker.folder)
    certificate, key = authority.sign("server", "127.0.0.1", "localhost")
    text = (DEPLOY / "mosquitto.conf").read_text(encoding="utf-8")
    text = text.replace("/etc/mosquitto/", f"{broker.folder}/")
    text = text.replace("listener 8883", f"listener {broker.port} 127.0.0.1")
    assert (certificate.name, key.name) == ("server.crt", "server.key")
    (broker.folder / "acl").write_bytes((DEPLOY / "acl").read_bytes())
    broker.passwords(deltaband_main="bot's own words", desk="desk words", screen="screen words")
    broker.configure(text.splitlines(), listener=False)
    return broker.start(), authority


def tls(authority, user):
    """Return how a client of a test connects there."""
    words = {"deltaband-main": "bot's own words", "desk": "desk words", "screen": "screen words"}
    return {"tls_context": authority.context(), "username": user, "password": words[user]}


async def test_the_example_lets_each_do_its_own_alone(deployed, monitor, live_bot, keys):
    """The bot tells and reads commands; an operator commands and reads; nobody else anything."""
    broker, authority = deployed
    bot = live_bot(instance="main")
    sets = (
        f'mqtt.ca_file="{authority.file}"',
        "mqtt.username=deltaband-main",
        f'mqtt.command_key_file="{keys}"',
    )
    secret = {"DELTABAND_MQTT_PASSWORD": "bot's own words"}
    process = monitor(broker, *sets, scheme="mqtts", host="localhost", instance="main", **secret)
    topics = ["deltaband/main/availability", "deltaband/main/state", "deltaband/main/reply/#"]
    asked = [(topic, 1) for topic in topics]
    async with ear(broker, asked, **tls(authority, "desk")) as (listener, client):
        await listener.first("availability", lambda word: word == "online")
        pause = signed()
        await client.publish("deltaband/main/cmd/pause", pause, qos=1)
        assert (await listener.first(f"reply/{json.loads(pause)['id']}"))["accepted"]
        # What an operator may not: speak for the bot.
        await client.publish("deltaband/main/availability", b"offline", qos=1, retain=True)
        await client.publish("deltaband/main/state", b"{}", qos=1, retain=True)
        async with broker.client("", **tls(authority, "deltaband-main")) as robber:
            # What the bot may not: give a command.
            await robber.publish("deltaband/main/cmd/halt", signed("halt"), qos=1)
        async with broker.client("", **tls(authority, "screen")) as screen:
            await screen.publish("deltaband/main/cmd/halt", signed("halt"), qos=1)
        await asyncio.sleep(1.0)
        assert {} not in listener.on("state")
        assert "offline" not in listener.on("availability")[1:]
        assert [one.verb for one in bot.heard] == ["pause"]
        async with ear(broker, "#", **tls(authority, "screen")) as (curious, _):
            await curious.first("state")
            await asyncio.sleep(0.5)
            assert {topic for topic, _, _ in curious.heard} == {"availability", "state"}
    with pytest.raises(aiomqtt.MqttError):
        async with broker.client("", tls_context=authority.context()):
            pass
    assert not [line for line in await over(process) if line["event"] == "mqtt.not_allowed"]


async def test_a_broker_that_allows_it_nothing_is_named_once(deployed, monitor, live_bot):
    """MQTT 5 says so; a bot that tells nobody should."""
    broker, authority = deployed
    live_bot(instance="other")
    sets = (f'mqtt.ca_file="{authority.file}"', "mqtt.username=screen")
    secret = {"DELTABAND_MQTT_PASSWORD": "screen words"}
    process = monitor(broker, *sets, scheme="mqtts", instance="other", **secret)
    lines = await told(process, "mqtt.not_allowed")
    assert lines[-1]["found"] == "Not authorized"
    await asyncio.sleep(1.5)
    assert [line["event"] for line in await over(process)] == ["monitor.stopped"]


@pytest.mark.parametrize(
    "trusted,host", [("other", "localhost"), ("same", "127.0.0.2"), (None, "localhost")]
)
async def test_a_broker_of_another_authority_or_name_is_not_spoken_to(
    deployed, monitor, tmp_path, trusted, host
):
    """Neither a certificate of somebody else nor one for somebody else; no password leaves."""
    broker, authority = deployed
    if host == "127.0.0.2":
        text = broker.file.read_text().replace(" 127.0.0.1", " 127.0.0.2")
        broker.stop()
        broker.file.write_text(text)
        broker.host = host
        broker.start()
    named = Authority(tmp_path, "other") if trusted == "other" else authority
    sets = [] if trusted is None else [f'mqtt.ca_file="{named.file}"']
    secret = {"DELTABAND_MQTT_PASSWORD": "bot's own words"}
    user = "mqtt.username=deltaband-main"
    process = monitor(broker, *sets, user, scheme="mqtts", host=host, **secret)
    *_, lost = await told(process, "mqtt.lost")
    assert re.search(r"certificate verify failed", lost["found"]), lost
    assert "bot's own words" not in json.dumps(lost)
    await asyncio.sleep(1.5)
    assert [line["event"] for line in await over(process)] == ["monitor.stopped"]


async def test_a_client_certificate_stands_for_a_password(brokers, monitor, live_bot):
    """Its name is the user; without it nobody comes in, and the reason is told."""
    broker = brokers()
    authority = Authority(broker.folder)
    certificate, key = authority.sign("server", "localhost")
    broker.configure(
        [
            f"cafile {authority.file}",
            f"certfile {certificate}",
            f"keyfile {key}",
            "require_certificate true",
            "use_identity_as_username true",
            "allow_anonymous false",
        ]
    )
    broker.start()
    live_bot()
    ours = broker.folder / "ours.pem"
    ours.touch(mode=0o600)
    ours.write_bytes(b"".join(one.read_bytes() for one in authority.sign("deltaband-demo")))
    ca = f'mqtt.ca_file="{authority.file}"'
    stranger = monitor(broker, ca, scheme="mqtts", host="localhost", instance="stranger")
    process = monitor(broker, ca, f'mqtt.cert_file="{ours}"', scheme="mqtts", host="localhost")
    context = authority.context(authority.sign("desk"))
    context.check_hostname = False
    async with ear(broker, tls_context=context) as (listener, _):
        await listener.first("availability", lambda word: word == "online")
    assert [line["event"] for line in await over(process) if "mqtt" in line["event"]] == [
        "mqtt.connected"
    ]
    *_, lost = await told(stranger, "mqtt.lost")
    assert "certificate required" in lost["found"].lower(), lost
