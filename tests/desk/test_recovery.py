"""Lost replies, lost fills, strangers' trades and restarts: nothing is assumed, nothing doubled."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.commands import Place, QueryPositions
from bot.domain.orders import Intent, OrderState
from bot.domain.positions import HEDGE_TAG, OWNER_TAG
from bot.domain.reasons import Reason
from bot.domain.records import Doubt, OrderTransition
from bot.domain.states import State
from bot.domain.units import seconds_between
from bot.strategy.options.churn import Traded
from tests.builders.books import PERPETUAL
from tests.builders.intents import intent
from tests.builders.scripted_desk import CALL, ScriptedDesk, noted, placed, queried

SHORT = {CALL.name: "-1"}


def _started():
    desk = ScriptedDesk(positions=dict(SHORT)).started()
    (order,) = placed(desk.commands)
    desk.commands.clear()
    return desk, order


def _run(desk, seconds):
    """Let time pass in half seconds on a market that stands still."""
    for _ in range(round(2 * seconds)):
        desk.wait(0.5).market()
    return desk


def test_a_lost_reply_is_asked_about_and_resolved_to_one_order():
    """UNKNOWN after two seconds, nothing new meanwhile, and the fill counts once."""
    desk, order = _started()
    _run(desk, 3.0)
    assert placed(desk.commands) == []
    assert order.label in queried(desk.commands)
    desk.completes(order)
    moves = [(t.before, t.after) for t in noted(desk.commands, OrderTransition)]
    assert moves == [
        (OrderState.SENT, OrderState.UNKNOWN),
        (OrderState.UNKNOWN, OrderState.FILLED),
    ]
    assert placed(_run(desk, 5.0).commands) == []
    assert desk.core.floor.book.holdings.total(PERPETUAL) == order.quantity.value


def test_an_order_that_was_never_booked_is_replaced_after_the_venue_has_said_so():
    """Three denials over five seconds, later than its validity; then a new order, a new label."""
    desk, order = _started()
    answered, orders = 0, []
    for _ in range(100):
        desk.wait(0.25).market()
        while answered < len(desk.commands):
            asked = queried(desk.commands[answered : answered + 1])
            if order.label in asked:
                desk.denies(order.label)
            if "positions" in asked:
                desk.told()
            answered += 1
        orders = placed(desk.commands)
        if orders:
            break
    assert [o.label != order.label for o in orders] == [True]
    ends = [t for t in noted(desk.commands, OrderTransition) if t.label == order.label]
    assert ends[-1].after is OrderState.NOT_BOOKED
    assert ends[-1].ts_ns > order.valid_until_ns + 2_000_000_000


@pytest.mark.parametrize("last", ["denial", "positions"])
def test_an_order_that_is_given_up_against_the_positions_is_not_replaced_at_once(last):
    """A person traded what it could have done: that is found out before anything is sent."""
    desk, order = _started()
    traded = order.quantity.value / 2
    desk.positions[PERPETUAL] = str(traded)
    answered = 0
    orders: list[Intent] = []
    while not orders:
        desk.wait(0.25).market()
        waited_s = seconds_between(order.created_ns, desk.now_ns)
        while answered < len(desk.commands):
            asked = queried(desk.commands[answered : answered + 1])
            if order.label in asked and (last == "denial" or waited_s < 30.0):
                desk.denies(order.label)
            if "positions" in asked and (last == "positions" or waited_s < 20.0 or not _open(desk)):
                desk.told()
            answered += 1
        orders = placed(desk.commands)
        assert waited_s < 60.0
    ends = [t for t in noted(desk.commands, OrderTransition) if t.label == order.label]
    assert ends[-1].after is OrderState.NOT_BOOKED
    assert desk.core.floor.book.holdings.total(PERPETUAL) == traded
    assert abs(orders[0].quantity.value) < abs(order.quantity.value)


def _open(desk):
    return [one for one in desk.core.floor.orders if one.state is OrderState.UNKNOWN]


def test_a_fill_that_got_lost_is_taken_from_the_positions():
    """Order and positions agree: it counts as ours, once, also when it is told late."""
    desk, order = _started()
    desk.positions[PERPETUAL] = str(order.quantity.value)
    desk.ends(order, OrderState.FILLED, str(order.quantity.value))
    assert placed(_run(desk, 2.0).commands) == []
    assert {order.label, "positions"} <= set(queried(desk.commands))
    desk.told()
    holdings = desk.core.floor.book.holdings
    assert holdings.positions[PERPETUAL, HEDGE_TAG, "main"].quantity == order.quantity
    assert list(desk.core.floor.orders) == []
    desk.positions[PERPETUAL] = "0"
    desk.fills(order)
    assert holdings.total(PERPETUAL) == order.quantity.value
    assert desk.stands() is State.RUNNING


def _doubts(commands):
    return [(d.because.reason, d.because.subject, d.active) for d in noted(commands, Doubt)]


def test_a_position_jump_is_reconciled_before_it_is_believed():
    """The first report stops trading, the second that says the same is adopted as the owner's."""
    desk, order = _started()
    desk.completes(order)
    _run(desk, 3.0)
    desk.positions[PERPETUAL] = "60000"
    first = desk.told()
    assert desk.stands() is State.RECONCILING
    assert _doubts(first) == [(Reason.POSITION_JUMP, PERPETUAL, True)]
    assert placed(_run(desk, 0.5).commands) == []
    again = desk.wait(1.0).told()
    assert _doubts(again) == [(Reason.POSITION_JUMP, PERPETUAL, False)]
    holdings = desk.core.floor.book.holdings
    assert holdings.positions[PERPETUAL, HEDGE_TAG, "main"].quantity == order.quantity
    owner = holdings.positions[PERPETUAL, OWNER_TAG, "main"].quantity.value
    assert owner == Decimal(60_000) - order.quantity.value
    (hedge,) = placed(_run(desk, 1.0).commands)
    assert hedge.quantity.value < 0


