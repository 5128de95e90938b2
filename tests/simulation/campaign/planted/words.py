"""Bugs in what operators' words do, and when."""

from __future__ import annotations

from bot.desk import delta as delta_desk
from bot.desk import resting, verbs
from bot.desk.reconcile import Reconciler
from bot.domain.states import State
from bot.journal import queue
from bot.risk.machine import Machine
from tests.simulation.campaign.planted.plant import Ground, Plant, breaks

# Somebody resumes here while nothing has been heard of an order.
UNKNOWN = Ground((29, 44, 56), 0.3)
# An order rests here when somebody halts, and nothing else takes it away for some seconds.
RESTING = Ground((61, 148, 183, 366), 0.3)


@breaks("I7", "I20", "I22")
def pause_lets_urgent_hedges_go(plant: Plant) -> None:
    """A paused book still reduces its delta."""

    def at(original, machine, coin):
        found = original(machine, coin)
        return State.REDUCE_DELTA_ONLY if found is State.PAUSED else found

    plant.around(Machine, "at", at)


@breaks("I22", "I20")
def halt_is_a_notice(plant: Plant) -> None:
    """A halt is written down and shown, and orders go on."""

    def at(original, machine, coin):
        found = original(machine, coin)
        return State.RUNNING if found is State.HALTED else found

    plant.around(Machine, "at", at)


@breaks("I22", where=RESTING)
def halt_leaves_what_rests(plant: Plant) -> None:
    """A halt stops new orders; those that rest go on resting."""
    plant.swap(resting, "cancel_resting", lambda *_: [])
    plant.swap(delta_desk, "cancel_resting", lambda *_: [])

    def cancel_all(original, reconciler, now_ns, coin=""):
        halted = State.HALTED in reconciler.floor.machine.states.values()
        return [] if halted else original(reconciler, now_ns, coin)

    plant.around(Reconciler, "cancel_all", cancel_all)


@breaks("I23", where=UNKNOWN)
def resume_does_not_ask_about_orders(plant: Plant) -> None:
    """A resume is accepted while an order's fate is unknown."""
    plant.swap(verbs, "LOOSENS", ())


@breaks("I24")
def late_resume_is_obeyed(plant: Plant) -> None:
    """A resume works however long it has waited."""
    plant.swap(queue, "MAX_AGE_NS", 10**18)


@breaks("I24")
def words_work_again_and_again(plant: Plant) -> None:
    """A command that was obeyed is found in the queue once more."""
    kept: list[queue.Command] = []

    def take(original, *args):
        again = tuple(kept)
        kept[:] = original(*args)
        return again + tuple(kept)

    plant.around(queue, "take", take)


@breaks("I22", "I7", "I20")
def last_word_comes_first(plant: Plant) -> None:
    """Of two commands that wait the newer one is obeyed first."""
    plant.swap(queue, "_WAITING", queue._WAITING.replace("ORDER BY seq", "ORDER BY seq DESC"))
