"""The life of an order: every edge, every silence, and fills in any order and number."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.commands import Note, Query, QueryPositions
from bot.domain.deribit import parse
from bot.domain.errors import TransitionError
from bot.domain.orders import TERMINAL, TRANSITIONS, OrderState
from bot.domain.positions import Fill
from bot.domain.records import OrderTransition
from bot.domain.units import NS_PER_S
from bot.execution.orders import ENDED, OrderTable, _move
from bot.execution.working import Patience, WorkingOrder
from tests.builders.fills import fill, report
from tests.builders.intents import intent

PERPETUAL = "BTC-PERPETUAL"
S = OrderState
NONE = Decimal(0)
T0 = 1_000 * NS_PER_S
EDGES = [(before, after) for before in S for after in S if after in TRANSITIONS[before]]
OTHERS = [(before, after) for before in S for after in S if after not in TRANSITIONS[before]]


def _at(seconds):
    return T0 + round(seconds * NS_PER_S)


def _order(quantity="100", *, ioc=True, valid_s=2.0, label="a1"):
    made = intent(PERPETUAL, quantity, "60000", ioc=ioc, label=label)
    return replace(made, created_ns=T0, valid_until_ns=_at(valid_s))


def _sent(quantity="100", **more):
    table = OrderTable(Patience())
    table.add(_order(quantity, **more), "BTC", T0)
    return table


def _states(notes):
    records = [n.record for n in notes if isinstance(n, Note)]
    return [r.after for r in records if isinstance(r, OrderTransition)]


def _queries(commands):
    return [c for c in commands if isinstance(c, Query)]


@pytest.mark.parametrize("before,after", EDGES)
def test_every_edge_of_the_life_cycle_can_be_taken(before, after):
    """The transition names both ends and what proved it."""
    order = WorkingOrder(_order(), "BTC", state=before)
    record = _move(order, after, T0, "proof").record
    assert isinstance(record, OrderTransition)
    assert (record.before, record.after, record.evidence) == (before, after, "proof")
    assert order.state is after


@pytest.mark.parametrize("before,after", OTHERS)
def test_no_other_edge_exists(before, after):
    """A bug is an exception that says what was expected and found."""
    order = WorkingOrder(_order(), "BTC", state=before)
    with pytest.raises(TransitionError, match=f"after {before}, found {after}"):
        _move(order, after, T0, "")
    assert order.state is before


def test_only_the_venue_ends_an_order():
    """What is over stays over, and silence is no end."""
    assert all(not TRANSITIONS[state] for state in TERMINAL)
    assert TERMINAL.isdisjoint(TRANSITIONS[S.INTENDED])
    assert S.NOT_BOOKED not in TRANSITIONS[S.SENT] | TRANSITIONS[S.WORKING]


@pytest.mark.parametrize(
    "state,filled", [(S.FILLED, 100), (S.CANCELLED, 0), (S.REJECTED, 0), (S.CANCELLED, 40)]
)
def test_a_reply_ends_an_order_when_its_fills_are_told(state, filled):
    """Not before."""
    table = _sent()
    table.report(report(state, filled), _at(0.1))
    assert (table.unresolved(PERPETUAL) is None) == (filled == 0)
    if filled:
        assert table.pending("BTC") == [(PERPETUAL, float(filled))]
        table.fold(fill(PERPETUAL, filled), _at(0.2))
    assert list(table) == []


def test_a_rejection_after_an_acceptance_is_the_venues_word_too():
    """A venue fault is an event, never an exception."""
    table = _sent(ioc=False)
    table.report(report(S.WORKING), _at(0.1))
    assert _states(table.report(report(S.REJECTED), _at(0.2))) == [S.REJECTED]


def test_a_fill_that_completes_an_order_ends_it_without_a_report():
    """A trade is proof."""
    table = _sent()
    assert table.fold(fill(PERPETUAL, 60, trade="t1"), _at(0.1)) == []
    assert _states(table.fold(fill(PERPETUAL, 40, trade="t2"), _at(0.1))) == [S.FILLED]
    assert list(table) == []


sides = st.sampled_from([1, -1])
splits = st.lists(st.integers(1, 5), min_size=0, max_size=5)
ends = st.sampled_from([S.FILLED, S.CANCELLED])


@given(sides, splits, ends, st.data())
def test_reports_and_fills_fold_to_the_same_end_in_any_order_and_number(side, parts, end, data):
    """Shuffled and repeated, they leave the same holdings to come and the same order behind."""
    total = 10 * sum(parts) if end is S.FILLED else 10 * sum(parts) + 10
    told = [fill(PERPETUAL, side * 10 * lots, trade=f"t{i}") for i, lots in enumerate(parts)]
    sums = [10 * side * sum(parts[:i]) for i in range(len(parts) + 1)]
    reports = [report(S.WORKING, filled) for filled in sums] + [report(end, sums[-1])]
    if end is S.FILLED and not parts:
        return
    events = told + reports
    extra = data.draw(st.lists(st.sampled_from(events), max_size=6))
    table, states = _sent(str(side * total), ioc=False), []
    for event in data.draw(st.permutations(events + extra)):
        notes = table.report(event, _at(0.1)) if event in reports else table.fold(event, _at(0.1))
        states += _states(notes)
    assert list(table) == []
    assert states[-1] is end
    assert sum(state in TERMINAL for state in states) == 1


@given(sides, splits.filter(bool), st.data())
def test_what_may_still_fill_never_falls_short_of_what_will(side, parts, data):
    """Whatever has been told so far, pending and folded together hold the whole order."""
    total = 10 * side * sum(parts)
    table, folded = _sent(str(total), ioc=False), Decimal(0)
    for i in data.draw(st.permutations(range(len(parts)))):
        claimed = side * data.draw(st.integers(0, abs(total)))
        table.report(report(S.WORKING, claimed), _at(0.1))
        told = fill(PERPETUAL, 10 * side * parts[i], trade=f"t{i}")
        table.fold(told, _at(0.1))
        folded += told.quantity.value
        pending = sum(quantity for _, quantity in table.pending("BTC"))
        assert pending == float(Decimal(total) - folded)


def _remainder(table):
    """Return all that a table says of what is still to come."""
    return [(o.intent.label, o.state in TERMINAL, o.reported, o.folded) for o in table]


def _told(table, events):
    """Tell a table trades and reports, by type."""
    states = []
    for event in events:
        tell = table.fold if isinstance(event, Fill) else table.report
        states += _states(tell(event, _at(0.1)))
    return states


@given(sides, splits, splits, ends, st.data())
def test_any_stream_folds_to_the_same_remainder(side, heard, missing, end, data):
    """Partial, shuffled, repeated, with more than was ordered and trades after the end."""
    parts = heard + missing
    total = 10 * data.draw(st.integers(1, 30))
    booked = side * 10 * sum(parts)
    assume(end is S.CANCELLED or abs(booked) >= total)
    said = booked if data.draw(st.booleans()) else side * 10 * sum(heard)
    told = [fill(PERPETUAL, side * 10 * lots, trade=f"t{i}") for i, lots in enumerate(heard)]
    events = [*told, report(S.WORKING, side * 10 * sum(heard[:1])), report(end, said)]
    first, second = _sent(str(side * total), ioc=False), _sent(str(side * total), ioc=False)
    _told(first, events)
    extra = data.draw(st.lists(st.sampled_from(events), max_size=6))
    states = _told(second, data.draw(st.permutations(events + extra)))
    assert _remainder(first) == _remainder(second)
    left = sum(q for _, q in second.pending("BTC"))
    assert left == said - side * 10 * sum(heard)
    assert sum(state in TERMINAL for state in states) == 1


@given(sides, splits.filter(bool), st.data())
def test_a_prefix_of_a_stream_never_hides_what_has_been_said_to_fill(side, parts, data):
    """Folded and to come cover the largest claim at every moment, and neither changes sides."""
    total = 10 * data.draw(st.integers(1, 30))
    told = [fill(PERPETUAL, side * 10 * lots, trade=f"t{i}") for i, lots in enumerate(parts)]
    claims = [
        report(data.draw(st.sampled_from([S.WORKING, S.CANCELLED])), side * 10 * sum(parts[:i]))
        for i in range(len(parts) + 1)
    ]
    table, folded, claimed = _sent(str(side * total), ioc=False), 0, 0
    seen = set()
    for event in data.draw(st.permutations([*told, *claims])):
        _told(table, [event])
        if isinstance(event, Fill):
            seen.add(event.trade_id)
            folded += side * int(event.quantity.value)
        else:
            claimed = max(claimed, side * int(event.filled.value))
        to_come = side * sum(q for _, q in table.pending("BTC"))
        assert to_come >= 0
        assert folded + to_come >= claimed


def test_more_than_was_ordered_ends_an_order_and_leaves_nothing_to_come():
    """Nor a quantity of the other side: the surplus is held, not owed."""
    table = _sent(ioc=False)
    table.fold(fill(PERPETUAL, 60, trade="t1"), _at(0.1))
    assert _states(table.fold(fill(PERPETUAL, 60, trade="t2"), _at(0.1))) == [S.FILLED]
    assert (list(table), table.pending("BTC")) == ([], [])


def test_a_claim_of_more_than_was_ordered_is_to_come():
    """A stream that says 120 of 100 is believed until the trades are here."""
    table = _sent(ioc=False)
    table.report(report(S.WORKING, 120), _at(0.1))
    assert table.pending("BTC") == [(PERPETUAL, 120.0)]


def test_a_trade_before_the_acknowledgement_is_kept():
    """The late word that it stands takes nothing back."""
    table = _sent(ioc=False)
    table.fold(fill(PERPETUAL, 40), _at(0.1))
    assert _states(table.report(report(S.WORKING), _at(0.2))) == [S.WORKING]
    assert table.pending("BTC") == [(PERPETUAL, 60.0)]


def test_a_fill_that_a_cancellation_did_not_know_of_is_still_to_come():
    """Said after the end: the instrument is barred again until the trade is told."""
    table = _sent(ioc=False)
    table.report(report(S.CANCELLED), _at(0.1))
    assert table.unresolved(PERPETUAL) is None
    assert table.report(report(S.FILLED, 100), _at(0.2)) == []
    assert table.pending("BTC") == [(PERPETUAL, 100.0)]
    assert table.unresolved(PERPETUAL) is not None
    table.fold(fill(PERPETUAL, 100), _at(0.3))
    table.fold(fill(PERPETUAL, 100), _at(0.4))
    assert list(table) == []


def test_what_was_never_booked_comes_back_only_through_the_positions():
    """Which tell it apart from another's trade."""
    table = _unknown()
    for second in (5.0, 6.0):
        table.looked(PERPETUAL, NONE, _at(second))
    _denied(table, 5.0, 8.0, 11.0)
    table.report(report(S.FILLED, 100), _at(12.0))
    assert (list(table), table.denied) == ([], {PERPETUAL: Decimal(100)})


