"""What the venue says of margin: asked once, answered in full or not at all, and streamed."""

import time

import pytest

from bot.domain.commands import AskMargin
from bot.domain.deribit import parse
from bot.domain.events import BalancesReport, MarginAnswer, PositionsReport
from bot.sim.wire.auth import READER, TRADER
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.flaws import Flaw
from bot.venues.deribit.orders import OrderLaneError
from bot.venues.deribit.terms import ApiKey, DeribitSettings
from bot.venues.deribit.venue import DeribitVenue
from tests.wire.adapter.drive import drain, take
from tests.wire.scripted import CALL, PERPETUAL, portfolio

METHOD = "private/simulate_portfolio"
CHANNEL = "user.portfolio.BTC"


def ask(question="BTC-1-m1", **sizes):
    """Return a question about positions, BTC-settled unless told."""
    changes = tuple((name, parse(name).quantity(size)) for name, size in sizes.items())
    return AskMargin(question, "BTC", "BTC", changes)


@pytest.fixture
async def meet():
    """Return a maker of venues at the simulated exchange."""
    venues = []

    async def made(server, key=TRADER):
        terms = DeribitSettings(
            feed=FeedRules(("BTC",)),
            currencies=("BTC", "USDC"),
            rest_url=server.rest_url,
            ws_url=server.ws_url,
        )
        secret = ApiKey(key.client_id, key.secret)
        venue = DeribitVenue(terms, time.time_ns, secret, orders=key is TRADER)
        venues.append(venue)
        await venue.start()
        return venue

    yield made
    for venue in venues:
        await venue.close()


@pytest.mark.parametrize("key", [TRADER, READER])
async def test_the_exchange_says_what_positions_would_do_to_margin(serve, meet, key):
    """Inverse futures in USD, options in coins; a key that only reads may ask."""
    server = await serve(limited=True)
    venue = await meet(server, key)
    name = next(
        one.name
        for one in server.hub.exchange.listed()
        if one.is_option and one.is_inverse and one.coin == "BTC" and one.is_call
    )
    report = await take(venue, PositionsReport)
    before = {balance.coin: balance for balance in report.balances}["BTC"]
    assert before.model == "segregated_sm"
    venue.send(ask(**{PERPETUAL: "60000", name: "-1.0"}), time.time_ns())
    answer = await take(venue, MarginAnswer, timeout_s=10.0)
    assert answer.after is not None
    index = server.hub.exchange.index["BTC"]
    option = answer.after.initial_margin - before.initial_margin - 0.02 * 60_000 / index
    assert 0.1 < option < 1.0
    assert answer.after.funds == pytest.approx(before.funds, rel=0.01)
    assert (answer.question, answer.coin, answer.why) == ("BTC-1-m1", "BTC", "")


async def test_questions_take_turns_a_second_apart(serve, meet):
    """A venue that is asked more often ends the connection; each question gets its own answer."""
    server = await serve(limited=True)
    venue = await meet(server)
    begun = time.monotonic()
    for number in range(3):
        venue.send(ask(f"q{number}", **{PERPETUAL: "10000"}), time.time_ns())
    answers = [await take(venue, MarginAnswer, timeout_s=15.0) for _ in range(3)]
    assert time.monotonic() - begun >= 2.0
    assert [answer.question for answer in answers] == ["q0", "q1", "q2"]
    assert all(answer.after is not None for answer in answers)
    assert venue.health().account_epoch == 1


@pytest.mark.parametrize(
    "result", [None, [], {"currency": "BTC"}, portfolio(initial_margin="0.1"), "ok"]
)
async def test_an_answer_that_cannot_be_read_is_none(connect, server, result):
    """With a reason, and the connection goes on."""
    server.answers[METHOD] = lambda _params: result
    venue = await connect(orders=True)
    venue.send(ask(**{PERPETUAL: "10000"}), time.time_ns())
    answer = await take(venue, MarginAnswer)
    assert answer.after is None
    assert "expected" in answer.why
    assert venue.health().connected


async def test_a_refusal_and_silence_are_told(connect, server, monkeypatch):
    """So that nobody waits for ever for a word that will not come."""
    monkeypatch.setattr("bot.venues.deribit.whatif.ANSWER_S", 0.2)
    server.refusals[METHOD] = [(13403, "disabled")]
    venue = await connect(orders=True)
    venue.send(ask(**{PERPETUAL: "10000"}), time.time_ns())
    assert "13403" in (await take(venue, MarginAnswer)).why
    server.mute.add(METHOD)
    venue.send(ask(**{PERPETUAL: "10000"}), time.time_ns())
    assert (await take(venue, MarginAnswer)).after is None
    assert venue.flaws.counts[Flaw.REQUEST_FAILED] == 2


async def test_without_a_key_nobody_can_be_asked(connect):
    """Margin is an account's."""
    venue = await connect()
    with pytest.raises(OrderLaneError, match="margin"):
        venue.send(ask(**{PERPETUAL: "10000"}), time.time_ns())


async def test_streamed_portfolios_are_told_and_only_the_newest_counts(connect, server):
    """Margin, the venue's delta and the price at which it would liquidate."""
    venue = await connect(orders=True)
    drain(venue)
    for step in range(4):
        told = portfolio(
            margin_balance=9.5 + step,
            delta_total=-1.5,
            margin_model="segregated_pm",
            estimated_liquidation_ratio_map={"btc_usd": 0.7},
        )
        await server.push(CHANNEL, told)
    report = await take(venue, BalancesReport, where=lambda r: r.balances[0].margin_balance == 12.5)
    (balance,) = report.balances
    assert (balance.delta_total, balance.model) == (-1.5, "segregated_pm")
    assert balance.liquidation_ratio == 0.7
    assert not [event for event in drain(venue) if isinstance(event, BalancesReport)]


async def test_the_venues_deltas_come_with_complete_answers_only(connect, server):
    """Lines that a stream changed one by one are not all of one moment."""
    server.positions = {PERPETUAL: -50.0, CALL: -2.0}
    venue = await connect(orders=True)
    report = await take(venue, PositionsReport)
    assert dict(report.deltas) == {PERPETUAL: -0.0005, CALL: -2e-5}
    await server.push(
        "user.changes.any.any.raw",
        {"trades": [], "orders": [], "positions": [server._position(PERPETUAL) | {"size": -60.0}]},
    )
    changed = await take(venue, PositionsReport)
    assert changed.deltas == ()
