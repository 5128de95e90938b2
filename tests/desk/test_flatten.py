"""Flatten: typed words, slices within size, pace and collar, and every way in which it stops."""

import itertools
from decimal import Decimal

import pytest

from bot.desk.flatten import COMMAND_LINE, GAP_S, LONGEST_S, SLICE_USD, asked_for
from bot.domain.events import LaneChanged, Operator
from bot.domain.orders import OrderState, TimeInForce
from bot.domain.records import CommandOutcome, Decision
from bot.domain.states import State
from bot.execution.tactics import TacticRules
from bot.risk.limits import LimitRules
from tests.builders.books import PERPETUAL
from tests.builders.scripted_desk import CALL, ScriptedDesk, cancelled, desk_rules, noted, placed

BOOK = {CALL.name: "-10"}


def hedged(**rules):
    """Return a desk whose short calls are hedged in the perpetual, and then halted."""
    desk = ScriptedDesk(rules=desk_rules(**rules), positions=dict(BOOK)).started()
    for _ in range(200):
        orders = [o.intent for o in desk.core.floor.orders]
        if not orders:
            break
        desk.completes(orders[0])
        desk.wait(1.0).market()
    desk.wait(6.0).told()
    desk.market()
    desk.says("halt", "BTC")
    desk.commands.clear()
    return desk


def mine(desk):
    """Return what the desk holds of its own in the perpetual."""
    return sum(held for _, held in desk.core.flatten.held("BTC"))


def asks(desk, words=None, by=COMMAND_LINE, coin="BTC"):
    """Ask for a flatten with the words that are right, unless told others; return the answer."""
    words = desk.core.flatten.words("BTC") if words is None else words
    name = f"f{desk.now_ns}"
    event = Operator(desk.now_ns, name, "flatten", coin, "ann", "the book is sold", None, words, by)
    commands = desk.handle(event)
    (outcome,) = noted(commands, CommandOutcome)
    return outcome, commands


def next_slice(desk):
    """Let time pass to the next slice and return it."""
    desk.wait(GAP_S)
    return placed(desk.price())


def test_it_closes_what_the_bot_bought_and_leaves_the_owners_position_alone():
    """Slice by slice to nothing, never past it, and the coin is HALTED from beginning to end."""
    desk = hedged()
    held = mine(desk)
    assert held > 100_000
    outcome, _ = asks(desk)
    assert outcome.accepted
    assert f"closes +{held} {PERPETUAL} in slices" in outcome.outcome
    sent = []
    for _ in range(60):
        for order in next_slice(desk):
            assert (order.instrument, order.time_in_force) == (PERPETUAL, TimeInForce.IOC)
            sent.append(order)
            desk.completes(order)
        assert desk.stands() is State.HALTED
    assert sum(order.quantity.value for order in sent) == -held
    assert mine(desk) == 0
    assert not desk.core.flattening
    assert desk.core.floor.book.holdings.held() == {CALL.name: Decimal(-10)}
    assert placed(desk.tick(60.0)) == []
    last = [made for made in noted(desk.commands, Decision) if made.kind == "flatten"][-1]
    assert (last.kind, last.trades, last.refused) == ("flatten", (), ())
    assert str(last.reasons[0]).count("ann: the book is sold") == 1


def test_a_slice_is_a_twentieth_or_25_000_dollars_and_one_leaves_in_two_seconds():
    """However much is held, and never two at a time."""
    desk = hedged()
    held = mine(desk)
    asks(desk)
    at, sizes = [], []
    for _ in range(400):
        for order in placed(desk.wait(0.1).price()):
            at.append(desk.now_ns)
            sizes.append(abs(order.quantity.value))
            desk.completes(order)
    most = max(Decimal(SLICE_USD), held / 20)
    assert max(sizes) <= most + 10
    assert min(sizes[:-1]) > 0.9 * float(most)
    assert min(b - a for a, b in itertools.pairwise(at)) >= GAP_S * 1e9


