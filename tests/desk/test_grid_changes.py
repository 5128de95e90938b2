"""Ticks and lots that the venue changes in mid-session: the next order is on the new grid."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.events import InstrumentsListed
from bot.domain.instruments import TickTable
from tests.builders.books import PERPETUAL
from tests.builders.scripted_desk import CALL, ScriptedDesk, placed
from tests.struck import struck


@pytest.mark.parametrize("tick", ["0.1", "2.5", "7", "25"])
@pytest.mark.parametrize("lot", ["1", "30", "70", "1000"])
def test_the_next_hedge_is_on_the_grid_that_was_listed_last(tick, lot):
    """The first one was on the old grid; what is held stays as it is."""
    desk = ScriptedDesk(positions={CALL.name: "-1"}).started()
    (first,) = placed(desk.commands)
    assert first.quantity.value == Decimal(21_130)
    desk.completes(first)
    known = desk.core.floor.book.instruments
    size = Decimal(lot)
    grid = TickTable(Decimal(tick))
    changed = replace(known[PERPETUAL], ticks=grid, lot=size, min_quantity=size)
    listed = [changed if one.name == PERPETUAL else one for one in known.values()]
    desk.handle(InstrumentsListed(desk.now_ns, "BTC", tuple(listed)))
    orders = placed(desk.wait(5.0).market(63_000.0))
    assert len(orders) == 1
    assert orders[0].price is not None
    assert orders[0].price % Decimal(tick) == 0
    assert orders[0].quantity.value % size == 0
    assert orders[0].quantity.value != 0
    struck("F49")
