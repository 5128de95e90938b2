"""Settings into a connected graph: the core on an exchange's own system, its test one or the real.

Owns where each system is, and which way its keys may come: from the environment to the test system,
from files alone to the real one, where a mistake is money.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from bot.core import Core
from bot.desk.rules import DeskRules
from bot.domain.states import State
from bot.sim.ports import Cadence
from bot.venues.deribit.canceller import Canceller
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.terms import ApiKey, DeribitSettings
from bot.venues.deribit.venue import DeribitVenue
from bot.venues.live_paper import LivePaper
from bot.wiring.desks import desk_rules, new_core
from config.errors import ConfigError, Origin, Problem
from config.schema import Settings, Venue
from config.schema.venue import WATCHDOG
from config.secrets import credentials, stem

HOSTS: Final = {
    "paper": "www.deribit.com",
    "sandbox": "test.deribit.com",
    "live": "www.deribit.com",
}
# What the exchange must say of itself; public prices on paper may come from either.
TESTNET: Final = {"paper": None, "sandbox": True, "live": False}
WS_PATH: Final = "/ws/api/v2"
CADENCE: Final = Cadence(quote_s=1.0, chain_s=5.0, future_s=2.5)


@dataclass(slots=True)
class Live:
    """A run on an exchange before its first event."""

    settings: Settings
    rules: tuple[DeskRules, ...]
    core: Core
    venue: DeribitVenue | LivePaper
    mode: str
    seed: int | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """The key to trade with, and those of the accounts that are only read."""

    trading: ApiKey
    also: Mapping[str, ApiKey]


def live(
    settings: Settings,
    keys: Keys,
    clock: Callable[[], int],
    *,
    epoch: int,
    sticky: Mapping[str, State],
    left_open: frozenset[str],
) -> Live:
    """Return the graph of a run in sandbox or live; nothing is connected yet.

    `clock` gives the wall clock in ns, `epoch` the number of this start of the instance,
    `left_open` the labels whose end its earlier runs have not seen.
    """
    rules = tuple(desk_rules(settings, coin, CADENCE) for coin in settings.underlying)
    core = new_core(settings, rules, epoch, sticky, born_ns=clock())
    terms = replace(terms_of(settings), left_open=left_open)
    venue = DeribitVenue(terms, clock, keys.trading, also=keys.also, orders=True)
    secrets = tuple(word for key in (keys.trading, *keys.also.values()) for word in words_of(key))
    return Live(settings, rules, core, venue, settings.mode, secrets=secrets)


def terms_of(settings: Settings, depth: frozenset[str] = frozenset()) -> DeribitSettings:
    """Return how to connect; `depth` names the instruments whose books are kept."""
    _, venue = settings.exchange()
    rest_url, ws_url = addresses(settings.mode, venue)
    return DeribitSettings(
        feed=FeedRules(coins=tuple(settings.underlying), depth=depth),
        currencies=(*settings.underlying, "USDC"),
        rest_url=rest_url,
        ws_url=ws_url,
        account=venue.account,
        testnet=TESTNET[settings.mode],
        options={} if venue.ca_file is None else {"cafile": str(venue.ca_file)},
    )


def addresses(mode: str, venue: Venue) -> tuple[str, str]:
    """Return where REST and WebSocket answer: the mode's own system, or this machine."""
    if venue.rest_url is None and venue.ws_url is None:
        host = HOSTS[mode]
        return f"https://{host}", f"wss://{host}{WS_PATH}"
    rest = venue.rest_url or _other(str(venue.ws_url), {"ws": "http", "wss": "https"}, "")
    ws = venue.ws_url or _other(rest, {"http": "ws", "https": "wss"}, WS_PATH)
    return rest, ws


def key_for(settings: Settings, environ: Mapping[str, str], account: str = "") -> ApiKey:
    """Return the key of the settings' exchange; ConfigError where there is none to be used.

    `account` names one that is only read; without it, the key is that of the trading account.
    """
    name, _ = settings.exchange()
    begin = stem(name, account)
    given = [part for part in ("_KEY", "_SECRET") if environ.get(begin + part) is not None]
    if settings.mode == "live" and given:
        expected = f"{begin}{given[0]}_FILE because mode is live (an environment is seen by others)"
        raise _missing(f"{begin}{given[0]}", expected, "the value itself")
    found = credentials(name, environ, account)
    if found is None:
        which = "_FILE" if settings.mode == "live" else ""
        expected = f"a key in {begin}_KEY{which} and {begin}_SECRET{which}"
        raise _missing(f"{begin}_KEY{which}", expected, "nothing")
    return ApiKey(found.key.reveal(), found.secret.reveal())


def words_of(key: ApiKey) -> tuple[str, str]:
    """Return what logs must never show of a key."""
    return key.client_id, key.secret


def stopping_key(settings: Settings, environ: Mapping[str, str]) -> tuple[ApiKey, bool]:
    """Return the key to cancel with from outside the bot, and whether it is one of its own.

    It is that of DELTABAND_<VENUE>_WATCHDOG_KEY and _SECRET (or _FILE), else the bot's.
    """
    name, _ = settings.exchange()
    begin = stem(name, WATCHDOG)
    own = any(word.startswith((f"{begin}_KEY", f"{begin}_SECRET")) for word in environ)
    return key_for(settings, environ, WATCHDOG if own else ""), own


def canceller(
    settings: Settings,
    environ: Mapping[str, str],
    clock: Callable[[], int],
    *,
    changed: Callable[[str], None] = lambda _to: None,
) -> Canceller:
    """Return what cancels orders of the settings' account without the bot, not yet connected.

    `changed` hears of its connection: connected, connection_lost.
    """
    key, _ = stopping_key(settings, environ)
    return Canceller(terms_of(settings), key, clock, changed=changed)


def keys_for(settings: Settings, environ: Mapping[str, str]) -> Keys:
    """Return the keys of every account of the settings; ConfigError where one cannot be used."""
    name, venue = settings.exchange()
    trading = key_for(settings, environ)
    whose = {trading.client_id: venue.account}
    also: dict[str, ApiKey] = {}
    for account in venue.also:
        key = also[account] = key_for(settings, environ, account)
        if key.client_id in whose:
            expected = f"a key of its own, because a key belongs to one account ({account})"
            other = f"that of {whose[key.client_id]}"
            raise _missing(f"{stem(name, account)}_KEY", expected, other)
        whose[key.client_id] = account
    return Keys(trading, also)


def _other(url: str, schemes: Mapping[str, str], path: str) -> str:
    """Return the address of the same machine and port for the other protocol."""
    parts = urlsplit(url)
    return urlunsplit((schemes[parts.scheme], parts.netloc, path, "", ""))


def _missing(name: str, expected: str, found: str) -> ConfigError:
    return ConfigError((Problem(name, expected, found, Origin("environment")),))
