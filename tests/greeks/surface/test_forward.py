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
    """Between neighbours, and like the nearest beyond them."""
    spot, rate = 60_000.0, np.array([0.02, 0.04])
    years = np.array([0.05, 0.1, 0.2, 0.3, 1.0])
    known = np.array([np.nan, spot * np.exp(0.02 * 0.1), np.nan, spot * np.exp(0.04 * 0.3), 0.0])
    found = choose(years, known, np.nan, np.nan, spot)
    assert list(found.source) == [3, 0, 3, 0, 3]
    carry = np.log(found.forward / spot) / years
    np.testing.assert_allclose(carry, [rate[0], rate[0], 0.03, rate[1], rate[1]])


def test_without_a_spot_or_a_neighbour_there_is_none():
    """NaN, and said so."""
    found = choose([0.1, 0.2], [np.nan, -5.0], np.nan, [np.nan, np.inf], 60_000.0)
    assert list(found.source) == [Source.NONE, Source.NONE]
    assert np.isnan(found.forward).all()
    assert list(choose([0.1, 0.2], [60_000.0, np.nan], np.nan, np.nan).source) == [0, Source.NONE]
