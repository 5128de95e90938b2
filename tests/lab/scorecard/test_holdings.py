"""Whose positions are whose, options on a hand-made chain, and what a settlement pays."""

from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from bot.domain.deribit import parse
from bot.domain.events import PositionsReport
from bot.domain.fees import delivery_fee
from bot.domain.orders import OrderState
from bot.domain.positions import Position
from bot.domain.quotes import Chain, Listing, Quote
from bot.domain.records import OrderTransition
from bot.domain.units import NS_PER_S, utc_ns
from bot.lab.scorecard import Scorecard
from bot.lab.scorecard.minutes import (
    Minutes,
    changes,
    effectiveness_interval,
    total_effectiveness,
)
from bot.lab.scorecard.tally import Tally
from tests.lab.scorecard.walk import PERPETUAL, Walk, promise

CALL, PUT, LATER = "BTC-5JAN26-60000-C", "BTC-5JAN26-60000-P", "BTC-27MAR26"
OTHER = "BTC-5JAN26-62000-C"
DAY_NS = 86_400 * NS_PER_S
EXPIRY_NS = utc_ns(2026, 1, 5, 8)
WIDE = (-50.0, 0.0, 50.0)


def chain(walk, index, vol=0.5, name=CALL):
    """Show a chain of one option now."""
    option, one = parse(name), np.ones(1)
    listing = Listing(
        "BTC",
        (name,),
        np.array([option.is_call]),
        np.array([option.strike]),
        np.array([option.expiry_ns], dtype=np.int64),
    )
    now, cells = walk.now_ns, (index * one, vol * one, *[one * 0.01] * 3, one, one)
    walk.card.see(Chain(listing, now, now, index, *cells))
    return walk


def expiring(quantity, *prices, numeraire="usd"):
    """Walk the last seconds of a call, with a chain each, up to the last before it settles."""
    start_ns = EXPIRY_NS - len(prices) * NS_PER_S
    walk = Walk(
        promise(WIDE, numeraire),
        positions={CALL: quantity},
        listed=(PERPETUAL, CALL),
        start_ns=start_ns,
    )
    for price in prices:
        chain(walk.run(price), price)
    return walk


@pytest.mark.parametrize("numeraire", ["usd", "coin"])
def test_a_settlement_pays_the_payoff_at_the_new_index_and_its_delivery_fee(numeraire):
    """Deep in the money the value was the payoff already: only the fee is left to lose."""
    walk = expiring("-10", *[66_000.0] * 10, numeraire=numeraire)
    walk.settle(CALL, 66_000.0).run(66_000.0, 66_300.0).result()
    parts = walk.card.books()["hedged"]
    fee = delivery_fee(parse(CALL), 10.0, 6_000 / 66_000, 66_000.0, walk.tier)
    assert parts.fees == pytest.approx(-fee * 66_000)
    assert parts.total == pytest.approx(-fee * 66_000, abs=0.2)
    assert walk.card.cards["BTC"].tape.held(CALL) == 0


def test_what_an_average_has_decided_is_coin_and_no_delta_of_a_dollar_book():
    """Seconds before the end nearly all is decided: a price move earns next to nothing."""
    walk = expiring("-10", *[66_000.0] * 1_801, *[66_660.0] * 5)
    walk.result()
    unhedged = walk.card.books()["unhedged"]
    assert abs(unhedged.total) < 0.02 * 10 * 660
    assert abs(unhedged.unexplained) < 0.01 * 10 * 660


def test_an_option_bought_above_its_value_costs_the_difference_at_once():
    """Premium and fee are paid in coin at the index of the moment."""
    name = "BTC-30JAN26-60000-C"
    walk = Walk(promise(WIDE), listed=(PERPETUAL, name))
    walk.run(60_000.0)
    chain(walk, 60_000.0, name=name)
    walk.run(60_000.0).fill("2", "0.06", fee=0.0006, name=name).run(60_000.0)
    walk.result()
    card = walk.card.cards["BTC"]
    parts, rows = card.hedged, card.tape.rows
    mark = (parts.trading + 2 * 0.06 * 60_000) / 2
    assert 2_500 < mark < 3_500
    assert parts.fees == pytest.approx(-36.0)
    assert rows.all.options[0].tolist() == [2.0]
    assert rows.owner.options[0].tolist() == [0.0]
    assert card.unhedged.total == 0.0


