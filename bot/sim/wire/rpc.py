"""JSON-RPC as the venue speaks it: envelopes, error numbers, parameters and the table of methods.

A request arrives over REST (numbers and booleans as text) or over a WebSocket (as JSON): `Params`
reads both. A method raises `RpcError`, or `Refused` where the exchange itself said no.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import orjson

from bot.sim.wire.tickets import Refused

if TYPE_CHECKING:
    from bot.sim.wire.call import Call

PARSE_ERROR: Final = (-32700, "Parse error")
INVALID_REQUEST: Final = (-32600, "Invalid Request")
NO_METHOD: Final = (-32601, "Method not found")
INVALID_PARAMS: Final = (-32602, "Invalid params")
ORDER_NOT_FOUND: Final = (10004, "order_not_found")
BAD_INSTRUMENT: Final = (10020, "invalid_or_unsupported_instrument")
TOO_MANY: Final = (10028, "too_many_requests")
BAD_CREDENTIALS: Final = (13004, "invalid_credentials")
UNAUTHORIZED: Final = (13009, "unauthorized")
BOOK_CLOSED: Final = (13019, "orderbook_closed")
FORBIDDEN: Final = (13021, "forbidden")
RAW_NEEDS_AUTH: Final = (13778, "raw_subscriptions_not_available_for_unauthorized")
NEEDS_WEBSOCKET: Final = (10030, "must_be_websocket_request")
UNASKED: Final = (11029, "invalid_arguments")
TIMED_OUT: Final = (13888, "timed_out")

_TRUE: Final = frozenset({"true", "1"})
_FALSE: Final = frozenset({"false", "0"})
_WORD: Final = 64
_DIGITS: Final = 20  # before or behind the point of any number that means something here


class RpcError(Refused):
    """A request that got an error for an answer."""

    def __init__(self, error: tuple[int, str], data: dict[str, Any] | None = None) -> None:
        super().__init__(error[0], error[1], data)


def invalid(param: str, reason: str) -> RpcError:
    """Return the error of a parameter that cannot be used."""
    return RpcError(INVALID_PARAMS, {"param": param, "reason": reason})


class Params:
    """The parameters of one request."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; the error names it where it is missing and has no default."""
        value = self.raw.get(name)
        if value is None:
            if default is None:
                raise invalid(name, "value required")
            return default
        if not isinstance(value, str):
            raise invalid(name, "must be a string")
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """Return one of a few words."""
        value = self.text(name, default)
        if value not in allowed:
            raise invalid(name, f"must be one of: {', '.join(allowed)}")
        return value

    def number(self, name: str) -> Decimal | None:
        """Return an exact number, None where there is none."""
        value = self.raw.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise invalid(name, "must be a number")
        try:
            number = Decimal(str(value)[:_WORD])
        except InvalidOperation:
            raise invalid(name, "must be a number") from None
        if not number.is_finite() or (number and abs(number.adjusted()) > _DIGITS):
            raise invalid(name, "must be a number")
        return number

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a whole number."""
        value = self.number(name)
        if value is None:
            if default is None:
                raise invalid(name, "value required")
            return default
        if value != value.to_integral_value() or abs(value) > 2**63:
            raise invalid(name, "must be an integer")
        return int(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean, which REST sends as text."""
        value = self.raw.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        word = str(value).lower()
        if word not in _TRUE | _FALSE:
            raise invalid(name, "must be a boolean")
        return word in _TRUE

    def names(self, name: str) -> list[str]:
        """Return a list of texts; REST sends it as JSON."""
        value = self._json(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise invalid(name, "must be a list of strings")
        return value

    def numbers(self, name: str) -> dict[str, Decimal]:
        """Return an object of numbers, empty where there is none; REST sends it as JSON."""
        value = self._json(name, {})
        if not isinstance(value, dict):
            raise invalid(name, "must be an object")
        inner = Params(value)
        return {key: inner.number(key) or Decimal(0) for key in value}

    def _json(self, name: str, default: object = None) -> object:
        value = self.raw.get(name, default)
        if isinstance(value, str):
            try:
                return orjson.loads(value)
            except orjson.JSONDecodeError:
                return [value]
        return value


@dataclass(frozen=True, slots=True)
class Method:
    """One method: what it does, what scope it needs (empty: none), what it costs."""

    run: Callable[[Call], object]
    scope: str = ""
    matching: bool = False  # drawn from the matching engine's credits
    books: bool = False  # may put an order into the book
    heavy: bool = False  # is taken once a second

    @property
    def private(self) -> bool:
        """Tell whether somebody must be known to call it."""
        return bool(self.scope)


METHODS: Final[dict[str, Method]] = {}


def method(
    name: str,
    scope: str = "",
    *,
    matching: bool = False,
    books: bool = False,
    heavy: bool = False,
) -> Callable[[Callable[[Call], object]], Callable[[Call], object]]:
    """Enter a function into the table under the venue's name."""

    def enter(run: Callable[[Call], object]) -> Callable[[Call], object]:
        METHODS[name] = Method(run, scope, matching, books, heavy)
        return run

    return enter


def success(request_id: object, result: object, in_ns: int, out_ns: int) -> dict[str, Any]:
    """Return the envelope of an answer."""
    return _envelope(request_id, {"result": result}, in_ns, out_ns)


def failure(request_id: object, error: Refused, in_ns: int, out_ns: int) -> dict[str, Any]:
    """Return the envelope of an error."""
    body: dict[str, Any] = {"message": error.word, "code": error.code}
    if error.data is not None:
        body["data"] = error.data
    return _envelope(request_id, {"error": body}, in_ns, out_ns)


def notification(channel: str, data: object) -> bytes:
    """Return the frame of a subscription's message."""
    return orjson.dumps(
        {
            "jsonrpc": "2.0",
            "method": "subscription",
            "params": {"channel": channel, "data": data},
        }
    )


def _envelope(request_id: object, body: dict[str, Any], in_ns: int, out_ns: int) -> dict[str, Any]:
    head: dict[str, Any] = {"jsonrpc": "2.0"}
    if request_id is not None:
        head["id"] = request_id
    came, went = in_ns // 1_000, max(out_ns, in_ns) // 1_000
    return head | body | {"usIn": came, "usOut": went, "usDiff": went - came, "testnet": True}
