"""Whoever looks on, and however badly it goes with them: the bot sends the same orders."""

from functools import cache

import pytest

from tests.monitor.mqtt.broker import PROGRAM
from tests.processes.impact import CASES, Ran, run

HOURS = 0.5


@cache
def ran(case: str) -> Ran:
    """Run a case once."""
    return run(case, HOURS)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case != "alone"])
def test_the_same_orders_order_for_order(case):
    """Half an hour with the first hedges, the jump and a plan for options."""
    if "broker" in (CASES[case] or {}) and PROGRAM is None:
        pytest.skip("needs mosquitto on this machine")
    alone, watched = ran("alone"), ran(case)
    assert len(alone.intents) > 20
    assert watched.intents == alone.intents
    assert watched.digest == alone.digest


@pytest.mark.slow
def test_who_looks_on_does_see_something():
    """Else the cases would prove nothing: alerts arrive, and none where nobody answers."""
    assert len(ran("broker well").around.alerts) >= 2
    assert ran("webhook never answers").around.alerts == []