def test_gamma_below_its_limit_is_outside_and_the_last_day_has_its_own_limit():
    """A short option of 25 days breaks a zero limit; one that expires today does not."""
    for name, share in (("BTC-30JAN26-60000-C", 0.0), (CALL, 1.0)):
        walk = Walk(
            promise(WIDE, gamma=(-0.0001, None)),
            positions={name: "-5"},
            listed=(PERPETUAL, name),
        ).begin()
        chain(walk.run(60_000.0), 60_000.0, name=name)
        found = walk.run(*[60_000.0] * 5).result()
        assert found["time_in_band_gamma"] == share


def test_positions_of_an_earlier_run_of_ours_are_not_the_owners():
    """What is left of an old hedge hedges the owner's book from the first second."""
    card = Scorecard([promise()], {PERPETUAL: Decimal(-60_000)})
    walk = Walk()
    walk.card = card
    walk.listed(PERPETUAL)
    held = Position(PERPETUAL, parse(PERPETUAL).quantity("-10000"))
    card.see(PositionsReport(walk.now_ns, (held,), ()))
    walk.begin().run(60_000, 60_600, 60_600).result()
    tape = card.cards["BTC"].tape
    assert (int(tape.owner[PERPETUAL]), int(tape.ours[PERPETUAL])) == (50_000, -60_000)
    sums = card.cards["BTC"].sums
    assert sums.net == pytest.approx(sums.book / 25, rel=1e-9)


def test_a_difference_that_two_reports_show_is_adopted_without_a_profit():
    """A fill that nobody told is found in the venue's positions, at the second look."""
    walk = Walk(promise(WIDE)).run(60_000, 60_000)
    tape = walk.card.cards["BTC"].tape
    report = (Position(PERPETUAL, parse(PERPETUAL).quantity("60000")),)
    walk.card.see(PositionsReport(walk.now_ns, report, ()))
    assert tape.held(PERPETUAL) == 0
    walk.card.see(PositionsReport(walk.now_ns, report, ()))
    assert tape.held(PERPETUAL) == 60_000
    walk.run(60_000, 60_600).result()
    assert walk.card.books()["hedged"].total == pytest.approx(600.0)


def test_minutes_that_a_coarse_market_leaves_out_are_minutes_without_a_change():
    """Five minutes between words are one change and four zeros."""
    minutes = Minutes()
    ts_ns = np.array([0, 300, 360], dtype=np.int64) * NS_PER_S
    minutes.add(ts_ns, np.array([[0.0, 0, 0], [5.0, 0, 0], [6.0, 0, 0]]))
    assert changes([minutes])[:, 0].tolist() == [0, 0, 0, 0, 5, 1]


def test_the_interval_of_total_effectiveness_holds_its_value_and_is_the_same_each_time():
    """A hedged book with a tenth of the deviation: 0.99, give or take."""
    chance = np.random.default_rng(5)
    move = chance.standard_normal((1_440, 3))
    move[:, 0] *= 0.1
    value, interval = total_effectiveness(move), effectiveness_interval(move)
    assert value is not None
    assert interval is not None
    assert 0.985 < interval[0] < value < interval[1] < 0.995
    assert effectiveness_interval(move) == interval
    assert effectiveness_interval(move[:40]) is None


