"""What a chain offers for gamma, and which instrument hedges delta."""

import math
from dataclasses import replace

import pytest

from bot.book.scope import Scope
from bot.domain.instruments import FeeTier
from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S
from bot.strategy.bands import GammaBand
from bot.strategy.candidates import candidates
from bot.strategy.choice import Task, choose_hedge
from bot.strategy.gamma import GammaPolicy
from greeks import black76
from tests.builders.books import NOW, PERPETUAL, book, quote

TIER = FeeTier()


def _offered(builder):
    return {c.name: c for c in candidates(builder.built(), "BTC", builder.now_ns, TIER)}


def test_a_candidate_brings_what_is_measured_when_it_is_held():
    """Delta, gamma, vega and theta of one coin, in the book's numeraire."""
    for numeraire in ("usd", "coin"):
        held = book(numeraire).long_call().measure()
        (offer,) = _offered(book(numeraire).option(0, 65_000.0)).values()
        assert offer.delta == pytest.approx(held.delta, abs=1e-6)
        assert offer.gamma == pytest.approx(held.gamma_total, rel=1e-6)
        assert offer.vega_usd == pytest.approx(held.vega_usd, rel=1e-3)
        assert offer.theta_usd_day == pytest.approx(held.theta_usd_day, rel=1e-3)


def test_an_inverse_option_costs_half_its_spread_and_the_fee_in_dollars():
    """0.0005 coin of half spread and 3 bp of the coin at 60,000."""
    (offer,) = _offered(book().option(0, 65_000.0)).values()
    assert offer.cost_usd == pytest.approx(0.0005 * 60_000.0 + 0.0003 * 60_000.0)
    assert offer.cost_per_gamma == pytest.approx(offer.cost_usd / offer.gamma)


def test_a_linear_option_costs_the_same_in_its_own_unit():
    """Prices are dollars there."""
    builder = book().option(0, 65_000.0, linear=True)
    builder.rows[0] = replace(builder.rows[0], bid=2_200.0, ask=2_260.0)
    (offer,) = _offered(builder).values()
    assert offer.cost_usd == pytest.approx(30.0 + 0.0003 * 60_000.0)


def test_a_spread_is_told_in_volatility():
    """The whole spread over the vega."""
    (offer,) = _offered(book().option(0, 65_000.0)).values()
    vega = float(black76.first(True, 60_000.0, 65_000.0, 30.0 / 365.0, 0.6).vega)
    assert offer.spread_vol == pytest.approx(0.001 * 60_000.0 / vega, rel=1e-6)


def test_a_candidate_swings_as_the_book_would_that_holds_it():
    """Delta after a move, less delta before it, in both numeraires."""
    for numeraire in ("usd", "coin"):
        held = book(numeraire).long_call()
        before, after = held.measure().delta, held.shocks().delta
        (offer,) = _offered(book(numeraire).option(0, 65_000.0)).values()
        for move, delta in after.items():
            assert offer.shock_delta[move] == pytest.approx(delta - before, abs=1e-9)


def test_a_policy_leaves_only_what_may_be_bought_and_what_is_held():
    """Tenor, and delta unless wings are wanted."""
    builder = book().option(0, 65_000.0).option(0, 60_000.0, days=90.0).option(0, 80_000.0)
    builder.option(-1, 61_000.0, days=1.0)
    everything = set(_offered(builder))
    policy = GammaPolicy(GammaBand(), GammaBand())
    found = {c.name for c in candidates(builder.built(), "BTC", builder.now_ns, TIER, policy)}
    assert found == {name for name in everything if "65000" in name or "61000" in name}
    assert len(everything) == 4
    asked = candidates(builder.built(), "BTC", builder.now_ns, TIER, policy, wings=True)
    found = {c.name for c in asked}
    assert any("80000" in name for name in found)


def test_of_a_long_chain_what_does_most_for_its_cost_is_looked_at():
    """Seventy options of forty days have more vega than three of a week, which have more gamma."""
    builder = book()
    for k in range(70):
        builder.option(0, 58_000.0 + 50.0 * k, days=40.0)
    for k in range(3):
        builder.option(0, 59_000.0 + 1_000.0 * k, days=7.0)
    policy = GammaPolicy(GammaBand(), GammaBand())
    found = candidates(builder.built(), "BTC", builder.now_ns, TIER, policy)
    assert sum(c.days == pytest.approx(7.0) for c in found) == 3
    assert 40 <= len(found) < 60


@pytest.mark.parametrize(
    "changes", [{"bid": math.nan}, {"bid_size": 0.0}, {"ask": 0.009}, {"vol": math.nan}]
)
def test_a_row_that_cannot_be_believed_is_no_candidate(changes):
    """One-sided, empty, crossed or without volatility."""
    builder = book().option(0, 65_000.0).option(0, 66_000.0)
    builder.rows[0] = replace(builder.rows[0], **changes)
    assert list(_offered(builder)) == [builder.rows[1].instrument.name]


