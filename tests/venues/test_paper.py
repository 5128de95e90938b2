"""The paper venue: event order, delays, faults, and the same seed's same day."""

from itertools import pairwise

import numpy as np
import pytest

from bot.domain.commands import Cancel, Place, Query, QueryPositions, WantGamma
from bot.domain.events import (
    Filled,
    GammaWanted,
    InstrumentsListed,
    OrderDenied,
    OrderUpdate,
    PositionsReport,
    Settled,
    Tick,
)
from bot.domain.orders import OrderState
from bot.domain.quotes import Chain, Quote
from bot.domain.units import NS_PER_MS, NS_PER_S, utc_ns
from bot.sim.exchange import Exchange, StartingAccount
from bot.sim.faults import DelayReport, DropReport, DuplicateReport, LostAck, LostRequest
from bot.sim.market import SyntheticMarket
from bot.strategy.options.solve import solve
from bot.venues import Latency, PaperVenue, Venue
from tests.builders.intents import intent
from tests.builders.programs import program
from tests.builders.scripted_market import START_NS, ScriptedMarket, Terms
from tests.sim.exchange.desk import PERPETUAL, position

CALL = "BTC-30JAN26-60000-C"
HOUR = 3_600


def venue(*faults, seed=1, market=None, **settings):
    """Return a paper venue on BTC and ETH with ten coins of each."""
    market = market or ScriptedMarket(
        {"BTC": [60_000.0], "ETH": [3_000.0]}, (CALL,), steps=20, **settings
    )
    account = StartingAccount({"BTC": 10.0, "ETH": 10.0})
    exchange = Exchange(market, account, np.random.default_rng(seed))
    return PaperVenue(exchange, np.random.default_rng(seed + 100), faults=faults)


def drain(paper, until_ns=None):
    """Return every event up to a time."""
    events = []
    while (event := paper.next_event(until_ns)) is not None:
        events.append(event)
    return events


def told(events):
    """Return what was told about orders, as (kind, state or size)."""
    return [
        ("fill", int(event.fill.quantity.value))
        if isinstance(event, Filled)
        else ("denied", event.label)
        if isinstance(event, OrderDenied)
        else ("update", event.report.state)
        for event in events
        if isinstance(event, OrderUpdate | Filled | OrderDenied)
    ]


BUY = Place(intent(PERPETUAL, "1000", "60010"))
FILLED = [("fill", 1000), ("update", OrderState.FILLED)]


def test_a_venue_begins_with_listings_positions_and_first_prices():
    """What the core needs to be ready comes before any time has passed."""
    paper: Venue = venue()
    start = drain(paper, START_NS)
    assert [type(event) for event in start] == [
        *(InstrumentsListed, InstrumentsListed, PositionsReport),
        *(Quote, Quote, Chain, Chain),
    ]
    assert {event.ts_ns for event in start} == {START_NS}


def test_an_order_travels_there_and_its_reports_travel_back():
    """Fill and update arrive in order, two delays after the order was sent, stamped on arrival."""
    paper = venue()
    drain(paper, START_NS)
    paper.send(BUY, START_NS)
    events = drain(paper, START_NS + NS_PER_S - 1)
    assert told(events) == FILLED
    fill_event, update_event = events
    assert 40 * NS_PER_MS <= fill_event.ts_ns - START_NS <= 120 * NS_PER_MS
    assert fill_event.ts_ns <= update_event.ts_ns
    assert 20 * NS_PER_MS <= fill_event.ts_ns - fill_event.fill.ts_ns <= 60 * NS_PER_MS


def test_time_never_goes_back_and_requests_keep_their_order():
    """Over a busy run the stamps rise, and reports come in the order of their requests."""
    paper = venue()
    drain(paper, START_NS)
    for number in range(40):
        order = intent(PERPETUAL, "10", "60010", label=f"a{number:02}")
        paper.send(Place(order), START_NS + number * NS_PER_MS)
    events = drain(paper)
    assert all(early.ts_ns <= late.ts_ns for early, late in pairwise(events))
    labels = [event.report.label for event in events if isinstance(event, OrderUpdate)]
    assert labels == [f"a{number:02}" for number in range(40)]


