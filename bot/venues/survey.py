"""Which exchanges with options ccxt knows, and what each offers to somebody who hedges.

What is offered is read from ccxt's own tables of the installed version, without a network. How fit
that makes an exchange is our judgement of ccxt 4.5.90 and stands here in words: a flag of ccxt says
that a call exists, not that it covers options. Importing ccxt takes a second; only `survey` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Fitness(StrEnum):
    """Whether option positions, Greeks, a perpetual hedge and an order stream are all to be had."""

    YES = "yes"
    PARTIAL = "partial"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """How fit an exchange is and why; `client_ids` is the field that carries our own order id."""

    fitness: Fitness
    why: str
    client_ids: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What ccxt offers of one exchange.

    `streams` and `orders` name what there is of quotes, books, orders and fills, and of create,
    edit and cancel (by WebSocket as well: "ws"). `positions` and `greeks` are "stream", "poll" or
    "-". `dead_man` is the switch that cancels when we fall silent. `adapter` tells whether this
    program can trade there.
    """

    exchange: str
    adapter: bool
    fitness: Fitness
    streams: str
    positions: str
    greeks: str
    chain: bool
    orders: str
    client_ids: str
    dead_man: str
    sandbox: str
    why: str


ADAPTERS: Final = frozenset({"deribit"})
_BYBIT: Final = Judgement(
    Fitness.YES,
    "option positions and Greeks stream, orders by WebSocket; positions are asked for by category"
    " and one symbol at a time",
    "orderLinkId (mandatory for options)",
)
JUDGED: Final[Mapping[str, Judgement]] = {
    "deribit": Judgement(
        Fitness.YES,
        "best data: Greeks and volatilities on the ticker, delta_total on the portfolio; ccxt's own"
        " client loses fills and may book twice, which the adapter here mends",
        "label",
    ),
    "okx": Judgement(
        Fitness.YES,
        "option positions stream with Black-Scholes Greeks, option Greeks by polling only; ccxt's"
        " contractSize leaves out ctMult, and there is no cancel-all beside the dead-man switch",
        "clOrdId",
    ),
    "bybit": _BYBIT,
    "bybitid": _BYBIT,
    "binance": Judgement(
        Fitness.PARTIAL,
        "limit orders only, and no options in its test system; option positions by a special call",
        "clientOrderId",
    ),
    "gate": Judgement(
        Fitness.PARTIAL,
        "option positions stream, but Greeks cost a call for each underlying",
    ),
    "derive": Judgement(
        Fitness.PARTIAL,
        "positions and tickers stream, but no book and no list of tickers; orders are signed by a"
        " wallet",
    ),
    "delta": Judgement(Fitness.NO, "REST polling only: no stream of prices, orders or fills"),
    "bullish": Judgement(Fitness.NO, "neither Greeks nor a chain: both would have to be our own"),
    "coinbaseinternational": Judgement(
        Fitness.NO, "neither Greeks nor a chain: both would have to be our own"
    ),
}
_NOT_JUDGED: Final = Judgement(Fitness.UNKNOWN, "not looked at: ccxt says that it has options")
# What ccxt does not flag and the venue's own protocol has.
_BEYOND: Final[Mapping[tuple[str, str], str]] = {
    ("deribit", "greeks"): "stream",
    ("deribit", "positions"): "stream",
    ("deribit", "dead_man"): "connection",
    ("bybit", "greeks"): "stream",
    ("bybitid", "greeks"): "stream",
}
# Where a test system exists and has no options.
_NO_OPTIONS: Final = frozenset({"binance"})


def survey() -> tuple[Offer, ...]:
    """Return every exchange of ccxt that has options, the fittest first, then by name."""
    import ccxt.async_support as polled  # type: ignore[import-untyped]
    import ccxt.pro as streamed  # type: ignore[import-untyped]

    offers = []
    for name in polled.exchanges:
        of = streamed if name in streamed.exchanges else polled
        exchange = getattr(of, name)()
        if exchange.has.get("option"):
            offers.append(_offer(name, exchange.has, exchange.urls))
    order = list(Fitness)
    return tuple(sorted(offers, key=lambda one: (order.index(one.fitness), one.exchange)))


def _offer(name: str, has: Mapping[str, Any], urls: Mapping[str, Any]) -> Offer:
    judged = JUDGED.get(name, _NOT_JUDGED)

    def there(**calls: str) -> str:
        return " ".join(word for word, call in calls.items() if has.get(call)) or "-"

    def reached(field: str, stream: str, *poll: str) -> str:
        kept = "poll" if any(has.get(call) for call in poll) else "-"
        return _BEYOND.get((name, field)) or ("stream" if has.get(stream) else kept)

    return Offer(
        exchange=name,
        adapter=name in ADAPTERS,
        fitness=judged.fitness,
        streams=there(
            quotes="watchTicker",
            books="watchOrderBook",
            orders="watchOrders",
            fills="watchMyTrades",
        ),
        positions=reached("positions", "watchPositions", "fetchPositions"),
        greeks=reached("greeks", "watchGreeks", "fetchAllGreeks", "fetchGreeks"),
        chain=bool(has.get("fetchOptionChain")),
        orders=there(
            create="createOrder", edit="editOrder", cancel="cancelOrder", ws="createOrderWs"
        ),
        client_ids=judged.client_ids or "not known",
        dead_man=_BEYOND.get((name, "dead_man"))
        or ("timer" if has.get("cancelAllOrdersAfter") else "-"),
        sandbox=_sandbox(name, urls),
        why=judged.why,
    )


def _sandbox(name: str, urls: Mapping[str, Any]) -> str:
    kinds = [kind for kind in ("test", "demo") if urls.get(kind)]
    if not kinds:
        return "-"
    without = ", no options" if name in _NO_OPTIONS else ""
    return " ".join(kinds) + without
