"""Positions that change while an order's fate is unknown: ours, or somebody else's."""

import pytest

from bot.domain.records import OrderTransition
from bot.domain.states import State
from tests.builders.books import PERPETUAL
from tests.builders.scripted_desk import CALL, ScriptedDesk, noted, placed

SHORT = {CALL.name: "-1", PERPETUAL: "8000"}


def _lost(share: float):
    """Return a desk whose order got lost, and whose position moved by a share of it."""
    desk = ScriptedDesk(positions=dict(SHORT)).started()
    (order,) = placed(desk.commands)
    desk.commands.clear()
    desk.tick(2.1)
    desk.positions[PERPETUAL] = str(8_000 + round(share * float(order.quantity.value)))
    desk.told()
    return desk, order


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_what_the_order_may_have_done_is_no_surprise(share):
    """The interval knows it already."""
    desk, _ = _lost(share)
    assert desk.core.floor.machine.at("BTC") is not State.RECONCILING


@pytest.mark.parametrize("share", [-0.3, 1.1, 3.0])
def test_what_it_cannot_have_done_is_adopted_before_anything_is_sent(share):
    """Also when the order has ended meanwhile: two looks, and then a hedge of what is held."""
    desk, order = _lost(share)
    machine, holdings = desk.core.floor.machine, desk.core.floor.book.holdings
    assert machine.at("BTC") is State.RECONCILING
    for _ in range(40):
        desk.tick(1.0)
        desk.denies(order.label)
        if not desk.core.floor.orders.orders:
            break
        desk.told()
        desk.market()
        assert machine.at("BTC") is State.RECONCILING
    ends = [t.after for t in noted(desk.commands, OrderTransition) if t.label == order.label]
    assert ends[-1] == "not_booked"
    desk.market()
    assert placed(desk.commands) == []
    for _ in range(2):
        desk.wait(1.0).told()
    assert str(holdings.total(PERPETUAL)) == desk.positions[PERPETUAL]
    desk.market()
    assert machine.at("BTC") in {State.RUNNING, State.REDUCE_DELTA_ONLY}
