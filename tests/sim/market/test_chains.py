"""Option batches: arbitrage bounds, the venue's mark, its price grid, and the way to expiry."""

from decimal import Decimal

import numpy as np
import pytest

from bot.domain import deribit
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR, utc_ns
from bot.sim.market import EPOCH_NS, SyntheticMarket
from greeks import black76, settlement

MOMENTS = [
    ("normal", 1, 0),
    ("calm", 2, 40_000),
    ("crash", 3, 50_000),
    ("crash", 4, 80_000),
    ("demo", 5, 1_507),
    ("normal", 6, 5 * 86_400),
]


@pytest.fixture(scope="module", params=MOMENTS, ids=lambda m: f"{m[0]}-{m[2]}s")
def chain(request):
    """Return a BTC or ETH batch at one moment of one market."""
    regime, seed, second = request.param
    market = SyntheticMarket(seed, regime)
    now = EPOCH_NS + second * NS_PER_S
    market.advance(now)
    return market.chain("BTC" if seed % 2 else "ETH", now)


def years(chain):
    """Return calendar years to expiry of each option."""
    return (chain.listing.expiry_ns - chain.ts_ns) / (NS_PER_S * SECONDS_PER_YEAR)


def test_what_must_be_there_is_there(chain):
    """Forwards, volatilities and marks are finite and positive for every option."""
    for values in (chain.forward, chain.vol, chain.mark):
        assert np.isfinite(values).all()
    assert (chain.forward > 0.0).all()
    assert (chain.vol > 0.05).all()
    assert (chain.mark >= 0.0).all()
    assert len(chain.mark) == len(chain.listing.names) >= 400


def test_the_mark_is_black_76_at_the_mark_volatility(chain):
    """Outside the settlement window a mark is what the venue's own formula gives, in coin."""
    listing = chain.listing
    open_ = years(chain) * SECONDS_PER_YEAR >= 1_800.0
    expected = (
        black76.price(listing.is_call, chain.forward, listing.strike, years(chain), chain.vol)
        / chain.forward
    )
    assert open_.sum() >= 400
    assert np.abs(chain.mark - expected)[open_].max() < 1e-12


def test_calls_and_puts_keep_parity(chain):
    """A call less its put is 1 - K/F, and both have one volatility."""
    call, put = slice(0, None, 2), slice(1, None, 2)
    listing = chain.listing
    assert listing.is_call[call].all()
    assert not listing.is_call[put].any()
    assert (listing.strike[call] == listing.strike[put]).all()
    moneyness = 1.0 - listing.strike[call] / chain.forward[call]
    assert np.abs(chain.mark[call] - chain.mark[put] - moneyness).max() < 1e-12
    assert (chain.vol[call] == chain.vol[put]).all()


def test_total_variance_increases_with_the_expiry(chain):
    """At the money there is no calendar arbitrage."""
    listing = chain.listing
    totals = []
    for expiry in np.unique(listing.expiry_ns):
        at = listing.is_call & (listing.expiry_ns == expiry)
        log_moneyness = np.log(listing.strike[at] / chain.forward[at])
        vol = np.interp(0.0, log_moneyness, chain.vol[at])
        totals.append(vol**2 * years(chain)[at][0])
    assert (np.diff(totals) > 0.0).all()


def test_butterflies_cost_nothing_or_more(chain):
    """Call prices in USD are convex in the strike and fall by at most the strike's step."""
    listing = chain.listing
    usd = chain.mark * chain.forward
    for expiry in np.unique(listing.expiry_ns):
        at = listing.is_call & (listing.expiry_ns == expiry)
        slopes = np.diff(usd[at]) / np.diff(listing.strike[at])
        assert slopes.min() >= -1.0 - 1e-9
        assert slopes.max() <= 1e-9
        assert np.diff(slopes).min() >= -1e-9


def test_quotes_stand_on_the_grid_and_never_cross(chain):
    """Every price is a whole number of the venue's ticks, bid below ask."""
    ticks = deribit.parse("BTC-27MAR26-100000-C").ticks
    for side in (chain.bid, chain.ask):
        for price in side[np.isfinite(side)]:
            exact = Decimal(repr(float(price)))
            assert exact > 0
            assert exact % ticks.at(exact) == 0
    both = np.isfinite(chain.bid) & np.isfinite(chain.ask)
    assert (chain.bid < chain.ask)[both].all()
    assert both.mean() > 0.8


