"""Time that an operator had stopped, over overlapping words."""

from bot.domain.reasons import Because, Reason
from bot.domain.records import Standing, StateChange, Word
from bot.domain.states import State
from bot.domain.units import NS_PER_S
from bot.lab.scorecard.stops import Stops

WHY = Because(Reason.OPERATOR, "ann")


def moved(second, coin, before, after):
    """Return a change of state."""
    return StateChange(second * NS_PER_S, coin, before, after, ())


def off(second, coin, *, active):
    """Return the word that switches a coin off, or on."""
    return Standing(second * NS_PER_S, coin, Word.OFF, None, active=active, because=WHY)


def test_time_is_counted_once_however_many_things_stand():
    """From the first word to the last one's end, and what still stands until now."""
    stops = Stops()
    stops.note(moved(5, "BTC", State.READY, State.RUNNING))
    assert stops.seconds(9 * NS_PER_S) == 0.0
    stops.note(moved(10, "BTC", State.RUNNING, State.HALTED))
    stops.note(off(12, "ETH", active=True))
    stops.note(moved(20, "BTC", State.HALTED, State.RECONCILING))
    assert stops.seconds(25 * NS_PER_S) == 15.0
    stops.note(off(30, "ETH", active=False))
    assert stops.seconds(99 * NS_PER_S) == 20.0
    stops.note(moved(100, "", State.RUNNING, State.PAUSED))
    stops.note(moved(101, "BTC", State.RUNNING, State.REDUCE_DELTA_ONLY))
    assert stops.seconds(110 * NS_PER_S) == 30.0


def test_what_only_reduces_is_no_operators_stop():
    """It is the bot's own caution, and its breaches are its own."""
    stops = Stops()
    stops.note(moved(10, "BTC", State.RUNNING, State.REDUCE_DELTA_ONLY))
    assert stops.seconds(60 * NS_PER_S) == 0.0
