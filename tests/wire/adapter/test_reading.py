"""Raw entries to nouns: instruments, prices, reports, and what is refused by name."""

import json
import math
from decimal import Decimal

import numpy as np
import pytest

from bot.domain.instruments import Kind, Settlement
from bot.domain.orders import OrderState
from bot.domain.units import NS_PER_MS, NS_PER_S, Quantity, Unit
from bot.venues.deribit.flaws import Flaw, FlawedError, Flaws
from bot.venues.deribit.listing import nearest_tick, read_contract, read_contracts
from bot.venues.deribit.prices import ChainTable, listing_of, read_option_ticker, read_quote
from bot.venues.deribit.reports import (
    balances,
    read_fill,
    read_order,
    read_portfolio,
    read_position,
)
from tests.struck import struck
from tests.wire.scripted import (
    CALL,
    NOW_MS,
    PERPETUAL,
    option,
    option_ticker,
    order,
    perpetual,
    portfolio,
    position,
    summary,
    ticker,
    trade,
)

LINEAR = {
    "settlement_currency": "USDC",
    "quote_currency": "USDC",
    "counter_currency": "USDC",
    "price_index": "btc_usdc",
}
CONTRACTS = read_contracts([perpetual(), option()], Flaws(), 0)


def test_an_inverse_option_keeps_its_grid_fee_cap_and_averaging_window():
    """Ticks by steps, lots in coin, 12.5 % cap, 30 minutes."""
    contract = read_contract(option())
    found = contract.instrument
    assert (found.kind, found.settlement, found.unit) == (
        Kind.OPTION,
        Settlement.INVERSE,
        Unit.COIN,
    )
    assert (found.lot, found.min_quantity) == (Decimal("0.1"), Decimal("0.1"))
    assert found.ticks.at(Decimal("0.0049")) == Decimal("0.0001")
    assert found.ticks.at(Decimal("0.005")) == Decimal("0.0005")
    assert (found.fees.taker, found.fees.cap_of_price) == (0.0003, 0.125)
    assert (found.averaging_s, found.strike, found.is_call) == (1_800.0, 100_000.0, True)
    assert found.expiry_ns == 1_798_185_600_000 * NS_PER_MS
    assert (contract.currency, contract.index_name) == ("BTC", "btc_usd")


def test_tick_steps_in_any_order_are_the_same_grid():
    """The venue promises no order."""
    steps = [{"above_price": 0.1, "tick_size": 0.001}, {"above_price": 0.005, "tick_size": 0.0005}]
    found = read_contract(option(tick_size_steps=steps)).instrument
    assert found.ticks.at(Decimal("0.05")) == Decimal("0.0005")
    assert found.ticks.at(Decimal("0.2")) == Decimal("0.001")
    assert nearest_tick(option(), 0.01234) == "0.0125"


def test_an_inverse_perpetual_never_expires_and_is_traded_in_dollars():
    """Its year 3000 is not an expiry."""
    found = read_contract(perpetual()).instrument
    assert (found.kind, found.unit, found.expiry_ns) == (Kind.PERPETUAL, Unit.USD, None)
    assert (found.lot, found.averaging_s, found.fees.cap_of_price) == (Decimal(10), 0.0, None)


def test_a_linear_instrument_is_traded_in_coin_and_pays_in_dollars():
    """USDC is a dollar to us, and the key of its own account."""
    raw = perpetual("BTC_USDC-PERPETUAL", **LINEAR, contract_size=0.0001, min_trade_amount=0.001)
    contract = read_contract(raw)
    found = contract.instrument
    assert (found.settlement, found.unit) == (Settlement.LINEAR, Unit.COIN)
    assert (found.lot, found.min_quantity) == (Decimal("0.0001"), Decimal("0.001"))
    assert (contract.currency, contract.index_name) == ("USDC", "btc_usdc")


