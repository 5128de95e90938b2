"""Settings into one object graph per driver: only this room knows both settings and bot.

`paper` builds the embedded exchange, the core and their seeds; nothing here opens a file or a
socket except the recording that a replay asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from bot.core import Core
from bot.desk.beginning import APART_S
from bot.desk.rules import DeskRules
from bot.domain import deribit
from bot.domain.instruments import Instrument
from bot.domain.positions import Position
from bot.domain.states import State
from bot.domain.units import NS_PER_MS, NS_PER_S, iso
from bot.sim.exchange import Exchange, StartingAccount
from bot.sim.faults import Fault, LostAck
from bot.sim.later import LaterMarket
from bot.sim.market import EPOCH_NS, SyntheticMarket, params
from bot.sim.market.listing import never_listed
from bot.sim.ports import Market
from bot.sim.replay import ReplayMarket
from bot.strategy.options.solve import solve
from bot.venues.paper import Latency, PaperVenue
from bot.wiring.desks import desk_rules, new_core
from bot.wiring.lots import held, refuse_broken_lots, refuse_narrow
from config.errors import ConfigError, Origin, Problem
from config.schema import Settings

DEMO_LOST_ACK_S = 45 * 60


@dataclass(slots=True)
class Paper:
    """A paper run before its first event."""

    settings: Settings
    rules: tuple[DeskRules, ...]
    core: Core
    venue: PaperVenue
    market: Market
    seed: int


def paper(
    settings: Settings,
    market: Market,
    *,
    seed: int,
    epoch: int = 1,
    sticky: Mapping[str, State] | None = None,
    account: StartingAccount | None = None,
) -> Paper:
    """Return the graph of a paper run; `settings` are unscaled, the scale is applied here."""
    settings = settings.scaled()
    if account is None:
        refuse_unlisted(settings, market)
    rules = tuple(desk_rules(settings, coin, market.cadence) for coin in settings.underlying)
    core = new_core(settings, rules, epoch, sticky or {})
    matching, network = np.random.SeedSequence(seed).spawn(2)
    exchange = Exchange(
        market,
        account or starting_account(settings),
        np.random.Generator(np.random.PCG64(matching)),
    )
    half_ms = settings.sim.latency_ms
    latency = Latency(round(half_ms / 3.0 * NS_PER_MS), round(half_ms * NS_PER_MS))
    venue = PaperVenue(
        exchange, np.random.Generator(np.random.PCG64(network)), latency, _faults(settings, market)
    )
    return Paper(settings, rules, core, venue, market, seed)


def refuse_unlisted(settings: Settings, market: Market) -> None:
    """Refuse a fresh book with a position that its market does not have, before anything runs."""
    listed = [i for coin in market.coins for i in market.instruments(coin, market.start_ns)]
    names = {one.name for one in listed}
    problems = []
    for index, row in enumerate(settings.paper.position):
        if row.instrument not in names:
            near = _nearest(deribit.parse(row.instrument), listed)
            hint = "" if near is None else f" (the nearest is {near.name})"
            expected = f"an instrument that is listed at {iso(market.start_ns)}{hint}"
            key = f"paper.position[{index}].instrument"
            problems.append(Problem(key, expected, row.instrument, Origin("this run")))
    if problems:
        raise ConfigError(tuple(problems))


def _nearest(held: Instrument, listed: Sequence[Instrument]) -> Instrument | None:
    """Return what is most like an instrument: of its coin and kind, by expiry, then by strike."""
    like = [
        o for o in listed if (o.coin, o.kind, o.is_call) == (held.coin, held.kind, held.is_call)
    ]
    if held.expiry_ns is None or not like:
        return None
    at_ns = held.expiry_ns
    return min(like, key=lambda o: (abs((o.expiry_ns or 0) - at_ns), abs(o.strike - held.strike)))


def starting_account(settings: Settings) -> StartingAccount:
    """Return a fresh paper account: the owner's positions and collateral, already scaled."""
    positions = tuple(
        Position(
            row.instrument,
            deribit.parse(row.instrument).quantity(Decimal(row.quantity)),
            row.tag,
            row.account,
        )
        for row in settings.paper.position
    )
    balances = {coin: _default_collateral(settings, coin) for coin in settings.underlying}
    balances |= {coin: float(amount) for coin, amount in settings.paper.collateral.items()}
    return StartingAccount(balances, positions)


