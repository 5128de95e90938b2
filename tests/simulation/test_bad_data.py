"""Quotes and chains that cannot be: nothing is sent on them, and the other coin is not bothered."""

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

import config
from bot.domain.events import Tick
from bot.domain.positions import Position
from bot.domain.reasons import Reason
from bot.domain.states import SENDING, State
from bot.domain.units import Quantity, Unit
from tests.simulation.drive import START_NS, agree, book, seconds, start
from tests.simulation.spoiled import (
    NAN,
    Spoiled,
    chains,
    crossed,
    frozen,
    quotes,
    silent,
)
from tests.simulation.watch import Limits, OneAtATime

BEGIN_NS = START_NS + seconds(23.5 * 60)  # a minute and a half before the demo's jump
FROM_S, UNTIL_S, END_S = 60, 150, 185
INFINITE = float("inf")
BAD_QUOTES = {
    "null everywhere": quotes(bid=NAN, ask=NAN, mark=NAN, index=NAN),
    "a mark that is no number": quotes(mark=NAN),
    "an index that is no number": quotes(index=NAN),
    "an infinite ask": quotes(ask=INFINITE),
    "zero prices": quotes(bid=0.0, ask=0.0, mark=0.0, index=0.0),
    "a zero bid": quotes(bid=0.0),
    "a negative mark": quotes(mark=-92_000.0),
    "a negative bid": quotes(bid=-1.0),
    "crossed sides": crossed,
    "no bid": quotes(bid=NAN, bid_size=0.0),
    "no ask": quotes(ask=NAN, ask_size=0.0),
    "silence": silent,
    "a stream of old data": frozen(60.0),
}
BAD_CHAINS = {
    "volatilities that are no numbers": chains(vol=NAN),
    "zero volatilities": chains(vol=0.0),
    "negative volatilities": chains(vol=-0.5),
    "absurd volatilities": chains(vol=50.0),
    "forwards that are no numbers": chains(forward=NAN),
    "zero forwards": chains(forward=0.0),
    "a chain index that is no number": chains(index=NAN),
    "a chain index of zero": chains(index=0.0),
}


ALL = {"nothing": lambda event: event} | BAD_QUOTES | BAD_CHAINS


def hedges_during(drive, coin):
    """Return the hedge orders of a coin that left while its last good quote was too old."""
    first, last = BEGIN_NS + seconds(FROM_S + 2.5), BEGIN_NS + seconds(UNTIL_S)
    name = f"{coin}-PERPETUAL"
    return [p for ts, p in drive.sent if first <= ts < last and p.intent.instrument == name]


@cache
def spoiled_run(kind: str):
    """Return ten demo books through a jump on one kind of bad BTC data, and what comes after."""
    settings = config.load(sets=("paper.scale=10",)).settings
    drive = start(settings, Limits(), OneAtATime(), seed=5, start_ns=BEGIN_NS)
    spoil = ALL[kind]
    venue: Any = Spoiled(
        drive.paper.venue, spoil, BEGIN_NS + seconds(FROM_S), BEGIN_NS + seconds(UNTIL_S)
    )
    drive.paper.venue = venue
    trail = []
    for second in range(1, END_S + 1):
        drive.until(BEGIN_NS + seconds(second))
        trail.append((second, drive.state("BTC"), drive.state("ETH")))
    return drive, trail


def test_on_good_data_both_coins_hedge_the_jump():
    """What the bad data must stop would have happened."""
    drive, _ = spoiled_run("nothing")
    assert len(hedges_during(drive, "BTC")) >= 3
    assert len(hedges_during(drive, "ETH")) >= 3


@pytest.mark.parametrize("kind", BAD_QUOTES)
def test_no_order_is_sent_on_a_bad_quote(kind):
    """From the moment that the last good quote is too old, no BTC order leaves; ETH's do."""
    drive, _ = spoiled_run(kind)
    assert drive.paper.venue.count > 60
    assert hedges_during(drive, "BTC") == []
    assert len(hedges_during(drive, "ETH")) >= 3


@pytest.mark.parametrize("kind", BAD_CHAINS)
def test_bad_chains_keep_the_last_good_figures_and_hedges_that_reduce_go_on(kind):
    """The perpetual is sound: the jump is hedged on the volatility that was believed last."""
    drive, trail = spoiled_run(kind)
    assert len(hedges_during(drive, "BTC")) >= 3
    assert all(btc in SENDING for second, btc, _ in trail if second >= 3)


@pytest.mark.parametrize("kind", BAD_QUOTES | BAD_CHAINS)
def test_orders_stay_finite_and_inside_their_limits(kind):
    """Every order has a positive price, and caps and collars hold."""
    drive, _ = spoiled_run(kind)
    limits, single = drive.watch
    assert limits.broken == []
    assert single.broken == []
    assert all(p.intent.price > 0 for _, p in drive.sent)


@pytest.mark.parametrize("kind", BAD_QUOTES | BAD_CHAINS)
def test_the_other_coin_keeps_running(kind):
    """ETH never notices."""
    _, trail = spoiled_run(kind)
    assert {eth for second, _, eth in trail if second >= 3} == {State.RUNNING}


@pytest.mark.parametrize("kind", BAD_QUOTES | BAD_CHAINS)
def test_the_coin_is_doubted_while_it_lasts_and_trusted_again_afterwards(kind):
    """REDUCE_DELTA_ONLY once the data is too old, RUNNING again soon after it is not."""
    _, trail = spoiled_run(kind)
    during = {btc for second, btc, _ in trail if FROM_S + 45 <= second < UNTIL_S}
    after = {btc for second, btc, _ in trail if second >= UNTIL_S + 16}
    assert during == {State.REDUCE_DELTA_ONLY}
    assert after == {State.RUNNING}


