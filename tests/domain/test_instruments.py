"""Grids, fees and the two times to expiry."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.deribit import parse
from bot.domain.instruments import FeeRule, FeeTier, Settlement, TickTable
from bot.domain.units import NS_PER_S, Unit
from tests.struck import struck

OPTION = parse("BTC-27MAR26-100000-C")
STEPS = TickTable(
    Decimal("0.0001"), ((Decimal("0.005"), Decimal("0.0005")), (Decimal("0.1"), Decimal("0.001")))
)


@pytest.mark.parametrize(
    "price,tick",
    [
        ("0.0001", "0.0001"),
        ("0.0049", "0.0001"),
        ("0.005", "0.0005"),
        ("0.0999", "0.0005"),
        ("0.1", "0.001"),
        ("7", "0.001"),
    ],
)
def test_a_price_on_a_threshold_has_the_larger_tick(price, tick):
    """Each step of the table starts at its own threshold."""
    assert STEPS.at(Decimal(price)) == Decimal(tick)


@pytest.mark.parametrize(
    "name,unit",
    [
        ("BTC-PERPETUAL", Unit.USD),
        ("BTC-27MAR26", Unit.USD),
        ("BTC-27MAR26-100000-C", Unit.COIN),
        ("BTC_USDC-PERPETUAL", Unit.COIN),
        ("BTC_USDC-27MAR26-100000-P", Unit.COIN),
    ],
)
def test_only_inverse_futures_are_counted_in_dollars(name, unit):
    """Options and linear contracts are counted in coins."""
    struck("F46")
    assert parse(name).unit is unit
    assert parse(name).quantity("3").unit is unit


def test_what_follows_follows_again_where_an_instrument_is_changed():
    """A perpetual made linear counts and settles in something else; names and terms are equal."""
    one = parse("BTC-PERPETUAL")
    other = replace(one, settlement=Settlement.LINEAR)
    found = [(i.unit, i.is_inverse, i.is_option, i.currency) for i in (one, other, OPTION)]
    assert found == [
        (Unit.USD, True, False, "BTC"),
        (Unit.COIN, False, False, "USD"),
        (Unit.COIN, True, True, "BTC"),
    ]
    assert replace(other, settlement=Settlement.INVERSE) == one
    assert other != one


def test_coins_of_a_dollar_quantity_depend_on_the_price():
    """60,000 USD at 60,000 are one coin; coins stay coins."""
    assert parse("BTC-PERPETUAL").coins(60_000.0, 60_000.0) == 1.0
    assert OPTION.coins(-2.0, 60_000.0) == -2.0


@pytest.mark.parametrize(
    "price,fee",
    [(0.05, 0.0003), (0.0024, 0.0003), (0.0016, 0.0002), (0.0001, 0.0000125)],
)
def test_an_options_fee_is_capped_at_an_eighth_of_its_price(price, fee):
    """3 bp of the underlying, but never more than 12.5 % of the option."""
    paid = OPTION.fees.per_coin(price, 1.0, maker=False, tier=FeeTier())
    assert paid == pytest.approx(fee, rel=1e-12)


def test_a_tier_multiplies_the_rule_before_the_cap():
    """A VIP pays its share of the rate; a cap still binds."""
    tier = FeeTier("vip", maker_factor=0.0, taker_factor=0.5)
    rule = FeeRule(maker=0.0002, taker=0.0004, cap_of_price=0.125)
    assert rule.per_coin(0.05, 1.0, maker=True, tier=tier) == 0.0
    assert rule.per_coin(0.05, 1.0, maker=False, tier=tier) == pytest.approx(0.0002)
    assert rule.per_coin(0.0008, 1.0, maker=False, tier=tier) == pytest.approx(0.0001)


def test_a_future_has_no_cap_and_may_pay_a_rebate():
    """A maker of dated futures is paid one basis point."""
    fees = parse("BTC-27MAR26").fees
    assert fees.per_coin(60_000.0, 60_000.0, maker=True, tier=FeeTier()) == pytest.approx(-6.0)
    assert fees.per_coin(60_000.0, 60_000.0, maker=False, tier=FeeTier()) == pytest.approx(30.0)


def test_variance_ends_twenty_minutes_before_an_averaged_expiry():
    """Averaging over 30 minutes takes two thirds of them off the variance time."""
    assert OPTION.expiry_ns is not None
    assert OPTION.variance_expiry_ns == OPTION.expiry_ns - 1_200 * NS_PER_S


def test_a_perpetual_never_expires():
    """Its calendar time is infinite and it has no variance expiry."""
    perpetual = parse("BTC-PERPETUAL")
    assert perpetual.calendar_years(0) == float("inf")
    assert perpetual.variance_expiry_ns is None