def test_the_horizon_is_the_callers_and_replies_still_come_after_the_market_has_ended():
    """A cancel that is sent at the end is answered, and then there is nothing."""
    paper = venue()
    drain(paper, START_NS)
    paper.send(Place(intent(PERPETUAL, "1000", "59000", ioc=False)), START_NS)
    end_ns = START_NS + 20 * NS_PER_S
    assert ("update", OrderState.WORKING) in told(drain(paper, end_ns))
    assert paper.next_time() is None
    paper.send(Cancel("a1", PERPETUAL), end_ns)
    assert told(drain(paper)) == [("update", OrderState.CANCELLED)]
    assert paper.next_time() is None


def test_a_wake_comes_once_at_its_time_also_where_the_market_is_silent():
    """Six hours of silence hold a Tick where one was asked for, however often."""
    market = ScriptedMarket({"BTC": [60_000.0]}, step_ns=6 * HOUR * NS_PER_S, steps=1)
    paper = venue(market=market)
    drain(paper, START_NS)
    for _ in range(3):
        paper.wake_at(START_NS + 7 * NS_PER_S)
    assert paper.next_time() == START_NS + 7 * NS_PER_S
    assert paper.next_event() == Tick(START_NS + 7 * NS_PER_S)
    assert isinstance(paper.next_event(), Quote)


def test_a_program_comes_back_solved_after_its_thinking_time():
    """The delay is the command's own, without network; the solution is that of the program."""
    asked = program(10, 10_000)
    paper = venue()
    drain(paper, START_NS)
    paper.send(WantGamma("BTC", 300 * NS_PER_MS, asked), START_NS)
    assert paper.next_event() == GammaWanted(
        START_NS + 300 * NS_PER_MS, "BTC", solve(asked), asked.ts_ns
    )


def test_positions_are_answered_with_what_the_account_holds():
    """The report follows the fill that it contains."""
    paper = venue()
    drain(paper, START_NS)
    paper.send(BUY, START_NS)
    paper.send(QueryPositions(), START_NS)
    events = drain(paper, START_NS + NS_PER_S - 1)
    assert [type(event) for event in events] == [Filled, OrderUpdate, PositionsReport]
    assert [p.quantity.value for p in events[-1].positions] == [1000]


def test_a_lost_acknowledgement_is_silence_until_the_label_is_queried():
    """The order is booked once; the query brings its fill and its state."""
    paper = venue(LostAck(START_NS, "BTC"))
    drain(paper, START_NS)
    paper.send(BUY, START_NS)
    assert told(drain(paper, START_NS + 5 * NS_PER_S)) == []
    assert paper.exchange.holdings[PERPETUAL].quantity == 1000
    paper.send(Query("a1", PERPETUAL), START_NS + 5 * NS_PER_S)
    assert told(drain(paper, START_NS + 6 * NS_PER_S)) == FILLED
    paper.send(Place(intent(PERPETUAL, "1000", "60010", label="a2")), START_NS + 6 * NS_PER_S)
    assert told(drain(paper)) == FILLED


def test_a_lost_acknowledgement_waits_for_its_time_and_its_coins_hedge():
    """Earlier orders, options and the other coin are heard."""
    paper = venue(LostAck(START_NS + 2 * NS_PER_S, "BTC"))
    drain(paper, START_NS)
    paper.send(BUY, START_NS)
    assert told(drain(paper, START_NS + 2 * NS_PER_S)) == FILLED
    paper.send(Place(intent(CALL, "1", "0.2", label="b1")), START_NS + 2 * NS_PER_S)
    paper.send(Place(intent("ETH-PERPETUAL", "9", "3001", label="c1")), START_NS + 2 * NS_PER_S)
    paper.send(Place(intent(PERPETUAL, "10", "60010", label="a2")), START_NS + 2 * NS_PER_S)
    heard = {e.report.label for e in drain(paper) if isinstance(e, OrderUpdate)}
    assert heard == {"b1", "c1"}


def test_a_lost_request_is_denied_when_it_is_queried():
    """The exchange has never seen it and holds nothing."""
    paper = venue(LostRequest(START_NS, "BTC"))
    drain(paper, START_NS)
    paper.send(BUY, START_NS)
    paper.send(Query("a1", PERPETUAL), START_NS + NS_PER_S)
    assert told(drain(paper)) == [("denied", "a1")]
    assert dict(paper.exchange.holdings) == {}