def test_the_mark_lies_between_bid_and_ask_or_within_a_tick(chain):
    """Rounding may push a side past the mark, by less than one coarse step."""
    assert np.nanmax(chain.bid - chain.mark) < 5e-4
    assert np.nanmax(chain.mark - chain.ask) < 5e-4
    outside = (chain.bid > chain.mark) | (chain.ask < chain.mark)
    assert outside.mean() < 0.04


def test_bids_are_missing_where_there_is_nothing_to_bid_for(chain):
    """Options worth less than half a tick have no bid; those worth two ticks to 0.3 coin do."""
    worthless = chain.mark < 5e-5
    worth = (chain.mark > 1e-2) & (chain.mark < 0.3)
    assert np.isnan(chain.bid[worthless]).all()
    assert np.isfinite(chain.bid[worth]).mean() > 0.97


def test_sizes_are_whole_lots_and_nothing_where_the_price_is_absent(chain):
    """A size is a positive number of lots beside a price, and zero beside none."""
    lot = deribit.COINS[chain.coin].option_lot
    for price, size in ((chain.bid, chain.bid_size), (chain.ask, chain.ask_size)):
        quoted = np.isfinite(price)
        assert (size[~quoted] == 0.0).all()
        assert (size[quoted] > 0.0).all()
        assert all(Decimal(repr(float(one))) % lot == 0 for one in size[quoted])


def settling(second):
    """Return the market and its BTC batch so many seconds before the first settlement."""
    market = SyntheticMarket(8, "normal")
    now = utc_ns(2026, 1, 5, 8) - second * NS_PER_S
    market.advance(now)
    return market, market.chain("BTC", now)


def test_marks_are_continuous_at_the_edge_of_the_settlement_window():
    """From 30 minutes before the expiry to a second later, marks move as the price does."""
    (_, before), (_, after) = settling(1_800), settling(1_799)
    rows = before.listing.expiry_ns == utc_ns(2026, 1, 5, 8)
    moved = abs(after.index / before.index - 1.0)
    assert rows.sum() >= 20
    assert np.abs(after.mark - before.mark)[rows].max() < moved + 2e-6


def test_inside_the_window_the_mark_is_the_averages_value():
    """Marks, volatility and the running average are consistent with greeks.settlement."""
    market, chain = settling(700)
    listing = chain.listing
    rows = listing.expiry_ns == utc_ns(2026, 1, 5, 8)
    expected = settlement.first(
        listing.is_call[rows],
        chain.index,
        listing.strike[rows],
        700.0,
        chain.vol[rows],
        market.average("BTC"),
    )
    assert (chain.forward[rows] == chain.index).all()
    assert chain.mark[rows] == pytest.approx(expected.price / chain.index, abs=1e-15)


def test_the_average_is_that_of_the_indexes_seen_since_half_past_seven():
    """The running average is the mean of each second's index after 07:30 UTC."""
    market = SyntheticMarket(8, "normal")
    opened = utc_ns(2026, 1, 5, 7, 30)
    market.advance(opened)
    assert np.isnan(market.average("BTC"))
    seen = []
    for step in range(1, 1_801):
        seen.append(market.advance(opened + step * NS_PER_S)[0].quote.index)
        if step in (1, 900, 1_800):
            assert market.average("BTC") == pytest.approx(np.mean(seen), rel=1e-12)
    market.advance(opened + 1_801 * NS_PER_S)
    assert np.isnan(market.average("BTC"))


def test_a_second_before_the_settlement_marks_are_what_is_paid():
    """One second before 08:00 UTC a mark is within a basis point of the average's payoff."""
    market, chain = settling(1)
    listing = chain.listing
    rows = listing.expiry_ns == utc_ns(2026, 1, 5, 8)
    sign = np.where(listing.is_call[rows], 1.0, -1.0)
    paid = np.maximum(sign * (market.average("BTC") - listing.strike[rows]), 0.0) / chain.index
    assert np.abs(chain.mark[rows] - paid).max() < 1e-4
