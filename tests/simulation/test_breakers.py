"""Breakers in whole runs: none fires in a crash however replies are lost, each fires on its bug."""

from dataclasses import replace
from functools import cache

import pytest

from bot.book.measure import measure
from bot.book.numeraire import future_delta
from bot.domain.events import PositionsReport
from bot.domain.orders import OrderState
from bot.domain.reasons import Reason
from bot.domain.records import Decision, Doubt, OrderTransition, Standing, StateChange, Word
from bot.domain.states import SENDING, State
from bot.domain.units import utc_ns
from bot.lab.recording import read
from bot.risk.breakers import BREAKERS
from bot.sim.faults import LostAck, LostRequest
from bot.sim.market import SyntheticMarket
from bot.sim.replay import ReplayMarket
from tests.sim.test_replay import CHAINS, HOURLY
from tests.simulation.drive import START_NS, Drive, book, seconds, start
from tests.simulation.test_crash import DAY_NS, settings

SEEDS = (1, 2, 3)
CALL = "BTC-30JAN26-95000-C"
# One bit of trouble in every ten seconds: more than one order in ten goes without its reply.
EVERY_S = 5.0


@cache
def crash(caps: str, seed: int) -> tuple[Drive, int]:
    """Run through the first jump of a crash day while replies and requests get lost."""
    jumps = SyntheticMarket(seed, "crash", START_NS).jumps(START_NS + DAY_NS)
    first = next(j for j in jumps if j.coin == "BTC" and abs(j.log_size) > 0.02)
    begun_ns = first.start_ns - seconds(120)
    lost = [
        kind(begun_ns + seconds(n * EVERY_S), coin)
        for n in range(48)
        for coin, kind in (("BTC", LostAck if n % 2 else LostRequest), ("ETH", LostAck))
    ]
    drive = start(settings(caps), seed=seed, start_ns=begun_ns, faults=lost)
    return drive.until(first.end_ns + seconds(90)), len(lost) - len(
        drive.paper.venue._faults.pending
    )


def fired(drive: Drive) -> set[Reason]:
    """Return the breakers that were told of, reduced anything or refused an order."""
    told = {d.because.reason for d in drive.of(Doubt)}
    reduced = {b.reason for c in drive.of(StateChange) for b in c.reasons}
    refused = {b.reason for d in drive.of(Decision) for b in d.refused}
    return (told | reduced | refused) & {*BREAKERS, Reason.DUPLICATE_ORDER}


@pytest.mark.parametrize("caps", ["derived", "tiny"])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_breaker_fires_in_a_crash_with_lost_replies(caps, seed):
    """Whole books fall through their gamma, one order in ten is lost: that is no breach."""
    drive, lost = crash(caps, seed)
    unknown = [r for r in drive.of(OrderTransition) if r.after is OrderState.UNKNOWN]
    assert lost >= 0.1 * len(drive.sent)
    assert unknown
    # Tiny orders take their time, and that is said.
    assert fired(drive) <= ({Reason.UNHEDGED} if caps == "tiny" else set())
    assert all(drive.state(coin) in SENDING for coin in ("BTC", "ETH"))


# bugs


def broken(monkeypatch, bug: str, minutes: float = 20.0) -> Drive:
    """Run a book that was hedged for two minutes with a bug in it for some more."""
    drive = start(book((CALL, -20.0), band=0.2, regime="normal", collateral=100.0))
    drive.until(START_NS + seconds(120))
    assert drive.state() is State.RUNNING
    BUGS[bug](monkeypatch, drive)
    return drive.until(START_NS + seconds(120 + 60 * minutes))


def positions_never_update(monkeypatch, drive):
    """Fold nothing, while no report says otherwise."""
    monkeypatch.setattr(type(drive.core.floor.book.holdings), "fold", lambda *_: False)
    frozen(monkeypatch, drive)


def positions_come_back(monkeypatch, drive):
    """Take fills back by a report that is as old as ever."""
    frozen(monkeypatch, drive)


