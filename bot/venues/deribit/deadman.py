"""The venue's dead-man switch: what it does to the orders of a connection that is gone or silent.

Armed on a connection, it cancels the orders that were created on it when its TCP connection ends,
when two heartbeats pass without a sign of life from us, or after ten idle minutes. It counts as
armed only once the venue has said so.
"""

from __future__ import annotations

from typing import Final

from bot.venues.deribit.requests import Requests

# The venue's least: silent for one interval we are asked, for two the connection ends.
HEARTBEAT_S: Final = 10
READ_S: Final = 5.0
SCOPE: Final = {"scope": "connection"}


async def arm(requests: Requests) -> bool:
    """Arm the switch on this connection and return whether the venue says that it is armed.

    Raises what a request raises.
    """
    await requests.call("public/set_heartbeat", {"interval": HEARTBEAT_S}, READ_S)
    await requests.call("private/enable_cancel_on_disconnect", SCOPE, READ_S)
    told = await requests.call("private/get_cancel_on_disconnect", SCOPE, READ_S)
    return isinstance(told, dict) and told.get("enabled") is True