def _unusable(key: str, expected: str, found: str) -> ConfigError:
    """Return the refusal of a setting that is valid in itself but not for this run."""
    return ConfigError((Problem(key, expected, found, Origin("this run")),))


def owned(settings: Settings) -> tuple[Instrument, ...]:
    """Return the owner's instruments, which the synthetic market lists as long as they live.

    Raises ConfigError that names every one which it cannot list: settled in dollars, expired before
    it starts, or of an expiry or a strike that the venue does not have (then with the nearest).
    """
    mine = held(settings)
    problems = tuple(
        Problem(f"paper.position[{index}].instrument", expected, one.name, Origin("this run"))
        for index, one in enumerate(mine)
        if (expected := _unlistable(one)) is not None
    )
    if problems:
        raise ConfigError(problems)
    return mine


def _unlistable(held: Instrument) -> str | None:
    if held.expiry_ns is not None and held.expiry_ns <= EPOCH_NS:
        return f"expiries after {iso(EPOCH_NS)}, where the synthetic market starts"
    if not held.is_inverse:
        return "coin-settled instruments on the synthetic market"
    return never_listed(held, EPOCH_NS, params.COINS[held.coin].start_usd)


def market(settings: Settings, seed: int, start_ns: int | None = None) -> Market:
    """Return the market that the settings name, joined at `start_ns` (None: at its beginning).

    Raises BadInputError where a recording cannot be used, ConfigError where settings do not fit it.
    """
    coins = tuple(settings.underlying)
    if settings.market == "venue":
        expected = "synthetic or replay:FOLDER for this verb"
        raise _unusable("market", expected, settings.market)
    strange = [coin for coin in coins if coin not in deribit.COINS]
    if strange:
        raise _unusable("underlying", f"coins among {', '.join(deribit.COINS)}", ", ".join(strange))
    if settings.replay is None:
        mine = owned(settings)
        refuse_narrow(settings)
        refuse_broken_lots(settings)
        whole = SyntheticMarket(seed, settings.sim.regime, EPOCH_NS, coins, owned=mine)
        return whole if start_ns is None else LaterMarket(whole, start_ns)
    refuse_broken_lots(settings)
    from bot.lab.recording import read

    recording = read(settings.replay, settings.sim.perpetual, coins)
    return ReplayMarket(recording, start_ns)


def _faults(settings: Settings, market: Market) -> Sequence[Fault]:
    if settings.sim.regime != "demo" or settings.replay is not None:
        return ()
    at_ns = EPOCH_NS + DEMO_LOST_ACK_S * NS_PER_S
    coming = market.start_ns < at_ns  # a resumed run may be past it
    return (LostAck(at_ns, next(iter(settings.underlying))),) if coming else ()


def _default_collateral(settings: Settings, coin: str) -> float:
    """Return what margin needs, generously: half of the gross option coins, at least 1."""
    gross = sum(
        abs(float(row.quantity))
        for row in settings.paper.position
        if row.coin == coin and deribit.parse(row.instrument).is_option
    )
    return max(1.0, 0.5 * gross)


def plan_once(settings: Settings, seed: int | None) -> dict[str, dict[str, object]]:
    """Return what would be done on a fresh paper account, without sending anything."""
    number = settings.sim.seed if seed is None else seed
    graph = paper(settings, market(settings, number), seed=number)
    core, venue = graph.core, graph.venue
    core.closing = True  # fold what is told, decide nothing
    until_ns = graph.market.start_ns
    while (event := venue.next_event(until_ns)) is not None:
        core.handle(event)
    until_ns += round(APART_S * NS_PER_S)
    core.handle(venue.exchange.positions(until_ns))  # a second look, which a run begins with
    for coin in core.rules:
        core.climb(coin, until_ns)
    return {coin: core.preview(coin, until_ns, solve) for coin in core.rules}
