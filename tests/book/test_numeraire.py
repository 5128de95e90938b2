"""Index delta and gamma of every leg, against finite differences of what the leg is worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.book.numeraire import (
    Numeraire,
    collateral_delta,
    future_delta,
    future_gamma,
    option_figures,
)
from bot.domain.deribit import parse
from greeks import black76

numeraires = st.sampled_from(Numeraire)
S = 60_000.0


def _differences(value, numeraire):
    """Return delta (coin) and gamma (coin per 1 %) of a value in USD, told in its numeraire.

    The delta of a coin book is S du/dS of the value u in coin.
    """
    h = S * 2e-4

    def told(index):
        return value(index) / (index if numeraire is Numeraire.COIN else 1.0)

    def delta(index):
        slope = (told(index + h) - told(index - h)) / (2.0 * h)
        return index * slope if numeraire is Numeraire.COIN else slope

    return delta(S), (delta(S + h) - delta(S - h)) / (2.0 * h) * S / 100.0


@given(
    numeraires,
    st.booleans(),
    st.booleans(),
    st.floats(0.9, 1.1),
    st.floats(0.8, 1.25),
    st.floats(0.02, 1.0),
    st.floats(0.3, 1.2),
)
def test_option_legs_move_as_their_value_does(numeraire, inverse, call, ratio, money, years, vol):
    """Inverse or linear, call or put, at any F/S: both Greeks are slopes of the leg's worth."""
    forward, strike = ratio * S, ratio * S / money

    def worth(index):
        value = float(black76.price(call, ratio * index, strike, years, vol))
        return value / ratio if inverse else value

    first = np.array([[float(x)] for x in black76.first(call, forward, strike, years, vol)])
    figures = option_figures(numeraire, first, np.array([forward]), S, np.array([inverse]))
    delta, gamma = _differences(worth, numeraire)
    assert figures.delta[0] == pytest.approx(delta, abs=2e-6)
    assert figures.gamma[0] == pytest.approx(gamma, abs=5e-6)


@pytest.mark.parametrize("numeraire", Numeraire)
@pytest.mark.parametrize("ratio", [0.97, 1.0, 1.04])
def test_an_inverse_future_moves_as_its_value_does(numeraire, ratio):
    """N dollars long earn N/F0 - N/F coins: linear in dollars, concave in coin."""
    dollars, start = 60_000.0, ratio * S

    def worth(index):
        return index * (dollars / start - dollars / (ratio * index))

    delta, gamma = _differences(worth, numeraire)
    found = future_delta(parse("BTC-PERPETUAL"), dollars, start, S)
    assert found == pytest.approx(delta, rel=1e-6)
    assert future_gamma(numeraire, found) == pytest.approx(gamma, abs=1e-7)


@pytest.mark.parametrize("ratio", [0.97, 1.0, 1.04])
@pytest.mark.parametrize("equity", [0.0, 90_000.0])
def test_a_linear_future_and_its_dollars_move_as_their_value_does(ratio, equity):
    """Seen from a coin book, dollars and dollar profits bend; from a dollar book they do not."""
    coins, start = 1.5, ratio * S

    def worth(index):
        return equity + coins * (ratio * index - start)

    future = future_delta(parse("BTC_USDC-PERPETUAL"), coins, start, S)
    for numeraire in Numeraire:
        delta, gamma = _differences(worth, numeraire)
        held = collateral_delta(numeraire, "include", cash_coin=0.0, equity_usd=equity, index=S)
        total = future + (held if numeraire is Numeraire.COIN else 0.0)
        assert total == pytest.approx(delta, rel=1e-6)
        assert future_gamma(numeraire, total) == pytest.approx(gamma, abs=1e-6)


@pytest.mark.parametrize(
    "numeraire,rule,expected",
    [
        (Numeraire.USD, "include", 2.0),
        (Numeraire.USD, "exclude", 0.0),
        (Numeraire.USD, 1.25, 1.25),
        (Numeraire.COIN, "include", -0.5),
        (Numeraire.COIN, "exclude", 0.0),
        (Numeraire.COIN, -3.0, -3.0),
    ],
)
def test_collateral_counts_by_rule_and_numeraire(numeraire, rule, expected):
    """Coins move a dollar book, dollars move a coin book, and a number is itself."""
    found = collateral_delta(numeraire, rule, cash_coin=2.0, equity_usd=30_000.0, index=S)
    assert found == expected
