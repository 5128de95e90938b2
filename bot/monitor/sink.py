"""Where finished lines go: a stream that may be slow, closed or full, unfelt by trading.

A failed write is counted, and remembered as `trouble` until lines are written again. A sink that
does not wait hands its lines to a thread through a bounded queue; when the stream cannot keep up,
lines are dropped and counted, debug lines first. A sink that waits writes in place: for runs on
simulated time, where completeness is worth more than pace.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress
from typing import Final, Protocol, TextIO, runtime_checkable

QUEUE: Final = 10_000
# The last part of the queue is kept for what matters more than debug lines.
_DEBUG_SHARE: Final = 0.5
# Lines in a row after which a stream that failed counts as well again: the rest of a disk's last
# page takes a short line now and then.
_WELL: Final = 20


@runtime_checkable
class Outlet(Protocol):
    """What takes lines one at a time."""

    def put(self, line: str) -> None:
        """Write a line and its end; raise OSError or ValueError where it is lost."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class Sink:
    """One stream of lines. `failed` counts lost writes, `dropped` lines that found no room.

    `trouble` says why lines are being lost, empty while they are not.
    """

    def __init__(self, to: TextIO | Outlet, *, wait: bool, room: int = QUEUE) -> None:
        """Write to a stream or outlet: in place if `wait`, else from a thread behind `room`."""
        self.failed = 0
        self.dropped = 0
        self.trouble = ""
        self._well = 0
        self._outlet = to if isinstance(to, Outlet) else _Stream(to)
        self._room = room
        self._lines: deque[str] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None
        if not wait:
            self._thread = threading.Thread(target=self._drain, name="log-sink", daemon=True)
            self._thread.start()

    def write(self, line: str, *, debug: bool = False) -> None:
        """Write a line (its end is added), now or soon; never raises."""
        if self._thread is None:
            self._put(line)
            return
        with self._wake:
            room = self._room * _DEBUG_SHARE if debug else self._room
            if self._closing or len(self._lines) >= room:
                self.dropped += 1
                return
            self._lines.append(line)
            self._wake.notify()

    def close(self, timeout_s: float = 2.0) -> None:
        """Give waiting lines `timeout_s` to leave; a stream that stays stuck loses them."""
        thread = self._thread
        if thread is None:
            self._outlet.close()
            return
        with self._wake:
            self._closing = True
            self._wake.notify()
        thread.join(timeout_s)
        with self._wake:
            self.dropped += len(self._lines)
            self._lines.clear()

    def _drain(self) -> None:
        while True:
            with self._wake:
                while not self._lines and not self._closing:
                    self._wake.wait()
                if not self._lines:
                    break
                line = self._lines.popleft()
            self._put(line)
        self._outlet.close()

    def _put(self, line: str) -> None:
        try:
            self._outlet.put(line)
        except (OSError, ValueError) as error:
            self.failed += 1
            self._well = 0
            self.trouble = str(error) or type(error).__name__
        else:
            self._well += 1
            if self.trouble and self._well >= _WELL:
                self.trouble = ""


class _Stream:
    """A stream of text that somebody else opened, and closes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._fd = _descriptor(stream)

    def put(self, line: str) -> None:
        """Write a line, past Python's own buffer where there is a descriptor.

        A thread that is stuck in that buffer would hang the end of the process.
        """
        if self._fd is None:
            self._stream.write(line + "\n")
            self._stream.flush()
            return
        with suppress(ValueError):
            self._stream.flush()
        rest = memoryview((line + "\n").encode(errors="backslashreplace"))
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def close(self) -> None:
        """Leave it open: it is not ours."""


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None