def test_only_the_newest_of_what_is_done_is_remembered():
    """A bot that runs for months does not grow."""
    table = OrderTable(Patience())
    for n in range(ENDED + 1):
        table.add(_order(label=f"a{n}"), "BTC", T0)
        table.report(report(S.CANCELLED, label=f"a{n}"), T0)
    for label, to_come in (("a0", 0), ("a1", 1)):
        table.report(report(S.FILLED, 100, label=label), T0)
        assert len(table.pending("BTC")) == to_come


def test_without_a_validity_denials_count_after_a_quarantine():
    """Nobody but the clock bars what was sent and did not arrive."""
    table = OrderTable(Patience(quarantine_s=30.0))
    table.add(_order(valid_s=0.0), "BTC", T0)
    table.tick(_at(2.0))
    assert _denied(table, 10.0, 20.0, 30.0) == []
    assert _denied(table, 30.1, 33.0, 35.2) == [S.NOT_BOOKED]


def test_silence_makes_an_order_unknown_after_two_seconds():
    """Asked about at once."""
    table = _sent()
    assert table.tick(_at(1.99)) == []
    commands = table.tick(_at(2.0))
    assert _states(commands) == [S.UNKNOWN]
    assert _queries(commands) == [Query("a1", PERPETUAL)]
    assert [o.intent.label for o in table.unknown("BTC")] == ["a1"]
    assert table.unknown("ETH") == []


