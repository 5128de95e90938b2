"""A list of positions that lacks a part or is old: what else the account says, a second look."""

import math
from decimal import Decimal

import pytest

from bot.book.venue_delta import own_deltas
from bot.domain.deribit import parse
from bot.domain.events import PositionsReport
from bot.domain.positions import HEDGE_TAG, OWNER_TAG, Balance, Position
from bot.domain.reasons import Reason
from bot.domain.records import Parked, StateChange
from bot.domain.states import State
from bot.domain.units import NS_PER_S
from greeks import black76
from tests.builders.books import PERPETUAL, OptionRow, contract_of
from tests.builders.scripted_desk import CALL, PUT, ScriptedDesk, noted, placed

LONG = {CALL.name: "4", PUT.name: "3", PERPETUAL: "-8000"}


def worth(desk, positions):
    """Return what options are worth at the desk's prices, coin."""
    columns = desk.core.floor.book.coins["BTC"].columns
    first = columns.price_at(desk.index, desk.now_ns, {})
    each = dict(zip(columns.names, first[0] / columns.payout, strict=True))
    return sum(float(size) * each[name] for name, size in positions.items() if name in each)


def tell(desk, shown, really=None, off=0.0):
    """Report some positions beside an account that holds others, valued `off` coin differently."""
    rows = tuple(Position(n, parse(n).quantity(Decimal(size))) for n, size in shown.items())
    value = off + worth(desk, shown if really is None else really)
    account = Balance("BTC", 5.0, 5.0 + value, 0.0, 0.0, option_value=value)
    return desk.handle(PositionsReport(desk.now_ns, rows, (account,)))


def hedged(positions):
    """Return a desk that holds so much and has hedged it, with nothing under way."""
    desk = ScriptedDesk(positions=dict(positions)).started()
    for order in placed(desk.commands):
        desk.completes(order)
    desk.wait(6.0).market()
    desk.commands.clear()
    return desk


def without(desk, *names):
    """Return what a desk holds without some of it."""
    return {name: size for name, size in desk.positions.items() if name not in names}


@pytest.mark.parametrize("missing", [(CALL.name,), (PUT.name,), (CALL.name, PUT.name), tuple(LONG)])
def test_options_that_a_list_lacks_are_still_there_while_the_account_has_their_worth(missing):
    """Told ten times it is the same list; the hedge is not closed on it. The whole one ends it."""
    desk = hedged(LONG)
    before = desk.core.floor.book.holdings.held()
    for look in range(10):
        desk.wait(1.1).market()
        tell(desk, without(desk, *missing), desk.positions, off=0.001 * (-1) ** look)
    assert desk.core.floor.book.holdings.held() == before
    assert desk.stands() is State.RECONCILING
    assert placed(desk.commands) == []
    tell(desk.wait(1.1), desk.positions)
    desk.market()
    desk.wait(0.6).market()
    assert desk.stands() is State.RUNNING


@pytest.mark.parametrize("index", [60_000.0, 60_300.0])
def test_options_that_were_sold_are_believed_at_the_second_look(index):
    """The account is worth less by just that, as nearly as prices are known."""
    desk = hedged(LONG)
    for _ in range(2):
        desk.wait(1.1)
        tell(desk, without(desk, CALL.name))
        desk.market(index)
    assert CALL.name not in desk.core.floor.book.holdings.held()


def test_a_list_that_fits_no_better_than_what_we_hold_waits_for_half_a_minute():
    """Its owner bought some while it lacked the rest: neither is true, and it is not traded on."""
    desk = hedged(LONG)
    for seconds in (1.1, 1.1, 26.0):
        tell(desk.wait(seconds), without(desk, CALL.name), desk.positions | {CALL.name: "7"})
        assert CALL.name in desk.core.floor.book.holdings.held()
    assert desk.stands() is State.RECONCILING
    for seconds in (4.0, 31.0):
        tell(desk.wait(seconds), without(desk, CALL.name), desk.positions | {CALL.name: "7"})
    assert CALL.name not in desk.core.floor.book.holdings.held()