def test_the_next_slice_waits_for_the_end_of_the_last():
    """While it may still fill, nothing else leaves."""
    desk = hedged()
    asks(desk)
    (order,) = next_slice(desk)
    assert next_slice(desk) == []
    assert len(placed(desk.ends(order, OrderState.CANCELLED))) == 1


def test_the_owners_caps_cut_a_slice():
    """order_usd is a hard cap."""
    desk = hedged(limits=LimitRules(order_usd=9_000.0))
    desk.wait(70.0).market()  # the hedge has used up the order rate
    asks(desk)
    (order,) = next_slice(desk)
    assert 8_000 < abs(order.quantity.value) <= 9_000


def test_the_order_rate_holds_it_up():
    """No more than the owner allows in a minute, and it goes on after that."""
    desk = hedged()
    desk.core.flatten.rules = {"BTC": desk_rules(limits=LimitRules(1e6, orders_per_min=3))}
    desk.wait(120.0).market()
    asks(desk)
    sent = 0
    for _ in range(25):
        for order in next_slice(desk):
            sent += 1
            desk.completes(order)
    assert sent == 3
    for _ in range(8):
        sent += len(next_slice(desk))
    assert sent > 3


def test_slices_that_do_not_fill_climb_the_collar_and_never_pass_the_owners():
    """Rung by rung; the collar is the narrow one."""
    desk = hedged(
        limits=LimitRules(order_usd=1e6, collar_bps=20.0),
        tactics=TacticRules(ladder_bps=(3.0, 10.0, 30.0, 100.0)),
    )
    asks(desk)
    away = []
    for _ in range(5):
        (order,) = next_slice(desk)
        away.append(round((1.0 - float(order.price) / desk.index) * 1e4, 1))
        desk.ends(order, OrderState.CANCELLED)
    assert away == [3.0, 10.0, 20.0, 20.0, 20.0]


@pytest.mark.parametrize(
    "changes", [{"bid": 70_000.0, "ask": 60_000.0}, {"bid": 0.0}, {"mark": -1.0}, {"ask_size": 0.0}]
)
def test_nothing_is_closed_at_a_price_that_cannot_be_traded_on(changes):
    """Told once; it goes on when prices are back."""
    desk = hedged()
    asks(desk)
    for _ in range(3):
        desk.wait(GAP_S)
        assert placed(desk.price(**changes)) == []
    refused = [d for d in noted(desk.commands, Decision) if d.refused]
    assert len(refused) == 1
    assert len(next_slice(desk)) == 1


def test_a_stale_price_is_no_price():
    """Time that passes without a quote sends nothing."""
    desk = hedged()
    asks(desk)
    assert placed(desk.tick(10.0)) == []


def test_nothing_leaves_without_a_way_to_the_venue():
    """The lane is barred: told, and waited for."""
    desk = hedged()
    asks(desk)
    desk.handle(LaneChanged(desk.now_ns, "not_connected"))
    assert next_slice(desk) == []
    desk.handle(LaneChanged(desk.now_ns, ""))
    assert len(next_slice(desk)) == 1


def test_an_order_whose_fate_is_unknown_stops_it_and_refuses_the_next():
    """Nobody knows how much is left."""
    desk = hedged()
    asks(desk)
    (order,) = next_slice(desk)
    for _ in range(4):
        desk.wait(GAP_S).price()
    assert desk.core.floor.orders.orders[order.label].state is OrderState.UNKNOWN
    desk.says("halt", "BTC")
    outcome, _ = asks(desk)
    assert (outcome.accepted, "UNKNOWN" in outcome.outcome) == (False, True)


@pytest.mark.parametrize(
    "verb,coin",
    [("halt", "BTC"), ("halt", ""), ("pause", "BTC"), ("pause", ""), ("off", "BTC")],
)
def test_every_stop_stops_it_at_once(verb, coin):
    """What works is cancelled by a halt, no slice follows, and it is no longer under way."""
    desk = hedged()
    asks(desk)
    (order,) = next_slice(desk)
    commands = desk.says(verb, coin)
    assert not desk.core.flattening
    assert (order.label in cancelled(commands)) is (verb == "halt")
    desk.ends(order, OrderState.CANCELLED)
    for _ in range(5):
        assert next_slice(desk) == []
    assert desk.stands() is State.HALTED


