"""An empty list of positions is no evidence of being flat while the account has margin."""

from decimal import Decimal

import pytest

from bot.domain.deribit import parse
from bot.domain.events import PositionsReport
from bot.domain.positions import Balance, Position
from bot.domain.reasons import Reason
from bot.domain.records import StateChange
from bot.domain.states import State
from tests.builders.scripted_desk import ScriptedDesk, noted, placed
from tests.simulation.drive import PERPETUAL

SHORT = {"BTC-30JAN26-95000-C": "-1", PERPETUAL: "-20000"}


def nothing(desk: ScriptedDesk, maintenance: float) -> PositionsReport:
    """Return a report of no position beside an account with so much maintenance margin."""
    account = Balance("BTC", 1.0, 1.0, 2.0 * maintenance, maintenance)
    return PositionsReport(desk.now_ns, (), (account,))


@pytest.mark.parametrize("maintenance,left", [(0.01, 2), (0.0, 0)])
def test_nothing_told_is_believed_only_of_an_account_without_margin(maintenance, left):
    """Told ten times it is the same source; meanwhile nothing is sent."""
    desk = ScriptedDesk(positions=SHORT)
    desk.started()
    for _ in range(10):
        desk.wait(1.1).handle(nothing(desk, maintenance))
    held = [n for n, v in desk.core.floor.book.holdings.held().items() if v]
    assert len(held) == left
    if left:
        assert desk.core.floor.machine.at("BTC") is State.RECONCILING
        assert placed(desk.commands) == []


@pytest.mark.parametrize("model,believed", [("cross_sm", True), ("segregated_sm", False)])
def test_margin_that_all_coins_share_says_nothing_of_one(model, believed):
    """Another coin's position explains it; a run begins."""
    desk = ScriptedDesk()
    desk.listed()
    account = Balance("BTC", 1.0, 1.0, 0.02, 0.01, model=model)
    other = Position("ETH-PERPETUAL", parse("ETH-PERPETUAL").quantity(Decimal(100)))
    for _ in range(2):
        desk.wait(0.5).handle(PositionsReport(desk.now_ns, (other,), (account,)))
    assert desk.core.reconciler.adopted is believed


def test_a_pause_keeps_its_own_reason():
    """What is said of a start that waits is for coins that wait for it."""
    desk = ScriptedDesk(positions=SHORT)
    desk.listed()
    desk.says("pause", "BTC")
    machine = desk.core.floor.machine
    before = machine.why["BTC"]
    desk.handle(nothing(desk, 0.01))
    assert (machine.at("BTC"), machine.why["BTC"]) == (State.PAUSED, before)


def test_a_run_does_not_begin_with_nothing_while_there_is_margin():
    """Such a report counts as none, is asked for again, and why is said once."""
    desk = ScriptedDesk(positions=SHORT)
    desk.listed()
    desk.market()
    for _ in range(3):
        desk.wait(0.6).handle(nothing(desk, 0.01))
    assert not desk.core.reconciler.adopted
    told = [c for c in noted(desk.commands, StateChange) if c.reasons]
    assert [(c.coin, c.before, c.after) for c in told] == [
        ("BTC", State.RECONCILING, State.RECONCILING)
    ]
    assert [b.reason for b in told[0].reasons] == [Reason.EMPTY_REPORT]
    assert placed(desk.commands) == []
    desk.wait(1.1).told()
    assert not desk.core.reconciler.adopted
    desk.wait(0.5).told()
    assert desk.core.reconciler.adopted


@pytest.mark.parametrize("now", [{PERPETUAL: "-40000"}, {}])
def test_what_changed_behind_lists_of_nothing_is_looked_at_twice(now):
    """Those lists are no looks: neither do they confirm a close nor show an owner who trades."""
    desk = ScriptedDesk(positions=SHORT)
    desk.started()
    before = desk.core.floor.book.holdings.held()
    for _ in range(4):
        desk.wait(1.1).handle(nothing(desk, 0.01))
    option = {name: held for name, held in SHORT.items() if name != PERPETUAL}
    desk.positions = option | now
    desk.commands.clear()
    desk.wait(1.1).told()
    assert desk.core.floor.book.holdings.held() == before
    assert placed(desk.commands) == []
    desk.wait(1.1).told()
    assert desk.core.floor.book.holdings.held() != before