@pytest.mark.parametrize(
    "fault,expected",
    [
        (DropReport(START_NS), FILLED[1:]),
        (DuplicateReport(START_NS, NS_PER_S), [*FILLED, FILLED[0]]),
        (DelayReport(START_NS, NS_PER_S), FILLED[::-1]),
    ],
)
def test_a_report_is_lost_doubled_or_late_and_later_ones_overtake_it(fault, expected):
    """The fault takes the first report, here the fill, and only that one."""
    paper = venue(fault)
    drain(paper, START_NS)
    paper.send(BUY, START_NS)
    assert told(drain(paper)) == expected


def script(seed):
    """Trade for an hour on a moving market and return everything that happened."""
    path = 60_000.0 + np.cumsum(np.random.default_rng(9).normal(0.0, 8.0, HOUR))
    terms = Terms(bought_usd=30_000.0, sold_usd=30_000.0, funding_8h=1e-4)
    market = ScriptedMarket({"BTC": list(path)}, (CALL,), steps=HOUR, terms={"BTC": terms})
    paper = venue(seed=seed, market=market)
    events = []
    while (event := paper.next_event()) is not None:
        events.append(event)
        if isinstance(event, Quote) and not (event.ts_ns - START_NS) % (30 * NS_PER_S):
            bid = f"{round(event.bid * 2) / 2 - 2.0:.1f}"
            label = f"r{len(events)}"
            resting = intent(PERPETUAL, "50000", bid, label=label, ioc=False, post_only=True)
            paper.send(Place(resting), event.ts_ns)
            taking = intent(PERPETUAL, "-20000", "10000", label=f"t{len(events)}")
            paper.send(Place(taking), event.ts_ns)
            paper.send(Cancel(label, PERPETUAL), event.ts_ns + 20 * NS_PER_S)
    return [repr(event) for event in events if not isinstance(event, Chain)]


def test_the_same_seed_gives_the_same_events_and_another_seed_does_not():
    """Every stamp, fill and fee of an hour, twice."""
    first = script(3)
    assert first == script(3)
    assert first != script(4)
    assert any("maker=True" in line for line in first)


def test_a_settlement_is_known_at_once_and_before_the_new_listing():
    """Nobody has to hold a position in an instrument that is no longer listed."""
    today = "BTC-5JAN26-60000-C"
    market = ScriptedMarket({"BTC": [60_000.0]}, (today,), steps=6_000)
    paper = venue(market=market)
    drain(paper, START_NS)
    paper.send(Place(intent(today, "1", "0.2")), START_NS)
    last = [e for e in drain(paper) if isinstance(e, Settled | InstrumentsListed)]
    assert [type(event) for event in last] == [Settled, InstrumentsListed]
    assert last[0].ts_ns == last[1].ts_ns == START_NS + 5_400 * NS_PER_S


def test_a_delay_lies_between_its_bounds():
    """Uniform between low and high, never outside."""
    latency = Latency(10, 20)
    generator = np.random.default_rng(1)
    draws = [latency.draw(generator) for _ in range(500)]
    assert min(draws) == 10
    assert max(draws) == 19


def test_on_the_synthetic_market_the_settlement_pays_the_markets_own_average():
    """The exchange's half-hour average and the one that the market's marks converge to agree."""
    market = SyntheticMarket(7, "normal", utc_ns(2026, 1, 5, 7, 29))
    names = [i.name for i in market.instruments("BTC", market.start_ns) if "-5JAN26-" in i.name]
    account = StartingAccount({"BTC": 5.0}, (position(names[len(names) // 2], "-1"),))
    exchange = Exchange(market, account, np.random.default_rng(1))
    paper = PaperVenue(exchange, np.random.default_rng(2))
    settled = None
    while settled is None:
        event = paper.next_event()
        settled = event if isinstance(event, Settled) else None
    assert settled.ts_ns == utc_ns(2026, 1, 5, 8)
    assert settled.price_usd == pytest.approx(market.average("BTC"), rel=1e-12)