def test_a_resume_ends_it_and_hedging_comes_back():
    """Never both at once."""
    desk = hedged()
    asks(desk)
    desk.says("resume", "BTC")
    assert not desk.core.flattening


def test_it_gives_up_after_ten_minutes_and_says_so():
    """What nobody has watched for so long is no longer meant."""
    desk = hedged()
    asks(desk)
    for _ in range(round(LONGEST_S / GAP_S) + 1):
        for order in next_slice(desk):
            desk.ends(order, OrderState.CANCELLED)
    assert not desk.core.flattening
    assert [str(b.reason) for b in noted(desk.commands, Decision)[-1].refused] == ["backing_off"]


def test_a_run_that_closes_sends_no_slice():
    """Its end is cancelling, whatever was under way."""
    desk = hedged()
    asks(desk)
    desk.core.closing = True
    assert next_slice(desk) == []


@pytest.mark.parametrize("by", ["", "mqtt", "COMMAND LINE"])
def test_it_is_refused_over_anything_but_the_command_line(by):
    """Whatever the words."""
    desk = hedged()
    outcome, _ = asks(desk, by=by)
    assert (outcome.accepted, desk.core.flattening) == (False, False)
    assert "expected flatten from the command line" in outcome.outcome


@pytest.mark.parametrize("words", ["", "flatten BTC", "yes", "flatten BTC +10 BTC-PERPETUAL"])
def test_other_words_are_refused_with_those_that_are_wanted(words):
    """They name all that is going to be closed, and typing them begins it."""
    desk = hedged()
    outcome, commands = asks(desk, words=words)
    assert (outcome.accepted, placed(commands), desk.core.flattening) == (False, [], False)
    wanted = asked_for(outcome.outcome)
    assert wanted == f"flatten BTC +{mine(desk)} {PERPETUAL}"
    assert asks(desk, words=wanted)[0].accepted


def test_a_coin_that_trades_is_not_flattened():
    """Two steps: it is stopped first."""
    desk = hedged()
    desk.says("resume", "BTC")
    desk.told()
    for _ in range(3):
        desk.wait(0.5).market()
    assert desk.stands() is State.RUNNING
    outcome, _ = asks(desk)
    assert "expected BTC PAUSED or HALTED before it is flattened, found RUNNING" in outcome.outcome


def test_from_a_pause_it_ends_halted():
    """The stricter state is what stays."""
    desk = hedged()
    desk.says("resume", "BTC")
    desk.told()
    desk.says("pause", "BTC")
    assert asks(desk)[0].accepted
    assert desk.stands() is State.HALTED


def test_positions_in_doubt_are_not_closed():
    """The venue says another number than we hold."""
    desk = hedged()
    held = mine(desk)
    desk.told(BOOK | {PERPETUAL: str(held / 2)})
    outcome, _ = asks(desk)
    assert "expected positions that the venue agrees with" in outcome.outcome


def test_nothing_beyond_what_the_venue_nets_is_closed():
    """The owner has closed a part by hand: closing all of ours would open the other side."""
    desk = hedged()
    held = mine(desk)
    for _ in range(3):
        desk.wait(2.0).told(BOOK | {PERPETUAL: "50000"})
        desk.market()
    assert mine(desk) == 50_000 < held
    for _ in range(3):
        desk.wait(2.0).told(BOOK | {PERPETUAL: "-50000"})
        desk.market()
    outcome, _ = asks(desk)
    assert outcome.outcome == "expected hedges of BTC in futures to close, found none"


def test_a_restart_does_not_go_on_with_it():
    """It is in nobody's memory but the run's; the halt is."""
    desk = hedged()
    asks(desk)
    again = ScriptedDesk(states={"BTC": State.HALTED}, positions=dict(BOOK), epoch=2).started()
    assert not again.core.flattening
    assert again.stands() is State.HALTED