@pytest.mark.parametrize(
    "raw,flaw",
    [
        (option(kind="option_combo"), Flaw.COMBO),
        (perpetual(kind="future_combo"), Flaw.COMBO),
        (perpetual(kind="spot"), Flaw.SPOT),
        (perpetual(kind="prediction"), Flaw.UNKNOWN_KIND),
        (perpetual(settlement_currency="DOGE"), Flaw.UNKNOWN_SETTLEMENT),
        (perpetual(is_active=False), Flaw.INACTIVE),
        (option(strike=None), Flaw.NOT_A_NUMBER),
        (option(strike=-1.0), Flaw.NOT_A_NUMBER),
        (option(option_type="straddle"), Flaw.UNKNOWN_WORD),
        (option(tick_size="0.0001"), Flaw.NOT_A_NUMBER),
        (option(tick_size_steps=7), Flaw.NOT_A_LIST),
        (option(min_trade_amount=0.0), Flaw.NOT_A_NUMBER),
        (option(expiration_timestamp=None), Flaw.NOT_A_TIME),
        (option(taker_commission=math.nan), Flaw.NOT_A_NUMBER),
        ("BTC-PERPETUAL", Flaw.NOT_AN_OBJECT),
    ],
)
def test_an_entry_that_cannot_be_used_is_left_out_with_its_reason(raw, flaw):
    """The others are listed all the same."""
    struck("F46")
    flaws = Flaws()
    found = read_contracts([raw, perpetual("BTC-NEW")], flaws, 5)
    assert list(found) == ["BTC-NEW"]
    (noted,) = flaws.newest
    assert (noted.flaw, noted.ts_ns) == (flaw, 5)
    assert noted.sentence.count("expected") == 1


def test_the_recorded_instruments_of_the_venue_can_be_read(data_dir):
    """Payloads as the venue sent them, without the newer fields."""
    examples = json.loads(
        (data_dir / "venue-payloads/deribit_examples_from_source.json").read_text()
    )
    flaws = Flaws()
    found = read_contracts(examples["fetch_markets"][1]["json"]["result"], flaws, 0)
    assert set(found) == {"BTC-24JUN22-52000-P", "BTC-27MAY22", "BTC-PERPETUAL"}
    assert not flaws.counts
    assert found["BTC-27MAY22"].instrument.kind is Kind.FUTURE


def test_venue_times_are_told_in_our_time():
    """A venue whose clock is five seconds ahead made its ticker five seconds earlier."""
    quote = read_quote(ticker(at_ms=NOW_MS), CONTRACTS[PERPETUAL].instrument, 7, 5 * NS_PER_S)
    assert quote.ts_venue_ns == NOW_MS * NS_PER_MS - 5 * NS_PER_S
    assert quote.ts_ns == 7


def test_a_missing_side_is_not_a_number_and_not_zero():
    """Null and zero are how the venue spells it."""
    raw = ticker(best_bid_price=0.0, best_ask_price=None, best_bid_amount=0.0)
    quote = read_quote(raw, CONTRACTS[PERPETUAL].instrument, 0)
    assert math.isnan(quote.bid)
    assert math.isnan(quote.ask)
    assert math.isnan(quote.bid_size)


def chain_table(*names):
    """Return a table of calls with strikes from 90,000 upwards."""
    raw = [option(name, strike=90_000.0 + 5_000.0 * i) for i, name in enumerate(names)]
    contracts = read_contracts(raw, Flaws(), 0)
    return ChainTable(listing_of("BTC", [c.instrument for c in contracts.values()]))


def test_a_summary_s_bad_rows_are_missing_and_cost_no_other():
    """Strings, negatives, crossed rows and strangers."""
    table, flaws = chain_table("A-C", "B-C", "C-C", "D-C"), Flaws()
    rows = [
        summary("A-C"),
        summary("B-C", mark_iv="55"),
        summary("C-C", bid_price=0.06),
        summary("D-C", underlying_price=-1.0),
        summary("STRANGER"),
        None,
    ]
    assert table.take_summary(rows, flaws, 0) == 1
    chain = table.batch(100_000.0, 9)
    assert chain.ts_ns == 9
    assert np.isfinite(chain.vol).tolist() == [True, False, False, False]
    assert sum(flaws.counts.values()) == 4


def test_a_batch_is_as_old_as_its_summary_however_new_a_ticker_is():
    """A frozen summary cannot hide behind one live option."""
    table = chain_table("A-C", "B-C")
    rows = [summary(name, creation_timestamp=NOW_MS) for name in ("A-C", "B-C")]
    table.take_summary(rows, Flaws(), 0)
    table.take_ticker("A-C", read_option_ticker(option_ticker("A-C", at_ms=NOW_MS + 9_000)))
    chain = table.batch(100_000.0, 0)
    assert chain.ts_venue_ns == NOW_MS * NS_PER_MS
    assert chain.bid_size.tolist()[0] == 10.0