@pytest.mark.parametrize("kind", BAD_QUOTES | BAD_CHAINS)
def test_delta_is_inside_its_band_and_positions_agree_after_the_recovery(kind):
    """Nothing is left behind by two bad minutes."""
    drive, _ = spoiled_run(kind)
    for coin in ("BTC", "ETH"):
        assert drive.core.rules[coin].delta.owner.holds(drive.delta(coin))
    assert agree(drive) == {}


def foreign_book():
    """Return a running BTC book at rest."""
    drive = start(book(("BTC-12JAN26-92000-C", -10.0), band=0.5), seed=3)
    return drive.until(START_NS + seconds(30))


def report(drive, *extra: Position):
    """Return what the exchange reports once its account has more, or once it tells the unknown."""
    for position in extra:
        if drive.exchange.instrument(position.instrument) is not None:
            drive.exchange.adopt(position)
    honest = drive.exchange.positions(drive.now_ns)
    strange = [p for p in extra if drive.exchange.instrument(p.instrument) is None]
    return replace(honest, positions=(*honest.positions, *strange))


def tell(drive, event) -> None:
    """Let the bot hear an event that its venue did not make."""
    drive._give(event, drive.core.handle(event))


def tell_twice(drive, event) -> None:
    """Let the bot hear an event now, and again when a second look may have been taken."""
    tell(drive, event)
    tell(drive, replace(event, ts_ns=event.ts_ns + seconds(0.6)))


def option(name: str, quantity: int = -1) -> Position:
    """Return a position in an option."""
    return Position(name, Quantity(Decimal(quantity), Unit.COIN))


def test_a_position_that_no_name_explains_stops_orders_of_its_coin():
    """What cannot be bounded cannot be hedged: nothing is sent, and the reason is named."""
    drive = foreign_book()
    tell_twice(drive, report(drive, option("BTC-CS-12JAN26-92000_94000")))
    reasons = {b.reason for b in _doubts(drive)}
    sent = len(drive.sent)
    for _ in range(20):
        tell(drive, Tick(drive.now_ns))
    assert Reason.UNKNOWN_INSTRUMENT in reasons
    assert len(drive.sent) == sent


@pytest.mark.parametrize("quantity", [-1, -30, 30])
def test_a_position_that_is_not_listed_lets_only_sure_orders_out(quantity):
    """REDUCE_DELTA_ONLY; every order shrinks the whole interval's worst distance, or none goes."""
    drive = foreign_book()
    exchange, begun = drive.exchange, len(drive.sent)
    honest, extra = exchange.positions, option("BTC-12JAN26-92001-C", quantity)

    def held(now_ns):
        report = honest(now_ns)
        return replace(report, positions=(*report.positions, extra))

    exchange.positions = held
    drive.until(drive.now_ns + seconds(40))
    assert drive.state() is State.REDUCE_DELTA_ONLY
    drive.until(drive.now_ns + seconds(300))
    assert drive.state() is State.REDUCE_DELTA_ONLY
    assert Reason.UNKNOWN_INSTRUMENT in {b.reason for b in _doubts(drive)}
    assert all(place.intent.reduce_delta for _, place in drive.sent[begun:])


def test_an_option_past_its_expiry_adds_nothing_and_is_named():
    """A position that the venue has not taken away yet has no delta any more."""
    drive = start(
        book(("BTC-12JAN26-92000-C", -10.0), ("BTC-5JAN26-84000-C", -1.0), band=0.5), seed=3
    )
    drive.until(START_NS + seconds(90 * 60 - 1))
    before = drive.delta()
    drive.now_ns = START_NS + seconds(90 * 60)
    found = _doubts(drive)
    assert Reason.PAST_EXPIRY in {b.reason for b in found}
    assert "BTC-5JAN26-84000-C" in {b.subject for b in found}
    assert drive.delta() == pytest.approx(before, abs=0.05)


def test_a_position_that_jumps_is_doubted_first_and_adopted_when_it_is_said_twice():
    """A trade of the owner's is taken over only once the venue repeats it."""
    drive = foreign_book()
    held = drive.core.floor.book.holdings
    jump = report(drive, option("BTC-12JAN26-93000-C", -2))
    tell(drive, jump)
    assert held.total("BTC-12JAN26-93000-C") == 0
    assert drive.state() is State.RECONCILING
    tell(drive, jump)  # one look that is told twice
    assert held.total("BTC-12JAN26-93000-C") == 0
    tell(drive, replace(jump, ts_ns=jump.ts_ns + seconds(0.6)))
    assert held.total("BTC-12JAN26-93000-C") == -2


def test_caps_follow_a_book_that_grows_at_once():
    """What the owner adds is hedged within seconds: the caps of the smaller book do not hold it."""
    drive = foreign_book()
    before = drive.core.delta["BTC"].in_force.caps.position_coin
    jump = report(drive, option("BTC-12JAN26-84000-C", -50))
    tell_twice(drive, jump)
    drive.until(drive.now_ns + seconds(1))
    assert drive.core.delta["BTC"].in_force.caps.position_coin == pytest.approx(before + 100.0)


def _doubts(drive):
    from bot.book.measure import measure

    return measure(drive.core.floor.book, "BTC", drive.now_ns).doubts
