"""Breakers on a desk: what they refuse, what they halt, and who lifts that."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.desk.controls import Controls, Holding
from bot.domain.events import HostSeen
from bot.domain.orders import OrderState
from bot.domain.reasons import Because, Reason
from bot.domain.records import CommandOutcome, Decision, Doubt, Standing, StateChange, Word
from bot.domain.states import State
from bot.execution.orders import OrderTable
from bot.execution.working import Patience, WorkingOrder
from bot.risk.breakers import BREAKERS, Need
from bot.risk.limits import LimitRules
from tests.builders.intents import intent
from tests.builders.scripted_desk import CALL, ScriptedDesk, desk_rules, noted, placed

SHORT = {CALL.name: "-1"}
OUTSIDE = 61_500.0
BROKEN = Because(Reason.RUNAWAY, "BTC", {"orders": 3.0})
WORDS = "reviewed BTC runaway"


def desk_of(**rules):
    """Return a running desk whose first hedge has been sent."""
    return ScriptedDesk(rules=desk_rules(**rules), positions=dict(SHORT)).started()


def newest(desk):
    """Return the order that was sent last."""
    return placed(desk.commands)[-1]


def refusals(commands):
    """Return every reason for which something was not sent."""
    return {b.reason for d in noted(commands, Decision) for b in d.refused}


def to_the_top(desk):
    """Let orders end without a fill until the collar is as wide as it gets; return the last."""
    for _ in range(4):
        desk.ends(newest(desk), OrderState.CANCELLED)
        desk.wait(1.0).market()
    return newest(desk)


def test_the_same_order_again_at_once_is_refused_and_after_five_seconds_it_is_not():
    """Side, size, price and mark are the same, and nothing was filled."""
    desk = desk_of()
    first = to_the_top(desk)
    desk.commands.clear()
    desk.ends(first, OrderState.CANCELLED)
    for _ in range(3):
        desk.wait(1.0).market()
    assert placed(desk.commands) == []
    assert refusals(desk.commands) == {Reason.DUPLICATE_ORDER}
    (again,) = placed(desk.wait(1.0).market())
    assert (again.quantity, again.price) == (first.quantity, first.price)


def refused(desk, order):
    """Tell that the venue took no order."""
    desk.ends(order, OrderState.REJECTED, code="10009")


def half_filled(desk, order):
    """Tell that an order traded in part, and is over."""
    half = order.quantity.value / 2
    desk.fills(order, half)
    desk.ends(order, OrderState.CANCELLED, half)


@pytest.mark.parametrize("ends", [refused, half_filled])
def test_what_is_known_not_to_stand_may_be_sent_again(ends):
    """A refusal is not an order, and after a fill there is another need."""
    desk = desk_of(limits=LimitRules(order_usd=5_000.0))
    order = to_the_top(desk)
    ends(desk, order)
    desk.wait(1.0).market()
    assert newest(desk).label != order.label
    assert (newest(desk).quantity, newest(desk).price) == (order.quantity, order.price)


def test_a_price_that_moves_makes_another_order_of_it():
    """It may trade where the last one did not."""
    desk = desk_of()
    order = to_the_top(desk)
    desk.ends(order, OrderState.CANCELLED)
    desk.wait(1.0).market(desk.index + 1.0)
    assert newest(desk).label != order.label


def undone(desk, times):
    """Let hedges fill, and somebody take each of them back; return how many were sent."""
    for _ in range(times):
        order = newest(desk)
        desk.completes(order)
        desk.wait(6.0)
        for _ in range(4):  # the venue says again and again that nothing is held
            desk.told(SHORT)
            desk.wait(1.0).market()
        desk.positions = dict(SHORT)
    return len(placed(desk.commands))


def test_a_position_that_never_keeps_what_is_traded_is_halted_after_three():
    """The fourth order is not sent; what is said names the breaker, once."""
    desk = desk_of()
    assert undone(desk, 3) == 3
    assert desk.stands() is State.HALTED
    (word,) = noted(desk.commands, Standing)
    assert (word.coin, word.word, word.active, word.because) == ("BTC", Word.REVIEW, True, BROKEN)
    change = noted(desk.commands, StateChange)[-1]
    assert (change.after, change.reasons) == (State.HALTED, (BROKEN,))
    desk.wait(1.0).market()
    assert [d.because for d in noted(desk.commands, Doubt) if d.because.reason is Reason.RUNAWAY]


def halted():
    """Return a desk that is halted for a review."""
    desk = desk_of()
    undone(desk, 3)
    desk.commands.clear()
    return desk


@pytest.mark.parametrize("coin", ["", "BTC"])
def test_a_resume_does_not_lift_what_waits_for_a_review(coin):
    """It says which words do."""
    desk = halted()
    (said,) = noted(desk.says("resume", coin), CommandOutcome)
    assert desk.stands() is State.HALTED
    if coin:
        assert not said.accepted
        assert f"--review' with the words '{WORDS}'" in said.outcome.replace("`", "'")
    else:
        assert said.outcome.endswith("; BTC stays HALTED until `resume BTC --review`")


@pytest.mark.parametrize(
    "words", ["", "reviewed BTC", "reviewed BTC runaway!", "reviewed ETH runaway"]
)
def test_a_review_in_other_words_lifts_nothing(words):
    """They are typed exactly, by somebody who has read them."""
    desk = halted()
    (said,) = noted(desk.says("review", "BTC", words), CommandOutcome)
    assert not said.accepted
    assert WORDS in said.outcome
    assert desk.stands() is State.HALTED


def test_a_review_lifts_it_reconciles_and_counts_anew():
    """With a record of who said so, and what was lifted."""
    desk = halted()
    asked = desk.says("review", "BTC", WORDS)
    (said,) = noted(asked, CommandOutcome)
    assert said.accepted
    assert "lifted: runaway(BTC: orders=3)" in said.outcome
    (word,) = noted(asked, Standing)
    assert (word.word, word.active, word.because.subject) == (Word.REVIEW, False, f"ann: {WORDS}")
    assert desk.stands() is State.RECONCILING
    desk.wait(1.0).told()
    desk.wait(1.0).market()
    assert desk.stands() is State.RUNNING
    assert len(placed(desk.commands)) == 1
    (over,) = [d for d in noted(desk.commands, Doubt) if d.because.reason is Reason.RUNAWAY]
    assert not over.active


def test_there_is_nothing_to_review_where_nothing_broke():
    """The word is refused."""
    (said,) = noted(desk_of().says("review", "BTC", WORDS), CommandOutcome)
    assert not said.accepted


def remembered(because, states):
    """Return a new run that finds a word of an earlier one."""
    desk = ScriptedDesk(positions=dict(SHORT), states=states)
    word = Standing(desk.now_ns - 1, "BTC", Word.REVIEW, None, active=True, because=because)
    desk.commands += desk.core.remember((word,), (), desk.now_ns)
    return desk.started()


@pytest.mark.parametrize("states", [{}, {"BTC": State.HALTED}])
def test_a_restart_lifts_no_halt(states):
    """Whether or not the state itself was kept."""
    desk = remembered(BROKEN, states)
    assert desk.stands() is State.HALTED
    desk.says("resume")
    desk.wait(1.0).told()
    assert desk.stands() is State.HALTED
    assert placed(desk.commands) == []
    (said,) = noted(desk.wait(1.0).says("review", "BTC", WORDS), CommandOutcome)
    assert said.accepted


def test_a_restart_keeps_what_only_reduces():
    """Hedges go on."""
    desk = remembered(Because(Reason.REPEATED_ORDERS, "BTC"), {})
    for _ in range(15):
        desk.wait(1.0).market()
    assert desk.stands() is State.REDUCE_DELTA_ONLY
    assert len(placed(desk.commands)) == 1
    desk.completes(newest(desk))
    desk.says("review", "BTC", "reviewed BTC repeated_orders")
    for _ in range(8):
        desk.wait(1.0).market()
    assert desk.stands() is State.RUNNING


def test_a_rate_limit_reduces_the_coin_for_a_minute():
    """Hedges go on with their back-off; nothing else does."""
    desk = desk_of(cycle_s=0.01)
    desk.ends(newest(desk), OrderState.REJECTED, code="10028")
    desk.wait(1.0).market()
    assert desk.stands() is State.REDUCE_DELTA_ONLY
    assert len(placed(desk.commands)) == 2
    desk.completes(newest(desk))
    desk.wait(58.0).market()
    assert desk.stands() is State.REDUCE_DELTA_ONLY
    desk.wait(1.5).market()
    desk.wait(5.0).market()
    assert desk.stands() is State.RUNNING


def test_a_book_left_outside_is_a_page_that_repeats_and_ends():
    """At one, two and four minutes; a record says that it is over."""
    desk = desk_of()
    order = newest(desk)
    desk.accepts(order)
    for _ in range(300):
        desk.ends(newest(desk), OrderState.CANCELLED)
        desk.wait(1.0).market(desk.index + 0.01)
    told = [d for d in noted(desk.commands, Doubt) if d.because.reason is Reason.UNHEDGED]
    first_ns = told[0].ts_ns
    assert [round((d.ts_ns - first_ns) / 1e9) for d in told] == [0, 60, 180]
    assert all(d.active for d in told)
    assert told[0].because.numbers["for_s"] == pytest.approx(60.0, abs=2.0)
    desk.completes(newest(desk))
    desk.wait(1.0).market()
    last = [d for d in noted(desk.commands, Doubt) if d.because.reason is Reason.UNHEDGED][-1]
    assert not last.active


def test_a_paused_book_is_no_page():
    """Its owner said so."""
    desk = desk_of()
    desk.says("pause")
    for _ in range(20):
        desk.wait(10.0).market()
    assert [d for d in noted(desk.commands, Doubt) if d.because.reason is Reason.UNHEDGED] == []


def test_fills_far_from_the_mid_are_told_and_two_in_a_row_reduce():
    """The exchange may not fill us there at all."""
    desk = desk_of(limits=LimitRules(order_usd=5_000.0), cycle_s=0.01)
    for n in range(2):
        order = newest(desk)
        far = replace(order, price=Decimal(60_900))
        desk.completes(far)
        told = [d for d in noted(desk.commands, Doubt) if d.because.reason is Reason.FILL_PRICE]
        assert len(told) == 1
        assert told[0].because.numbers["bps"] == pytest.approx(150.0, abs=0.1)
        assert (desk.stands() is State.REDUCE_DELTA_ONLY) is (n == 1)
        desk.wait(1.0).market()


@pytest.mark.parametrize("look", [{"lag_s": 1.5}, {"lag_s": 0.0, "ahead_s": -1.5}])
def test_a_machine_that_is_late_or_off_reduces_and_recovers(look):
    """Hedges go on; it is told, and that it is over."""
    desk = desk_of()
    desk.handle(HostSeen(desk.now_ns, **look))
    assert desk.stands() is State.REDUCE_DELTA_ONLY
    desk.completes(newest(desk))
    desk.wait(1.0).handle(HostSeen(desk.now_ns, 0.0))
    for _ in range(12):
        desk.wait(1.0).market()
    assert desk.stands() is State.RUNNING
    told = [d for d in noted(desk.commands, Doubt) if d.because.reason in BREAKERS]
    assert [d.active for d in told] == [True, False]


def test_hedging_that_costs_far_more_than_expected_refuses_what_reduces_nothing():
    """Three times what was expected and half a percent of the notional; told, and over at eight."""
    desk = desk_of(limits=LimitRules(order_usd=1e6))
    desk.completes(newest(desk))
    day = desk.core.floor.day("BTC", desk.now_ns)
    assert day.cost_usd > 0.0
    assert day.model_usd > 0.0
    day.cost_usd, day.model_usd = 600.1, 100.0  # one option of a coin at 60,000
    desk.wait(1.0).market()
    (told,) = [d for d in noted(desk.commands, Doubt) if d.because.reason is Reason.SLIPPAGE_LIMIT]
    assert told.because.numbers == {"cost_usd": 600.1, "limit_usd": 600.0}
    assert desk.stands() is State.RUNNING
    assert len(placed(desk.wait(1.0).market(OUTSIDE))) == 1


def test_a_halt_is_remembered_before_anything_is_decided():
    """It does not wait for an order that it would stop."""
    desk = ScriptedDesk(positions=dict(SHORT))
    word = Standing(desk.now_ns - 1, "BTC", Word.REVIEW, None, active=True, because=BROKEN)
    commands = desk.core.remember((word,), (), desk.now_ns)
    (change,) = noted(commands, StateChange)
    assert (change.coin, change.after, change.reasons) == ("BTC", State.HALTED, (BROKEN,))


def test_hedges_that_work_are_no_strikes_whatever_was_held_before():
    """Back and forth, on top of a future that its owner holds; every one is judged."""
    held = SHORT | {"BTC-PERPETUAL": "-60000"}
    desk = ScriptedDesk(rules=desk_rules(), positions=held).started()
    controls = desk.core.floor.control("BTC")
    for n in range(10):
        desk.completes(newest(desk))
        for _ in range(2):  # a far leap is believed at its second print
            desk.wait(3.0).market(OUTSIDE if n % 2 else 58_500.0)
        assert controls.runaway.strikes == 0
    assert len(placed(desk.commands)) == 11
    assert noted(desk.commands, Standing) == []


@pytest.mark.parametrize(
    "name,quantity,ours,option,foreign",
    [
        ("BTC-PERPETUAL", 6_000.0, 6_000.0, False, 0.0),
        ("BTC-PERPETUAL", 6_000.0, 0.0, False, 0.1),
        ("BTC-PERPETUAL", 0.0, 6_000.0, False, 0.1),
        (CALL.name, 2.0, 2.0, True, 2.0),
    ],
)
def test_what_others_trade_explains_hedges(name, quantity, ours, option, foreign):
    """Futures that are not our own fills, and every option."""
    controls = Controls("BTC", OrderTable(Patience()))
    need = Need(0, 60_000.0, change=-1.0, distance=1.0, gamma=0.0, width=2.0)
    controls.hedges(need, {})
    controls.own[name] = ours
    controls.hedges(need, {name: Holding(quantity, 1.0 if option else 1.0 / 60_000.0, option)})
    assert controls.repeated.last is not None
    assert controls.repeated.last.foreign == pytest.approx(foreign)


def sent(label, quantity, filled):
    """Return an order on the perpetual that has ended."""
    order = WorkingOrder(intent("BTC-PERPETUAL", str(quantity), "60000", label=label), "BTC")
    order.reported = order.folded = Decimal(filled)
    return order


def test_what_another_order_of_ours_took_back_is_no_strike():
    """An order at the band's edge may turn the position just after a hedge."""
    controls = Controls("BTC", OrderTable(Patience()))
    for n in range(4):
        controls.watch(sent(f"hedge-{n}", 600, 600), 0.01, 60_000.0, 0.0)
        controls.own["BTC-PERPETUAL"] = 0.0  # its own 600 and the 600 that an edge order sold
        controls.judge({"BTC-PERPETUAL": Holding(0.0, 1.0 / 60_000.0, option=False)}, n)
    assert controls.runaway.strikes == 0
    for n in range(3):
        controls.watch(sent(f"gone-{n}", 600, 600), 0.01, 60_000.0, 0.0)
        controls.own["BTC-PERPETUAL"] += 600.0
        controls.judge({"BTC-PERPETUAL": Holding(0.0, 1.0 / 60_000.0, option=False)}, n)
    assert controls.halts
