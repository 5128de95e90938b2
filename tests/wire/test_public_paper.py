"""Paper on the public market: no key, simulated fills from live quotes, and no way to an order."""

import math
import time
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain import deribit
from bot.domain.commands import Place, WantGamma
from bot.domain.events import Filled, GammaWanted, InstrumentsListed, OrderUpdate, Settled
from bot.domain.orders import Intent, OrderState, TimeInForce
from bot.domain.positions import Position
from bot.domain.quotes import Quote
from bot.domain.units import NS_PER_S, utc_ns
from bot.sim.arriving import ArrivingMarket
from bot.sim.exchange import Exchange, StartingAccount
from bot.sim.exchange.settlement import VenueAverages, next_settlement
from bot.sim.wire.hub import Opening
from bot.strategy.options.solve import solve
from bot.venues.deribit.orders import OrderLaneError
from bot.venues.deribit.terms import ApiKey
from bot.venues.deribit.venue import DeribitVenue
from bot.venues.live_paper import LivePaper
from bot.venues.paper import DEFAULT_LATENCY
from bot.wiring.live import CADENCE, terms_of
from bot.wiring.onlooking import public_paper
from tests.builders.programs import program
from tests.wire.onlooking import Onlooker, chance, orders, simulated, step, tap
from tests.wire.test_run import booked, straddle

PERPETUAL = "BTC-PERPETUAL"


def rows(size: str = "-2") -> dict[str, float]:
    """Return a short straddle as paper rows."""
    return {one.instrument: float(one.quantity) for one in straddle(size)}


@pytest.mark.parametrize(
    "environ",
    [{}, {"DELTABAND_DERIBIT_KEY": "nobody", "DELTABAND_DERIBIT_SECRET_FILE": "/nowhere"}],
    ids=["no key", "a key that would not do"],
)
async def test_paper_hedges_on_the_public_market_and_needs_no_key(
    serve, tmp_path, monkeypatch, environ
):
    """Hedges happen on paper; the exchange was asked nothing private and its books are empty."""
    asked = tap(monkeypatch)
    server = await serve(Opening(seed=3, compress=60))
    look = Onlooker(server, tmp_path, "paper", rows() | {PERPETUAL: 20_000})
    code, summary, err = await look.run_until("hedge.done", "paper", **environ)
    assert code == 0, err
    assert summary["fills"] > 0
    assert summary["flaws"] == {}
    assert look.held("look")[PERPETUAL] < 20_000  # it was too long, and sold
    assert booked(server) == {}
    assert asked
    assert [name for name in asked if name.startswith("private/") or name == "public/auth"] == []


async def test_a_resumed_run_goes_on_with_its_paper_account(serve, tmp_path):
    """What was hedged before is still held, and needs no second hedge."""
    server = await serve(Opening(seed=3))
    look = Onlooker(server, tmp_path, "paper", rows() | {PERPETUAL: 20_000})
    await look.run_until("hedge.done", "paper")
    before = look.held("look")
    code, summary, err = await look.run("paper", "--for", "3s", "--resume")
    assert code == 0, err
    assert summary["hedge_cycles"] == 0
    assert look.held("look") == before


async def test_a_position_that_is_not_listed_is_refused_with_the_nearest(serve, tmp_path):
    """Exit code 2 and one sentence."""
    server = await serve(Opening(seed=3))
    (name, *_) = rows()
    odd = name.replace("-92000-", "-92001-")
    code, _, err = await Onlooker(server, tmp_path, "paper", {odd: -1.0}).run("paper")
    assert code == 2
    assert f"(the nearest is {name})" in err


async def test_a_speed_is_refused_because_the_venue_has_its_own(serve, tmp_path):
    """Exit code 2."""
    server = await serve(Opening(seed=3))
    code, _, err = await Onlooker(server, tmp_path, "paper", {}).run("paper", "--speed", "60")
    assert code == 2
    assert "expected no --speed" in err


def intent(quantity: str, price: str, label: str, now_ns: int) -> Intent:
    """Return an order across the spread, or far from it."""
    return Intent(
        label=label,
        instrument=PERPETUAL,
        quantity=deribit.parse(PERPETUAL).quantity(quantity),
        price=Decimal(price),
        time_in_force=TimeInForce.IOC,
        post_only=False,
        valid_until_ns=now_ns + 10 * NS_PER_S,
        created_ns=now_ns,
        reduce_delta=False,
        decision="test",
        purpose="test",
    )