def test_an_unknown_order_is_asked_about_ever_less_often():
    """At once, after 0.5 and 1 s, as soon as a denial counts, and then every 2.5 seconds."""
    table = _sent()
    times = [tenth / 10.0 for tenth in range(20, 400)]
    asked = [seconds for seconds in times if _queries(table.tick(_at(seconds)))]
    gaps = [round(later - earlier, 1) for earlier, later in pairwise(asked)]
    assert asked[0] == 2.0
    assert gaps[:6] == [0.5, 1.0, 0.6, 2.5, 2.5, 2.5]


@pytest.mark.parametrize("slow_s", [0.02, 0.3, 0.9])
def test_an_order_that_was_never_booked_ends_as_soon_as_its_denials_suffice(slow_s):
    """Two seconds after its validity the first counts; five seconds after that the last does.

    Also where the first answer that counts is slow and the others are not.
    """
    table = _sent()
    table.unresolved(PERPETUAL).inherited = True
    answers, now_s, ended = [], 2.0, None
    while ended is None:
        if _queries(table.tick(_at(now_s))):
            answers.append(now_s + (slow_s if now_s < 4.1 else 0.02))
        while answers and answers[0] <= now_s:
            answers.pop(0)
            ended = now_s if S.NOT_BOOKED in _states(table.deny("a1", _at(now_s))) else None
        now_s = round(now_s + 0.01, 2)
    first_counts_s, span_s = 4.0, 5.0
    assert first_counts_s + span_s < ended <= first_counts_s + span_s + slow_s + 0.05


