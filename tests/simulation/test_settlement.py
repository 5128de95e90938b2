"""Short options into 08:00 UTC: the hedge leaves with the average and nothing stays behind."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

from bot.domain.states import State
from bot.domain.units import utc_ns
from tests.simulation.drive import PERPETUAL, book, mark_of, seconds, start
from tests.simulation.spoiled import NAN, Spoiled, chains
from tests.struck import struck

SETTLEMENT_NS = utc_ns(2026, 1, 5, 8)
OPENING_NS = SETTLEMENT_NS - seconds(1_800)
DEEP = "BTC-5JAN26-84000-C"
SEEDS = {"coin": range(1, 6), "usd": range(1, 4)}
LOT_COIN = 10.0 / 92_000.0


@dataclass(frozen=True, slots=True)
class Window:
    """One seed's window: profit and loss in coin and in USD, beside the hedge of its opening.

    `index_usd` and `frozen_usd` value the perpetual at the index, `raw_coin` and `raw_frozen_coin`
    are the account's equity with basis, spread and fees.
    """

    opening_delta: float
    index_coin: float
    frozen_coin: float
    index_usd: float
    frozen_usd: float
    raw_coin: float
    raw_frozen_coin: float
    delta_after: float
    hedge_after: float
    steps: tuple[float, ...]
    elsewhere: int
    states: tuple[State, ...]


@cache
def window(numeraire: str, seed: int, option: str = DEEP, quantity: float = -10.0) -> Window:
    """Run from a minute before the window opens until after the settlement."""
    strike = float(option.split("-")[2])
    drive = start(
        book((option, quantity), numeraire=numeraire, collateral=50.0),
        seed=seed,
        start_ns=OPENING_NS - seconds(60),
    )
    exchange = drive.until(OPENING_NS).exchange
    first, equity = exchange.index["BTC"], exchange.equity()["BTC"]
    usd, mark = float(exchange.holdings[PERPETUAL].quantity), mark_of(drive, PERPETUAL).mark
    value, before, delta = exchange.marks()[option], len(drive.fills), drive.delta()
    drive.until(SETTLEMENT_NS)
    last, last_mark = exchange.index["BTC"], mark_of(drive, PERPETUAL).mark
    drive.until(SETTLEMENT_NS + seconds(20))
    average = drive.settled[0].price_usd
    coin_loss = quantity * (max(average - strike, 0.0) / average - value)
    usd_loss = quantity * (max(average - strike, 0.0) - value * first)
    trades = [(i, float(f.fill.quantity)) for i, f in drive.fills[before:]]
    held = [(first, usd), *trades]
    return Window(
        opening_delta=delta,
        index_coin=coin_loss + sum(n * (1.0 / at - 1.0 / last) for at, n in held),
        frozen_coin=coin_loss + usd * (1.0 / first - 1.0 / last),
        index_usd=usd_loss + sum(n * (last / at - 1.0) for at, n in held),
        frozen_usd=usd_loss + usd * (last / first - 1.0),
        raw_coin=exchange.equity()["BTC"] - equity,
        raw_frozen_coin=coin_loss + usd * (1.0 / mark - 1.0 / last_mark),
        delta_after=drive.delta(),
        hedge_after=float(exchange.holdings[PERPETUAL].quantity),
        steps=tuple(d.trades[0].quantity for d in drive.decisions("unwind")),
        elsewhere=len(drive.decisions("delta", OPENING_NS)),
        states=tuple(drive.states("BTC")),
    )


def windows(numeraire: str) -> list[Window]:
    """Return the windows of all seeds."""
    return [window(numeraire, seed) for seed in SEEDS[numeraire]]


def deviation(numeraire: str, name: str) -> float:
    """Return the deviation of a figure over the seeds."""
    return float(np.std([getattr(found, name) for found in windows(numeraire)], ddof=1))


@pytest.mark.parametrize("numeraire", ["coin", "usd"])
def test_the_unwind_leaves_less_than_a_twentieth_of_a_frozen_hedge_s_deviation(numeraire):
    """Valued at the index, ten deep calls cost what was expected, whatever the half hour did."""
    hedged, frozen = f"index_{numeraire}", f"frozen_{numeraire}"
    assert deviation(numeraire, hedged) < 0.05 * deviation(numeraire, frozen)


def test_the_account_keeps_little_more_than_the_noise_of_the_perpetual_s_basis():
    """With basis, spread and fees the coin book's equity keeps a fifth of the deviation at most."""
    assert deviation("coin", "raw_coin") < 0.2 * deviation("coin", "raw_frozen_coin")


@pytest.mark.parametrize("numeraire", ["coin", "usd"])
def test_no_delta_is_left_after_the_settlement(numeraire):
    """At 08:00 UTC the calls are gone, and so is their hedge to the last lots."""
    struck("F48", len(windows(numeraire)))
    for found in windows(numeraire):
        assert abs(found.delta_after) <= 2.0 * LOT_COIN
        assert abs(found.hedge_after) <= 20.0