async def test_an_order_meets_the_live_book_and_not_the_exchange(serve, tmp_path, monkeypatch):
    """The price is the venue's ask, the fill comes after the delays, and nothing was sent."""
    asked = tap(monkeypatch)
    server = await serve(Opening(seed=3))
    look = Onlooker(server, tmp_path, "paper", {})
    graph = public_paper(look.settings(), time.time_ns, seed=1, epoch=1, sticky={})
    venue = simulated(graph)
    await venue.start()
    try:
        assert venue.lane is None
        events = await step(graph, lambda: venue.feed.depth(PERPETUAL) is not None)
        now_ns = venue.now_ns()
        venue.send(Place(intent("50000", "200000", "one", now_ns)), now_ns)
        events += await step(graph, lambda: held(venue) > 0)
        events += await step(graph, lambda: venue.paper.next_time() is None)
    finally:
        await venue.close()
    done = [event for event in events if isinstance(event, Filled)]
    assert sum(event.fill.quantity.value for event in done) == 50_000
    quotes = [one for one in events if isinstance(one, Quote) and one.instrument == PERPETUAL]
    assert float(done[0].fill.price) in {one.ask for one in quotes}
    assert done[0].ts_ns - now_ns > 2 * venue.paper._latency.low_ns
    assert orders(asked) == []
    assert booked(server) == {}


async def test_a_program_is_solved_beside_the_loop(serve, tmp_path):
    """As on the venue itself; the simulated exchange hands the answer on."""
    server = await serve(Opening(seed=3))
    graph = public_paper(
        Onlooker(server, tmp_path, "paper", {}).settings(), time.time_ns, seed=1, epoch=1, sticky={}
    )
    venue = simulated(graph)
    await venue.start()
    asked, answers = program(10, 10_000), list[GammaWanted]()
    try:
        venue.send(WantGamma("BTC", 0, asked), venue.now_ns())

        def answered() -> bool:
            return venue.feed.solver.pid is not None

        events = await step(graph, answered)
        for _ in range(200):
            answers += [event for event in events if isinstance(event, GammaWanted)]
            if answers:
                break
            await venue.wait(0.1)
            events = [event for event in iter(venue.next_event, None) if event is not None]
    finally:
        await venue.close()
    assert [(one.coin, one.solution) for one in answers] == [("BTC", solve(asked))]
    assert venue.feed.solver.pid is None


def held(venue: LivePaper) -> Decimal:
    """Return the simulated perpetual."""
    holding = venue.exchange.holdings.get(PERPETUAL)
    return Decimal(0) if holding is None else holding.quantity


async def test_a_feed_that_could_order_is_refused(serve, tmp_path):
    """Neither paper nor shadow can be made on a connection with an order lane."""
    server = await serve(Opening(seed=3))
    settings = Onlooker(server, tmp_path, "paper", {}).settings()
    feed = DeribitVenue(terms_of(settings), time.time_ns, ApiKey("a", "b"), orders=True)
    with pytest.raises(OrderLaneError, match="without an order lane"):
        LivePaper(
            feed,
            ("BTC",),
            CADENCE,
            lambda _market, _report: StartingAccount({}),
            seed=1,
            latency=DEFAULT_LATENCY,
        )


# --- the market that arrives ----------------------------------------------------------------------

START_NS = utc_ns(2026, 3, 4, 7, 59) + 50 * NS_PER_S
OPTION = "BTC-4MAR26-80000-C"


def quote(at_s: float, bid: float, index: float = 90_000.0) -> Quote:
    """Return a perpetual half a dollar wide, 1,000 USD on each side."""
    at_ns = START_NS + round(at_s * NS_PER_S)
    return Quote(
        instrument=PERPETUAL,
        coin="BTC",
        ts_ns=at_ns,
        ts_venue_ns=at_ns,
        bid=bid,
        ask=bid + 0.5,
        bid_size=1_000.0,
        ask_size=1_000.0,
        mark=bid,
        index=index,
    )


class Told:
    """An exchange on a market that is told by hand."""

    def __init__(self, *positions: Position, asks: tuple[tuple[float, float], ...] = ()) -> None:
        """Open it with a first quote."""
        self.market = ArrivingMarket(("BTC",), CADENCE, lambda _: ((), asks) if asks else None)
        listed = (deribit.parse(PERPETUAL), deribit.parse(OPTION))
        self.market.take(InstrumentsListed(START_NS, "BTC", listed))
        self.market.take(quote(0.0, 90_000.0))
        self.market.open_at(START_NS)
        self.averages = VenueAverages(next_settlement(START_NS))
        account = StartingAccount({"BTC": 5.0}, positions)
        self.exchange = Exchange(self.market, account, chance(), published=self.averages)
        self.exchange.advance(START_NS)

    def hear(self, one: Quote) -> list[object]:
        """Tell it a quote and return what that brings."""
        self.market.take(one)
        at_ns = self.market.next_time(0)
        assert at_ns is not None
        return list(self.exchange.advance(at_ns))