def frozen(monkeypatch, drive):
    """Repeat the first report of positions for ever."""
    venue, inner = drive.paper.venue, drive.paper.venue.next_event
    kept: list[PositionsReport] = []

    def told(until_ns=None):
        event = inner(until_ns)
        if not isinstance(event, PositionsReport):
            return event
        kept.append(event)
        return replace(event, positions=kept[0].positions)

    monkeypatch.setattr(venue, "next_event", told, raising=False)


def fills_count_the_other_way(monkeypatch, drive):
    """Add a sale to what we hold."""
    holdings = type(drive.core.floor.book.holdings)
    right = holdings.fold
    monkeypatch.setattr(
        holdings, "fold", lambda self, fill: right(self, replace(fill, quantity=-fill.quantity))
    )


def fills_go_elsewhere(monkeypatch, drive):
    """Book what trades as something else."""
    holdings = type(drive.core.floor.book.holdings)
    right = holdings.fold
    monkeypatch.setattr(
        holdings,
        "fold",
        lambda self, fill: right(self, replace(fill, instrument="ETH-PERPETUAL")),
    )
    frozen(monkeypatch, drive)


def delta_of_futures_has_the_wrong_sign(monkeypatch, _):
    """Make the measured delta worse with each hedge."""
    monkeypatch.setattr("bot.book.legs.future_delta", lambda *args: -future_delta(*args))


BUGS = {
    one.__name__: one
    for one in (
        positions_never_update,
        positions_come_back,
        fills_count_the_other_way,
        fills_go_elsewhere,
        delta_of_futures_has_the_wrong_sign,
    )
}


@pytest.mark.parametrize("bug", BUGS)
def test_orders_without_effect_are_stopped_after_three(monkeypatch, bug):
    """The coin is halted for good, says why, and a person finds it waiting for a review."""
    drive = broken(monkeypatch, bug)
    assert drive.state() is State.HALTED
    (word,) = drive.of(Standing)
    assert (word.word, word.active, word.because.reason) == (Word.REVIEW, True, Reason.RUNAWAY)
    filled = [
        r
        for r in drive.of(OrderTransition, START_NS + seconds(120))
        if r.after is OrderState.FILLED
    ]
    assert len(filled) <= 5
    assert not [ts for ts, _ in drive.sent if ts > word.ts_ns]
    assert Reason.RUNAWAY in {d.because.reason for d in drive.of(Doubt) if d.active}
    drive.operator("resume", "BTC")
    drive.operator("resume")
    assert drive.state() is State.HALTED


def test_a_delta_that_wanders_without_the_price_is_reduced_and_reviewed(monkeypatch):
    """Orders do what they should and there is no end of them: somebody must look at the model."""
    drive = start(book((CALL, -20.0), band=0.2, regime="calm", collateral=100.0))
    drive.until(START_NS + seconds(120))
    begun_ns = drive.now_ns

    def wandering(book_, coin, now_ns, pending=()):
        found = measure(book_, coin, now_ns, pending)
        drift = 0.05 * (now_ns - begun_ns) / seconds(1.0)
        return replace(
            found, delta=found.delta + drift, low=found.low + drift, high=found.high + drift
        )

    monkeypatch.setattr("bot.core.measure", wandering)
    drive.until(begun_ns + seconds(900))
    assert {w.because.reason for w in drive.of(Standing)} == {Reason.REPEATED_ORDERS}
    assert drive.state() is State.REDUCE_DELTA_ONLY


@pytest.mark.data
def test_no_breaker_fires_in_the_recorded_crash_of_february_2026(data_dir):
    """Short options near the money, from the evening before until the day after."""
    recording = read(data_dir / CHAINS, data_dir / HOURLY)
    names = ("BTC-27FEB26-70000-P", "BTC-27FEB26-75000-P", "BTC-27MAR26-70000-C")
    short = book(*((name, -10.0) for name in names), band=0.5, collateral=200.0)
    market = ReplayMarket(recording, start_ns=utc_ns(2026, 2, 4, 18))
    drive = start(short, market=market).until(utc_ns(2026, 2, 6, 12))
    fills = [event.fill.quantity.value for _, event in drive.fills]
    assert len(fills) > 10
    assert fired(drive) == set()
