"""What a running bot shows: by name, how often, and only what readers need."""

import numpy as np
import pytest

import config
from bot import wiring
from bot.desk import market_rows
from bot.desk.market_rows import FARTHEST, NEAREST, Quoted
from bot.domain.units import NS_PER_S
from bot.journal.rows import from_json, to_json
from bot.wiring import views
from bot.wiring.views import Views

EVERY = ["exposure", "plan", "positions", "greeks", "feeds"]


@pytest.fixture(scope="module")
def running():
    """Return the demo's core after two market minutes, and the time."""
    settings = config.load((), (), environ={}).settings
    graph = wiring.paper(settings, wiring.market(settings, 7), seed=7)
    until = graph.market.start_ns + 120 * NS_PER_S
    while (event := graph.venue.next_event(until)) is not None:
        graph.core.handle(event)
    return graph.core, until


def test_quotes_are_shown_every_ten_seconds_and_the_rest_each_time(running):
    """Ten seconds of the clock, however fast the market runs."""
    core, now_ns = running
    clock = [100.0]
    shown = Views(core, lambda: clock[0])
    assert [name for name, _ in shown(now_ns)] == [*EVERY, "chain"]
    clock[0] += views.CHAIN_S - 0.1
    assert [name for name, _ in shown(now_ns)] == EVERY
    clock[0] += 0.2
    assert [name for name, _ in shown(now_ns)] == [*EVERY, "chain"]


def test_before_the_first_chain_there_are_no_quotes_to_show():
    """And they are shown as soon as there are some, not ten seconds later."""
    settings = config.load((), (), environ={}).settings
    graph = wiring.paper(settings, wiring.market(settings, 7), seed=7)
    shown = Views(graph.core, lambda: 0.0)
    assert [name for name, _ in shown(0)] == EVERY
    assert [name for name, _ in shown(0)] == EVERY


def test_held_expiries_and_the_nearest_are_shown_out_of_the_money(running):
    """Calls above the forward, puts below, none of them far away, in the order of strikes."""
    core, _ = running
    book = core.floor.book.packed("BTC")
    expiries = from_json(to_json(Quoted().chain(core.floor, "BTC")))["expiries"]
    held = set(book.columns.expiry_ns.tolist())
    assert {one["expiry_ns"] for one in expiries if one["held"]} == held
    coming = np.unique(book.market.chain.listing.expiry_ns)[:NEAREST].tolist()
    assert {one["expiry_ns"] for one in expiries} == held | set(coming)
    for one in expiries:
        strike, call = np.array(one["strike"]), np.array(one["call"])
        assert (np.diff(strike) > 0).all()
        assert (call == (strike >= one["forward"])).all()
        assert (np.abs(strike / one["forward"] - 1.0) <= FARTHEST).all()


def test_the_rows_are_found_once_for_each_list_and_book(running, monkeypatch):
    """What takes longest is done when something is new, not every ten seconds."""
    core, _ = running
    found = []
    rows = market_rows._rows

    def counted(*given):
        found.append(given)
        return rows(*given)

    monkeypatch.setattr(market_rows, "_rows", counted)
    quoted = Quoted()
    for _ in range(3):
        quoted.chain(core.floor, "BTC")
    assert len(found) == 1
    quoted.listing = None
    quoted.chain(core.floor, "BTC")
    assert len(found) == 2


def test_feeds_tell_the_venues_times(running):
    """Of the index, the chain and what may hedge."""
    core, now_ns = running
    feed = from_json(to_json(market_rows.feed_rows(core.floor, "BTC")))
    assert 0 <= now_ns - feed["index_ns"] <= 5 * NS_PER_S
    assert 0 <= now_ns - feed["chain_ns"] <= 10 * NS_PER_S
    assert list(feed["quotes_ns"]) == ["BTC-PERPETUAL"]
    assert (feed["windows"], feed["refused"], feed["barred"]) == ({}, [], "")
