"""Settings into a run that only looks at an exchange: real prices, simulated fills.

`public_paper` trades the paper book on the public market and takes no key; `shadow` begins with the
real account, which it reads with a key. Neither makes an order lane.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bot.core import Core
from bot.domain.events import PositionsReport
from bot.domain.positions import Position
from bot.domain.states import State
from bot.domain.units import NS_PER_MS, iso
from bot.sim.arriving import ArrivingMarket
from bot.sim.exchange import StartingAccount
from bot.venues.deribit.terms import ApiKey
from bot.venues.deribit.venue import DeribitVenue
from bot.venues.live_paper import LivePaper, Opening
from bot.venues.paper import Latency
from bot.wiring import refuse_unlisted, starting_account
from bot.wiring.desks import desk_rules, new_core
from bot.wiring.live import CADENCE, Live, terms_of, words_of
from bot.wiring.lots import refuse_broken_lots
from config.errors import ConfigError, Origin, Problem
from config.schema import Settings

SHADOW: Final = "-shadow"
LONGEST: Final = 16  # letters of an instance's name


def public_paper(
    settings: Settings,
    clock: Callable[[], int],
    *,
    seed: int,
    epoch: int,
    sticky: Mapping[str, State],
    account: StartingAccount | None = None,
) -> Live:
    """Return the graph of a paper run on the public market; nothing is connected yet.

    `settings` are unscaled; `account` is what an earlier run left. Starting it raises ConfigError
    where a position is not listed.
    """
    refuse_broken_lots(settings)
    settings = settings.scaled()

    def opening(market: ArrivingMarket, _: PositionsReport | None) -> StartingAccount:
        market.open_at(clock())
        if account is None:
            refuse_unlisted(settings, market)
            return starting_account(settings)
        gone = [p.instrument for p in account.positions if not market.instrument(p.instrument)]
        if gone:
            expected = f"positions that are listed at {iso(market.start_ns)} (or no --resume)"
            raise ConfigError((Problem("--resume", expected, ", ".join(gone), Origin("this run")),))
        return account

    return _graph(settings, settings, clock, opening, None, (seed, epoch, sticky))


def shadow(
    settings: Settings,
    key: ApiKey,
    clock: Callable[[], int],
    *,
    seed: int,
    epoch: int,
    sticky: Mapping[str, State],
) -> Live:
    """Return the graph of a run beside the account of the settings' mode; nothing is connected yet.

    Positions in what this bot's coins do not list are left out.
    """

    def opening(market: ArrivingMarket, report: PositionsReport | None) -> StartingAccount:
        if report is None:
            raise ValueError("expected the account's positions, found none")
        held = tuple(p for p in report.positions if market.instrument(p.instrument) is not None)
        cash = {b.coin: b.cash + b.open_profit for b in report.balances}
        positions = tuple(Position(p.instrument, p.quantity) for p in held)
        return StartingAccount(cash, positions)

    # It decides as the real one would, but no money waits for a person's confirmation.
    decides = settings.model_copy(update={"mode": "paper"})
    return _graph(settings, decides, clock, opening, key, (seed, epoch, sticky))


def shadow_instance(instance: str) -> str:
    """Return the instance under which a shadow keeps its journal, apart from the real one's."""
    return instance[: LONGEST - len(SHADOW)] + SHADOW


def _graph(
    settings: Settings,
    decides: Settings,
    clock: Callable[[], int],
    opening: Opening,
    key: ApiKey | None,
    start: tuple[int, int, Mapping[str, State]],
) -> Live:
    seed, epoch, sticky = start
    coins = tuple(settings.underlying)
    rules = tuple(desk_rules(decides, coin, CADENCE) for coin in coins)
    core: Core = new_core(decides, rules, epoch, sticky)
    depth = frozenset(f"{coin}{pair}-PERPETUAL" for coin in coins for pair in ("", "_USDC"))
    feed = DeribitVenue(terms_of(settings, depth), clock, key, orders=False)
    half_ms = settings.sim.latency_ms
    latency = Latency(round(half_ms / 3.0 * NS_PER_MS), round(half_ms * NS_PER_MS))
    venue = LivePaper(feed, coins, CADENCE, opening, seed=seed, latency=latency)
    mode = "paper" if key is None else "shadow"
    return Live(settings, rules, core, venue, mode, seed, () if key is None else words_of(key))
