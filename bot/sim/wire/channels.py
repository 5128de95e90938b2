"""Channels: how their names are read, who listens to them, and what they say when.

A channel's text is echoed exactly as it was subscribed. Prices are sent when the market moves or
when we take from a book: at once on `raw`, at the next tenth of a second on `100ms` and `agg2`.
What happened to the account is sent at once. A subscriber to prices or to a portfolio first gets
what stands now; to orders, trades and changes only what comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from bot.domain.instruments import Instrument
from bot.sim.wire.candles import RESOLUTIONS
from bot.sim.wire.instruments import CURRENCIES, index_name, kind
from bot.sim.wire.rpc import Params, invalid

FAST: Final = "raw"
INTERVALS: Final = ("raw", "100ms", "agg2")
KINDS: Final = ("any", "future", "option", "spot", "future_combo", "option_combo", "combo")
DEPTHS: Final = ("1", "10", "20")
GROUPS: Final = ("none", "1", "2", "5", "10", "25", "100", "250")
ACCOUNT: Final = ("orders", "trades", "changes")


class Listener(Protocol):
    """Somebody who subscribed: a connection."""

    def notify(self, channel: Channel, frame: bytes) -> None:
        """Take a frame of a channel."""
        ...


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel: `family` is its first word, for user channels the first two.

    `subject` is an instrument, a coin's index or a currency; `kind` and `currency` filter.
    """

    text: str
    family: str
    subject: str = ""
    interval: str = ""
    kind: str = "any"
    currency: str = "any"
    depth: int = 0
    group: str = ""

    @property
    def private(self) -> bool:
        """Tell whether only the account's owner may listen."""
        return self.family.startswith("user.")

    @property
    def raw(self) -> bool:
        """Tell whether it may be read only by somebody known."""
        return self.interval == FAST

    def covers(self, one: Instrument) -> bool:
        """Tell whether an instrument is what this channel is about."""
        if self.subject:
            return self.subject == one.name
        if self.kind not in {"any", kind(one)}:
            return False
        return self.currency in {"any", one.coin}


def read(text: str, known: Iterable[str]) -> Channel:  # noqa: PLR0911  one per kind of channel
    """Return the channel of a name; raises RpcError where it is none. `known` are instruments."""
    parts = text.split(".")
    match parts:
        case ["ticker" | "trades" as family, name, interval] if interval in INTERVALS:
            return _about(family, name, known, text=text, interval=interval)
        case ["ticker" | "book" | "trades" as family, name] if name:
            return _about(family, name, known, text=text, interval="raw")
        case ["quote" as family, name]:
            return _about(family, name, known, text=text, interval="100ms")
        case ["book", name, interval] if interval in INTERVALS:
            return _about("book", name, known, text=text, interval=interval)
        case ["book", name, group, depth, interval] if (
            group in GROUPS and depth in DEPTHS and interval in INTERVALS
        ):
            return _about(
                "depth", name, known, text=text, interval=interval, depth=int(depth), group=group
            )
        case ["chart", "trades", name, resolution] if resolution in RESOLUTIONS:
            return _about("chart", name, known, text=text, group=resolution)
        case ["deribit_price_index", index]:
            return _index(text, index)
        case ["instrument", "state", kind_, currency] if kind_ in KINDS:
            return Channel(text, "instrument.state", kind=kind_, currency=_currency(currency))
        case ["user", *rest]:
            return _user(text, rest, known)
    raise invalid("channels", f"unrecognized channel: {text[:80]}")


def _user(text: str, rest: list[str], known: Iterable[str]) -> Channel:
    match rest:
        case ["portfolio", currency] if currency.upper() in CURRENCIES:
            return Channel(text, "user.portfolio", subject=currency.upper())
        case [family, kind_, currency, interval] if (
            family in ACCOUNT and kind_ in KINDS and interval in INTERVALS
        ):
            return Channel(
                text, f"user.{family}", kind=kind_, currency=_currency(currency), interval=interval
            )
        case [family, name, interval] if family in ACCOUNT and interval in INTERVALS:
            return _about(f"user.{family}", name, known, text=text, interval=interval)
    raise invalid("channels", f"unrecognized channel: {text[:80]}")


def _about(
    family: str,
    name: str,
    known: Iterable[str],
    *,
    text: str,
    interval: str = "",
    depth: int = 0,
    group: str = "",
) -> Channel:
    if name not in known:
        raise invalid("channels", f"unknown instrument: {name[:80]}")
    return Channel(text, family, name, interval, depth=depth, group=group)


def _index(text: str, index: str) -> Channel:
    for coin in CURRENCIES:
        if index == index_name(coin):
            return Channel(text, "deribit_price_index", subject=coin)
    raise invalid("channels", f"unknown index: {index[:80]}")


def _currency(text: str) -> str:
    upper = text.upper()
    if upper == "ANY":
        return "any"
    if upper in CURRENCIES:
        return upper
    raise invalid("channels", f"unknown currency: {text[:80]}")


def asked(params: Params) -> list[str]:
    """Return the channel names of a subscribe request."""
    return params.names("channels")
