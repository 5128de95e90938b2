"""Bugs that only sockets and tasks show: planted under an ordinary test, which must fail of them.

The test, the bug's `judge`, runs in a process of its own, with this module as a plugin that plants
the bug named by `--plant` before anything is imported from the tests. `make mutants` does so with
all of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.venues.deribit import deadman, orders
from bot.venues.deribit.backoff import Backoff
from bot.venues.deribit.client import HardenedDeribit
from bot.venues.deribit.tasks import Tasks
from bot.venues.deribit.venue import DeribitVenue
from tests.simulation.campaign.planted.plant import Plant, name_of
from tests.wire import resting

ROOT = Path(__file__).parents[2]
PATIENCE_S = 10.0
ENDS = "test_task_death.py::test_a_run_ends_when_a_standing_task_does[Session.run-no order yet]"
OPENS = "test_dead_man.py::test_the_order_lane_opens_with_the_switch_armed_and_a_heartbeat"
STAYS_SHUT = (
    "test_dead_man.py::test_a_lane_whose_switch_is_not_armed_by_the_venues_own_word_stays_shut"
)
PAUSES = "adapter/test_session.py::test_dials_that_fail_are_further_and_further_apart"
HANGS_UP = "adapter/test_session.py::test_a_connection_that_is_given_up_is_closed"


@dataclass(frozen=True, slots=True)
class Bug:
    """A planted bug, the invariant that it breaks, its judge, and what that says of it."""

    name: str
    words: str
    breaks: str
    judge: str
    shows: str
    plant: Callable[[Plant], None]


CATALOGUE: dict[str, Bug] = {}


def breaks(code: str, judge: str, shows: str) -> Callable[[Callable[[Plant], None]], object]:
    """Put a bug into the catalogue; the failure of its judge has `shows` in its words."""

    def keep(plant: Callable[[Plant], None]) -> object:
        words = (plant.__doc__ or "").strip()
        CATALOGUE[name_of(plant)] = Bug(
            name_of(plant), words, code, f"tests/wire/{judge}", shows, plant
        )
        return plant

    return keep


def fails(name: str, judge: str) -> str:
    """Return how a test fails with a bug (without a name: with none); empty where it passes."""
    plugins = ("-p", "tests.wire.planted", "-p", "no:cacheprovider", "-p", "no:randomly")
    told = ("-q", "--tb=no", "-rfE", f"--plant={name}", judge)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *told],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "500"},  # a summary line is cut to the terminal's width
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == pytest.ExitCode.OK:
        return ""
    failed = re.search(r"^FAILED .+$", ran.stdout, re.MULTILINE)
    return failed[0] if failed else f"{judge} was not run: {ran.stdout[-500:]}{ran.stderr[-500:]}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a bug be named."""
    parser.addoption("--plant", default="", help="the bug to have in the bot, none if empty")


def pytest_configure(config: pytest.Config) -> None:
    """Plant it; what a bug keeps from happening is not waited for as long as in ordinary tests."""
    plant = Plant()
    config.add_cleanup(plant.close)
    plant.swap(resting, "PATIENCE_S", PATIENCE_S)
    if name := config.getoption("--plant"):
        CATALOGUE[name].plant(plant)


@breaks("I25", ENDS, "TimeoutError")
def end_of_a_task_is_a_note(plant: Plant) -> None:
    """A task that must go on ends, which is written down and nothing else."""
    plant.swap(Tasks, "_died", Tasks._ended)


@breaks("I25", ENDS, "TimeoutError")
def cancelled_task_is_no_loss(plant: Plant) -> None:
    """A task that somebody cancelled is taken for one that has done its work."""

    def died(original, tasks, task):
        tasks._ended(task) if task.cancelled() else original(tasks, task)

    plant.around(Tasks, "_died", died)


@breaks("I25", ENDS, "TimeoutError")
def nobody_asks_whether_all_is_alive(plant: Plant) -> None:
    """Events are taken from a venue without a look at its tasks."""
    plant.swap(DeribitVenue, "next_event", lambda venue, until_ns=None: venue._inbox.pop(until_ns))


@breaks("I26", OPENS, "not enough values to unpack")
def dead_man_switch_is_not_armed(plant: Plant) -> None:
    """Orders may leave although nobody would cancel them for a bot that is gone."""

    async def arm(_requests):
        return True

    plant.swap(orders, "arm", arm)


@breaks("I26", STAYS_SHUT, "DID NOT RAISE")
def asking_for_the_switch_is_enough(plant: Plant) -> None:
    """The switch counts as armed once it was asked for, whatever the exchange says of it."""

    async def arm(original, requests):
        await original(requests)
        return True

    plant.around(orders, "arm", arm)


@breaks("I26", OPENS, "assert False")
def silence_is_not_noticed(plant: Plant) -> None:
    """No heartbeat is asked for: a bot that hangs keeps its connection, and its orders."""

    async def arm(requests):
        await requests.call("private/enable_cancel_on_disconnect", deadman.SCOPE, deadman.READ_S)
        return True

    plant.swap(orders, "arm", arm)


@breaks("I28", PAUSES, "assert 0.2 >= 1.0")
def dials_follow_at_once(plant: Plant) -> None:
    """A pause is never longer than the first one."""
    plant.swap(Backoff, "after", lambda backoff, **_: backoff._first_s)


@breaks("I28", PAUSES, "assert 0.2 >= 1.0")
def every_dial_counts_as_a_success(plant: Plant) -> None:
    """A dial that failed ends the longer pauses as a sound connection does."""

    def after(original, backoff, *, ready, sound, refused):
        return original(backoff, ready=ready, sound=True, refused=refused)

    plant.around(Backoff, "after", after)


@breaks("I28", HANGS_UP, " == 2")
def given_up_is_not_hung_up(plant: Plant) -> None:
    """A connection that is given up is forgotten and stays open, until there are no more."""

    async def drop(exchange, client, why):
        client.error = client.error or why
        client.reject(why)
        if exchange.clients.get(client.url) is client:
            del exchange.clients[client.url]

    plant.swap(HardenedDeribit, "drop", drop)
