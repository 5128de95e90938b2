"""What a driver tells a connection, and what a connection tells about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.domain.errors import DeltabandError
from bot.domain.positions import TRADING_ACCOUNT
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.flaws import Flaw

# Prices, orders' validity and settlements are corrected by the venue's clock. What is not (journal,
# the day that budgets belong to) is off by as much as ours is, and a clock that far out may jump.
CLOCK_LIMIT_S: Final = 1.0


def clock_is_off(ahead_s: float, error_s: float, limit_s: float = CLOCK_LIMIT_S) -> bool:
    """Tell whether the venue's clock is surely further from ours than a limit, in seconds."""
    return abs(ahead_s) - error_s > limit_s


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key of the venue; its secret is not printed."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeribitSettings:
    """Where the venue is and what to listen to; times in seconds.

    `currencies` are those whose portfolios are streamed (coins, and USDC for linear instruments).
    `account` is what the trading account is called. `testnet` is the system that is meant, by the
    venue's own word: True the test system, False the real one, None either. `left_open` are the
    labels whose end an earlier run of this instance has not seen. `options` go to ccxt as they are
    (verify, cafile).
    """

    feed: FeedRules
    currencies: tuple[str, ...]
    rest_url: str = "https://www.deribit.com"
    ws_url: str = "wss://www.deribit.com/ws/api/v2"
    account: str = TRADING_ACCOUNT
    testnet: bool | None = None
    left_open: frozenset[str] = frozenset()
    chain_s: float = 5.0
    choose_s: float = 60.0
    reload_s: float = 86_400.0
    start_s: float = 20.0
    redial_s: float = 0.2
    pulse_s: float = 5.0
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """How a connection is doing: epochs, ages of stale channels in seconds, counts.

    `lost_ns` is since when connections are lost, by name. `clock_ahead_s` is how far the venue's
    clock is ahead of ours, give or take `clock_error_s`.
    """

    public_epoch: int
    account_epoch: int
    connected: bool
    lost_ns: Mapping[str, int]
    stale: Mapping[str, float]
    clock_ahead_s: float
    clock_error_s: float
    waiting: int
    conflated: int
    unknown_orders: int
    flaws: Mapping[Flaw, int]


class VenueUnreachableError(DeltabandError):
    """The venue could not be reached, or refused the key, at the start."""
