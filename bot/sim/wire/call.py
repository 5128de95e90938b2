"""One request and who makes it, as methods see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.sim.wire.auth import Token
from bot.sim.wire.faults import Faults
from bot.sim.wire.hub import Hub
from bot.sim.wire.rpc import Params

if TYPE_CHECKING:
    from bot.sim.wire.session import Session


@dataclass(slots=True)
class Caller:
    """Who is at the other end: an address, perhaps a token, perhaps a WebSocket."""

    address: str
    faults: Faults
    session: Session | None = None
    token: Token | None = None

    @property
    def connection(self) -> int:
        """Return the number of the WebSocket, 0 for REST."""
        return 0 if self.session is None else self.session.number


@dataclass(slots=True)
class Call:
    """One request on its way through a method."""

    hub: Hub
    caller: Caller
    name: str
    params: Params
    now_ns: int
