"""What the exchange refuses, each with the venue's own code."""

import numpy as np
import pytest

from bot.domain.deribit import parse
from bot.domain.errors import BadInputError
from bot.domain.events import OrderDenied
from bot.domain.orders import OrderState
from bot.domain.units import NS_PER_S, utc_ns
from bot.sim.exchange import Exchange, StartingAccount
from tests.builders.intents import intent
from tests.builders.scripted_market import START_NS, ScriptedMarket
from tests.sim.exchange.desk import PERPETUAL, desk, position, updates

CALL = "BTC-30JAN26-60000-C"
TODAY = "BTC-5JAN26-60000-C"
LATER = "BTC-6FEB26-60000-C"
EIGHT_NS = utc_ns(2026, 1, 5, 8)


def the_desk():
    """Return a desk with one option for weeks, one for today and one that is listed in an hour."""
    market = ScriptedMarket(
        {"BTC": [60_000.0]},
        (CALL, TODAY, LATER),
        listed_from={LATER: START_NS + 3_600 * NS_PER_S},
    )
    return desk(market)


@pytest.mark.parametrize(
    "order,code",
    [
        (intent(PERPETUAL, "0", "60000"), "10002"),
        (intent(PERPETUAL, "5", "60000"), "10002"),
        (intent(CALL, "0.05", "0.05"), "10002"),
        (intent(PERPETUAL, "50000000", "60000.5"), "10009"),
        (intent(CALL, "-100", "0.03"), "10009"),
        (intent("BTC-27MAR26-60000-C", "1", "0.05"), "10020"),
        (intent("ETH-PERPETUAL", "10", "3000"), "10020"),
        (intent(LATER, "1", "0.05"), "10020"),
        (intent(PERPETUAL, "15", "60000"), "10021"),
        (intent(CALL, "0.15", "0.05"), "10021"),
        (intent(PERPETUAL, "10", "0"), "10023"),
        (intent(PERPETUAL, "10", "-1"), "10023"),
        (intent(PERPETUAL, "10", "60000.25"), "10043"),
        (intent(CALL, "1", "0.0501"), "10043"),
        (intent(PERPETUAL, "10", "60000.5", ioc=False, post_only=True), "11054"),
        (intent(PERPETUAL, "-10", "59999.5", ioc=False, post_only=True), "11054"),
        (intent(PERPETUAL, "10", "60000", valid_until_ns=START_NS - 1), "13888"),
        (intent(PERPETUAL, "10", "59000", ioc=True, post_only=True), "-32602"),
    ],
)
def test_an_order_that_breaks_a_rule_is_rejected_with_its_code(order, code):
    """The rejection carries the code, no order exists, and a query is denied."""
    at = the_desk()
    filled, report = at.place(order)
    assert (report.state, report.code, filled) == (OrderState.REJECTED, code, [])
    assert at.exchange.query(order.label, at.now_ns) == [OrderDenied(at.now_ns, order.label)]
    assert at.exchange.working == ()


def test_an_order_arriving_at_its_last_valid_moment_is_accepted():
    """The limit itself is still in time."""
    at = the_desk()
    order = intent(PERPETUAL, "10", "60000.5", valid_until_ns=START_NS)
    assert at.place(order)[1].state is OrderState.FILLED


def test_an_expired_instrument_is_closed_and_a_settlement_pauses_the_coin_for_two_seconds():
    """At 08:00 the expired book is closed and everything else answers settlement in progress."""
    at = the_desk()
    at.step(5_400)
    assert at.now_ns == EIGHT_NS
    assert at.place(intent(TODAY, "1", "0.05"))[1].code == "13019"
    assert at.place(intent(PERPETUAL, "10", "60000.5"))[1].code == "10041"
    at.step()
    assert at.place(intent(PERPETUAL, "10", "60000.5"))[1].code == "10041"
    at.step()
    assert at.place(intent(PERPETUAL, "10", "60000.5"))[1].state is OrderState.FILLED


def test_a_later_listing_is_announced_and_can_then_be_traded():
    """The exchange names the new option when the market lists it."""
    at = the_desk()
    at.step(3_600)
    assert at.place(intent(LATER, "1", "0.2"))[1].state is OrderState.FILLED


def test_a_cancel_of_an_ended_order_reports_its_end_with_the_code():
    """What filled stays filled, whatever a late cancel says."""
    at = the_desk()
    at.place(intent(PERPETUAL, "10", "60000.5"))
    report = updates(at.exchange.cancel("a1", at.now_ns))[0]
    assert (report.state, report.code) == (OrderState.FILLED, "11044")


def test_a_cancel_during_the_settlement_is_refused_and_the_order_works_on():
    """The pause holds for cancels too."""
    at = the_desk()
    at.place(intent(PERPETUAL, "10", "50000", ioc=False))
    at.step(5_400)
    report = updates(at.exchange.cancel("a1", at.now_ns))[0]
    assert (report.state, report.code) == (OrderState.WORKING, "10041")
    assert len(at.exchange.working) == 1


def test_a_cancel_of_an_unknown_label_proves_nothing():
    """There is no event: only a query may be denied."""
    at = the_desk()
    assert at.exchange.cancel("nobody", at.now_ns) == []


def test_an_order_that_frees_margin_is_taken_from_an_account_that_has_none_left():
    """Buying back a short option is allowed where selling another is not."""
    market = ScriptedMarket({"BTC": [60_000.0]}, (CALL,))
    at = desk(market, {"BTC": 0.5}, (position(CALL, "-10"),))
    assert at.place(intent(CALL, "-1", "0.03"))[1].code == "10009"
    assert at.place(intent(CALL, "1", "0.06", label="a2"))[1].state is OrderState.FILLED


def test_two_orders_under_one_label_are_two_orders():
    """The venue does not make labels unique: who sends twice owns two."""
    at = the_desk()
    order = intent(PERPETUAL, "10", "60000.5")
    at.place(order)
    at.place(order)
    assert at.exchange.holdings[PERPETUAL].quantity == 20
    reports = updates(at.exchange.query("a1", at.now_ns))
    assert len({report.venue_id for report in reports}) == 2


def test_a_starting_position_that_is_not_listed_is_refused_by_name():
    """The error says what was expected and what was found."""
    market = ScriptedMarket({"BTC": [60_000.0]})
    account = StartingAccount({"BTC": 1.0}, (position(CALL, "1"),))
    exchange = Exchange(market, account, np.random.default_rng(1))
    with pytest.raises(BadInputError, match=f"listed instrument, found '{CALL}'"):
        exchange.advance(market.start_ns)


def test_the_contract_terms_of_these_tests_are_the_venues():
    """The grid that the codes above rest on."""
    assert str(parse(CALL).lot) == "0.1"
    assert str(parse(PERPETUAL).lot) == "10"
