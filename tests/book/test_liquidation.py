"""How far the index may move: by the local formula, and by the venue's word where that is all."""

import math
from dataclasses import replace

import pytest

from bot.book.liquidation import distances
from bot.book.margin import required
from bot.book.measure import measure
from bot.domain.deribit import parse
from bot.domain.positions import Balance
from greeks import black76
from tests.builders.books import NOW, book

PERPETUAL = parse("BTC-PERPETUAL")


def balance(funds, maintenance, **more):
    """Return an account under standard margin."""
    figures = {"margin_balance": funds, "model": "segregated_sm"} | more
    return Balance("BTC", funds, funds, maintenance, maintenance, **figures)


def found(builder, account):
    """Return the distances of a book that has been measured."""
    made = builder.built()
    measure(made, "BTC", NOW)
    return distances(made, "BTC", account, NOW)


def test_a_long_perpetual_is_liquidated_on_the_way_down():
    """1 coin long on 0.1 coin: where its loss has left just the maintenance margin."""
    kept = required(PERPETUAL, 60_000.0, 60_000.0, 60_000.0).maintenance
    down, up = found(book().perpetual(60_000), balance(0.1, kept))
    moved = 60_000.0 * (1.0 + down)
    left = 0.1 + 60_000.0 / 60_000.0 - 60_000.0 / moved
    assert left == pytest.approx(required(PERPETUAL, 60_000.0, moved, moved).maintenance, abs=2e-3)
    assert up == math.inf


def test_a_short_call_is_liquidated_on_the_way_up():
    """Where its mark and the fixed part have eaten the funds."""
    days, vol = 30.0 / 365.0, 0.6
    call = book().short_call(65_000.0)
    _, up = found(call, balance(0.5, 0.112))
    index = 60_000.0 * (1.0 + up)
    years = days - 1_200.0 / (365.0 * 86_400.0)
    mark = float(black76.price(True, index, 65_000.0, years, vol)) / index
    assert 0.075 + mark == pytest.approx(0.5, abs=0.01)
    assert up > 0.5


def test_what_the_venue_asks_for_besides_stays():
    """Margin that the formula does not explain leaves less room."""
    kept = required(PERPETUAL, 60_000.0, 60_000.0, 60_000.0).maintenance
    near, _ = found(book().perpetual(60_000), balance(0.1, kept + 0.05))
    far, _ = found(book().perpetual(60_000), balance(0.1, kept))
    assert far < near < 0.0


def test_an_account_at_its_end_has_no_distance():
    """Nothing may move any more."""
    assert found(book().perpetual(60_000), balance(0.01, 0.02)) == (-0.0, 0.0)


@pytest.mark.parametrize(
    "ratio,expected", [(0.6, (-0.4, None)), (1.5, (None, 0.5)), (None, (None, None))]
)
def test_under_portfolio_margin_the_venues_estimate_is_all(ratio, expected):
    """It names one side; of the other nothing is said."""
    account = replace(balance(1.0, 0.5), model="segregated_pm", liquidation_ratio=ratio)
    told = found(book().short_call(), account)
    for value, want in zip(told, expected, strict=True):
        assert math.isnan(value) if want is None else value == pytest.approx(want)


def test_across_accounts_only_the_venue_can_tell():
    """The funds are of one account, the positions of several: its own estimate, or nothing."""
    made = book().perpetual(60_000).built()
    made.holdings.also = frozenset({"sub1"})
    measure(made, "BTC", NOW)
    down, up = distances(made, "BTC", balance(0.1, 0.01, liquidation_ratio=0.8), NOW)
    assert down == pytest.approx(-0.2)
    assert math.isnan(up)
    assert all(map(math.isnan, distances(made, "BTC", balance(0.1, 0.01), NOW)))