def test_a_glitch_in_the_positions_is_forgotten():
    """An empty report once, the old one again: nothing was ever traded on it."""
    desk, order = _started()
    desk.completes(order)
    _run(desk, 3.0)
    desk.told({})
    assert desk.stands() is State.RECONCILING
    desk.wait(1.0).told()
    _run(desk, 1.0)
    assert desk.stands() is State.RUNNING
    assert desk.core.floor.book.holdings.held() == {
        CALL.name: Decimal(-1),
        PERPETUAL: order.quantity.value,
    }
    assert placed(desk.commands) == []


def test_two_different_jumps_are_not_the_same_said_twice():
    """Only agreement is believed."""
    desk, order = _started()
    desk.completes(order)
    _run(desk, 3.0)
    desk.told({PERPETUAL: "60000"})
    desk.wait(1.0).told({PERPETUAL: "70000"})
    assert desk.stands() is State.RECONCILING
    assert desk.core.floor.book.holdings.total(PERPETUAL) == order.quantity.value


def test_positions_are_not_compared_while_something_is_in_flight():
    """A report may be older than the fill, or newer; its instrument is asked about again soon."""
    desk, order = _started()
    desk.told({CALL.name: "-1", PERPETUAL: "990"})
    assert desk.stands() is State.RUNNING
    desk.completes(order)
    desk.wait(1.0).told({CALL.name: "-1", PERPETUAL: "990"})
    assert desk.stands() is State.RUNNING
    assert noted(desk.commands, Doubt) == []
    assert "positions" in queried(desk.tick(1.0))


def test_only_the_instruments_in_flight_are_left_out_of_a_comparison():
    """An owner's trade in another one is seen, and adopted without touching what is in flight."""
    desk, order = _started()
    desk.told({CALL.name: "-3", PERPETUAL: "990"})
    assert [d.because.subject for d in noted(desk.commands, Doubt)] == [CALL.name]
    desk.wait(1.0).told({CALL.name: "-3", PERPETUAL: "990"})
    holdings = desk.core.floor.book.holdings
    assert holdings.held() == {CALL.name: Decimal(-3)}
    desk.completes(order)
    assert holdings.held() == {CALL.name: Decimal(-3), PERPETUAL: order.quantity.value}


def test_an_owner_who_trades_every_second_is_followed_without_holding_hedging_back():
    """At the third report that differs the newest is adopted; later ones hold nothing back."""
    desk, order = _started()
    desk.completes(order)
    _run(desk, 3.0)
    waited = answered = 0
    for second in range(60):
        desk.positions[CALL.name] = str(Decimal(-1) - Decimal("0.1") * second)
        desk.wait(1.0).market()
        waited += desk.stands() is State.RECONCILING
        for command in desk.commands[answered:]:
            answered += 1
            if isinstance(command, QueryPositions):
                desk.told()
            elif isinstance(command, Place):
                desk.completes(command.intent)
    holdings = desk.core.floor.book.holdings
    assert abs(holdings.total(CALL.name) - Decimal(desk.positions[CALL.name])) <= Decimal("0.3")
    assert waited <= 3
    assert any(not d.active for d in noted(desk.commands, Doubt))


def test_an_empty_view_is_not_believed_before_it_is_confirmed_even_while_the_owner_trades():
    """What moves may differ, but flat at once it is not."""
    desk, order = _started()
    desk.completes(order)
    _run(desk, 3.0)
    for quantity in ("-1.1", "-1.2", "-1.3"):
        desk.positions[CALL.name] = quantity
        desk.wait(1.0).market()
        desk.told()
    held = desk.core.floor.book.holdings.held
    assert held()[CALL.name] == Decimal("-1.3")
    desk.wait(1.0).told({})
    assert held()[CALL.name] == Decimal("-1.3")