def test_sizes_of_an_older_ticker_count_only_at_unchanged_prices():
    """Otherwise they belonged to another price."""
    table = chain_table("A-C", "B-C")
    older = {"at_ms": NOW_MS - 1_000}
    table.take_ticker("A-C", read_option_ticker(option_ticker("A-C", **older)))
    table.take_ticker("B-C", read_option_ticker(option_ticker("B-C", **older, best_bid_price=0.04)))
    rows = [summary(name, creation_timestamp=NOW_MS) for name in ("A-C", "B-C")]
    table.take_summary(rows, Flaws(), 0)
    chain = table.batch(100_000.0, 0)
    assert chain.bid_size.tolist()[0] == 10.0
    assert math.isnan(chain.bid_size.tolist()[1])


def test_what_is_held_is_streamed_first_and_then_what_is_near_the_money():
    """A far strike is streamed only when it is held."""
    names = [f"BTC-{i}-C" for i in range(9)]
    table = chain_table(*names)
    assert table.near(100_000.0, 2, ["BTC-8-C", "BTC-PERPETUAL"])[0] == "BTC-8-C"
    assert "BTC-2-C" in table.near(100_000.0, 2, [])
    assert table.near(math.nan, 2, ["BTC-8-C"]) == ["BTC-8-C"]


@pytest.mark.parametrize(
    "word,state",
    [
        ("open", OrderState.WORKING),
        ("untriggered", OrderState.WORKING),
        ("filled", OrderState.FILLED),
        ("cancelled", OrderState.CANCELLED),
        ("rejected", OrderState.REJECTED),
    ],
)
def test_every_order_state_of_the_venue_has_its_own(word, state):
    """And the filled amount carries the side."""
    raw = order(order_state=word, direction="sell", filled_amount=20.0)
    report = read_order(raw, CONTRACTS, 3)
    assert (report.state, report.filled) == (state, Quantity(Decimal(-20), Unit.USD))


def test_a_market_order_s_price_in_words_does_not_matter():
    """The venue writes `market_price` there."""
    assert read_order(order(price="market_price"), CONTRACTS, 0).label == "db-1"


def test_a_fill_of_an_option_is_in_coin_with_its_own_fee():
    """The decimal is the one that the venue wrote."""
    raw = trade("T1", instrument_name=CALL, amount=0.3, price=0.0525, fee=0.00009, liquidity="M")
    fill = read_fill(raw, CONTRACTS)
    assert (fill.quantity.value, fill.price) == (Decimal("0.3"), Decimal("0.0525"))
    assert (fill.quantity.unit, fill.fee, fill.maker) == (Unit.COIN, 0.00009, True)
    assert read_fill(raw | {"fee_currency": "USDC"}, CONTRACTS).fee_unit == "USD"


def test_the_sign_of_a_position_is_its_direction():
    """Sizes are signed on the wire, but the word decides; `zero` is flat."""
    assert read_position(position(size=-50.0), CONTRACTS).position.quantity.value == -50
    flat = read_position(position(size=0.0), CONTRACTS)
    assert not flat.position.quantity
    unsigned = position(size=50.0) | {"direction": "sell"}
    assert read_position(unsigned, CONTRACTS).position.quantity.value == -50


def test_open_profit_is_what_is_neither_cash_nor_options():
    """Equity 10.5, cash 10, options 0.2: 0.3 of futures."""
    raw = portfolio(equity=10.5, balance=10.0, options_value=0.2)
    assert read_portfolio(raw, 0).balance.open_profit == pytest.approx(0.3)


def test_the_dollar_coins_are_one_balance():
    """USDC and USDT add up; coins stay apart."""
    found = [read_portfolio(portfolio(c), 0) for c in ("BTC", "USDC", "USDT")]
    assert {b.coin: b.cash for b in balances(found)} == {"BTC": 10.0, "USD": 20.0}


def test_an_order_of_an_unknown_instrument_is_refused():
    """Its unit would be a guess."""
    with pytest.raises(FlawedError) as caught:
        read_order(order(instrument_name="DOGE-PERPETUAL"), CONTRACTS, 0)
    assert caught.value.flaw is Flaw.UNKNOWN_INSTRUMENT
