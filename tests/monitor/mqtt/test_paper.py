"""A paper run whose settings name a broker: seen, paused and resumed from there, and its death."""

import asyncio
import json
import signal
import sqlite3

import pytest

from tests.monitor.mqtt.listening import ear
from tests.monitor.mqtt.signing import SECRET, signed

pytestmark = pytest.mark.slow


async def ended(process, patience_s=60.0):
    """Wait for a process beside the loop and return its exit code."""
    return await asyncio.to_thread(process.wait, patience_s)


@pytest.fixture
def keys(deltaband):
    """Write a file of keys that sign commands."""
    path = deltaband.home / "keys"
    path.touch(mode=0o600)
    path.write_text(f"# who may\ndesk {SECRET}\n", encoding="utf-8")
    return path


def paper(deltaband, broker, *more, speed=1):
    """Start a paper run that tells the broker."""
    sets = (f'mqtt.url="mqtt://127.0.0.1:{broker.port}"', "instance=demo", *more)
    words = [word for one in sets for word in ("--set", one)]
    return deltaband.start("paper", "--speed", speed, "--seed", 3, "--for", "600s", *words)


async def asked(listener, client, cmd, **changed):
    """Send a signed command and return its reply."""
    payload = signed(cmd, **changed)
    await client.publish(f"deltaband/demo/cmd/{cmd}", payload, qos=1)
    return await listener.first(f"reply/{json.loads(payload)['id']}")


async def test_a_run_is_seen_paused_and_resumed_from_a_broker(deltaband, broker, keys):
    """State arrives; a pause pauses, a challenge and a resume resume; the end is `offline`."""
    async with ear(broker) as (listener, client):  # first: an event is told once
        bot = paper(deltaband, broker, f'mqtt.command_key_file="{keys}"')
        await listener.first("availability", lambda word: word == "online", patience_s=60)
        state = await listener.first("state", lambda one: one["state"] == "RUNNING")
        assert (state["v"], state["online"], state["commands"]) == (1, True, "on")
        assert {"delta_coin", "lower", "upper", "equity_usd"} <= state["coins"]["BTC"].keys()
        run = await listener.first("event/run")
        assert (run["kind"], run["mode"]) == ("run", "paper")

        reply = await asked(listener, client, "pause", args={"why": "lunch"})
        assert (reply["accepted"], reply["outcome"]) == (True, "PAUSED")
        await listener.first("state", lambda one: one["state"] == "PAUSED")
        refused = await asked(listener, client, "resume")
        assert "challenge" in refused["outcome"]
        challenge = await asked(listener, client, "challenge")
        reply = await asked(listener, client, "resume", nonce=challenge["nonce"])
        assert reply["accepted"], reply
        states = len(listener.on("state"))
        await listener.until(
            lambda: any(one["state"] == "RUNNING" for one in listener.on("state")[states:])
        )
        challenge = await asked(listener, client, "challenge")
        args = {"coin": "BTC", "target": "0.05"}
        reply = await asked(listener, client, "target", args=args, nonce=challenge["nonce"])
        assert reply["accepted"], reply
        await listener.first("state", lambda one: one["coins"]["BTC"]["target"] == 0.05)
        told = [one for one in listener.on("event/command") if one["verb"] == "pause"]
        assert [(one["who"], one["why"], one["accepted"]) for one in told] == [
            ("mqtt:desk", "lunch", True)
        ]
        bot.send_signal(signal.SIGINT)
        assert await ended(bot) == 0, bot.stderr.read()
        await listener.until(lambda: listener.on("availability")[-1] == "offline")
        assert listener.on("state")[-1]["ended"]
    bot.communicate()
    with sqlite3.connect(deltaband.state / "demo" / "journal.sqlite") as db:
        rows = db.execute("SELECT verb, who, accepted FROM commands ORDER BY seq").fetchall()
    db.close()
    assert rows == [
        ("pause", "mqtt:desk", 1),
        ("resume", "mqtt:desk", 0),
        ("resume", "mqtt:desk", 1),
        ("target", "mqtt:desk", 1),
    ]
    assert deltaband("journal", "verify", "--instance", "demo").returncode == 0


async def test_a_bot_that_is_killed_is_offline(deltaband, broker):
    """Its monitor sees the pipe close, and says so before it ends."""
    async with ear(broker) as (listener, _):
        bot = paper(deltaband, broker, speed=60)
        await listener.first("availability", lambda word: word == "online", patience_s=60)
        bot.kill()
        await ended(bot)
        await listener.until(lambda: listener.on("availability")[-1] == "offline")
    bot.communicate()
