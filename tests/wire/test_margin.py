"""Margin over the wire: asked by a bot's process before its options, and shown by its journal."""

import asyncio
from typing import Any

import pytest

from bot.journal import Reader
from bot.sim.wire import dispatch
from bot.sim.wire.hub import Opening
from tests.wire.test_run import Bot, booked, straddle

GAMMA = (
    'underlying.BTC.gamma.action="auto"',
    "underlying.BTC.gamma.lower=-0.05",
    "underlying.BTC.gamma.budget_usd_per_day=100000.0",
)
MARGIN, BUY = "private/simulate_portfolio", "private/buy"


def sets(*more):
    """Return settings on the command line."""
    return tuple(word for one in (*GAMMA, *more) for word in ("--set", one))


@pytest.fixture
async def short_of_gamma(serve, tmp_path, monkeypatch):
    """Return a bot whose book needs options, its server, and the requests in their order."""
    asked: list[tuple[str, Any]] = []
    call = dispatch._call

    def heard(hub, caller, request, now_ns):
        asked.append((request["method"], request.get("params") or {}))
        return call(hub, caller, request, now_ns)

    monkeypatch.setattr(dispatch, "_call", heard)
    server = await serve(Opening(seed=3, compress=20, positions=straddle("-5")), limited=True)
    return Bot(server, tmp_path), server, asked


async def test_options_are_bought_only_after_the_exchange_was_asked(short_of_gamma):
    """Each purchase of an option has a question before it that names it; hedges have none."""
    bot, server, asked = short_of_gamma
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
        elif method in {BUY, "private/sell"}:
            assert params["instrument_name"] == "BTC-PERPETUAL"
    assert option in first
    assert bot.held() == pytest.approx(booked(server))


async def test_an_order_above_the_limit_is_refused_and_margin_is_shown(short_of_gamma):
    """Only what is held short is bought; margin used and liquidation's distance are told.

    Who refuses first depends on the moment: the plan, for which nothing may be on offer yet, or the
    exchange's word on margin (tests/desk/test_margin.py has that one alone).
    """
    bot, server, asked = short_of_gamma
    tight = ("limits.initial_margin_share=0.001", "limits.maintenance_margin_share=0.001")
    code, _, said = await bot.run_until('"event":"gamma.refused"', *sets(*tight), then_s=8.0)
    assert code == 0, said
    bought = [params["instrument_name"] for method, params in asked if method == BUY]
    held = {p.instrument: float(p.quantity) for p in straddle("-5")}
    options = {name for name in bought if name.endswith(("-C", "-P"))}
    assert options <= set(held)  # what closes a short lowers margin, and may always go
    assert all(booked(server).get(name, 0.0) <= 0.0 for name in held)
    reader = Reader.open(bot.folder, "sand")
    try:
        margin = reader.status()["underlyings"]["BTC"]["margin"]
    finally:
        reader.close()
    assert margin["model"] == "segregated_sm"
    assert 0.0 < margin["maintenance_margin"] <= margin["initial_margin"] < margin["funds"]
    assert margin["down"] < 0.0 < margin["up"]
    assert margin["delta_venue"] == pytest.approx(margin["delta_ours"], abs=0.2)
