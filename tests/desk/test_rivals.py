"""Another bot on the same account: the younger halts, the elder goes on and warns."""

import pytest

from bot.desk.rivals import QUIET_S
from bot.domain.events import RivalSeen
from bot.domain.labels import stem
from bot.domain.reasons import Reason
from bot.domain.records import CommandOutcome, Doubt, StateChange
from bot.domain.states import State
from bot.domain.units import NS_PER_S
from tests.builders.books import NOW, PERPETUAL
from tests.builders.scripted_desk import ScriptedDesk, cancelled, noted, placed
from tests.struck import struck

ELDER = f"{stem('other', 1, NOW - NS_PER_S)}4"
YOUNGER = f"{stem('other', 1, NOW + NS_PER_S)}4"


@pytest.fixture
def desk():
    """Return a bot that was born NOW and runs, with an order at work."""
    desk = ScriptedDesk(positions={PERPETUAL: "30000"})
    desk.core.floor.names.born_ns = NOW
    desk.started()
    (order,) = placed(desk.commands)
    desk.accepts(order)
    return desk


def see(desk, label, instrument=PERPETUAL):
    """Let another bot's order be seen."""
    struck("F15")
    return desk.handle(RivalSeen(desk.now_ns, label, instrument))


def warnings(commands):
    """Return what is said of another bot: True when it begins, False when it is over."""
    found = noted(commands, Doubt)
    return [doubt.active for doubt in found if doubt.because.reason is Reason.ANOTHER_BOT]


def test_the_younger_halts_and_cancels_what_works(desk):
    """Sticky, and said once."""
    working = [order.intent.label for order in desk.core.floor.orders]
    commands = see(desk, ELDER)
    (change,) = noted(commands, StateChange)
    assert (change.coin, change.after) == ("BTC", State.HALTED)
    assert (change.reasons[0].reason, change.reasons[0].subject) == (Reason.ANOTHER_BOT, ELDER)
    assert cancelled(commands) == working != []
    assert see(desk, ELDER) == []
    assert desk.stands() is State.HALTED


def test_a_resumed_one_halts_again_as_soon_as_the_other_is_seen(desk):
    """A person may end the halt; two that hedge are two again."""
    see(desk, ELDER)
    (answer,) = noted(desk.says("resume", "BTC"), CommandOutcome)
    assert answer.outcome == f"RECONCILING; BTC was HALTED: another_bot({ELDER})"
    desk.wait(1.0).told()
    assert desk.stands() is not State.HALTED
    assert noted(see(desk, ELDER), StateChange)
    assert desk.stands() is State.HALTED


def test_the_elder_goes_on_and_warns_until_the_other_is_quiet(desk):
    """Again while it trades, in `status` all the time, and a word when it is over."""
    before = desk.stands()
    assert warnings(see(desk, YOUNGER)) == [True]
    assert desk.stands() is before
    assert warnings(see(desk, YOUNGER)) == []
    assert warnings(desk.tick(QUIET_S - 1.0)) == []
    assert warnings(see(desk, YOUNGER)) == [True]
    shown = [doubt.subject for doubt in desk.core.sample("BTC", desk.now_ns).doubts]
    assert YOUNGER in shown
    assert warnings(desk.tick(QUIET_S - 1.0)) == []
    assert warnings(desk.tick(1.0)) == [False]
    shown = [doubt.subject for doubt in desk.core.sample("BTC", desk.now_ns).doubts]
    assert YOUNGER not in shown
    assert warnings(desk.tick(QUIET_S)) == []


def test_another_underlying_is_somebody_elses_business(desk):
    """Two bots may share an account where each hedges coins of its own."""
    before = desk.stands()
    assert see(desk, ELDER, "ETH-PERPETUAL") == []
    assert desk.stands() is before
