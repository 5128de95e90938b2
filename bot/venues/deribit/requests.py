"""Requests over the WebSocket: JSON-RPC ids to the callers that wait, and what an answer proves.

    a result          the request was carried out
    RefusedError      the venue said no, by code; `certain` tells whether that is the whole truth
    NotSentError      nothing left this machine
    NoAnswerError     silence, a lost connection, a broken write: nothing is known

Nothing is ever sent twice. Each reply also tells how far the venue's clock is ahead of ours.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from bot.domain.errors import DeltabandError
from bot.domain.units import NS_PER_MS
from bot.venues.deribit.credits import Pool
from bot.venues.deribit.fields import Row
from bot.venues.deribit.flaws import Flaw, Flaws, shown
from bot.venues.steady import SteadyClock

NS_PER_US: Final = 1_000
SAMPLES: Final = 64
ROUGH_NS: Final = 2 * NS_PER_MS  # by which stamps may be off besides
LONGEST_STAMP: Final = 20
# Codes by which a venue tells that it failed, not what became of the request: internal errors and
# services that answered too late. A late `valid_until` (13888) was never processed.
UNCERTAIN_CODES: Final = frozenset({"-32603", "11094", "13028"})
# Codes by which the venue no longer accepts who we are, or what that may do.
UNAUTHORISED: Final = frozenset({"13009", "13021"})
TOO_MANY: Final = "10028"


class RefusedError(DeltabandError):
    """The venue answered with an error of its own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"expected a result, found the venue's error {code} {message}".rstrip())
        self.code, self.message = code, message

    @property
    def certain(self) -> bool:
        """Tell whether the request has certainly had no effect."""
        return self.code not in UNCERTAIN_CODES


class NotSentError(DeltabandError):
    """The request did not leave: there was no connection."""


class NoAnswerError(DeltabandError):
    """The request may have left and no answer came: what became of it is unknown."""


@dataclass(slots=True)
class _Waiting:
    """A request on its way."""

    future: asyncio.Future[object]
    sent_ns: int


class VenueClock:
    """How far the venue's clock is ahead of ours, from the quickest of the latest replies.

    A reply tells it of the moment at which it came, to half its round trip. Where ours is moved
    afterwards what was told before still holds. A reply that cannot be true together with the
    quickest means that a clock was set: what was told before is forgotten.
    """

    def __init__(self, ours: SteadyClock | None = None) -> None:
        """Take our clock where it may be moved."""
        self._samples: deque[tuple[int, int]] = deque(maxlen=SAMPLES)
        self._ours = ours

    @property
    def ahead_ns(self) -> int:
        """Return how far the venue's clock is ahead of ours now; 0 before the first reply."""
        return min(self._samples)[1] - self._moved() if self._samples else 0

    def _moved(self) -> int:
        return 0 if self._ours is None else self._ours.over_steady()

    def sample(self, sent_ns: int, received_ns: int, message: Row) -> None:
        """Take a reply's `usIn` and `usOut` (microseconds of the venue's clock)."""
        stamps = [_micros(message.get(key)) for key in ("usIn", "usOut")]
        if None in stamps:
            return
        middle_ns = sum(stamp for stamp in stamps if stamp is not None) * NS_PER_US // 2
        trip_ns = received_ns - sent_ns
        ahead_ns = middle_ns - (sent_ns + received_ns) // 2 + self._moved()
        if self._samples:
            quickest_ns, told_ns = min(self._samples)
            if abs(ahead_ns - told_ns) > (trip_ns + quickest_ns) // 2 + ROUGH_NS:
                self._samples.clear()
        self._samples.append((trip_ns, ahead_ns))
        if self._ours is not None:
            self._ours.hear(self.ahead_ns, self.error_ns)

    @property
    def error_ns(self) -> int:
        """Return by how much `ahead_ns` may be wrong: half the quickest round trip."""
        return min(self._samples)[0] // 2 if self._samples else 0


