"""A person trades by hand while the bot hedges: legs put on within a hold are hedged after it."""

from decimal import Decimal
from functools import cache

import pytest

from bot.domain.orders import Intent, TimeInForce
from bot.domain.records import Parked, Standing
from bot.domain.states import SENDING, State
from bot.execution.rounding import to_tick
from tests.simulation.drive import PERPETUAL, START_NS, Drive, agree, book, seconds, start
from tests.simulation.watch import Limits, OneAtATime

HOLD_S = 120.0
SOLD, BOUGHT = "BTC-12JAN26-92000-C", "BTC-12JAN26-96000-C"
OWN = "BTC-12JAN26-92000-P"
SIZE = 6
SEEDS = range(1, 7)


def by_hand(drive: Drive, name: str, quantity: int) -> None:
    """Trade at the market as a person does: the bot is told nothing but, later, the position."""
    instrument = drive.exchange.instrument(name)
    assert instrument is not None
    side = 1.0 if quantity > 0 else -1.0
    if instrument.is_option:
        chain = drive.core.floor.book.coins["BTC"].market.chain
        assert chain is not None
        row = chain.listing.row[name]
        price = float(chain.ask[row] if quantity > 0 else chain.bid[row]) * (1.0 + 0.5 * side)
    else:
        price = drive.exchange.index["BTC"] * (1.0 + 0.005 * side)
    order = Intent(
        label=f"hand-{drive.now_ns}",
        instrument=name,
        quantity=instrument.quantity(Decimal(quantity)),
        price=to_tick(instrument, price, buy=quantity > 0),
        time_in_force=TimeInForce.IOC,
        post_only=False,
        reduce_delta=False,
        decision="",
        purpose="",
        created_ns=drive.now_ns,
        valid_until_ns=drive.now_ns + seconds(2.0),
    )
    before = size_of(drive, name)
    drive.exchange.place(order, drive.now_ns)
    assert size_of(drive, name) - before == quantity


def size_of(drive: Drive, name: str) -> Decimal:
    """Return what the exchange holds of an instrument."""
    held = drive.exchange.holdings.get(name)
    return Decimal(0) if held is None else held.quantity


def running(seed: int, hold_s: float = 0.0) -> Drive:
    """Return a book that has been hedged for a minute."""
    settings = book((OWN, -10.0), band=0.2, regime="calm", collateral=100.0, hold_s=hold_s)
    drive = start(settings, Limits(), OneAtATime(), seed=seed)
    return drive.until(START_NS + seconds(60))


@cache
def spread(seed: int) -> tuple[Drive, int, int]:
    """Put on two legs, a quarter of a minute apart, in a book with hold_s; run on past its end.

    Return the run, when the second leg was traded, and when its time was over.
    """
    drive = running(seed, hold_s=HOLD_S)
    by_hand(drive, SOLD, -SIZE)
    drive.until(drive.now_ns + seconds(15))
    by_hand(drive, BOUGHT, SIZE)
    traded_ns = drive.now_ns
    drive.until(traded_ns + seconds(HOLD_S + 90))
    over = [r.ts_ns for r in drive.of(Parked) if not r.position.quantity]
    return drive, traded_ns, max(over)


