"""Where finished lines go: a stream that may be slow, closed or full, unfelt by trading.

A failed write is counted and forgotten. A sink that does not wait hands its lines to a thread
through a bounded queue; when the stream cannot keep up, lines are dropped and counted, debug
lines first. A sink that waits writes in place: for runs on simulated time, where completeness is
worth more than pace.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress
from typing import Final, TextIO

QUEUE: Final = 10_000
# The last part of the queue is kept for what matters more than debug lines.
_DEBUG_SHARE: Final = 0.5


class Sink:
    """One stream of lines. `failed` counts lost writes, `dropped` lines that found no room."""

    def __init__(self, stream: TextIO, *, wait: bool, room: int = QUEUE) -> None:
        """Write to `stream`: in place if `wait`, else from a thread behind `room` lines."""
        self.failed = 0
        self.dropped = 0
        self._stream = stream
        self._fd = _descriptor(stream)
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
                    return
                line = self._lines.popleft()
            self._put(line)

    def _put(self, line: str) -> None:
        try:
            if self._fd is None:
                self._stream.write(line + "\n")
                self._stream.flush()
            else:
                # Past Python's own buffer: a thread stuck in it would hang the end of the process.
                with suppress(ValueError):
                    self._stream.flush()
                rest = memoryview((line + "\n").encode(errors="backslashreplace"))
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
        except (OSError, ValueError):
            self.failed += 1


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None
