"""The HTTP session under a connection: sends once, follows nobody, reads no more than it can hold.

aiohttp by itself repeats a GET whose connection broke (an order twice), follows a redirect to
wherever it leads (with whatever the request carries), and reads a body of any size.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Final

import aiohttp
from aiohttp import ClientSession, TraceConfig, TraceRequestRedirectParams

from bot.domain.errors import DeltabandError

# The longest reply that makes sense, the whole list of instruments, is about a tenth of this.
LARGEST_BODY: Final = 32 * 1024 * 1024
LONGEST_PLACE: Final = 120


class RedirectedError(DeltabandError):
    """The venue's address answered with a redirect, which is never followed."""


class TooLargeError(DeltabandError):
    """A reply is larger than any that makes sense."""


class BoundedResponse(aiohttp.ClientResponse):
    """A response whose body is given up once it is larger than `LARGEST_BODY`."""

    async def read(self) -> bytes:
        """Read the body, unpacked; TooLargeError where it does not end in time."""
        if self._body is None:
            parts, size = [], 0
            async for part in self.content.iter_any():
                size += len(part)
                if size > LARGEST_BODY:
                    self.close()
                    found = f"{size} and more from {self.url.host}"
                    raise TooLargeError(f"expected at most {LARGEST_BODY} bytes, found {found}")
                parts.append(part)
            self._body = b"".join(parts)
        return await super().read()


def harden(session: ClientSession) -> None:
    """Make a session send each request once, follow no redirect and bound what it reads."""
    if session._response_class is BoundedResponse:  # noqa: SLF001  see below
        return
    # aiohttp has no public switch for either on a session that was made elsewhere.
    session._retry_connection = False  # noqa: SLF001
    session._response_class = BoundedResponse  # noqa: SLF001
    trace = TraceConfig()
    trace.on_request_redirect.append(_refuse)
    trace.freeze()
    session.trace_configs.append(trace)


async def _refuse(
    _session: ClientSession, _context: SimpleNamespace, params: TraceRequestRedirectParams
) -> None:
    """End a request before its redirect is followed."""
    status, to = params.response.status, params.response.headers.get("Location", "nowhere")
    asked = params.url.origin()
    raise RedirectedError(
        f"expected an answer from {asked}, found a redirect ({status}) to {to[:LONGEST_PLACE]!r}"
    )