@pytest.mark.parametrize("seed", SEEDS)
def test_both_legs_are_parked_and_released_after_their_time(seed):
    """Each for as long as the setting says, from when the bot has seen it."""
    drive, _, _ = spread(seed)
    begun = {r.position.instrument: r for r in drive.of(Parked) if r.position.quantity}
    ended = {r.position.instrument: r.ts_ns for r in drive.of(Parked) if not r.position.quantity}
    assert {name: r.position.quantity.value for name, r in begun.items()} == {
        SOLD: -SIZE,
        BOUGHT: SIZE,
    }
    for name, record in begun.items():
        assert 0 <= ended[name] - record.until_ns < seconds(1)
        assert record.until_ns - record.ts_ns == seconds(HOLD_S)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_leg_alone_is_never_hedged(seed):
    """Three coins of delta stood open for a quarter of a minute: no order tried to close them."""
    drive, _, _ = spread(seed)
    first_over = min(r.ts_ns for r in drive.of(Parked) if not r.position.quantity)
    sizes = [
        abs(float(place.intent.quantity)) / drive.exchange.index["BTC"]
        for ts_ns, place in drive.sent
        if START_NS + seconds(60) <= ts_ns < first_over
    ]
    assert max(sizes, default=0.0) < 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_after_the_hold_the_whole_book_is_inside_its_band(seed):
    """What is measured is what the exchange holds, and it is hedged."""
    drive, _, over_ns = spread(seed)
    while drive.core.waiting:  # what is under way is known to both sides only when it is over
        drive.until(drive.now_ns + seconds(1))
    assert drive.now_ns > over_ns + seconds(5)
    assert list(drive.core.floor.book.parked) == []
    assert drive.core.rules["BTC"].delta.owner.holds(drive.delta())
    assert drive.state() in SENDING
    assert agree(drive) == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_limits_and_one_order_at_a_time_hold_throughout(seed):
    """A person's trades loosen nothing."""
    limits, single = spread(seed)[0].watch
    assert isinstance(limits, Limits)
    assert isinstance(single, OneAtATime)
    assert (limits.broken, single.broken) == ([], [])


def test_without_a_hold_the_first_leg_is_hedged_at_once():
    """Within seconds of its being seen: the negative of the tests above."""
    drive = running(1)
    by_hand(drive, SOLD, -SIZE)
    drive.until(drive.now_ns + seconds(40))
    begun_ns = START_NS + seconds(60)
    later = [float(p.intent.quantity) for ts_ns, p in drive.sent if ts_ns >= begun_ns]
    largest = max(map(abs, later)) / 92_000.0
    assert largest > 1.5
    assert drive.of(Parked) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_position_opened_and_closed_within_a_hold_is_never_traded_against(seed):
    """The perpetual itself: the bot's hedge is as large afterwards as before."""
    drive = running(seed, hold_s=HOLD_S)
    hedge = size_of(drive, PERPETUAL)
    by_hand(drive, PERPETUAL, 500_000)
    drive.until(drive.now_ns + seconds(40))
    assert len(list(drive.core.floor.book.parked)) == 1
    by_hand(drive, PERPETUAL, -500_000)
    drive.until(drive.now_ns + seconds(HOLD_S + 60))
    assert list(drive.core.floor.book.parked) == []
    assert abs(size_of(drive, PERPETUAL) - hedge) < 60_000
    assert drive.core.rules["BTC"].delta.owner.holds(drive.delta())
    assert agree(drive) == {}


def test_a_snooze_ends_by_itself_in_a_market_that_moves():
    """Nothing for ten minutes, then RECONCILING, RUNNING and a book inside its band."""
    drive = running(3)
    sent = len(drive.sent)
    drive.operator("snooze", "BTC", 600.0)
    end_ns = drive.now_ns + seconds(600)
    drive.until(end_ns - seconds(1))
    assert (drive.state(), len(drive.sent)) == (State.PAUSED, sent)
    drive.until(end_ns + seconds(6))
    assert [r.after for r in drive.changes("BTC") if r.ts_ns >= end_ns][:2] == [
        State.RECONCILING,
        State.READY,
    ]
    assert drive.state() is State.RUNNING
    assert [word.active for word in drive.of(Standing)] == [True, False]
    assert drive.core.rules["BTC"].delta.owner.holds(drive.delta())


@pytest.mark.parametrize("seed", SEEDS)
def test_hedge_brings_delta_to_the_target_from_inside_the_band(seed):
    """Within seconds, as near as the market moves meanwhile."""
    drive = running(seed)
    for _ in range(600):
        if abs(drive.delta()) > 0.03:
            break
        drive.until(drive.now_ns + seconds(5))
    asked_ns, before = drive.now_ns, drive.delta()
    assert drive.core.rules["BTC"].delta.owner.holds(before)
    drive.operator("hedge", "BTC")
    drive.until(asked_ns + seconds(3))
    done = [h for h in drive.hedges(asked_ns) if h.reason == "hedge_now"]
    assert len(done) == 1
    assert done[0].delta_before_coin == pytest.approx(before, abs=1e-6)
    assert abs(done[0].delta_after_coin) < 0.2 * abs(before)
