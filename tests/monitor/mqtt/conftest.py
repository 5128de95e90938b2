"""A real broker, or the reason why there is none; a real command beside it."""

import pytest

from tests.cli.conftest import Deltaband, LiveBot, accept
from tests.monitor.mqtt.broker import PROGRAM, Mosquitto


@pytest.fixture
def brokers(tmp_path):
    """Return a maker of brokers that end with the test."""
    if PROGRAM is None:
        pytest.skip("needs mosquitto on this machine")
    made: list[Mosquitto] = []

    def make(*lines, **how):
        folder = tmp_path / f"broker{len(made)}"
        folder.mkdir()
        made.append(Mosquitto(folder, lines or ("allow_anonymous true",), **how))
        return made[-1]

    yield make
    for broker in made:
        broker.stop()


@pytest.fixture
def broker(brokers):
    """Start a broker that lets everybody do everything."""
    return brokers().start()


@pytest.fixture
def deltaband(tmp_path):
    """Return the command with an empty home."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Deltaband(home)


@pytest.fixture
def live_bot(deltaband):
    """Return a starter of bots that end with the test."""
    bots: list[LiveBot] = []

    def start(answering=accept, instance="demo"):
        bots.append(LiveBot(deltaband.state, answering, instance))
        return bots[-1]

    yield start
    for bot in bots:
        bot.end()