def test_an_instrument_that_is_traded_for_the_first_time_has_a_mark_from_its_first_row():
    """A hedge in a future that nobody held before must not turn the profit into nothing."""
    future = "BTC-27MAR26"
    walk = Walk(promise(WIDE), listed=(PERPETUAL, future)).run(60_000, 60_000)
    now = walk.now_ns
    walk.card.see(Quote(future, "BTC", now, now, 60_299.5, 60_300.5, 1e5, 1e5, 60_300, 60_000))
    walk.fill("60300", 60_300, name=future).run(60_000, 60_000).result()
    assert walk.card.books()["hedged"].total == pytest.approx(0.0, abs=1e-6)
    now = walk.now_ns
    walk.card.see(Quote(future, "BTC", now, now, 60_899.5, 60_900.5, 1e5, 1e5, 60_900, 60_000))
    walk.run(60_000, 60_000).result()
    # 60,300 USD of an inverse future from 60,300 to 60,900, in coins at an index of 60,000
    coins = 60_300.0 / 60_300.0 - 60_300.0 / 60_900.0
    assert walk.card.books()["hedged"].total == pytest.approx(coins * 60_000.0, rel=1e-9)


def test_of_many_minutes_the_newest_are_kept(monkeypatch):
    """Of a run without an end, a little more than what is asked for; numbers and values alike."""
    monkeypatch.setattr("bot.lab.scorecard.minutes.KEPT", 5)
    monkeypatch.setattr("bot.lab.scorecard.minutes.MINUTES_PER_DAY", 2)
    minutes = Minutes()
    for minute in range(100):
        minutes.add(np.array([minute]) * 60 * NS_PER_S, np.full((1, 3), float(minute)))
    assert 5 <= len(minutes.minute) <= 7
    assert minutes.values[:, 2].tolist() == list(minutes.minute)
    assert minutes.minute[-1] == 99


def test_what_expired_leaves_the_card_a_day_later():
    """Its terms are known until then, and as long as it has a column; what is held stays held."""
    walk = Walk(promise(WIDE), positions={CALL: "-1"}, listed=(PERPETUAL, CALL, PUT, OTHER))
    card, tape = walk.card, walk.card.cards["BTC"].tape
    walk.run(60_000).fill("1", "0.1", name=OTHER).fill("-1", "0.1", name=OTHER)
    walk.now_ns = EXPIRY_NS + DAY_NS
    walk.listed(PERPETUAL)
    assert tape.known.keys() == card._instruments.keys() == {PERPETUAL, CALL, PUT, OTHER}
    walk.now_ns += 1
    walk.listed(PERPETUAL)
    assert tape.known.keys() == card._instruments.keys() == {PERPETUAL, CALL, OTHER}
    assert card._coin_of.keys() == {PERPETUAL, CALL, OTHER}
    assert tape.held(CALL) == -1
    assert tape.ours.keys() == {CALL}
    walk.listed(PERPETUAL, LATER)
    walk.settle(CALL, 60_000.0).fill("10", 60_000, name=LATER)  # columns are laid out anew for it
    walk.listed(PERPETUAL, LATER)
    assert tape.known.keys() == card._instruments.keys() == {PERPETUAL, LATER}


def test_a_settlement_window_is_forgotten_a_day_after_it():
    """The row that it ends with still has its average."""
    walk = expiring("-1", *[60_000.0] * 3)
    windows = walk.card.cards["BTC"].tape.market.windows
    assert windows.keys() == {EXPIRY_NS}
    for now_ns, left in ((EXPIRY_NS, {EXPIRY_NS}), (EXPIRY_NS + DAY_NS, set())):
        walk.now_ns = now_ns
        walk.listed(PERPETUAL)
        assert windows.keys() == left


def test_an_order_that_was_unknown_twice_counts_once_and_leaves_with_its_end():
    """Counts stay, labels go."""
    tally = Tally()
    states = (OrderState.SENT, OrderState.UNKNOWN, OrderState.WORKING, OrderState.UNKNOWN)
    for before, after in pairwise((OrderState.INTENDED, *states, OrderState.REJECTED)):
        tally.note(OrderTransition(0, "a1", PERPETUAL, before, after, ""))
    counts = tally.figures()
    assert (counts["orders"], counts["unknown_orders"], counts["rejects"]) == (1, 1, 1)
    assert not tally._doubtful