@pytest.mark.parametrize("state", [S.WORKING, S.FILLED, S.CANCELLED, S.REJECTED])
def test_any_answer_resolves_an_unknown_order(state):
    """The venue's word is all that does."""
    table = _sent()
    table.tick(_at(2.0))
    assert _states(table.report(report(state, 100 if state is S.FILLED else 0), _at(3.0))) == [
        state
    ]
    assert table.unknown("BTC") == []


def test_an_immediate_order_whose_end_gets_lost_becomes_unknown():
    """Taken, then silence: two seconds after the last word."""
    table = _sent()
    table.report(report(S.WORKING), _at(1.0))
    assert table.tick(_at(2.9)) == []
    assert _states(table.tick(_at(3.0))) == [S.UNKNOWN]


def test_a_resting_order_may_be_silent():
    """It has been answered, and nothing else is due."""
    table = _sent(ioc=False)
    table.report(report(S.WORKING), _at(0.1))
    assert table.tick(_at(3_600.0)) == []


def test_a_cancellation_without_an_answer_makes_an_order_unknown():
    """It may have filled meanwhile."""
    table = _sent(ioc=False)
    table.report(report(S.WORKING), _at(0.1))
    order = table.unresolved(PERPETUAL)
    assert order is not None
    order.cancel_asked_ns = _at(8.0)
    assert table.tick(_at(9.9)) == []
    commands = table.tick(_at(10.0))
    assert _states(commands) == [S.UNKNOWN]
    assert len(_queries(commands)) == 1


def _denied(table, *seconds):
    """Let each denial answer a query of its own."""
    found = []
    for second in seconds:
        table.orders["a1"].asked = True
        found += _states(table.deny("a1", _at(second)))
    return found


def test_an_order_is_not_booked_only_after_late_and_repeated_denials():
    """Two seconds past its validity, three times, over five seconds; and it is nowhere held."""
    table = _sent()
    table.tick(_at(2.0))
    assert _denied(table, 2.0, 2.5, 3.0, 4.0) == []
    for second in (3.0, 4.1, 5.0):  # the first is too early to say anything
        assert table.looked(PERPETUAL, NONE, _at(second)) == []
    assert _denied(table, 4.1, 6.0, 9.0) == []
    assert _denied(table, 9.1) == [S.NOT_BOOKED]
    assert list(table) == []