@pytest.mark.parametrize("hours,count", [(0.9, 0), (1.1, 1)])
def test_nothing_in_its_last_hour_is_a_candidate(hours, count):
    """Nor anything that settles meanwhile."""
    assert len(_offered(book().option(0, 60_000.0, days=hours / 24.0))) == count


def test_a_candidates_shock_gain_is_that_of_the_delta_hedged_option():
    """Convexity alone: always positive, and the full revaluation less the delta's part."""
    (offer,) = _offered(book().option(0, 65_000.0)).values()
    now = black76.first(True, 60_000.0, 65_000.0, 30.0 / 365.0, 0.6)
    for move in (-0.10, 0.10):
        moved = float(black76.price(True, 60_000.0 * (1 + move), 65_000.0, 30.0 / 365.0, 0.6))
        gain = moved - float(now.price) - float(now.delta) * 60_000.0 * move
        assert offer.shock_usd(move) == pytest.approx(gain, rel=1e-9)
        assert offer.shock_usd(move) > 0.0


def test_without_a_chain_or_an_index_nothing_is_offered():
    """No guess."""
    assert _offered(book().perpetual()) == {}


def test_the_first_kind_with_a_good_quote_hedges():
    """Its crossing cost is half the spread and the taker's fee."""
    built = book().future("BTC-27MAR26", 0).perpetual().built()
    hedge, doubts = choose_hedge(built, "BTC", NOW, TIER)
    assert hedge is not None
    assert (hedge.instrument.name, doubts) == (PERPETUAL, ())
    assert hedge.cost_usd_per_coin == pytest.approx(0.5 + 0.0005 * 60_000.0)


def test_a_stale_perpetual_falls_back_to_the_future():
    """With the reason why it was passed over."""
    built = book().future("BTC-27MAR26", 0).perpetual().built()
    later = NOW + 3 * NS_PER_S
    built.apply(quote("BTC-27MAR26", ts_ns=later, ts_venue_ns=later))
    hedge, doubts = choose_hedge(built, "BTC", later, TIER)
    assert hedge is not None
    assert hedge.instrument.name == "BTC-27MAR26"
    assert [(d.reason, d.subject) for d in doubts] == [(Reason.STALE_QUOTE, PERPETUAL)]


def test_an_instrument_with_an_unknown_order_is_barred():
    """Nothing new goes out where something may still be coming back."""
    built = book().perpetual().built()
    hedge, doubts = choose_hedge(built, "BTC", NOW, TIER, task=Task(barred=frozenset({PERPETUAL})))
    assert hedge is None
    assert [d.reason for d in doubts] == [Reason.UNKNOWN_ORDER]


def test_a_book_without_a_hedge_instrument_says_so():
    """Listed options hedge no delta."""
    built = book().option(0, 60_000.0).built()
    hedge, doubts = choose_hedge(built, "BTC", NOW, TIER)
    assert hedge is None
    assert [d.reason for d in doubts] == [Reason.NO_HEDGE_INSTRUMENT]


def test_what_the_owner_excludes_is_no_candidate():
    """Neither to buy nor to close."""
    builder = book().option(0, 65_000.0).option(0, 66_000.0)
    first, second = (row.instrument.name for row in builder.rows)
    builder.scope = Scope(exclude=frozenset({first}))
    assert list(_offered(builder)) == [second]


def test_an_option_without_a_model_value_is_no_candidate():
    """Nothing to hold its price against."""
    built = book().option(0, 65_000.0).option(0, 66_000.0).built()
    chain = built.coins["BTC"].market.chain
    assert chain is not None
    chain.mark[0] = math.nan
    (offer,) = candidates(built, "BTC", NOW, TIER)
    assert offer.name == chain.listing.names[1]


def test_a_price_tolerance_is_in_the_options_own_unit():
    """Two volatility points of vega: coins for inverse, dollars for linear options."""
    vega = float(black76.first(True, 60_000.0, 65_000.0, 30.0 / 365.0, 0.6).vega)
    (offer,) = _offered(book().option(0, 65_000.0)).values()
    assert offer.tolerance(0.04) == pytest.approx(max(0.02 * vega / 60_000.0, 0.0015))
    assert (offer.tick, offer.min_quantity) == (0.0005, 0.1)
    builder = book().option(0, 65_000.0, linear=True)
    builder.rows[0] = replace(builder.rows[0], bid=2_200.0, ask=2_260.0)
    (offer,) = _offered(builder).values()
    assert offer.tolerance(0.04) == pytest.approx(0.02 * vega)
