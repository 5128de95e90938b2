"""The shadow: the real account is read, hedges are simulated beside it, and no order can leave."""

import io
import time
from decimal import Decimal

import pytest

import config
from bot.cli.would_have import WouldHave
from bot.domain import deribit
from bot.domain.commands import QueryPositions
from bot.domain.events import Filled, InstrumentsListed, PositionsReport, Tick
from bot.domain.positions import Position
from bot.domain.units import NS_PER_S, iso
from bot.monitor import Logs
from bot.sim.exchange.settlement import next_settlement
from bot.sim.wire.auth import READER, TRADER, Key
from bot.sim.wire.hub import Opening
from bot.venues.deribit.terms import ApiKey
from bot.venues.live_paper import LivePaper
from bot.wiring.onlooking import shadow, shadow_instance
from tests.builders.fills import fill
from tests.wire.onlooking import Onlooker, orders, simulated, step, tap
from tests.wire.test_run import booked, straddle


def keyed(key: Key) -> dict[str, str]:
    """Return an environment with a key."""
    return {"DELTABAND_DERIBIT_KEY": key.client_id, "DELTABAND_DERIBIT_SECRET": key.secret}


KEY = ApiKey(READER.client_id, READER.secret)
PERPETUAL = "BTC-PERPETUAL"


@pytest.mark.parametrize("key", [READER, TRADER], ids=["may read", "may trade"])
async def test_a_shadow_hedges_on_paper_and_leaves_the_account_alone(
    serve, tmp_path, monkeypatch, key
):
    """Whatever its key may do: same books before and after, and what would have been done."""
    asked = tap(monkeypatch)
    server = await serve(Opening(seed=3, positions=long_straddle()))
    before = booked(server)
    look = Onlooker(server, tmp_path, "sandbox", {})
    code, summary, err = await look.run_until("hedge.done", "shadow", **keyed(key))
    assert code == 0, err
    assert summary["mode"] == "shadow"
    assert summary["fills"] > 0
    assert booked(server) == before
    assert orders(asked) == []
    assert "private/get_positions" in asked
    (day,) = summary["would_have_done"]
    assert day["hedges"].keys() == {PERPETUAL}
    assert day["orders"] > 0
    assert day["cost_usd"] > 0.0
    assert abs(day["delta_after"]) <= 0.05 < abs(day["delta_before"])
    assert err.count('"shadow.would_have_done"') == 1
    assert look.held("look-shadow")[PERPETUAL] == day["hedges"][PERPETUAL]
    assert not (tmp_path / "look").exists()  # the journal of the real instance is not its own


def long_straddle() -> tuple:
    """Return a straddle with a call too many: some delta to hedge."""
    call, put = straddle("3")
    return (call, call, put)


@pytest.mark.parametrize(
    "mode,environ,said",
    [
        (
            "paper",
            keyed(READER),
            'expected mode = "sandbox" or "live" for this verb, found "paper"',
        ),
        ("sandbox", {}, "DELTABAND_DERIBIT_KEY: expected a key"),
    ],
)
async def test_a_shadow_needs_an_account_and_a_key(serve, tmp_path, mode, environ, said):
    """Exit code 2 and one sentence."""
    server = await serve(Opening(seed=3))
    code, _, err = await Onlooker(server, tmp_path, mode, {}).run("shadow", **environ)
    assert code == 2
    assert said in err


@pytest.fixture
async def shadowing(serve, tmp_path):
    """Return a server with a position, and a started graph that shadows its account."""
    server = await serve(Opening(seed=3, positions=straddle("-2")))
    settings = Onlooker(server, tmp_path, "sandbox", {}).settings()
    graph = shadow(settings, KEY, time.time_ns, seed=1, epoch=1, sticky={})
    await graph.venue.start()
    yield server, graph
    await graph.venue.close()


async def test_it_begins_with_the_real_positions_and_balances(shadowing):
    """Positions are equal, and equity is the venue's own but for the drift of a moment."""
    server, graph = shadowing
    venue = simulated(graph)
    assert venue.lane is None
    (report, *_) = [
        e
        for e in await step(graph, lambda: bool(venue.exchange.index) and not ready(venue))
        if isinstance(e, PositionsReport)
    ]
    assert {p.instrument: float(p.quantity) for p in report.positions} == booked(server)
    real = server.hub.exchange.equity()["BTC"]
    assert venue.exchange.equity()["BTC"] == pytest.approx(real, rel=1e-3)


async def test_what_its_coins_do_not_list_is_left_out_and_named(serve, tmp_path):
    """A bot of BTC beside an account that also holds ETH begins with the BTC alone."""
    ether = Position("ETH-PERPETUAL", deribit.parse("ETH-PERPETUAL").quantity("5000"))
    server = await serve(Opening(seed=3, positions=(*straddle("-2"), ether)))
    settings = Onlooker(server, tmp_path, "sandbox", {}).settings()
    graph = shadow(settings, KEY, time.time_ns, seed=1, epoch=1, sticky={})
    venue = simulated(graph)
    await venue.start()
    try:
        await step(graph, lambda: bool(venue.exchange.index))
    finally:
        await venue.close()
    assert venue.left_out == ("ETH-PERPETUAL",)
    assert venue.exchange.holdings.keys() == {one.instrument for one in straddle("-2")}