@pytest.mark.parametrize("shown", [Decimal(100), Decimal(-20)])
def test_a_denied_order_that_positions_may_show_stays_open_for_a_while(shown):
    """The venue denies what it holds; later denials alone decide, as another may have traded."""
    table = _unknown()
    table.looked(PERPETUAL, NONE, _at(5.0))
    table.looked(PERPETUAL, shown, _at(6.0))
    assert _denied(table, 5.0, 8.0, 11.0, 14.0) == []
    assert table.looked(PERPETUAL, NONE, _at(14.1)) == []
    (end,) = table.looked(PERPETUAL, NONE, _at(15.1))
    assert (end.record.after, end.record.ts_ns) == (S.NOT_BOOKED, _at(15.1))
    table = _unknown()
    for second in (5.0, 8.0, 11.0, 14.0, 31.9):
        table.looked(PERPETUAL, shown, _at(second))
        assert _denied(table, second) == []
    assert _denied(table, 32.0) == [S.NOT_BOOKED]


def test_positions_are_asked_for_as_soon_as_they_can_tell():
    """With each query that comes late enough."""
    table = _sent()
    asked = [
        (second, [type(c) for c in table.tick(_at(second)) if not isinstance(c, Note)])
        for second in (2.0, 2.6, 3.7, 5.8)
    ]
    assert asked == [
        *((second, [Query]) for second in (2.0, 2.6, 3.7)),
        (5.8, [Query, QueryPositions]),
    ]


def test_an_inherited_order_ends_on_denials_alone():
    """Nobody knows the positions from before it."""
    table = OrderTable(Patience())
    table.restore(_order(), "BTC", T0)
    table.tick(_at(2.0))
    assert _denied(table, 5.0, 8.0, 11.0) == [S.NOT_BOOKED]


def test_between_the_first_and_the_last_denial_that_count_the_venue_is_asked_as_ever():
    """Two moments in which it lies, five seconds apart, are not all that is heard."""
    table = OrderTable(Patience())
    table.restore(_order(), "BTC", T0)
    asked = []
    for step in range(400):
        at = 10.0 + 0.05 * step
        if _queries(table.tick(_at(at))):
            asked.append(at)
            table.deny("a1", _at(at))
    assert list(table) == []
    assert asked[-1] - asked[0] == pytest.approx(5.0)
    assert max(later - earlier for earlier, later in pairwise(asked)) <= 2.5


def test_an_inherited_order_that_was_booked_is_no_order_that_never_was():
    """The venue had it once: denials say only that it is over, and after half a minute."""
    table = OrderTable(Patience())
    table.restore(_order(), "BTC", T0, booked=True)
    table.tick(_at(2.0))
    assert _denied(table, 5.0, 8.0, 11.0, 20.0, 29.9) == []
    assert _denied(table, 31.0) == [S.CANCELLED]
    assert table.denied == {}


def test_what_a_run_saw_working_was_booked():
    """Denied later, with positions that show nothing of it, it was cancelled."""
    table = _sent()
    table.report(report(S.WORKING, 0), _at(0.2))
    (order,) = table
    order.state = S.UNKNOWN
    for at in (5.0, 8.0):
        table.looked(PERPETUAL, Decimal(0), _at(at))
    assert _denied(table, 5.0, 8.0, 11.0) == [S.CANCELLED]


def test_a_clock_that_was_ahead_in_the_run_before_keeps_nobody_waiting():
    """What it sent half an hour from now may be booked for its two seconds, from now."""
    table = OrderTable(Patience())
    order = _order()
    span_ns = order.valid_until_ns - order.created_ns
    late = replace(order, created_ns=_at(1800.0), valid_until_ns=_at(1800.0) + span_ns)
    table.restore(late, "BTC", T0)
    (kept,) = table
    assert kept.late_ns(Patience()) == T0 + span_ns + _at(2.0) - T0


def test_two_denials_are_not_enough_however_far_apart():
    """Nor three within a second."""
    table = _sent()
    table.tick(_at(2.0))
    assert _denied(table, 5.0, 60.0) == []
    assert _denied(_unknown(), 5.0, 5.4, 5.8) == []


