"""One WebSocket: its token, what it listens to, its heartbeat, its orders, its way out.

Frames leave in the order in which they were made, through one queue. A reader that does not keep up
is disconnected. Faults act here, on what comes in and on what goes out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import orjson
from aiohttp import WSMsgType, web

from bot.domain.units import NS_PER_S
from bot.sim.wire.call import Caller
from bot.sim.wire.channels import Channel
from bot.sim.wire.dispatch import Answer, ConnectionDroppedError, answer
from bot.sim.wire.faults import Faults
from bot.sim.wire.rpc import PARSE_ERROR, UNASKED, RpcError, failure
from bot.sim.wire.tickets import Refused

if TYPE_CHECKING:
    from bot.sim.wire.auth import Token
    from bot.sim.wire.hub import Hub

LONGEST_QUEUE: Final = 50_000
PAGE: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
IDLE_NS: Final = 600 * NS_PER_S
GOODBYE_NS: Final = NS_PER_S
GARBAGE: Final = b"\xff" * 64  # reserved bits and an opcode that nobody has
GONE: Final = 1000
SPENT: Final = 4000
LAGGING: Final = 1008


class Session:
    """A connection until it ends. `faults` may be changed at any time."""

    def __init__(
        self, hub: Hub, number: int, address: str, ws: web.WebSocketResponse, faults: Faults
    ) -> None:
        self.hub = hub
        self.number = number
        self.ws = ws
        self.faults = faults
        self.token: Token | None = None
        self.cancel_on_disconnect = hub.cancel_on_disconnect
        self.channels: dict[str, Channel] = {}
        self.caller = Caller(f"{address}#{number}", faults, self)
        self.ended = asyncio.Event()
        self._transport: asyncio.BaseTransport | None = None
        self._outbox: deque[bytes | bytearray] = deque()
        self._filled = asyncio.Event()
        self._leaving = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._beat: asyncio.Task[None] | None = None
        self._heard_ns = self._frame_ns = hub.now_ns()

    @property
    def beats(self) -> bool:
        """Tell whether the connection was asked to be kept alive by heartbeats."""
        return self._beat is not None

    # --- what the methods ask of a connection -----------------------------------------------------

    def subscribe(self, channel: Channel) -> None:
        """Listen to a channel."""
        self.channels[channel.text] = channel
        self.hub.feeds.subscribe(channel, self)

    def unsubscribe(self, text: str) -> bool:
        """Stop listening to a channel; False where nobody did."""
        self.hub.feeds.unsubscribe(text, self)
        return self.channels.pop(text, None) is not None

    def unsubscribe_all(self) -> None:
        """Stop listening to anything."""
        self.hub.feeds.forget(self)
        self.channels.clear()

    def beat(self, interval_s: int) -> None:
        """Send heartbeats from now on; 0 stops them."""
        if self._beat is not None:
            self._beat.cancel()
        self._beat = self._start(self._heartbeat(interval_s)) if interval_s else None

    def leave(self, code: int = GONE) -> None:
        """End the connection once everything queued has left."""
        self._leaving = code
        self._filled.set()

    def drop(self) -> None:
        """End the connection at once: nothing that is queued leaves any more."""
        self._outbox.clear()
        abort(self._transport)

    # --- what goes out ----------------------------------------------------------------------------

    def notify(self, channel: Channel, frame: bytes) -> None:
        """Send a frame of a channel, unless a fault takes it."""
        faults = self.faults
        if faults.silent:
            return
        if channel.family == "book" and faults.book_gaps and b'"change"' in frame[:160]:
            faults.take("book_gaps")
            return
        if channel.private:
            if faults.take("lost_events"):
                return
            if faults.take("repeated_events"):
                self.push(frame)
        self.push(frame)

    def push(self, frame: bytes) -> None:
        """Queue a frame, bent by the faults of frames."""
        faults = self.faults
        while faults.take("error_frames"):
            self.error_frame()
        if faults.take("garbage"):
            write(self._transport, GARBAGE)
        if faults.take("html"):
            frame = PAGE
        elif faults.take("truncated"):
            frame = frame[: len(frame) // 2]
        elif faults.oversize_bytes:
            frame = padded(frame, faults.oversize_bytes)
            faults.oversize_bytes = 0
        self._queue(frame)

    def error_frame(self) -> None:
        """Send an error that answers nothing, now."""
        now_ns = self.hub.now_ns()
        self._queue(orjson.dumps(failure(None, RpcError(UNASKED), now_ns, now_ns)))

    def _queue(self, frame: bytes) -> None:
        if len(self._outbox) >= LONGEST_QUEUE:
            self.leave(LAGGING)
            return
        self._outbox.append(frame)
        self._filled.set()

    async def _write(self) -> None:
        """Send what is queued until the connection ends."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._outbox:
                await self.ws.send_frame(bytes(self._outbox.popleft()), WSMsgType.TEXT)
            if self._leaving:
                await self.ws.close(code=self._leaving)
                return

    # --- what comes in ----------------------------------------------------------------------------

    async def serve(self, transport: asyncio.BaseTransport | None) -> None:
        """Read and answer until the connection ends, then clean up behind it."""
        self._transport = transport
        writer = self._start(self._write())
        self._start(self._watch_idle())
        try:
            await self._read()
        except (ConnectionDroppedError, ConnectionError):  # ours, or one that ended under a pong
            self.drop()
        finally:
            self._end()
            writer.cancel()
            for task in tuple(self._tasks):
                task.cancel()
            with suppress(ConnectionError):
                await asyncio.gather(*self._tasks, return_exceptions=True)
            self.ended.set()

    async def _read(self) -> None:
        while True:
            message = await self.ws.receive()
            self._frame_ns = self.hub.now_ns()
            while self.faults.stalled and not self.ws.closed:
                await self.hub.clock.until(self.hub.now_ns() + NS_PER_S // 10)
            match message.type:
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    self._take(message.data)
                case WSMsgType.PING:
                    await self.ws.pong(message.data)
                case WSMsgType.PONG:
                    pass
                case _:
                    return

    def _take(self, data: str | bytes) -> None:
        """Answer one frame."""
        self._heard_ns = self.hub.now_ns()
        try:
            request = orjson.loads(data)
        except orjson.JSONDecodeError:
            now_ns = self.hub.now_ns()
            self.push(orjson.dumps(failure(None, RpcError(PARSE_ERROR), now_ns, now_ns)))
            return
        reply = answer(self.hub, self.caller, request)
        if reply.lost:
            return
        if reply.delay_s:
            self._start(self._later(reply))
        else:
            self._send(reply)

    async def _later(self, reply: Answer) -> None:
        await self.hub.clock.until(self.hub.now_ns() + round(reply.delay_s * NS_PER_S))
        self._send(reply)

    def _send(self, reply: Answer) -> None:
        frame = orjson.dumps(reply.body)
        if reply.clean:
            self._queue(frame)
        else:
            self.push(frame)
        if reply.ends:
            self.leave(SPENT)

    async def _heartbeat(self, interval_s: int) -> None:
        """Say that we live, ask whether the other side does, and end what does not answer."""
        step_ns = interval_s * NS_PER_S
        asked = False
        while True:
            since_ns = self.hub.now_ns()
            await self.hub.clock.until(since_ns + step_ns)
            heard = self._heard_ns > since_ns
            if asked and not heard:
                await self._hang_up()
                return
            asked = not heard
            kind = "test_request" if asked else "heartbeat"
            beat = {"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": kind}}
            self.push(orjson.dumps(beat))

    async def _watch_idle(self) -> None:
        """End a connection over which nothing has come, not even a ping, for ten minutes."""
        while (idle_ns := self.hub.now_ns() - self._frame_ns) < IDLE_NS:
            await self.hub.clock.until(self.hub.now_ns() + IDLE_NS - idle_ns)
        await self._hang_up()

    async def _hang_up(self) -> None:
        """Say goodbye; who does not read is cut off a moment later."""
        self.leave()
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_NS / NS_PER_S):
                await self.ended.wait()
        self.drop()

    def _end(self) -> None:
        """Forget the connection, and its orders where they die with it."""
        self.unsubscribe_all()
        self.hub.limits.forget(self.caller.address)
        if not self.cancel_on_disconnect:
            return
        now_ns = self.hub.catch_up()
        for ticket in self.hub.exchange.open_of(self.number):
            with suppress(Refused):
                self.hub.cancel([ticket], now_ns)

    def _start(self, work: object) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        """Forget a task; one that failed because the other side is gone has done its work."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ConnectionError):
            context = {"message": "a connection's task failed", "exception": error}
            task.get_loop().call_exception_handler(context)
            self.drop()


def abort(transport: object) -> None:
    """Cut a connection without a farewell; every event loop has transports of its own class."""
    cut = getattr(transport, "abort", None)
    if cut is not None:
        cut()


def write(transport: object, data: bytes) -> None:
    """Send bytes as they are, past everything that makes frames of them."""
    send = getattr(transport, "write", None)
    if send is not None:
        send(data)


def padded(frame: bytes, size: int) -> bytes:
    """Return a JSON object of at least `size` bytes that says the same."""
    return frame[:-1] + b',"padding":"' + b"x" * max(0, size - len(frame)) + b'"}'