def test_what_cannot_be_weighed_yet_waits_for_half_a_minute():
    """A new option without a price: its owner may have bought it, and may not."""
    strange = contract_of(70_000.0)
    desk = hedged(LONG)
    desk.rows.append(OptionRow(strange, vol=math.nan))
    desk.listed()
    for seconds in (1.1, 1.1, 20.0, 6.0):
        tell(desk.wait(seconds), desk.positions | {strange.name: "2"}, desk.positions)
        assert strange.name not in desk.core.floor.book.holdings.held()
    for seconds in (4.0, 31.0):
        tell(desk.wait(seconds), desk.positions | {strange.name: "2"}, desk.positions)
    assert strange.name in desk.core.floor.book.holdings.held()


def test_each_new_option_without_a_price_does_not_begin_the_wait_anew():
    """An owner buys another one every twenty seconds; the first are believed all the same."""
    strange = [contract_of(70_000.0 + 500.0 * n) for n in range(4)]
    desk = hedged(LONG)
    desk.rows += [OptionRow(one, vol=math.nan) for one in strange]
    desk.listed()
    shown = dict(desk.positions)
    for second in range(64):
        if second % 20 == 0:
            shown[strange[second // 20].name] = "1"
        tell(desk.wait(1.0), shown, desk.positions)
    held = desk.core.floor.book.holdings.held()
    assert [one.name in held for one in strange] == [True, True, False, False]


def test_a_new_option_is_weighed_by_the_newest_batch():
    """The account has the worth of what was bought: two looks, as ever."""
    bought = contract_of(70_000.0)
    desk = hedged(LONG)
    desk.rows.append(OptionRow(bought, vol=0.5))
    desk.listed()
    desk.market()
    desk.positions |= {bought.name: "20"}
    before = worth(desk, LONG)
    each = black76.first(True, 60_000.0, 70_000.0, bought.calendar_years(desk.now_ns), 0.5)
    value = before + 20.0 * float(each.price) / 60_000.0
    for _ in range(2):
        begin(desk, desk.positions, value)
    assert bought.name in desk.core.floor.book.holdings.held()


@pytest.mark.parametrize("told,left", [(-0.05, True), (-0.025, False), (None, False)])
def test_a_hedge_that_a_list_lacks_is_still_there_while_the_venues_delta_has_it(told, left):
    """`delta_total` of 3,000 USD short is -0.05; the account without it has none."""
    desk = hedged({PERPETUAL: "-3000"})
    for _ in range(4):
        desk.wait(1.1).market()
        account = Balance("BTC", 5.0, 5.0, 0.0, 0.0, delta_total=told)
        desk.handle(PositionsReport(desk.now_ns, (), (account,)))
    assert (PERPETUAL in desk.core.floor.book.holdings.held()) is left


def test_a_run_does_not_begin_with_a_list_that_is_older_than_its_last_fill():
    """An order of the run before fills while the first list is on its way; the second shows it."""
    desk = ScriptedDesk(positions={CALL.name: "2", PERPETUAL: "-8000"})
    desk.listed()
    desk.market()
    desk.told()
    desk.positions[PERPETUAL] = "-50000"
    desk.wait(0.6).told()
    desk.market()
    assert desk.stands() is State.RECONCILING
    assert placed(desk.commands) == []
    desk.wait(0.6).told()
    assert str(desk.core.floor.book.holdings.total(PERPETUAL)) == "-50000"
    assert desk.core.reconciler.adopted


def test_a_list_told_twice_at_once_is_one_look():
    """Only half a second between them makes it two."""
    desk = ScriptedDesk(positions=LONG)
    desk.listed()
    desk.told()
    desk.wait(0.4).told()
    assert not desk.core.reconciler.adopted
    desk.wait(0.1).told()
    assert desk.core.reconciler.adopted


def test_an_owner_who_trades_at_every_look_does_not_keep_a_run_from_beginning():
    """The third list that differs is begun with."""
    desk = ScriptedDesk(positions=dict(LONG))
    desk.listed()
    for size in ("1", "2", "3"):
        assert not desk.core.reconciler.adopted
        desk.positions[CALL.name] = size
        desk.wait(1.0).told()
    assert desk.core.reconciler.adopted


def begin(desk, shown, value, seconds=0.6):
    """Report a first list beside what the account's options are worth."""
    rows = tuple(Position(n, parse(n).quantity(Decimal(size))) for n, size in shown.items())
    account = Balance("BTC", 5.0, 5.0 + value, 0.0, 0.0, option_value=value)
    desk.wait(seconds).market()
    return desk.handle(PositionsReport(desk.now_ns, rows, (account,)))


@pytest.mark.parametrize("lacks", [(CALL.name,), (PUT.name,), (CALL.name, PUT.name)])
def test_a_run_does_not_begin_with_options_that_do_not_add_up(lacks):
    """Why is said once; the whole list, told twice, begins it."""
    whole = hedged(LONG)
    value = worth(whole, LONG)
    desk = ScriptedDesk(positions=dict(LONG))
    desk.listed()
    for _ in range(5):
        begin(desk, without(desk, *lacks), value)
    told = [c.reasons for c in noted(desk.commands, StateChange) if c.reasons]
    assert [[b.reason for b in reasons] for reasons in told] == [[Reason.LACKING_REPORT]]
    assert desk.stands() is State.RECONCILING
    for _ in range(2):
        begin(desk, LONG, value)
    assert desk.core.reconciler.adopted


def test_a_whole_list_after_others_that_lacked_a_part_needs_its_second_look_as_well():
    """It is the third that differs, and those before it were not the owner's trades."""
    value = worth(hedged(LONG), LONG)
    desk = ScriptedDesk(positions=dict(LONG))
    desk.listed()
    for size in ("-8000", "-4000"):
        begin(desk, {PUT.name: "3", PERPETUAL: size}, value)
    begin(desk, LONG, value)
    assert not desk.core.reconciler.adopted
    begin(desk, LONG, value)
    assert desk.core.reconciler.adopted


@pytest.mark.parametrize("seconds", [0.5, 1.0])
def test_an_owner_who_trades_in_an_account_that_never_adds_up_waits_half_a_minute(seconds):
    """No list is told twice, and the venue values options in another way."""
    desk = ScriptedDesk(positions=dict(LONG))
    desk.listed()
    looks = 0
    while not desk.core.reconciler.adopted:
        looks += 1
        begin(desk, LONG | {PERPETUAL: str(-8000 - 10 * looks)}, 1.0, seconds=seconds)
        assert looks * seconds < 40.0
    assert looks * seconds >= 30.0


def nets(desk):
    """Return the net delta of one of each thing that a desk holds, coin."""
    held = desk.core.floor.book.holdings
    own = own_deltas(desk.core.floor.book, "BTC", desk.now_ns)
    return {name: one.net / float(held.total(name)) for name, one in own.items()}


@pytest.mark.parametrize("lacks", [PERPETUAL, CALL.name])
def test_a_run_does_not_begin_with_a_list_that_has_not_the_account_s_delta(lacks):
    """The hedge is missing: its worth is in no figure of the options. It is not hedged again."""
    whole = LONG | {PERPETUAL: "-60000"}
    unit = nets(hedged(whole))
    total = sum(float(size) * unit[name] for name, size in whole.items())
    desk = ScriptedDesk(positions=dict(whole))
    desk.listed()

    def told(shown):
        rows = tuple(Position(n, parse(n).quantity(Decimal(size))) for n, size in shown.items())
        account = Balance("BTC", 5.0, 5.0, 0.02, 0.01, delta_total=total)
        desk.wait(0.6).market()
        desk.handle(PositionsReport(desk.now_ns, rows, (account,)))

    for _ in range(5):
        told(without(desk, lacks))
    assert not desk.core.reconciler.adopted
    assert placed(desk.commands) == []
    for _ in range(2):
        told(whole)
    assert desk.core.reconciler.adopted


def test_wings_of_a_large_book_that_a_list_lacks_are_missed_in_the_account_s_delta():
    """A hundredth of all delta and next to no worth: the hedge is not closed on it."""
    desk = hedged({CALL.name: "-20", PUT.name: "-20", PERPETUAL: "-300000"})
    wing = contract_of(76_000.0)
    desk.rows.append(OptionRow(wing, vol=0.5))
    desk.listed()
    desk.market()
    held = desk.positions | {wing.name: "-5"}
    desk.positions = dict(held)
    for _ in range(2):
        desk.wait(1.1).told()
    for order in placed(desk.wait(1.0).market()):
        desk.completes(order)
    held, unit = dict(desk.positions), nets(desk)
    counted = {name: float(size) * unit[name] for name, size in held.items()}
    gross = sum(map(abs, counted.values()))
    assert 0.005 * gross < abs(counted[wing.name]) < 0.02 * gross
    before = desk.core.floor.book.holdings.held()
    desk.commands.clear()
    for _ in range(5):
        rows = tuple(
            Position(n, parse(n).quantity(Decimal(size)))
            for n, size in held.items()
            if n != wing.name
        )
        account = Balance("BTC", 5.0, 5.0, 0.02, 0.01, delta_total=sum(counted.values()))
        desk.wait(1.1).market()
        desk.handle(PositionsReport(desk.now_ns, rows, (account,)))
    assert desk.core.floor.book.holdings.held() == before
    assert placed(desk.commands) == []


def test_an_option_that_is_bought_while_its_settlement_is_averaged_is_believed():
    """Its delta is of what is left of it, which a batch of prices does not tell."""
    closing = parse("BTC-5JAN26-60000-C")
    desk = ScriptedDesk(positions=dict(LONG), now_ns=(closing.expiry_ns or 0) - 700 * NS_PER_S)
    desk.rows.append(OptionRow(closing, vol=0.5))
    desk.started()
    for order in placed(desk.commands):
        desk.completes(order)
    desk.wait(6.0).market()
    held = dict(desk.positions)
    shown = held | {closing.name: "-5"}
    for _ in range(80):
        unit = nets(desk)
        total = sum(float(size) * unit[name] for name, size in held.items())
        rows = tuple(Position(n, parse(n).quantity(Decimal(size))) for n, size in shown.items())
        account = Balance("BTC", 5.0, 5.0, 0.02, 0.01, delta_total=total - 0.03)
        desk.wait(1.0).market()
        desk.handle(PositionsReport(desk.now_ns, rows, (account,)))
    assert closing.name in desk.core.floor.book.holdings.held()


@pytest.mark.parametrize("name", [PERPETUAL, CALL.name])
def test_what_is_parked_counts_in_the_account_s_delta(name):
    """A run begins at once with a trade that it leaves alone, as one without."""
    unit = nets(hedged(LONG))
    total = sum(float(size) * unit[one] for one, size in LONG.items())
    value = worth(hedged(LONG), LONG)
    desk = ScriptedDesk(positions=dict(LONG))
    size, now_ns = Decimal(LONG[name]), desk.now_ns
    part = Position(name, parse(name).quantity(size))
    parked = Parked(now_ns, "BTC", part, size, now_ns, now_ns + 60 * NS_PER_S)
    desk.core.remember((), (parked,), now_ns)
    desk.listed()
    rows = tuple(Position(n, parse(n).quantity(Decimal(size))) for n, size in LONG.items())
    account = Balance("BTC", 5.0, 5.0 + value, 0.02, 0.01, option_value=value, delta_total=total)
    for _ in range(2):
        desk.wait(0.6).market()
        desk.handle(PositionsReport(desk.now_ns, rows, (account,)))
    assert desk.core.reconciler.adopted
    assert list(desk.core.floor.book.parked)


@pytest.mark.parametrize("bias", [0.0, 1.0])
def test_a_delta_that_is_known_to_differ_does_not_make_a_trade_unbelieved(bias):
    """A person sells what the venue's delta shows too much; it is believed at the second look."""
    desk = hedged({CALL.name: "-20", PUT.name: "3"})
    truth = dict(desk.positions)

    def tell():
        held = {name: size for name, size in truth.items() if Decimal(size)}
        unit = nets(desk) | {PERPETUAL: 1.0 / desk.index}
        lines = tuple((name, float(size) * unit[name]) for name, size in held.items())
        worths, total = worth(desk, held), bias + sum(delta for _, delta in lines)
        account = Balance(
            "BTC", 5.0, 5.0 + worths, 0.1, 0.05, option_value=worths, delta_total=total
        )
        rows = tuple(Position(n, parse(n).quantity(Decimal(size))) for n, size in held.items())
        desk.wait(1.1).market()
        for order in placed(desk.handle(PositionsReport(desk.now_ns, rows, (account,), lines))):
            truth[PERPETUAL] = str(Decimal(truth.get(PERPETUAL, "0")) + order.quantity.value)
            desk.completes(order)

    for _ in range(30):
        tell()
    truth[PERPETUAL] = str(Decimal(truth[PERPETUAL]) - 60_000)
    for _ in range(20):
        tell()
    assert desk.stands() is not State.RECONCILING
    assert str(desk.core.floor.book.holdings.total(PERPETUAL)) == truth[PERPETUAL]


def test_an_account_that_never_adds_up_is_begun_with_after_half_a_minute():
    """A venue may value options in another way: a book is not left alone for ever."""
    desk = ScriptedDesk(positions=dict(LONG))
    desk.listed()
    for _ in range(3):
        begin(desk, LONG, 1.0, seconds=10.0)
        assert not desk.core.reconciler.adopted
    begin(desk, LONG, 1.0, seconds=10.0)
    assert desk.core.reconciler.adopted


def test_a_run_waits_for_the_prices_that_its_options_are_weighed_with():
    """Without any it begins after half a minute; with them at once."""
    value = worth(hedged(LONG), LONG)
    desk = ScriptedDesk(positions=dict(LONG))
    rows = tuple(Position(n, parse(n).quantity(Decimal(size))) for n, size in LONG.items())
    account = Balance("BTC", 5.0, 5.0 + value, 0.0, 0.0, option_value=value)
    desk.listed()
    for _ in range(3):
        desk.wait(1.0).handle(PositionsReport(desk.now_ns, rows, (account,)))
    assert not desk.core.reconciler.adopted
    begin(desk, LONG, value)
    assert desk.core.reconciler.adopted


def test_a_run_does_not_begin_while_an_order_of_the_run_before_is_open():
    """What it fills is ours; a list from before its end would make it the owner's."""
    first = ScriptedDesk(positions={CALL.name: "-1"}).started()
    (order,) = placed(first.commands)
    desk = ScriptedDesk(positions={CALL.name: "-1"}, epoch=2)
    desk.core.restore([order], desk.now_ns)
    desk.listed()
    for _ in range(4):
        desk.wait(0.6).told()
    before = desk.core.reconciler.adopted
    desk.completes(order)
    for _ in range(2):
        desk.wait(2.1).told()
    held = desk.core.floor.book.holdings.positions
    assert (before, desk.core.reconciler.adopted) == (False, True)
    assert held[PERPETUAL, HEDGE_TAG, "main"].quantity == order.quantity
    assert (PERPETUAL, OWNER_TAG, "main") not in held


def test_a_second_list_that_lacks_a_part_of_the_first_does_not_begin_a_run():
    """It is said to lack something, not to be empty."""
    value = worth(hedged(LONG), LONG)
    desk = ScriptedDesk(positions=dict(LONG))
    desk.listed()
    begin(desk, LONG, value)
    for _ in range(3):
        begin(desk, without(desk, CALL.name), value)
    assert not desk.core.reconciler.adopted
    told = [c.reasons for c in noted(desk.commands, StateChange) if c.reasons]
    assert [[b.reason for b in reasons] for reasons in told] == [[Reason.LACKING_REPORT]]
