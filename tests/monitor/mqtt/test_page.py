"""The page of MQTT: its example is run against a broker, its text and mac are those of the code."""

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest

from bot.monitor.mqtt import Key
from bot.monitor.mqtt.envelope import canonical
from bot.monitor.mqtt.events import TOLD
from config import load
from tests.monitor.mqtt.listening import ear
from tests.monitor.mqtt.signing import SECRET
from tests.monitor.mqtt.test_envelope import MAC, TEXT, WHOLE

PAGE = (Path(__file__).parents[3] / "docs" / "mqtt.md").read_text(encoding="utf-8")


def block(language):
    """Return the page's block in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_worked_example_is_true():
    """Who writes a client in another language checks it against this."""
    assert block("json").strip() == TEXT == canonical(WHOLE).decode()
    assert f"the mac `{MAC}`" in PAGE
    assert f"`{SECRET}`" in PAGE
    assert Key(SECRET).mac(TEXT.encode()) == MAC


def test_the_settings_are_accepted(tmp_path):
    """As they stand."""
    path = tmp_path / "settings.toml"
    path.write_text(block("toml"), encoding="utf-8")
    assert load((path,), environ={}).settings.mqtt.username == "deltaband-main"


def test_every_event_is_named():
    """No kind is told that the page does not know."""
    (named,) = re.findall(r"\*\*Events\*\* are (.*?): rows of the", PAGE, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", named)) == set(TOLD)


@pytest.mark.parametrize(
    "words,expected",
    [
        (["pause", "coin=BTC", "why=mañana"], ("pause", "BTC", "mañana", {})),
        (["resume"], ("resume", "", "", {})),
        (["target", "coin=BTC", "target=-0.25"], ("target", "BTC", "", {"target": -0.25})),
    ],
)
async def test_the_example_commands_a_bot(broker, deltaband, live_bot, tmp_path, words, expected):
    """As it stands on the page, through a real broker, and prints what the bot answers."""
    keys = deltaband.home / "keys"
    keys.touch(mode=0o600)
    keys.write_text(f"desk {SECRET}\n", encoding="utf-8")
    program = tmp_path / "command.py"
    program.write_text(block("python"), encoding="utf-8")
    bot = live_bot()
    sets = (
        f'mqtt.url="mqtt://127.0.0.1:{broker.port}"',
        f'mqtt.command_key_file="{keys}"',
        "instance=demo",
    )
    monitor = deltaband.start("monitor", *[word for one in sets for word in ("--set", one)])
    async with ear(broker) as (listener, _):
        await listener.first("availability", lambda word: word == "online")
        line = [sys.executable, str(program), "127.0.0.1", str(broker.port), "demo", str(keys)]
        process = await asyncio.create_subprocess_exec(
            *line, *words, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
    monitor.terminate()
    await asyncio.to_thread(monitor.communicate, None, 30)
    assert json.loads(out.decode().replace("'", '"').replace("True", "true"))["accepted"] is True
    assert [(one.verb, one.coin, one.why, one.arguments) for one in bot.heard] == [expected]
