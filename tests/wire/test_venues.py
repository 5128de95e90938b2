"""`deltaband venues`: what ccxt says of itself, and what we say of it."""

import json
import subprocess
import sys

import ccxt.pro  # type: ignore[import-untyped]
import pytest

from bot.venues.survey import ADAPTERS, JUDGED, Fitness, survey
from tests.wire.test_run import TOP

OFFERS = {one.exchange: one for one in survey()}


def test_every_exchange_with_options_is_listed_and_judged():
    """A new one of a new ccxt would be listed as not looked at; today none is."""
    there = {name for name in ccxt.pro.exchanges if getattr(ccxt.pro, name)().has.get("option")}
    assert there - set(OFFERS) == set()
    assert set(OFFERS) == set(JUDGED)
    assert Fitness.UNKNOWN not in {one.fitness for one in OFFERS.values()}


@pytest.mark.parametrize(
    "name,fitness",
    [
        ("deribit", "yes"),
        ("okx", "yes"),
        ("bybit", "yes"),
        ("binance", "partial"),
        ("gate", "partial"),
        ("derive", "partial"),
        ("delta", "no"),
        ("bullish", "no"),
        ("coinbaseinternational", "no"),
    ],
)
def test_fitness_has_a_reason(name, fitness):
    """Yes, partial or no, and why."""
    assert OFFERS[name].fitness == fitness
    assert len(OFFERS[name].why) > 20


def test_what_is_offered_is_what_ccxt_says():
    """Streams, positions, dead-man switch and sandbox, on exchanges that differ in them."""
    okx, delta, gate = (OFFERS[name] for name in ("okx", "delta", "gate"))
    assert okx.streams == "quotes books orders fills"
    assert (okx.positions, okx.greeks, okx.dead_man) == ("stream", "poll", "timer")
    assert (delta.streams, delta.positions, delta.dead_man) == ("-", "poll", "-")
    assert (gate.chain, delta.chain) == (True, False)
    assert "ws" in okx.orders.split()
    assert "ws" not in OFFERS["deribit"].orders.split()
    assert OFFERS["deribit"].dead_man == "connection"
    assert OFFERS["binance"].sandbox == "test demo, no options"
    assert OFFERS["deribit"].client_ids == "label"


def test_the_verb_prints_them_without_a_network_and_the_command_alone_loads_no_ccxt():
    """A table for people; ccxt comes with this verb only; no socket is opened."""
    program = (
        "import socket, sys\n"
        "def refuse(*_): raise OSError('expected no network')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from bot.cli import main\n"
        "import bot.venues.survey\n"
        "early = 'ccxt' in sys.modules\n"
        "code = main(['venues', '--json'])\n"
        "print(early, 'ccxt' in sys.modules, file=sys.stderr)\n"
        "sys.exit(code or main(['venues']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=TOP, capture_output=True, text=True, check=True
    )
    assert done.stderr == "False True\n"
    first, rest = done.stdout.split("\n", 1)
    listed = {one["exchange"]: one for one in json.loads(first)["venues"]}
    assert set(listed) == set(OFFERS)
    assert {name for name, one in listed.items() if one["adapter"]} == ADAPTERS == {"deribit"}
    for name, one in OFFERS.items():
        assert f"{name}: {one.fitness}. " in rest
