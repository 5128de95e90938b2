"""A look at the venue before a run: reads alone, each with a time-out, nothing kept or subscribed.

A step that fails does not hide the others: its sentence stands in `faults` under its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from bot.domain.errors import DeltabandError
from bot.domain.units import NS_PER_S
from bot.venues.deribit.client import HardenedDeribit
from bot.venues.deribit.credits import Credits, Tier
from bot.venues.deribit.deadman import arm
from bot.venues.deribit.environment import Environment
from bot.venues.deribit.fields import each, table
from bot.venues.deribit.flaws import Flaws, shown
from bot.venues.deribit.grants import UNKNOWN_KEY, granted
from bot.venues.deribit.listing import Contract, read_contracts
from bot.venues.deribit.reports import margin_model
from bot.venues.deribit.requests import RefusedError
from bot.venues.deribit.terms import ApiKey, DeribitSettings

TIMEOUT_S: Final = 10.0
CLOCK_SAMPLES: Final = 5


@dataclass(slots=True)
class Probe:
    """What the venue said; times in seconds.

    `testnet` is which system the venue says that it is, None where it does not. `rights` is None
    without an authentication, `limits_told` whether the account states its own tiers, `refused`
    whether the venue does not know the key. `margin` is the margin model by currency, empty where
    it is not told; `account_id` is the venue's number of the account. `armed` tells whether a
    connection's dead-man switch could be armed, None where nobody tried. `faults` has a sentence
    for each step that failed.
    """

    testnet: bool | None = None
    ahead_s: float = 0.0
    error_s: float = 0.0
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    rights: frozenset[str] | None = None
    orders: Tier | None = None
    others: Tier | None = None
    limits_told: bool = False
    margin: dict[str, str] = field(default_factory=dict)
    account_id: str = ""
    armed: bool | None = None
    faults: dict[str, str] = field(default_factory=dict)
    refused: bool = False


async def probe(
    settings: DeribitSettings,
    key: ApiKey | None,
    clock: Callable[[], int],
    timeout_s: float = TIMEOUT_S,
    *,
    listed: bool = True,
    arms: bool = False,
) -> Probe:
    """Ask the venue what a run would need to know; `timeout_s` for each step. Never raises.

    Where another system answers than the one that is meant, no key is shown to it. Instruments are
    asked for where `listed` says so; with `arms` the dead-man switch of this connection, which has
    no orders, is armed and read back.
    """
    found = Probe()
    urls = {"rest": settings.rest_url, "ws": settings.ws_url}
    config: dict[str, object] = {**settings.options, "urls": {"api": urls, "test": urls}}
    if key is not None:
        config |= {"apiKey": key.client_id, "secret": key.secret}
    exchange = HardenedDeribit(config, clock=clock)
    steps: list[tuple[str, Callable[[], Awaitable[None]]]] = [
        ("reach", lambda: _reach(exchange, found))
    ]
    if listed:
        steps.append(("instruments", lambda: _instruments(exchange, found)))
    if key is not None:
        steps += [
            ("key", lambda: _meant(settings, found)),
            ("key", lambda: _key(exchange, found)),
            ("account", lambda: _account(exchange, found)),
        ]
        if arms:
            steps.append(("dead-man switch", lambda: _arm(exchange, found)))
    try:
        for name, step in steps:
            try:
                async with asyncio.timeout(timeout_s):
                    await step()
            except TimeoutError:
                found.faults[name] = f"no answer within {timeout_s:g} s"
            except DeltabandError as error:
                found.faults[name] = str(error)
                found.refused = isinstance(error, RefusedError) and error.code in UNKNOWN_KEY
            except Exception as error:  # noqa: BLE001  ccxt raises a family of its own
                found.faults[name] = shown(error)
            if name in found.faults and name in {"reach", "key"}:
                break  # what follows stands on it
    finally:
        with suppress(Exception):
            await exchange.close()
    return found


async def _reach(exchange: HardenedDeribit, found: Probe) -> None:
    """Connect and compare clocks by the quickest of a few replies."""
    await exchange.connect()
    for _ in range(CLOCK_SAMPLES):
        await exchange.requests.call("public/test", {})
    found.testnet = exchange.environment.said
    venue_clock = exchange.requests.venue_clock
    found.ahead_s = venue_clock.ahead_ns / NS_PER_S
    found.error_s = venue_clock.error_ns / NS_PER_S


async def _meant(settings: DeribitSettings, found: Probe) -> None:
    """Raise where another system answers than the one whose key this is."""
    environment = Environment(settings.testnet)
    environment.hear({"testnet": found.testnet})
    environment.must_be_told()


async def _instruments(exchange: HardenedDeribit, found: Probe) -> None:
    reply = table(await exchange.public_get_get_instruments({}), "reply")
    found.contracts = read_contracts(reply.get("result"), Flaws(), exchange.clock())


async def _key(exchange: HardenedDeribit, found: Probe) -> None:
    found.rights = granted(await exchange.authenticate())


async def _arm(exchange: HardenedDeribit, found: Probe) -> None:
    found.armed = await arm(exchange.requests)


async def _account(exchange: HardenedDeribit, found: Probe) -> None:
    reply = await exchange.private_get_get_account_summaries({"extended": "true"})
    answer = table(table(reply, "reply").get("result"), "summaries")
    found.account_id = str(answer.get("id", ""))
    tiers = Credits(exchange.clock)
    for row in each(answer.get("summaries"), "summaries"):
        limits = row.get("limits")
        found.limits_told = found.limits_told or bool(limits)
        tiers.learn(limits)
        found.margin[str(row.get("currency"))] = margin_model(row)
    found.orders, found.others = tiers.matching.tier, tiers.others.tier
