"""What a venue refuses or does not list, and what the bot makes of it: its state and its orders."""

import asyncio
import contextlib
import json
import sqlite3
from contextlib import closing
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from bot.domain import deribit
from bot.domain.positions import Position
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.sim.wire.hub import Opening
from bot.sim.wire.tickets import Refused
from tests.wire.scripted import ScriptedDeribit, now_ms, option, summary
from tests.wire.test_run import Bot, booked, straddle

LONG = Position("BTC-PERPETUAL", deribit.parse("BTC-PERPETUAL").quantity("40000"))


def journalled(bot, asked):
    """Return rows of the bot's journal."""
    where = f"file:{bot.folder}/sand/journal.sqlite?mode=ro"
    with closing(sqlite3.connect(where, uri=True)) as journal:
        return journal.execute(asked).fetchall()


def moves(bot):
    """Return what the journal says became of each order, in order of time."""
    return journalled(bot, "SELECT label, after, evidence, ts_ns FROM transitions ORDER BY seq")


async def test_a_settlement_in_progress_is_waited_out(serve, tmp_path):
    """10041 twice, three seconds apart, then the hedge: no doubt, no back-off, no wider price."""
    server = await serve(Opening(seed=3, regime="calm", positions=(*straddle("-1"), LONG)))
    submit, refused_ns = server.hub.submit, list[int]()

    def settling(terms, now_ns, connection):
        if len(refused_ns) < 2:
            refused_ns.append(now_ns)
            raise Refused(10041, "settlement_in_progress")
        return submit(terms, now_ns, connection)

    server.hub.submit = settling
    bot = Bot(server, tmp_path)
    code, out, err = await bot.run_until('"hedge.done"')
    assert code == 0, err
    ends = [(after, evidence) for _, after, evidence, _ in moves(bot) if after != "sent"]
    assert [after for after, _ in ends[:3]] == ["rejected", "rejected", "filled"]
    assert all("10041" in evidence for _, evidence in ends[:2])
    sent_ns = [ts_ns for _, after, _, ts_ns in moves(bot) if after == "sent"]
    assert all(b - a >= 3 * NS_PER_S for a, b in pairwise(sent_ns[:3]))
    states = [after for (after,) in journalled(bot, "SELECT after FROM states")]
    assert "RUNNING" in states
    assert "REDUCE_DELTA_ONLY" not in states
    assert bot.held() == booked(server)
    assert booked(server)["BTC-PERPETUAL"] < 40_000
    assert json.loads(out)["unknown_orders"] == 0


async def test_without_an_instrument_to_hedge_with_nothing_is_sent_and_it_is_said(tmp_path):
    """The venue lists options alone: delta is outside its band, and the reason is told."""
    server = ScriptedDeribit()
    await server.start()
    (short, _) = straddle("-2")
    expiry_ms = (deribit.parse(short.instrument).expiry_ns or 0) // NS_PER_MS
    terms = {"strike": 92_000.0, "expiration_timestamp": expiry_ms}
    server.instruments = [option(short.instrument, **terms)]
    server.positions = {short.instrument: -2.0}
    server.figures = {"options_value": None, "delta_total": None}  # it tells neither
    live: dict[str, Any] = {"underlying_price": 92_000.0, "estimated_delivery_price": 92_000.0}

    async def go_on():
        """Keep the index and the chain alive."""
        index = "deribit_price_index.btc_usd"
        while True:
            server.summaries["BTC"] = [summary(short.instrument, **live)]
            await server.push(index, {"timestamp": now_ms(), "price": 92_000.0})
            await asyncio.sleep(0.2)

    going = asyncio.create_task(go_on())
    bot = Bot(SimpleNamespace(rest_url=server.rest, ws_url=server.ws), tmp_path)  # type: ignore[arg-type]
    try:
        code, _, err = await bot.run_until("no_hedge_instrument")
        assert code == 0, err
    finally:
        going.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await going
        await server.stop()
    assert "no_hedge_instrument" in err
    states = journalled(bot, "SELECT after, reasons FROM states WHERE coin = 'BTC' ORDER BY seq")
    assert states[-1][0] == "REDUCE_DELTA_ONLY"
    assert [why["reason"] for why in json.loads(states[-1][1])] == ["no_hedge_instrument"]
    assert server.count("private/buy") == server.count("private/sell") == 0
    assert moves(bot) == []
