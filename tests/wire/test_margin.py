"""Margin over the wire: asked by a bot's process before its options, and shown by its journal."""

import asyncio
import json
from typing import Any

import pytest

from bot.domain import deribit
from bot.domain.positions import Position
from bot.journal import Reader
from bot.sim.wire import dispatch
from bot.sim.wire.hub import Opening
from tests.wire.test_run import Bot, booked, straddle

GAMMA = (
    'underlying.BTC.gamma.action="auto"',
    "underlying.BTC.gamma.lower=-0.05",
    "underlying.BTC.gamma.budget_usd_per_day=100000.0",
)
MARGIN, BUY, SELL = "private/simulate_portfolio", "private/buy", "private/sell"
SOLD = (Position("BTC-PERPETUAL", deribit.parse("BTC-PERPETUAL").quantity(-900_000)),)
WIDE = (
    "underlying.BTC.gamma.lower=2.0",
    "underlying.BTC.delta.lower=-20.0",
    "underlying.BTC.delta.upper=20.0",
    'underlying.BTC.delta.policy.kind="fixed"',
    "underlying.BTC.delta.policy.width_coin=20.0",
)


def sets(*more):
    """Return settings on the command line."""
    return tuple(word for one in (*GAMMA, *more) for word in ("--set", one))


@pytest.fixture
def exchange(serve, tmp_path, monkeypatch):
    """Return how to open one: a bot, its server with positions, and the requests in their order."""
    asked: list[tuple[str, Any]] = []
    call = dispatch._call

    def heard(hub, caller, request, now_ns):
        asked.append((request["method"], request.get("params") or {}))
        return call(hub, caller, request, now_ns)

    async def opened(positions):
        server = await serve(Opening(seed=3, compress=20, positions=positions), limited=True)
        return Bot(server, tmp_path), server, asked

    monkeypatch.setattr(dispatch, "_call", heard)
    return opened


async def test_options_are_bought_only_after_the_exchange_was_asked(exchange):
    """Each purchase of an option has a question before it that names it; hedges have none."""
    bot, server, asked = await exchange(straddle("-5"))
    process = await bot.start(*sets())
    option = None
    async with asyncio.timeout(90.0):
        while option is None:
            await asyncio.sleep(0.05)
            names = [name for name in booked(server) if name.endswith(("-C", "-P"))]
            held = {p.instrument: float(p.quantity) for p in straddle("-5")}
            option = next((n for n in names if booked(server)[n] != held.get(n)), None)
    code, _, err = await bot.stop(process)
    assert code == 0, err
    first: dict[str, int] = {}
    for number, (method, params) in enumerate(asked):
        if method == MARGIN:
            for name in params["simulated_positions"]:
                first.setdefault(name, number)
        elif method == BUY and params["instrument_name"].endswith(("-C", "-P")):
            assert first[params["instrument_name"]] < number
        elif method in {BUY, SELL}:
            assert params["instrument_name"] == "BTC-PERPETUAL"
    assert option in first
    assert bot.held() == pytest.approx(booked(server))


def orders(asked):
    """Return what was sent: instruments bought or sold, in their order."""
    return [params["instrument_name"] for method, params in asked if method in {BUY, SELL}]


def margin_of(bot):
    """Return the margin that a bot's journal shows."""
    reader = Reader.open(bot.folder, "sand")
    try:
        return reader.status()["underlyings"]["BTC"]["margin"]
    finally:
        reader.close()


@pytest.mark.parametrize(
    "limit,reason,asks",
    [("initial_margin_share", "no_funds", False), ("maintenance_margin_share", "margin", True)],
)
async def test_an_option_above_a_limit_is_refused_and_margin_is_shown(
    exchange, limit, reason, asks
):
    """A book of sold futures that lacks gamma can only open: no order goes, and the limit is named.

    The futures need 0.2 % of the funds at first and 0.1 % to be kept. The share of the first margin
    is looked at before a plan, that of the other when the exchange has said what it would become.
    """
    bot, server, asked = await exchange(SOLD)
    tight = f"limits.{limit}=0.0005"
    code, _, said = await bot.run_until(f'"reason":"{reason}"', *sets(*WIDE, tight), then_s=2.0)
    assert code == 0, said
    refused = [json.loads(line) for line in said.splitlines() if '"gamma.refused"' in line]
    found = {one["reason"]: one for each in refused for one in each["refused"]}
    # Nothing to choose from, or no chain at all, before the first books of options have come; they
    # change while one thinks.
    assert reason in found
    assert set(found) <= {"no_candidate", "no_quote", "book_changed", reason}
    early = [e for e in refused if e["refused"][0]["reason"] in {"no_candidate", "no_quote"}]
    assert not any(each["candidates"] for each in early)
    if asks:
        assert found[reason]["subject"] == "BTC maintenance_margin"
        assert found[reason]["after"] > found[reason]["before"] > found[reason]["limit"] == 0.0005
    else:
        assert found[reason]["least"] > found[reason]["left"] == 0.0
    assert (MARGIN in [method for method, _ in asked]) is asks
    assert orders(asked) == []
    assert booked(server) == {"BTC-PERPETUAL": -900_000.0}
    margin = margin_of(bot)
    assert margin["model"] == "segregated_sm"
    assert 0.0 < margin["maintenance_margin"] <= margin["initial_margin"] < margin["funds"]
    assert margin["up"] > 0.0
    assert margin["delta_venue"] == pytest.approx(margin["delta_ours"], abs=0.2)


async def test_what_closes_a_short_goes_whatever_the_limit(exchange):
    """It lowers margin: the short straddle is bought back, nothing else is, and never too much."""
    bot, server, asked = await exchange(straddle("-5"))
    tight = ("limits.initial_margin_share=0.0005", "limits.maintenance_margin_share=0.0005")
    code, _, said = await bot.run_until('"event":"gamma.planned"', *sets(*tight), then_s=2.0)
    assert code == 0, said
    held = {p.instrument for p in straddle("-5")}
    bought = [name for name in orders(asked) if name != "BTC-PERPETUAL"]
    assert bought
    assert set(bought) <= held
    assert all(-5.0 <= booked(server).get(name, 0.0) <= 0.0 for name in held)
    assert set(booked(server)) <= {*held, "BTC-PERPETUAL"}
    margin = margin_of(bot)
    assert margin["down"] < 0.0 < margin["up"]
