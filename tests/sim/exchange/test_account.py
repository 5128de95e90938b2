"""Fees, funding, margin and what the account is worth."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.book import margin
from bot.domain.deribit import parse
from bot.domain.events import PositionsReport
from bot.domain.fees import delivery_fee, trade_fee
from bot.domain.instruments import FeeTier
from bot.domain.positions import OWNER_TAG
from tests.builders.intents import intent
from tests.builders.scripted_market import ScriptedMarket, Terms
from tests.sim.exchange.desk import PERPETUAL, desk, position

CALL = "BTC-30JAN26-60000-C"
PUT = "BTC-30JAN26-55000-P"
BASE = FeeTier()
CHEAP = FeeTier("vip", maker_factor=0.5, taker_factor=0.8)


@pytest.mark.parametrize(
    "name,quantity,price,maker,tier,expected",
    [
        (PERPETUAL, 60_000.0, 60_000.0, False, BASE, 0.0005),
        (PERPETUAL, 60_000.0, 60_000.0, True, BASE, 0.0),
        (PERPETUAL, -60_000.0, 60_000.0, False, CHEAP, 0.0004),
        ("BTC-27MAR26", -60_000.0, 60_000.0, True, BASE, -0.0001),
        (CALL, 2.0, 0.05, False, BASE, 0.0006),
        (CALL, -2.0, 0.05, False, CHEAP, 0.00048),
        (CALL, 1.0, 0.0001, False, BASE, 0.0000125),
        ("BTC_USDC-PERPETUAL", 0.5, 60_000.0, False, BASE, 15.0),
        ("BTC_USDC-30JAN26-60000-C", 1.0, 3_000.0, False, BASE, 18.0),
        ("BTC_USDC-30JAN26-60000-C", 1.0, 40.0, False, BASE, 5.0),
    ],
)
def test_a_trade_costs_its_rule_in_its_settlement_currency_with_the_option_cap(
    name, quantity, price, maker, tier, expected
):
    """Rates, tiers, rebates and the cap of 12.5 % of the price, in coin or in USD."""
    fee = trade_fee(parse(name), quantity, price, 60_000.0, maker=maker, tier=tier)
    assert fee == pytest.approx(expected, rel=1e-12)


def test_delivery_costs_half_of_a_taker_and_at_most_an_eighth_of_the_value():
    """0.015 % of a coin, capped for options that end just in the money, nothing when worthless."""
    call = parse(CALL)
    assert delivery_fee(call, -2.0, 0.1, 60_000.0, BASE) == pytest.approx(0.0003)
    assert delivery_fee(call, 1.0, 0.0004, 60_000.0, BASE) == pytest.approx(0.00005)
    assert delivery_fee(call, 1.0, 0.0, 60_000.0, BASE) == 0.0
    future = parse("BTC-27MAR26")
    assert delivery_fee(future, 60_000.0, 60_000.0, 60_000.0, BASE) == pytest.approx(0.00025)


@pytest.mark.parametrize(
    "name,quantity,mark,initial,maintenance",
    [
        ("BTC-30JAN26-65000-C", -1.0, 0.0312, 0.1312, 0.1062),
        ("BTC-30JAN26-55000-P", -1.0, 0.02, 0.12, 0.0950),
        ("BTC-30JAN26-65000-C", 1.0, 0.0312, 0.0, 0.0),
        ("BTC-30JAN26-60000-C", -2.0, 0.05, 0.4, 0.25),
        ("BTC-30JAN26-150000-P", -1.0, 1.5, 1.65, 1.6125),
        (PERPETUAL, 1_500_000.0, 60_000.0, 0.53125, 0.28125),
        (PERPETUAL, -1_500_000.0, 60_000.0, 0.53125, 0.28125),
        ("BTC_USDC-PERPETUAL", 25.0, 60_000.0, 31_875.0, 16_875.0),
        ("BTC_USDC-30JAN26-65000-C", -1.0, 1_872.0, 7_872.0, 6_372.0),
    ],
)
def test_standard_margin_matches_the_published_check_values(
    name, quantity, mark, initial, maintenance
):
    """Short options, futures of 25 coins, and the same times the index for linear ones."""
    found = margin.required(parse(name), quantity, mark, 60_000.0)
    assert found.initial == pytest.approx(initial, rel=1e-12)
    assert found.maintenance == pytest.approx(maintenance, rel=1e-12)


@pytest.mark.parametrize("quantity,sign", [("60000", -1.0), ("-60000", 1.0)])
def test_longs_pay_funding_and_shorts_receive_it_in_proportion_to_time(quantity, sign):
    """Eight hours at 0.01 % on one coin are 0.0001 coin; an hour is an eighth."""
    market = ScriptedMarket({"BTC": [60_000.0]}, terms={"BTC": Terms(funding_8h=0.0001)})
    at = desk(market, positions=(position(PERPETUAL, quantity),))
    at.step(3_600)
    assert at.exchange.equity()["BTC"] - 10.0 == pytest.approx(sign * 0.0001 / 8.0, abs=1e-11)
    assert at.exchange.account.charges["BTC"].funding == pytest.approx(-sign * 0.0001 / 8.0)


def test_an_inverse_perpetual_earns_coins_by_the_reciprocal_of_the_price():
    """60,000 USD long from 60,000 to 66,000 earn 0.0909091 coin."""
    market = ScriptedMarket({"BTC": [60_000.0, 66_000.0]})
    at = desk(market, positions=(position(PERPETUAL, "60000"),))
    at.step()
    assert at.exchange.equity()["BTC"] - 10.0 == pytest.approx(1.0 / 11.0, rel=1e-12)


def test_turning_a_position_realises_the_closed_part_and_opens_the_rest_at_the_new_price():
    """Long 20,000 at 60,000.5, sold 50,000 at 61,999.5: 20,000 realised, 30,000 short open."""
    market = ScriptedMarket({"BTC": [60_000.0, 62_000.0]})
    at = desk(market)
    at.place(intent(PERPETUAL, "20000", "60000.5"))
    at.step()
    at.place(intent(PERPETUAL, "-50000", "61999.5", label="a2"))
    holding = at.exchange.holdings[PERPETUAL]
    assert holding.quantity == -30_000
    assert holding.basis == pytest.approx(30_000 / 61_999.5, rel=1e-12)
    gain = 20_000 / 60_000.5 - 20_000 / 61_999.5
    fees = 0.0005 * (20_000 / 60_000.5 + 50_000 / 61_999.5)
    assert at.exchange.account.cash["BTC"] == pytest.approx(10.0 + gain - fees, rel=1e-12)


def test_the_positions_report_nets_and_carries_equity_and_margin():
    """One position per instrument under the owner's tag, with the venue's own figures."""
    market = ScriptedMarket({"BTC": [60_000.0]}, (CALL, PUT))
    book = (position(CALL, "-2"), position(CALL, "1"), position(PUT, "1"), position(PUT, "-1"))
    at = desk(market, positions=book)
    at.place(intent(PERPETUAL, "600000", "60010"))
    report = at.exchange.positions(at.now_ns)
    assert isinstance(report, PositionsReport)
    held = {p.instrument: (p.quantity.value, p.tag) for p in report.positions}
    assert held == {CALL: (Decimal(-1), OWNER_TAG), PERPETUAL: (Decimal(600_000), OWNER_TAG)}
    (balance,) = report.balances
    mark = at.exchange.marks()[CALL]
    coins = 600_000 / 60_000.0
    assert balance.initial_margin == pytest.approx(
        0.15 + mark + coins * (0.02 + coins * 0.00005), rel=1e-12
    )
    assert balance.maintenance_margin == pytest.approx(
        0.075 + mark + coins * (0.01 + coins * 0.00005), rel=1e-12
    )
    assert balance.equity == pytest.approx(at.exchange.equity()["BTC"])


def test_working_orders_need_margin_before_they_fill():
    """The worse side counts: a working bid of ten coins beside a flat position."""
    at = desk()
    at.place(intent(PERPETUAL, "600000", "59000", ioc=False))
    (balance,) = at.exchange.positions(at.now_ns).balances
    assert balance.initial_margin == pytest.approx(10 * 0.0205)
    assert balance.maintenance_margin == 0.0


STEPS = st.lists(
    st.tuples(
        st.sampled_from([PERPETUAL, CALL, PUT]),
        st.integers(-30, 30).filter(bool),
        st.floats(-0.02, 0.02),
    ),
    min_size=1,
    max_size=12,
)


@given(steps=STEPS, funding=st.floats(-0.01, 0.01))
def test_equity_changes_by_profit_less_fees_less_funding_and_nothing_else(steps, funding):
    """Every coin of the account is explained by fills, marks, fees and funding."""
    path = [60_000.0]
    for _, _, change in steps:
        path.append(round(path[-1] * (1.0 + change) * 2.0) / 2.0)
    market = ScriptedMarket(
        {"BTC": path}, (CALL, PUT), terms={"BTC": Terms(funding_8h=funding)}, chain_steps=1
    )
    at = desk(market, {"BTC": 1_000.0})
    trades, fees, paid, size = [], 0.0, 0.0, 0.0
    for number, (name, units, _) in enumerate(steps):
        lots = units * 1_000 if name == PERPETUAL else units
        far = ("90000", "10000") if name == PERPETUAL else ("2", "0.0001")
        limit = far[0] if units > 0 else far[1]
        filled, _ = at.place(intent(name, str(lots), limit, label=f"a{number}"))
        trades += [(f.instrument, float(f.quantity), float(f.price)) for f in filled]
        fees += sum(fill.fee for fill in filled)
        size += sum(float(f.quantity) for f in filled if f.instrument == PERPETUAL)
        at.step()
        paid += size / market.index("BTC") * funding / 28_800.0
    marks = at.exchange.marks()
    profit = sum(
        q / p - q / marks[name] if name == PERPETUAL else q * (marks[name] - p)
        for name, q, p in trades
    )
    found = at.exchange.equity()["BTC"] - 1_000.0
    assert found == pytest.approx(profit - fees - paid, abs=1e-9)