def _unknown():
    table = _sent()
    table.tick(_at(2.0))
    return table


def test_a_denial_means_nothing_for_an_order_that_is_not_unknown():
    """A query may overtake the order."""
    table = _sent()
    assert _denied(table, 5.0, 8.0, 11.0) == []
    assert table.deny("stranger", _at(5.0)) == []


def test_an_answer_that_is_repeated_counts_once():
    """One query is one denial; the next one counts when the venue was asked again."""
    table = _unknown()
    table.orders["a1"].asked = True
    for second in (5.0, 8.0, 11.0, 20.0):
        assert table.deny("a1", _at(second)) == []
    assert len(table.orders["a1"].denials) == 1
    assert any(isinstance(command, Query) for command in table.tick(_at(21.0)))
    table.deny("a1", _at(21.1))
    assert len(table.orders["a1"].denials) == 2


def test_a_trade_between_denials_starts_them_anew():
    """Then the order was booked after all: its end is a cancellation, and its trade counts."""
    table = _unknown()
    assert _denied(table, 5.0, 8.0) == []
    table.fold(fill(PERPETUAL, 40), _at(9.0))
    assert _denied(table, 10.0, 12.0) == []
    assert _denied(table, 15.0) == [S.CANCELLED]
    assert list(table) == []


def test_fills_that_are_missing_are_asked_for_until_they_arrive():
    """The order is over; what it filled has not been told."""
    table = _sent()
    table.report(report(S.FILLED, 100), _at(0.1))
    assert table.tick(_at(1.0)) == []
    asked = table.tick(_at(1.2))
    assert asked == [Query("a1", PERPETUAL), QueryPositions()]
    assert table.tick(_at(1.3)) == []
    assert [(o.intent.label, o.may_fill) for o in table.missing_fills("BTC")] == [
        ("a1", Decimal(100))
    ]
    table.fold(fill(PERPETUAL, 100), _at(1.4))
    assert table.missing_fills("BTC") == []


def test_a_restored_order_is_unknown_and_asked_about_at_once():
    """Its fate is the venue's to tell."""
    table = OrderTable(Patience())
    assert _states(table.restore(_order(), "BTC", _at(50.0))) == [S.UNKNOWN]
    assert table.busy("BTC", _at(50.0))
    assert _queries(table.tick(_at(50.0))) == [Query("a1", PERPETUAL)]


def test_an_old_unknown_no_longer_makes_others_wait_but_still_counts():
    """After ten seconds it bars its own instrument alone."""
    table = _unknown()
    assert table.busy("BTC", _at(12.0)) is True
    assert table.busy("BTC", _at(12.1)) is False
    assert table.unresolved(PERPETUAL) is not None
    assert table.pending("BTC") == [(PERPETUAL, 100.0)]


def test_orders_wait_for_their_own_underlying_only():
    """BTC does not hold up ETH."""
    table = _sent()
    assert table.busy("BTC", T0)
    assert not table.busy("ETH", T0)
    assert table.pending("ETH") == []
    assert table.unresolved("ETH-PERPETUAL") is None


def test_reports_about_strangers_change_nothing():
    """Another bot's label, or one that is long done."""
    table = _sent()
    assert table.report(report(S.FILLED, 100, label="x"), T0) == []
    assert table.fold(fill(PERPETUAL, 100, label="x"), T0) == []
    assert table.pending("BTC") == [(PERPETUAL, 100.0)]


def test_a_reject_tells_its_code_as_evidence():
    """The venue's own words are kept."""
    (note,) = _sent().report(report(S.REJECTED, code="10041"), T0)
    assert isinstance(note.record, OrderTransition)
    assert note.record.evidence == "venue v1: rejected (10041)"


def test_a_sell_is_pending_with_its_sign():
    """Quantities are signed throughout."""
    assert _sent("-100").pending("BTC") == [(PERPETUAL, -100.0)]
    assert parse(PERPETUAL).quantity(-100) == _order("-100").quantity
