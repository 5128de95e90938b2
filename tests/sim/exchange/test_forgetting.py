"""An exchange of a run without an end keeps what somebody may still ask about, and no more."""

from bot.domain.events import OrderDenied
from bot.domain.orders import OrderState
from bot.domain.units import NS_PER_S
from tests.builders.intents import intent
from tests.builders.scripted_market import ScriptedMarket
from tests.sim.exchange.desk import PERPETUAL, desk, updates

OPTIONS = tuple(f"BTC-{day}JAN26-60000-C" for day in (5, 6, 7, 8))
HOUR_NS = 3_600 * NS_PER_S


def test_ended_orders_and_expired_instruments_leave_a_day_later():
    """They are known until the settlement of the next day; an order that rests stays."""
    at = desk(ScriptedMarket({"BTC": [60_000.0]}, OPTIONS, step_ns=HOUR_NS))
    at.place(intent(OPTIONS[0], "1", "0.1", label="early"))
    at.place(intent(PERPETUAL, "10", "60000.5", label="ended"))
    at.place(intent(PERPETUAL, "10", "50000", label="rests", ioc=False))
    at.step(24)
    assert OPTIONS[0] in str(named(at.exchange))
    assert not isinstance(at.exchange.query("ended", at.now_ns)[0], OrderDenied)
    at.step(2)  # the next day's settlement, with its new list
    assert at.exchange.instrument(OPTIONS[0]) is None
    assert at.exchange.instrument(OPTIONS[1]) is not None
    assert at.exchange.query("ended", at.now_ns) == [OrderDenied(at.now_ns, "ended")]
    (rests,) = updates(at.exchange.query("rests", at.now_ns))
    assert rests.state is OrderState.WORKING
    assert OPTIONS[0] not in str(named(at.exchange))


def named(exchange):
    """Return what the exchange's tables by instrument name."""
    board, eaten, worth = exchange._board, exchange._eaten, exchange._valuation
    return [list(table) for table in (exchange._known, board.moves, eaten._taken, worth._last)]