def test_it_moves_when_something_arrived_and_never_by_itself():
    """Two quotes of one instrument before anybody looks are one move, to the newer."""
    told = Told()
    assert told.market.next_time(START_NS) is None
    told.market.take(quote(1.0, 90_010.0))
    told.market.take(quote(2.0, 90_020.0))
    at_ns = told.market.next_time(START_NS)
    assert at_ns == START_NS + 2 * NS_PER_S
    assert [move.quote.bid for move in told.market.advance(at_ns)] == [90_020.0]
    assert told.market.next_time(at_ns) is None


def test_a_taker_walks_the_levels_that_the_book_shows():
    """Best size from the ticker, then the kept book; levels that the ticker has passed are gone."""
    told = Told(asks=((90_000.5, 9_999.0), (90_007.0, 500.0), (90_030.0, 4_000.0)))
    events = told.exchange.place(intent("2000", "90100", "one", START_NS), START_NS)
    prices = [
        (str(e.fill.price), int(e.fill.quantity.value)) for e in events if isinstance(e, Filled)
    ]
    assert prices == [("90000.5", 1_000), ("90007.0", 500), ("90030.0", 500)]


def test_without_a_book_depth_is_modelled_and_dear():
    """Behind the best price there is as much again, at least a basis point apart."""
    events = Told().exchange.place(intent("2000", "90100", "one", START_NS), START_NS)
    fills = [event.fill for event in events if isinstance(event, Filled)]
    assert [fill.quantity.value for fill in fills] == [1_000, 1_000]
    assert fills[1].price - fills[0].price >= 9


def test_a_resting_order_fills_only_when_the_market_comes_through_it():
    """Standing alone at the best price is not enough: nobody else's trades are seen."""
    told = Told()
    resting = replace(
        intent("1000", "90000", "one", START_NS),
        time_in_force=TimeInForce.GTC,
        post_only=True,
        valid_until_ns=START_NS + 60 * NS_PER_S,
    )
    told.exchange.place(resting, START_NS)
    assert not [e for e in told.hear(quote(1.0, 89_999.8)) if isinstance(e, Filled)]
    assert [e for e in told.hear(quote(2.0, 89_990.0)) if isinstance(e, OrderUpdate)]
    (order,) = told.exchange.query("one", START_NS)[-1:]
    assert isinstance(order, OrderUpdate)
    assert order.report.state is OrderState.FILLED


def test_settlement_waits_for_the_venues_delivery_price():
    """Nothing at 08:00:03, everything once the price is published, and at that price."""
    option = Position(OPTION, deribit.parse(OPTION).quantity("1"))
    told = Told(option)
    due_ns = next_settlement(START_NS)
    assert not [e for e in told.hear(quote(13.0, 90_000.0)) if isinstance(e, Settled)]
    told.averages.publish("BTC", due_ns - 86_400 * NS_PER_S, 1.0)  # yesterday's
    assert not [e for e in told.hear(quote(14.0, 90_000.0)) if isinstance(e, Settled)]
    told.averages.publish("BTC", due_ns, 88_000.0)
    (settled,) = [e for e in told.hear(quote(15.0, 90_000.0)) if isinstance(e, Settled)]
    assert settled.price_usd == 88_000.0
    paid = told.exchange.account.cash["BTC"] - 5.0
    assert math.isclose(paid, 8_000.0 / 88_000.0, abs_tol=2e-4)  # less the delivery fee


def test_settlement_falls_back_to_the_index_average_after_a_minute():
    """A venue that publishes nothing does not hold up the books for ever."""
    told = Told(Position(OPTION, deribit.parse(OPTION).quantity("1")))
    told.hear(quote(5.0, 90_000.0, index=90_100.0))
    assert not [e for e in told.hear(quote(60.0, 90_000.0)) if isinstance(e, Settled)]
    (settled,) = [e for e in told.hear(quote(71.0, 90_000.0)) if isinstance(e, Settled)]
    assert settled.price_usd == 90_050.0
