"""Crash days around their jumps: back inside within seconds, whatever the caps are set to."""

from dataclasses import dataclass
from functools import cache

import pytest

import config
from bot.domain.reasons import Reason
from bot.domain.records import Decision
from bot.domain.states import SENDING
from bot.sim.market import SyntheticMarket
from bot.sim.market.jumps import Jump
from config.schema import Settings
from tests.simulation.drive import START_NS, Drive, agree, seconds, start
from tests.simulation.watch import Band, Limits, OneAtATime

DAY_NS = seconds(86_400)
SEEDS = (1, 2)
NUMBERS = (0, 1, 2)
TINY = (
    "limits.order_usd=1000",
    "limits.loss_day_usd=1",
    "limits.fees_day_usd=1",
    "limits.orders_per_min=1",
)
CAPS = {"derived": (), "tiny": TINY}
ONE_ORDER_AT_A_TIME = {Reason.UNRESOLVED_ORDER, Reason.UNKNOWN_ORDER}


@dataclass(frozen=True, slots=True)
class Crash:
    """A run through one jump of a crash day, and its eyes."""

    drive: Drive
    jumps: tuple[Jump, ...]
    begun_ns: int
    band: Band
    limits: Limits
    single: OneAtATime


def settings(caps: str) -> Settings:
    """Return ten demo books in a crash, without what expires on the first day."""
    whole = config.load(sets=("sim.regime=crash", "paper.scale=10", *CAPS[caps])).settings
    rows = tuple(row for row in whole.paper.position if row.tag != "expiring")
    return whole.model_copy(update={"paper": whole.paper.model_copy(update={"position": rows})})


@cache
def crash(caps: str, seed: int, number: int) -> Crash:
    """Run from two minutes before a scripted jump until a minute and a half after it."""
    jumps = SyntheticMarket(seed, "crash", START_NS).jumps(START_NS + DAY_NS)
    first = [j for j in jumps if j.coin == "BTC" and abs(j.log_size) > 0.02][number]
    both = tuple(j for j in jumps if j.start_ns == first.start_ns)
    order_usd = None if caps == "derived" else 10_000.0
    band, limits, single = Band(), Limits(order_usd), OneAtATime()
    drive = start(
        settings(caps),
        *(band, limits, single),
        seed=seed,
        start_ns=first.start_ns - seconds(120),
    )
    drive.until(first.end_ns + seconds(90))
    return Crash(drive, both, first.start_ns - seconds(1), band, limits, single)


def each(caps: str) -> list[Crash]:
    """Return all jumps of all seeds."""
    return [crash(caps, seed, number) for seed in SEEDS for number in NUMBERS]


def test_a_crash_day_holds_three_large_falls_of_both_coins():
    """The cases are what they say."""
    for found in each("derived"):
        assert {jump.coin for jump in found.jumps} == {"BTC", "ETH"}
        assert all(jump.log_size < -0.02 for jump in found.jumps)


@pytest.mark.parametrize("caps", CAPS)
def test_delta_is_inside_the_owner_s_band_thirty_seconds_after_each_jump(caps):
    """However small the orders must be, the band is held again in time."""
    late = [found.band.outside_at(j.coin, j.end_ns) for found in each(caps) for j in found.jumps]
    assert max(late) <= 30.0


@pytest.mark.parametrize("caps", CAPS)
def test_no_state_stops_hedges_that_reduce_delta(caps):
    """From a second before the jump on, both coins may send."""
    for found in each(caps):
        for coin in ("BTC", "ETH"):
            assert found.drive.state(coin) in SENDING
        later = [s for ts, s in _states(found.drive) if ts >= found.begun_ns]
        assert all(state in SENDING for state in later)


@pytest.mark.parametrize("caps", CAPS)
def test_nothing_refuses_an_order_that_reduces_delta(caps):
    """Delta decisions are held up by an order under way, or by what a venue takes in a second."""
    for found in each(caps):
        refused = [
            because.reason
            for decision in found.drive.of(Decision, found.begun_ns)
            for because in decision.refused
            if decision.kind == "delta" and because.reason is not Reason.BELOW_ONE_LOT
        ]
        assert set(refused) <= {*ONE_ORDER_AT_A_TIME, Reason.ORDER_RATE}


@pytest.mark.parametrize("caps", CAPS)
def test_no_order_passes_a_limit_and_one_stands_at_a_time(caps):
    """Caps, collars and positions hold while prices fall."""
    for found in each(caps):
        assert found.limits.broken == []
        assert found.single.broken == []
        assert found.limits.orders > 5


def test_tiny_caps_bind_and_cut_the_hedge_into_slices():
    """The tiny cap is reached but not passed, and many more orders go out."""
    for whole, sliced in zip(each("derived"), each("tiny"), strict=True):
        assert whole.limits.largest_usd > 10_000.0
        assert 9_000.0 < sliced.limits.largest_usd <= 10_000.0
        assert sliced.limits.orders > whole.limits.orders


def test_positions_agree_with_the_exchange_after_every_crash():
    """Partial fills in thin books leave no difference."""
    assert all(_agrees(found.drive) for caps in CAPS for found in each(caps))


def _agrees(drive: Drive) -> bool:
    """Tell whether they agree within five seconds: a maker's fill may just be on its way."""
    for _ in range(5):
        if agree(drive) == {}:
            return True
        drive.until(drive.now_ns + seconds(1))
    return False


def _states(drive: Drive) -> list:
    return [(r.ts_ns, r.after) for coin in ("", "BTC", "ETH") for r in drive.changes(coin)]
