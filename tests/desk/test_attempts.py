"""How hedge orders end decides the next one's collar, its moment, and whether all is well."""

from decimal import Decimal

import pytest

from bot.domain.events import LaneChanged
from bot.domain.orders import OrderState
from bot.domain.reasons import Reason
from bot.domain.records import Decision, StateChange
from bot.domain.states import State
from bot.risk.limits import LimitRules
from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy
from bot.strategy.policies import Fixed
from tests.builders.scripted_desk import CALL, ScriptedDesk, desk_rules, noted, placed
from tests.struck import struck

FIRST_RUNG = Decimal("60018.0")


def _desk(**rules):
    return ScriptedDesk(rules=desk_rules(**rules), positions={CALL.name: "-1"}).started()


def _newest(desk):
    return placed(desk.commands)[-1]


def _rejects(desk, times, code="10009", pause=11.0):
    struck("F16", times)  # what would be ordered again and again
    for _ in range(times):
        desk.ends(_newest(desk), OrderState.REJECTED, code=code)
        desk.wait(pause).market()


def test_nothing_is_wanted_of_a_venue_that_no_order_can_reach():
    """Not a try is made and none is counted; the first order follows the word that they can."""
    desk = _desk(cycle_s=0.01)
    _rejects(desk, 5)
    desk.ends(_newest(desk), OrderState.REJECTED, code="10009")
    desk.handle(LaneChanged(desk.now_ns, "not_connected"))
    for _ in range(30):
        assert placed(desk.wait(1.0).market()) == []
    refused = [d for d in noted(desk.commands, Decision) if d.refused][-1]
    assert [(b.reason, b.subject) for b in refused.refused] == [(Reason.NO_LANE, "not_connected")]
    assert len(placed(desk.handle(LaneChanged(desk.now_ns, "")))) == 1


def test_a_new_connection_ends_the_waiting_after_rejects():
    """What the old one refused says nothing about it."""
    desk = _desk(cycle_s=0.01)
    _rejects(desk, 8)
    desk.ends(_newest(desk), OrderState.REJECTED, code="not_connected")
    assert placed(desk.wait(0.1).market()) == []
    desk.handle(LaneChanged(desk.now_ns, "not_connected"))
    assert len(placed(desk.handle(LaneChanged(desk.now_ns, "")))) == 1


def test_slices_that_fill_completely_stay_on_the_first_rung():
    """A hedge is cut to the owner's cap, not in haste."""
    desk = _desk(limits=LimitRules(order_usd=5_000.0))
    while len(placed(desk.commands)) < 4:
        desk.completes(_newest(desk))
        desk.wait(1.0).market()
    assert {order.price for order in placed(desk.commands)} == {FIRST_RUNG}


def test_an_incomplete_crossing_widens_the_collar_and_a_complete_one_resets_it():
    """The rung follows what the market gave, in one hedge."""
    desk = _desk(limits=LimitRules(order_usd=5_000.0))
    desk.ends(_newest(desk), OrderState.CANCELLED)
    desk.wait(1.0).market()
    assert _newest(desk).price == Decimal("60060.0")
    desk.completes(_newest(desk))
    desk.wait(1.0).market()
    assert _newest(desk).price == FIRST_RUNG


@pytest.mark.parametrize("rejects,pause", [(1, 0.2), (2, 0.5), (3, 1.0), (5, 4.0), (9, 10.0)])
def test_the_next_order_after_a_reject_waits_longer_each_time(rejects, pause):
    """Up to ten seconds."""
    desk = _desk(cycle_s=0.01)
    _rejects(desk, rejects - 1)
    desk.ends(_newest(desk), OrderState.REJECTED, code="10009")
    assert placed(desk.wait(0.9 * pause).market()) == []
    assert len(placed(desk.wait(0.2 * pause).market())) == 1


def test_three_rejects_of_one_code_reduce_the_underlying_until_an_order_is_accepted():
    """It is told why, goes on trying, and recovers by itself."""
    desk = _desk()
    _rejects(desk, 2)
    assert desk.stands() is State.RUNNING
    _rejects(desk, 1)
    assert desk.stands() is State.REDUCE_DELTA_ONLY
    change = noted(desk.commands, StateChange)[-1]
    assert [b.reason for b in change.reasons] == [Reason.REPEATED_REJECTS]
    desk.completes(_newest(desk))
    desk.wait(1.0).market()
    desk.wait(6.0).market()
    assert desk.stands() is State.RUNNING


def test_different_codes_are_no_pattern():
    """Only the same answer three times in a row is."""
    desk = _desk()
    for code in ("10009", "10004", "10009", "10004"):
        _rejects(desk, 1, code)
    assert desk.stands() is State.RUNNING


def test_a_settlement_in_progress_is_waited_out_and_not_counted():
    """It says nothing about the order; the collar stays as well."""
    desk = _desk()
    desk.ends(_newest(desk), OrderState.REJECTED, code="10041")
    assert placed(desk.wait(2.5).market()) == []
    assert len(placed(desk.wait(1.0).market())) == 1
    assert _newest(desk).price == FIRST_RUNG
    _rejects(desk, 4, "10041")
    assert desk.stands() is State.RUNNING


def test_the_cooldown_counts_from_a_trade_that_filled():
    """An order that brought nothing delays nobody."""
    band = DeltaPolicy(Band(-1.0, 0.0, 1.0), Fixed(0.05), Landing(TradeTo.TARGET), cooldown_s=60.0)
    desk = _desk(delta=band)
    assert placed(desk.ends(_newest(desk), OrderState.CANCELLED)) == []  # the same again is none
    assert len(placed(desk.wait(0.5).market(60_000.01))) == 1
    desk.fills(_newest(desk), 1000)
    desk.ends(_newest(desk), OrderState.CANCELLED, 1000)
    assert placed(desk.wait(1.0).market()) == []