@pytest.mark.parametrize("numeraire", ["coin", "usd"])
def test_the_hedge_leaves_in_sixty_equal_steps_also_inside_the_band(numeraire):
    """Each step sells one sixtieth of the hedge, to within a price move of two per cent.

    The first two may be smaller: a book near the edge of its band is not traded out of it.
    """
    quiet = [found for found in windows(numeraire) if not found.elsewhere]
    assert len(quiet) >= 0.75 * len(windows(numeraire))
    for found in quiet:
        assert len(found.steps) == 60
        assert max(found.steps) < 0.0
        early, rest = found.steps[:2], found.steps[2:]
        assert min(rest) / max(rest) == pytest.approx(1.0, abs=0.02)
        assert min(rest) * 1.01 <= min(early)


def test_the_settling_option_stays_trusted_until_it_is_gone():
    """A venue volatility beyond belief in the last minutes does not make the book doubtful."""
    for found in windows("usd"):
        assert found.states == (State.RECONCILING, State.READY, State.RUNNING)


@pytest.mark.parametrize("kind", ["C", "P"])
def test_an_option_at_the_money_is_never_naked_at_settlement(kind):
    """Its hedge goes in thirty steps or more, and the book ends within a step of its target."""
    struck("F48")
    found = window("usd", 3, f"BTC-5JAN26-92000-{kind}")
    assert len(found.steps) >= 30
    assert abs(found.delta_after) <= 2.0 * LOT_COIN
    assert abs(found.hedge_after) <= 20.0


def test_a_small_book_inside_its_band_is_unwound_all_the_same():
    """Half a call in a band of a whole coin asks for no hedge, and its hedge still leaves."""
    drive = start(book((DEEP, -0.5), band=0.5), start_ns=OPENING_NS - seconds(60))
    held = float(drive.until(OPENING_NS).exchange.holdings[PERPETUAL].quantity)
    drive.until(SETTLEMENT_NS + seconds(20))
    steps = [d.trades[0].quantity for d in drive.decisions("unwind")]
    assert sum(steps) == pytest.approx(-held)
    assert len(steps) == 60
    assert drive.delta() == pytest.approx(0.0, abs=2.0 * LOT_COIN)


def test_a_doubtful_chain_does_not_stop_the_unwind():
    """In REDUCE_DELTA_ONLY the steps still go out, late by a step at most, and nothing is left."""
    drive = start(book((DEEP, -10.0), collateral=50.0), seed=2, start_ns=OPENING_NS - seconds(60))
    venue: Any = Spoiled(
        drive.paper.venue, chains(forward=NAN), OPENING_NS + seconds(60), SETTLEMENT_NS
    )
    drive.paper.venue = venue
    drive.until(SETTLEMENT_NS - seconds(1))
    assert drive.state() is State.REDUCE_DELTA_ONLY
    assert float(drive.exchange.holdings[PERPETUAL].quantity) == 0.0
    drive.until(SETTLEMENT_NS + seconds(20))
    assert drive.delta() == 0.0
    assert len(drive.decisions("unwind")) >= 30


@pytest.mark.parametrize("seed", [1, 7])
def test_a_book_that_wakes_up_outside_its_band_inside_the_window_is_brought_in_once(seed):
    """Halted until 07:33: one hedge first, then only what the expiring options had of it."""
    drive = start(
        book((DEEP, -1.0), ("BTC-30JAN26-80000-C", 5.0), regime="calm", band=0.1),
        seed=seed,
        start_ns=OPENING_NS - seconds(60),
    )
    drive.operator("halt")
    drive.until(OPENING_NS + seconds(180))
    assert drive.sent == []
    drive.operator("resume")
    drive.until(OPENING_NS + seconds(240))
    hedged, owner = len(drive.sent), drive.core.rules["BTC"].delta.owner
    assert owner.holds(drive.delta())
    while drive.now_ns < SETTLEMENT_NS + seconds(5):
        drive.until(drive.now_ns + seconds(5))
        assert owner.holds(drive.delta())
    assert abs(drive.delta()) < 0.1
    unwound = [place.intent for _, place in drive.sent[hedged:] if place.intent.purpose == "unwind"]
    assert len(unwound) >= 30
    assert all(intent.quantity.value < 0 for intent in unwound)


def test_a_hedge_that_is_large_beside_the_band_is_unwound_without_trading_back():
    """Ten deep calls in a band of a tenth of a coin: more and smaller steps, none bought back."""
    drive = start(
        book((DEEP, -10.0), regime="calm", band=0.1, collateral=50.0),
        seed=3,
        start_ns=OPENING_NS - seconds(60),
    )
    drive.until(OPENING_NS)
    before = len(drive.fills)
    held = float(drive.exchange.holdings[PERPETUAL].quantity)
    drive.until(SETTLEMENT_NS + seconds(5))
    traded = sum(abs(float(filled.fill.quantity)) for _, filled in drive.fills[before:])
    assert traded <= 1.05 * held
    assert abs(drive.delta()) <= 0.1
