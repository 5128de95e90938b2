"""A connection to a broker, as the rest of this room sees it: whatever library makes it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias


class LinkError(Exception):
    """The connection failed or was lost; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is, how it is spoken to, and what it tells when this process is gone.

    `last_will` is a topic and what is kept there then; `tls` None is not encrypted.
    """

    host: str
    port: int
    identifier: str
    last_will: tuple[str, bytes]
    tls: ssl.SSLContext | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that came in; `lost` of them found no room since the one before."""

    topic: str
    payload: bytes
    retained: bool
    lost: int = 0


class Link(Protocol):
    """A connection that stands; every method raises LinkError once it does not.

    `refused` is what the broker last said no with to a topic of ours; empty if it never did.
    """

    refused: str

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool, for_s: int | None = None
    ) -> None:
        """Publish; returns once the broker has answered.

        After `for_s` the broker forgets what it kept, unless it was replaced; None: never.
        """
        ...

    async def subscribe(self, topics: str) -> None:
        """Ask for topics; returns once the broker has answered."""
        ...

    def messages(self) -> AsyncIterator[Arrived]:
        """Yield what arrives."""
        ...


Connect: TypeAlias = Callable[[Broker], AbstractAsyncContextManager[Link]]


def by_library(broker: Broker) -> AbstractAsyncContextManager[Link]:
    """Connect by the library that is installed, which is imported only now."""
    from bot.monitor.mqtt.client import connected

    return connected(broker)
