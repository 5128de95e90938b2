"""A held instrument that is not listed: what still goes out, and how it leaves quarantine."""

from bot.book.measure import measure
from bot.domain.deribit import parse
from bot.domain.events import InstrumentsListed
from bot.domain.reasons import Reason
from bot.domain.records import Decision, StateChange
from bot.domain.states import State
from tests.builders.books import PERPETUAL
from tests.builders.scripted_desk import CALL, PUT, ScriptedDesk, noted, placed

STRANGE = "BTC-27MAR26-70000-C"


def holding(quantity, perpetual):
    """Return a desk that started with something that is not listed, and when it may send."""
    desk = ScriptedDesk(positions={STRANGE: quantity, PERPETUAL: perpetual}).started()
    for _ in range(11):
        desk.wait(1.0).market()
    assert desk.stands() is State.REDUCE_DELTA_ONLY
    return desk


def test_an_order_that_is_right_for_the_whole_interval_goes_out():
    """Delta is at least 0.2 whatever the long call is worth: that much is sold, and no more."""
    desk = holding("2", "12000")
    (order,) = placed(desk.commands)
    assert order.quantity.value == -12_000
    assert order.reduce_delta


def test_nothing_goes_out_where_it_might_be_wrong():
    """A short call may have made it anything down to -1.8: no order is right for all of that."""
    desk = holding("-2", "12000")
    assert placed(desk.commands) == []


def test_an_order_never_goes_further_than_what_is_sure():
    """The interval's nearest end reaches the target; the rest of it stays beyond."""
    desk = holding("-2", "-12000")
    (order,) = placed(desk.commands)
    assert order.quantity.value == 12_000


def test_the_doubt_names_it_with_its_bounds():
    """In the record of what was not sure."""
    desk = holding("2", "12000")
    change = next(
        c for c in noted(desk.commands, StateChange) if c.after is State.REDUCE_DELTA_ONLY
    )
    (because,) = change.reasons
    assert (because.reason, because.subject) == (Reason.UNKNOWN_INSTRUMENT, STRANGE)
    assert because.numbers == {"low_coin": 0.0, "high_coin": 2.0}


def test_hedge_trades_what_is_sure_and_waits_for_the_rest():
    """Asked by a person, the interval is asked all the same."""
    desk = holding("2", "12000")
    (order,) = placed(desk.commands)
    desk.completes(order)
    desk.wait(1.0).market()
    assert placed(desk.says("hedge", "BTC")) == []


def test_it_leaves_quarantine_by_itself_when_it_is_listed():
    """Listed and priced it is an option like another, hedged whole, and the coin runs again."""
    desk = holding("2", "12000")
    (order,) = placed(desk.commands)
    desk.completes(order)
    desk.rows[:] = [*desk.rows[:1], type(desk.rows[0])(_strange()), *desk.rows[1:]]
    desk.commands.clear()
    desk.listed()
    for _ in range(8):
        desk.wait(1.0).market()
        for sent in placed(desk.commands)[-1:]:
            if sent.label in desk.core.floor.orders.orders:
                desk.completes(sent)
    assert desk.stands() is State.RUNNING
    assert noted(desk.commands, Decision)[0].delta_coin > 0.3
    assert desk.core.rules["BTC"].delta.owner.holds(_delta(desk))


def test_what_is_delisted_while_it_is_held_stays_known():
    """An instrument that was listed once is no stranger: the last list does not make it one."""
    desk = ScriptedDesk(positions={PUT.name: "-1", PERPETUAL: "-18000"}).started()
    desk.wait(1.0)
    kept = tuple(
        i for i in desk.core.floor.book.instruments.values() if i.name not in {PUT.name, CALL.name}
    )
    desk.handle(InstrumentsListed(desk.now_ns, "BTC", kept))
    desk.wait(1.0).price()
    assert desk.core.floor.book.packed("BTC").unlisted == {}
    assert desk.core.floor.book.packed("BTC").columns.names == (PUT.name,)


def _strange():
    return parse(STRANGE)


def _delta(desk):
    return measure(desk.core.floor.book, "BTC", desk.now_ns).delta
