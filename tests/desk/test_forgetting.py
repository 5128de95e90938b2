"""What the desks remember by instrument leaves with the instrument."""

from decimal import Decimal

from bot.domain.deribit import parse
from bot.domain.events import InstrumentsListed
from bot.domain.units import utc_ns
from bot.strategy.dealt import Dealt
from bot.strategy.options.churn import Traded
from tests.simulation.drive import PERPETUAL, book, start

OLD, OTHER = "BTC-4JAN26-92000-C", "ETH-4JAN26-3000-C"
LEFT_OUT, NO_NAME = "BTC-30JAN26-90000-P", "BTC-CS-4JAN26-90000_92000"
NOW_NS = utc_ns(2026, 1, 5, 8, 0) + 1


def test_expired_instruments_leave_every_table_of_their_coin():
    """What dealing cost, what was traded and denied, and our own fills.

    Another coin's stay, what a list merely lacks, and what no name explains.
    """
    core = start(book()).core
    floor, control, gamma = core.floor, core.floor.control("BTC"), core.gamma["BTC"]
    names = (PERPETUAL, OLD, OTHER, LEFT_OUT, NO_NAME)
    floor.dealt.update(dict.fromkeys(names, Dealt()))
    floor.orders.denied.update(dict.fromkeys(names, Decimal(1)))
    control.own.update(dict.fromkeys(names, 1.0))
    control.own_then.update(dict.fromkeys(names, 1.0))
    gamma.traded.update(dict.fromkeys(names, Traded(0, 1.0)))
    core.handle(InstrumentsListed(NOW_NS, "BTC", (parse(PERPETUAL),)))
    for table in (floor.dealt, floor.orders.denied, control.own, control.own_then, gamma.traded):
        assert table.keys() == {PERPETUAL, OTHER, LEFT_OUT, NO_NAME}


def test_a_list_that_lacks_what_was_traded_forgets_nothing():
    """A run may begin with one: what was bought keeps its time, and what was denied its owner."""
    core = start(book()).core
    core.floor.book.instruments.clear()
    core.gamma["BTC"].traded[LEFT_OUT] = Traded(0, 1.0)
    core.floor.orders.denied[LEFT_OUT] = Decimal(1)
    core.handle(InstrumentsListed(NOW_NS, "BTC", (parse(PERPETUAL),)))
    assert LEFT_OUT in core.gamma["BTC"].traded
    assert LEFT_OUT in core.floor.orders.denied
