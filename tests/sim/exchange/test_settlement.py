"""The 08:00 settlement: its average, its payments, what vanishes."""

from decimal import Decimal

import numpy as np
import pytest

from bot.domain.events import InstrumentsListed, OrderUpdate, Settled
from bot.domain.orders import OrderState
from bot.domain.units import NS_PER_S, utc_ns
from bot.sim.exchange.settlement import Averages, next_settlement
from tests.builders.intents import intent
from tests.builders.scripted_market import ScriptedMarket
from tests.sim.exchange.desk import PERPETUAL, desk, position

EIGHT_NS = utc_ns(2026, 1, 5, 8)
START_NS = EIGHT_NS - 2_400 * NS_PER_S
CALL = "BTC-5JAN26-60000-C"
PUT = "BTC-5JAN26-60000-P"
LATER = "BTC-30JAN26-60000-C"
BOOK = (
    position(CALL, "-3"),
    position(PUT, "2"),
    position(LATER, "-1"),
    position(PERPETUAL, "60000"),
)


def random_path():
    """Return an index path of 40 minutes that ends well above the strike."""
    steps = np.random.default_rng(5).normal(1.0, 15.0, 2_500)
    return 60_000.0 + np.cumsum(steps)


def the_desk(path):
    """Return a desk with expiring options, half an hour and ten minutes before 08:00."""
    market = ScriptedMarket({"BTC": list(path)}, (CALL, PUT, LATER), start_ns=START_NS)
    return desk(market, positions=BOOK)


def test_the_settlement_price_is_the_mean_index_of_the_last_half_hour():
    """1,800 samples after 07:30:00 up to and including 08:00:00, as numpy averages them."""
    path = random_path()
    at = the_desk(path)
    settled = [event for event in at.step(2_400) if isinstance(event, Settled)]
    expected = float(np.mean(path[601:2_401]))
    assert {event.instrument for event in settled} == {CALL, PUT}
    assert [event.price_usd for event in settled] == pytest.approx([expected] * 2, rel=1e-12)
    assert {event.ts_ns for event in settled} == {EIGHT_NS}


def test_options_pay_their_intrinsic_value_less_the_delivery_fee_and_vanish():
    """Cash moves by the payoff in coin; the put ends worthless and costs nothing."""
    path = random_path()
    at = the_desk(path)
    at.step(2_400)
    price = float(np.mean(path[601:2_401]))
    worth = (price - 60_000.0) / price
    fee = 3.0 * min(0.00015, 0.125 * worth)
    perpetual = 60_000 / path[0] - 60_000 / path[2_400]
    assert at.exchange.account.cash["BTC"] == pytest.approx(
        10.0 - 3.0 * worth - fee + perpetual, rel=1e-12
    )
    left = {p.instrument for p in at.exchange.positions(at.now_ns).positions}
    assert left == {LATER, PERPETUAL}


def test_the_daily_settlement_turns_open_profit_into_cash_without_changing_equity():
    """The perpetual's basis becomes its mark."""
    path = [60_000.0] * 2_399 + [61_000.0] * 10
    market = ScriptedMarket({"BTC": path}, start_ns=START_NS)
    at = desk(market, positions=(position(PERPETUAL, "60000"),))
    at.step(2_399)
    before = at.exchange.equity()["BTC"]
    assert at.exchange.account.cash["BTC"] == 10.0
    at.step(1)
    assert at.exchange.account.cash["BTC"] == pytest.approx(before, rel=1e-14)
    assert at.exchange.equity()["BTC"] == pytest.approx(before, rel=1e-14)
    assert before == pytest.approx(10.0 + 1.0 / 61.0, rel=1e-12)


def test_an_order_in_what_expires_is_cancelled_and_the_new_list_is_announced():
    """Nothing rests in a closed book."""
    at = the_desk([60_000.0])
    at.place(intent(CALL, "1", "0.0001", ioc=False, post_only=True))
    events = at.step(2_400)
    ended = [e.report for e in events if isinstance(e, OrderUpdate)]
    assert [(r.label, r.state) for r in ended] == [("a1", OrderState.CANCELLED)]
    listed = [e.instruments for e in events if isinstance(e, InstrumentsListed)]
    assert [{i.name for i in names} for names in listed] == [{PERPETUAL, LATER}]


def test_positions_that_net_to_nothing_are_settled_all_the_same():
    """The book's leg and the hedge's leg both need the word that their instrument is gone."""
    market = ScriptedMarket({"BTC": [60_000.0]}, (CALL,), start_ns=START_NS)
    at = desk(market, positions=(position(CALL, "1"), position(CALL, "-1")))
    settled = [event for event in at.step(2_400) if isinstance(event, Settled)]
    assert [event.instrument for event in settled] == [CALL]
    assert at.exchange.account.cash["BTC"] == 10.0


def test_a_recording_without_a_sample_in_the_half_hour_settles_on_the_line_between():
    """07:00 and 09:00 around 08:00 give the middle."""
    averages = Averages(EIGHT_NS)
    averages.sample("BTC", EIGHT_NS - 3_600 * NS_PER_S, 60_000.0)
    averages.sample("BTC", EIGHT_NS + 3_600 * NS_PER_S, 61_000.0)
    assert averages.price("BTC") == 60_500.0


def test_a_gap_over_several_settlements_settles_each_at_its_own_price():
    """After two days of silence each 08:00 lies on the line."""
    day_ns = 86_400 * NS_PER_S
    averages = Averages(EIGHT_NS)
    averages.sample("BTC", EIGHT_NS - day_ns, 60_000.0)
    averages.sample("BTC", EIGHT_NS + 3 * day_ns, 64_000.0)
    found = []
    while averages.next_ns <= EIGHT_NS + 3 * day_ns:
        found.append(averages.price("BTC"))
        averages.roll()
    assert found == [61_000.0, 62_000.0, 63_000.0, 64_000.0]


def test_the_next_settlement_is_the_first_eight_o_clock_after_now():
    """At 08:00 itself it is tomorrow's."""
    assert next_settlement(EIGHT_NS - 1) == EIGHT_NS
    assert next_settlement(EIGHT_NS) == EIGHT_NS + 86_400 * NS_PER_S


def test_quantities_stay_exact_through_trades():
    """Ten lots of a tenth are one, not nearly one."""
    market = ScriptedMarket({"BTC": [60_000.0]}, (LATER,))
    at = desk(market)
    for number in range(10):
        at.place(intent(LATER, "0.1", "0.2", label=f"a{number}"))
    assert at.exchange.holdings[LATER].quantity == Decimal(1)
