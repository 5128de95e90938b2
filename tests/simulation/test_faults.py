"""Replies that are lost, late or said twice: one order each, and positions that agree."""

from functools import cache
from itertools import pairwise

import pytest

from bot.domain.events import OrderDenied
from bot.domain.orders import OrderState
from bot.domain.records import Doubt, OrderTransition, StateChange
from bot.domain.states import State
from bot.sim.faults import DelayReport, DropReport, DuplicateReport, LostAck, LostRequest
from tests.simulation.drive import (
    PERPETUAL,
    START_NS,
    agree,
    book,
    seconds,
    start,
    venue_orders,
)
from tests.simulation.watch import Band, Limits, OneAtATime

STRADDLE = (("BTC-12JAN26-92000-C", -10.0), ("BTC-12JAN26-92000-P", -10.0))
MINUTES = 12
TIMES = tuple(START_NS + seconds(at) for at in (5, 60, 130, 200, 270, 340, 420, 500, 580))


KINDS = {
    "clean": (),
    "lost requests": tuple(LostRequest(at, "BTC") for at in TIMES[1::2]),
    "lost acknowledgements": tuple(LostAck(at, "BTC") for at in TIMES[1:]),
    "dropped reports": tuple(DropReport(at) for at in TIMES),
    "two reports dropped at once": tuple(DropReport(at) for at in TIMES for _ in range(2)),
    "reports said twice at once": tuple(DuplicateReport(at, 0) for at in TIMES),
    "reports said again much later": tuple(DuplicateReport(at, seconds(9)) for at in TIMES),
    "reports a little late": tuple(DelayReport(at, seconds(0.4)) for at in TIMES),
    "reports far too late": tuple(DelayReport(at, seconds(7)) for at in TIMES),
    "lost both ways": (
        *(LostRequest(at, "BTC") for at in TIMES[1::2]),
        *(LostAck(at, "BTC") for at in TIMES[2::2]),
    ),
    "everything": (
        *(LostRequest(at, "BTC") for at in TIMES[1::3]),
        *(LostAck(at, "BTC") for at in TIMES[2::3]),
        *(DropReport(at) for at in TIMES[::3]),
        *(DelayReport(at, seconds(5)) for at in TIMES[::2]),
        *(DuplicateReport(at, seconds(3)) for at in TIMES[1::2]),
    ),
}


@cache
def run(kind):
    """Return a gamma-rich book after some minutes with faults, at rest, and what was denied."""
    denials: list[tuple[int, str]] = []

    def listen(_drive, event, _commands):
        if isinstance(event, OrderDenied):
            denials.append((event.ts_ns, event.label))

    eyes = (OneAtATime(), Limits(), Band(), listen)
    drive = start(book(*STRADDLE, band=0.1), *eyes, seed=3, faults=KINDS[kind])
    drive.until(START_NS + seconds(60 * MINUTES + 15))
    for _ in range(60):
        if not drive.core.waiting:
            break
        drive.until(drive.now_ns + seconds(1))
    return drive, denials


@pytest.mark.parametrize("kind", KINDS)
def test_positions_agree_and_nothing_is_hedged_twice(kind):
    """Whatever is lost on the way, each label is one order and each fill counts once."""
    drive, _ = run(kind)
    single, limits, band, _ = drive.watch
    assert len(drive.sent) > 15
    assert drive.paper.venue._faults.pending == []
    assert single.broken == []
    assert limits.broken == []
    assert not drive.core.waiting
    assert agree(drive) == {}
    assert drive.of(Doubt) == []
    assert max(venue_orders(drive).values()) == 1
    assert drive.state() is State.RUNNING
    owner = drive.core.rules["BTC"].delta.owner
    assert owner.holds(drive.delta())
    assert band.peak["BTC"] < 3.0


@pytest.mark.parametrize("kind", KINDS)
def test_no_hedge_passes_the_target_and_must_be_taken_back(kind):
    """An order of a hedge never goes the other way than the one before it within two seconds."""
    drive, _ = run(kind)
    trades = [(ts, p.intent.quantity.value) for ts, p in drive.sent]
    turns = [
        (first, second)
        for (first, before), (second, after) in pairwise(trades)
        if before * after < 0 and second - first < seconds(0.5)
    ]
    assert turns == []


def test_a_request_that_never_arrived_is_given_up_late_and_after_three_denials():
    """NOT_BOOKED comes after the validity, two seconds and three denials over five seconds."""
    drive, denials = run("lost requests")
    given_up = [r for r in drive.of(OrderTransition) if r.after is OrderState.NOT_BOOKED]
    assert len(given_up) == len(KINDS["lost requests"])
    intents = {p.intent.label: p.intent for _, p in drive.sent}
    for record in given_up:
        valid = intents[record.label].valid_until_ns
        counted = [ts for ts, label in denials if label == record.label and ts > valid + seconds(2)]
        assert record.ts_ns >= valid + seconds(2)
        assert len([ts for ts in counted if ts <= record.ts_ns]) >= 3
        assert record.ts_ns - counted[0] >= seconds(5)
        assert venue_orders(drive)[record.label] == 0


def test_nothing_is_sent_on_the_instrument_while_its_order_is_unknown():
    """Between UNKNOWN and its end no other order leaves on the perpetual."""
    drive, _ = run("lost both ways")
    since = {}
    for record in drive.of(OrderTransition):
        if record.after is OrderState.UNKNOWN:
            since[record.label] = record.ts_ns
        elif record.before is OrderState.UNKNOWN:
            begun = since.pop(record.label)
            assert [
                p.intent.label
                for ts, p in drive.sent
                if begun <= ts < record.ts_ns and p.intent.instrument == PERPETUAL
            ] == []
    assert since == {}


def test_a_lost_acknowledgement_ends_filled_as_the_exchange_says():
    """UNKNOWN ends by the exchange's answer, within a query's time."""
    drive, _ = run("lost acknowledgements")
    unknown = [r for r in drive.of(OrderTransition) if r.after is OrderState.UNKNOWN]
    ended = {r.label: r for r in drive.of(OrderTransition) if r.before is OrderState.UNKNOWN}
    assert len(unknown) == len(KINDS["lost acknowledgements"])
    for record in unknown:
        assert ended[record.label].after in {
            OrderState.FILLED,
            OrderState.CANCELLED,
            OrderState.WORKING,
        }
        assert ended[record.label].ts_ns - record.ts_ns <= seconds(1)


def test_an_unknown_order_does_not_stop_the_state_machine():
    """UNKNOWN is a condition of an order: the coin stays RUNNING through all of them."""
    drive, _ = run("lost acknowledgements")
    assert {r.after for r in drive.of(StateChange)} == {
        State.RECONCILING,
        State.READY,
        State.RUNNING,
    }