def ready(venue: LivePaper) -> bool:
    """Tell whether the paper venue has something to say at once."""
    due_ns = venue.paper.next_time()
    return due_ns is not None and due_ns <= venue.now_ns()


async def test_what_the_owner_trades_is_adopted_once_at_the_mark(shadowing, client):
    """The simulated account follows the real one; its own equity does not jump."""
    server, graph = shadowing
    venue = simulated(graph)
    await step(graph, lambda: bool(venue.exchange.index))
    equity = venue.exchange.equity()["BTC"]
    await client(server).create_order("BTC/USD:BTC", "market", "buy", 30_000)
    await step(graph, lambda: held(venue) == 30_000)
    assert venue.exchange.equity()["BTC"] == pytest.approx(equity, rel=1e-4)
    venue.send(QueryPositions(), venue.now_ns())  # asked again, it is not booked again
    events = await step(graph, lambda: venue.paper.next_time() is None)
    assert held(venue) == 30_000
    last = [event for event in events if isinstance(event, PositionsReport)][-1]
    assert {p.instrument: float(p.quantity) for p in last.positions} == booked(server)


def held(venue: LivePaper) -> Decimal:
    """Return the simulated perpetual."""
    holding = venue.exchange.holdings.get(PERPETUAL)
    return Decimal(0) if holding is None else holding.quantity


def test_a_shadow_of_real_money_needs_no_live_and_has_no_lane(tmp_path):
    """It looks at the real system, waits for nobody's confirmation, and cannot order."""
    settings = live_settings(tmp_path)
    graph = shadow(settings, KEY, time.time_ns, seed=1, epoch=1, sticky={})
    assert graph.venue.settings.rest_url == "https://www.deribit.com"
    assert graph.venue.lane is None
    private = simulated(graph).feed.private
    assert private is not None
    assert private.lane is None
    assert graph.core.floor.unconfirmed == set()


def live_settings(folder):
    """Return settings of mode live; nothing of them is dialled here."""
    file = folder / "live.toml"
    file.write_text(
        f'mode = "live"\nmarket = "venue"\nstate_dir = "{folder}"\n'
        "[underlying.BTC]\n"
        'numeraire = "usd"\ncollateral_delta = "exclude"\n'
        "delta = { target = 0.0, upper = 0.1, lower = -0.1 }\n"
        'gamma = { action = "off" }\n',
        encoding="utf-8",
    )
    return config.load((file,), environ={}).settings


def test_a_day_ends_at_eight_and_is_told_once(tmp_path):
    """One line a day and underlying, from the end of the one before."""
    graph = shadow(live_settings(tmp_path), KEY, time.time_ns, seed=1, epoch=1, sticky={})
    said = io.StringIO()
    voice = Logs(said, json=True, wait=True)
    start_ns = 1_772_600_000 * NS_PER_S
    eight_ns = next_settlement(start_ns)
    would = WouldHave(graph.core, start_ns, voice)
    for second in (-1, 0, 1, 2):
        would.see(Tick(eight_ns + second * NS_PER_S))
    would.close(eight_ns + 60 * NS_PER_S)
    spans = [(day["from"], day["until"]) for day in would.days]
    assert spans == [
        (iso(start_ns), iso(eight_ns)),
        (iso(eight_ns), iso(eight_ns + 60 * NS_PER_S)),
    ]
    assert said.getvalue().count('"event":"shadow.would_have_done"') == 2


def test_a_fill_that_is_told_again_is_counted_once(tmp_path):
    """Two orders may share a trade: it counts for each."""
    graph = shadow(live_settings(tmp_path), KEY, time.time_ns, seed=1, epoch=1, sticky={})
    start_ns = 1_772_600_000 * NS_PER_S
    graph.core.handle(InstrumentsListed(start_ns, "BTC", (deribit.parse(PERPETUAL),)))
    would = WouldHave(graph.core, start_ns, Logs(io.StringIO(), json=True, wait=True))
    for label in ("a1", "a1", "a2"):
        done = fill(PERPETUAL, "1000", label=label, trade="t1", ts_ns=start_ns)
        would.see(Filled(start_ns, done))
    would.close(start_ns + NS_PER_S)
    (day,) = would.days
    assert (day["hedges"], day["orders"]) == ({PERPETUAL: 2_000.0}, 2)


def test_the_instance_of_a_shadow_is_another_one():
    """Its journal is never taken for that of the instance whose orders are real."""
    assert shadow_instance("main") == "main-shadow"
    assert shadow_instance("a-very-long-name") == "a-very-lo-shadow"