def test_positions_are_asked_for_every_thirty_seconds():
    """And every second while something is doubted."""
    desk, order = _started()
    desk.completes(order)
    desk.commands.clear()
    asked = [second for second in range(65) if "positions" in queried(desk.tick(1.0))]
    assert 1 <= len(asked) <= 3
    desk.told({})
    asked = ["positions" in queried(desk.tick(1.0)) for _ in range(5)]
    assert sum(asked) >= 4


def _restored(quantity="21130"):
    """Return a desk that finds an open order of an earlier run in its journal."""
    desk = ScriptedDesk(positions=dict(SHORT), epoch=2)
    order = replace(
        intent(PERPETUAL, quantity, "60090", label="db-test-1-1"),
        created_ns=desk.now_ns - 10_000_000_000,
        valid_until_ns=desk.now_ns - 8_000_000_000,
    )
    restored = list(desk.core.restore([order], desk.now_ns))
    (note,) = noted(restored, OrderTransition)
    assert (note.before, note.after) == (OrderState.INTENDED, OrderState.UNKNOWN)
    return desk, order


def test_a_restored_order_is_unknown_and_blocks_until_it_is_resolved():
    """It is asked about at once; nothing is sent, and the coin does not even get ready."""
    desk, order = _restored()
    assert order.label in queried(desk.listed())
    desk.told()
    _run(desk, 3.0)
    desk.told()
    assert desk.stands() is State.RECONCILING
    assert placed(desk.commands) == []


@pytest.mark.parametrize("fills_told", [True, False])
@pytest.mark.parametrize("positions_first", [True, False])
def test_a_restored_orders_fill_counts_once(fills_told, positions_first):
    """Whether its trades are told or not, before the first positions or after."""
    desk, order = _restored()
    desk.positions[PERPETUAL] = str(order.quantity.value)
    desk.listed()
    if positions_first:
        desk.told()
    if fills_told:
        desk.positions[PERPETUAL] = "0"
        desk.fills(order)
    desk.ends(order, OrderState.FILLED, str(order.quantity.value))
    for _ in range(6):
        _run(desk, 1.0)
        desk.told()
    assert desk.stands() is State.RUNNING
    assert desk.core.floor.book.holdings.total(PERPETUAL) == order.quantity.value
    assert list(desk.core.floor.orders) == []
    assert placed(desk.commands) == []


def test_a_trade_of_an_earlier_run_that_is_told_late_is_in_the_positions_already():
    """Its order has ended there: nothing that this run began with waits for it."""
    old = intent(PERPETUAL, "21130", "60090", label="db-test-1-1")
    desk = ScriptedDesk(positions=SHORT | {PERPETUAL: "21130"}, epoch=2)
    desk.begins()
    desk.fills(old)
    assert desk.core.floor.book.holdings.total(PERPETUAL) == old.quantity.value


@pytest.mark.parametrize("purpose,coins", [("gamma", 0.5), ("delta", 0.0)])
def test_a_restored_option_orders_fill_counts_as_traded_for_gamma(purpose, coins):
    """Told once or twice: towards the day's turnover and the holding time."""
    desk = ScriptedDesk(positions=dict(SHORT), epoch=2)
    order = replace(intent(CALL.name, "0.5", "0.03", label="db-test-1-1"), purpose=purpose)
    desk.core.restore([order], desk.now_ns)
    desk.listed()
    desk.fills(order, trade="t1")
    desk.fills(order, trade="t1")
    assert desk.core.floor.day("BTC", desk.now_ns).gamma_coin == coins
    traded = {CALL.name: Traded(desk.now_ns, 0.5)} if coins else {}
    assert desk.core.gamma["BTC"].traded == traded


def test_a_restored_order_that_was_never_booked_lets_the_book_be_hedged():
    """After the venue has denied it often enough."""
    desk, order = _restored()
    desk.listed()
    for _ in range(8):
        desk.wait(1.0).market()
        desk.denies(order.label)
        desk.told()
    _run(desk, 1.0)
    assert desk.stands() is State.RUNNING
    assert len(placed(desk.commands)) == 1


def test_a_report_that_only_misses_our_newest_fills_is_a_view_that_lags():
    """Nothing is doubted and nothing adopted, however often the old view is told."""
    desk, order = _started()
    desk.completes(order)
    _run(desk, 2.0)
    for _ in range(2):
        desk.told(dict(SHORT))
        assert "positions" in queried(desk.tick(1.1))
    assert noted(desk.commands, Doubt) == []
    assert desk.core.floor.book.holdings.total(PERPETUAL) == order.quantity.value


def test_a_fill_that_the_venue_still_misses_after_a_while_is_doubted():
    """Five seconds later the same old view is no lag any more."""
    desk, order = _started()
    desk.completes(order)
    _run(desk, 5.5).told(dict(SHORT))
    assert [d.because.subject for d in noted(desk.commands, Doubt)] == [PERPETUAL]