class Requests:
    """The requests of one connection at a time; `send` writes one JSON object to it.

    With a `budget` each request waits for a credit before it is sent, except those that were paid
    for elsewhere: a venue that is asked too often closes the connection, and then everybody's.
    """

    def __init__(
        self,
        send: Callable[[Mapping[str, object]], Awaitable[None]],
        next_id: Callable[[], int],
        clock: Callable[[], int],
        flaws: Flaws,
    ) -> None:
        self._send, self._next_id, self._clock, self._flaws = send, next_id, clock, flaws
        self._waiting: dict[int, _Waiting] = {}
        self._newest_id = 0
        self.venue_clock = VenueClock(clock if isinstance(clock, SteadyClock) else None)
        self.budget: Pool | None = None

    async def call(
        self,
        method: str,
        params: Mapping[str, object],
        timeout_s: float = 10.0,
        *,
        paid: bool = False,
    ) -> object:
        """Send a request once and return its result; time counts from its sending.

        Raises RefusedError, NotSentError or NoAnswerError.
        """
        if self.budget is not None and not paid:
            await self.budget.spend()
        request_id = self._newest_id = self._next_id()
        message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": dict(params)}
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = _Waiting(future, self._clock())
        try:
            async with asyncio.timeout(timeout_s):
                await self._write(method, message)
                return await future
        except TimeoutError as error:
            msg = f"expected an answer to {method} within {timeout_s:g} s, found none"
            raise NoAnswerError(msg) from error
        finally:
            self._waiting.pop(request_id, None)
            if future.done() and not future.cancelled():
                future.exception()  # it may have been rejected while the write was failing

    async def answer(self, heartbeat: object) -> None:
        """Answer a heartbeat that asks for it: a venue without an answer ends the connection."""
        if isinstance(heartbeat, dict) and heartbeat.get("type") == "test_request":
            with suppress(RefusedError, NotSentError, NoAnswerError):  # the pulse sees it as well
                await self.call("public/test", {}, paid=True)

    async def _write(self, method: str, message: Mapping[str, object]) -> None:
        try:
            await self._send(message)
        except NotSentError:
            raise
        except Exception as error:
            msg = f"expected {method} to be written, found {shown(error)}"
            raise NoAnswerError(msg) from error

    def settle(self, message: Row, received_ns: int) -> bool:
        """Give a reply to its caller; return whether it was one of ours, late ones included."""
        request_id = message.get("id")
        if not isinstance(request_id, int) or isinstance(request_id, bool):
            return False
        waiting = self._waiting.pop(request_id, None)
        if waiting is None or waiting.future.done():
            return False
        self.venue_clock.sample(waiting.sent_ns, received_ns, message)
        error = message.get("error")
        if error is not None:
            if self.budget is not None and refused(error).code == TOO_MANY:
                self.budget.empty()
            waiting.future.set_exception(refused(error))
        elif "result" in message:
            waiting.future.set_result(message["result"])
        else:
            self._flaws.note(
                received_ns, Flaw.BAD_MESSAGE, "reply", "expected a result, found none"
            )
            waiting.future.set_exception(NoAnswerError("expected a result, found an empty reply"))
        return True

    def lose(self, why: object) -> None:
        """Tell every caller that the connection is gone."""
        waiting, self._waiting = self._waiting, {}
        for one in waiting.values():
            if not one.future.done():
                msg = f"expected an answer, found the connection lost: {shown(why)}"
                one.future.set_exception(NoAnswerError(msg))

    def venue_ms(self) -> int:
        """Return the venue's time in milliseconds, as far as it is known."""
        return (self._clock() + self.venue_clock.ahead_ns) // NS_PER_MS

    @property
    def under_way(self) -> int:
        """Return how many requests wait for an answer."""
        return len(self._waiting)


def refused(error: object) -> RefusedError:
    """Return a JSON-RPC error object as an exception."""
    if not isinstance(error, dict):
        return RefusedError("", shown(error))
    data = error.get("data")
    reason = f" ({shown(data)})" if data else ""
    return RefusedError(
        str(error.get("code", ""))[:16], f"{str(error.get('message', ''))[:200]}{reason}"
    )


def _micros(value: object) -> int | None:
    """Return a time stamp in microseconds; the venue has sent them as numbers and as digits."""
    if (
        isinstance(value, str)
        and value.isascii()
        and value.isdigit()
        and len(value) < LONGEST_STAMP
    ):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
