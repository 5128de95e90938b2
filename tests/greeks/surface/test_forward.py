import numpy as np
import pytest

from greeks import black76
from greeks.surface.forward import Source, choose, parity

STRIKES = np.arange(50_000.0, 72_000.0, 2_000.0)
FORWARD, YEARS, VOL = 60_700.0, 30 / 365, 0.6


def books(in_coin, half=4.0):
    """Return bids and asks of calls and puts, half a spread (USD) to each side."""
    unit = FORWARD if in_coin else 1.0
    call, put = (black76.price(side, FORWARD, STRIKES, YEARS, VOL) for side in (True, False))
    return tuple(one / unit for one in (call - half, call + half, put - half, put + half))


@pytest.mark.parametrize("in_coin", [True, False])
def test_every_pair_tells_the_forward(in_coin):
    """Exactly in the middle, and within what the spreads leave open."""
    found = parity(STRIKES, *books(in_coin), in_coin=in_coin)
    assert found.forward == pytest.approx(FORWARD, rel=1e-6)
    assert found.pairs == STRIKES.size
    assert found.low < FORWARD < found.high
    assert found.high - found.low == pytest.approx(16.0, rel=0.25)


def test_a_stale_pair_does_not_move_it_and_shows():
    """The median stays; the bounds pass each other."""
    call_bid, call_ask, put_bid, put_ask = (np.array(one) for one in books(in_coin=True))
    call_bid[3] += 0.02
    call_ask[3] += 0.02
    found = parity(STRIKES, call_bid, call_ask, put_bid, put_ask, in_coin=True)
    assert found.forward == pytest.approx(FORWARD, rel=2e-4)
    assert found.low > found.high


def test_a_pair_with_a_missing_side_says_nothing():
    """Nor does a chain without any."""
    quotes = [np.array(one) for one in books(in_coin=False)]
    quotes[1][:] = np.nan
    quotes[1][4] = books(in_coin=False)[1][4]
    assert parity(STRIKES, *quotes).pairs == 1
    assert parity(STRIKES, *quotes).forward == pytest.approx(FORWARD)
    nothing = parity(STRIKES, *(np.full(STRIKES.size, np.nan) for _ in range(4)))
    assert nothing.pairs == 0
    assert np.isnan(nothing.forward)
    assert parity([], [], [], [], []).pairs == 0


def test_the_best_source_is_chosen_and_disagreement_told():
    """The venue's own price, then a future, then parity."""
    found = choose(
        [0.1, 0.2, 0.3],
        [60_100.0, np.nan, np.nan],
        [60_160.0, 60_300.0, np.nan],
        [60_100.0, 60_300.0, 60_500.0],
    )
    assert list(found.source) == [Source.UNDERLYING, Source.FUTURE, Source.PARITY]
    np.testing.assert_array_equal(found.forward, [60_100.0, 60_300.0, 60_500.0])
    np.testing.assert_allclose(found.apart, [60 / 60_100, 0.0, 0.0])


def test_what_has_no_source_lies_on_the_carry_around_it():
    """On straight lines of ln(F/spot) from now on, and beyond the last at its carry."""
    spot = 60_000.0
    years = np.array([0.05, 0.1, 0.2, 0.3, 1.0])
    known = np.array([np.nan, spot * np.exp(0.002), np.nan, spot * np.exp(0.012), 0.0])
    found = choose(years, known, np.nan, np.nan, spot)
    assert list(found.source) == [3, 0, 3, 0, 3]
    premium = np.log(found.forward / spot)
    np.testing.assert_allclose(premium, [0.001, 0.002, 0.007, 0.012, 0.04])


def test_the_premium_of_minutes_is_not_carried_on():
    """Half a basis point ten minutes before an expiry is no rate of a quarter a year."""
    years = np.array([0.0, 10 / 525_600, 1 / 365, 2 / 365, 30 / 365])
    found = choose(years, [np.nan, 60_030.0, np.nan, 60_010.0, np.nan], np.nan, np.nan, 60_000.0)
    assert np.isnan(found.forward[0])
    assert 60_010.0 < found.forward[2] < 60_030.0
    assert found.forward[4] == pytest.approx(60_010.0)
    assert np.isnan(choose([0.1], [np.nan], np.nan, np.nan, np.inf).forward).all()


def test_no_price_is_no_side():
    """0 as well as NaN: an option nobody bids for says nothing about the forward."""
    found = parity(
        [50e3, 55e3, 60e3, 65e3], [0.17, 0, 0, -1], [0.18, 0, 0, 0], [0.001, 0.01, 0.03, 0.08],
        [0.002, 0.011, 0.031, 0.09], in_coin=True,
    )  # fmt: skip
    assert found.pairs == 1
    assert found.forward == pytest.approx(50e3 / (1 - 0.1735), rel=1e-3)
    exact = parity([50e3], [0.17], [0.17], [0.001], [0.001], in_coin=True)
    assert exact.forward == exact.low == exact.high == pytest.approx(50e3 / (1 - 0.169))


def test_without_a_spot_or_a_neighbour_there_is_none():
    """NaN, and said so."""
    found = choose([0.1, 0.2], [np.nan, -5.0], np.nan, [np.nan, np.inf], 60_000.0)
    assert list(found.source) == [Source.NONE, Source.NONE]
    assert np.isnan(found.forward).all()
    assert list(choose([0.1, 0.2], [60_000.0, np.nan], np.nan, np.nan).source) == [0, Source.NONE]
