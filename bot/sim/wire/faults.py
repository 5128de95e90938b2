"""What goes wrong on a connection when it is asked to: one mutable plan per connection.

Counters are spent one by one; switches stay until they are switched back. A plan can be changed
over the wire (`private/set_faults`) or by whoever holds it in the process. REST has one plan for
all its connections, and new WebSockets begin with a copy of the server's plan for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from bot.sim.wire.rpc import invalid


@dataclass(slots=True)
class Faults:
    """Everything that can be made to fail, all of it off."""

    refuse_dials: int = 0  # connections answered with HTTP 503
    drop_before_booking: int = 0  # orders whose connection ends before they count
    drop_after_booking: int = 0  # orders that are booked, and then their connection ends
    lose_replies: int = 0  # requests that are carried out and never answered
    late_replies: int = 0  # requests that are answered `reply_delay_s` late
    reply_delay_s: float = 0.0
    slow_auth_s: float = 0.0  # delay of every `public/auth`
    error_frames: int = 0  # error replies without an id, sent before the next frames
    silent: bool = False  # subscriptions fall silent, requests and pings are answered
    stalled: bool = False  # nothing is read or answered, not even a ping
    book_gaps: int = 0  # book changes that are lost on the way
    lost_events: int = 0  # notifications of user.* channels that are lost on the way
    repeated_events: int = 0  # notifications of user.* channels that come twice
    truncated: int = 0  # frames or bodies cut in half
    html: int = 0  # frames or bodies that are a page
    garbage: int = 0  # frames with bytes before them that are no frame at all
    oversize_bytes: int = 0  # the next frame or body is padded to that many bytes
    too_many: int = 0  # requests that are answered with 10028, and then their connection ends
    http_429: int = 0
    http_503: int = 0
    redirects: int = 0  # to a path that redirects to itself
    says_real: bool = False  # replies say that they come from the real system
    clock_skew_s: float = 0.0  # added to the times in replies
    reject: dict[str, int] = field(default_factory=dict)  # code by label of the order

    def take(self, name: str) -> bool:
        """Spend one of a counter; False where none is left."""
        left = int(getattr(self, name))
        if left <= 0:
            return False
        setattr(self, name, left - 1)
        return True

    def clear(self) -> None:
        """Switch everything off."""
        self.set({one.name: getattr(Faults(), one.name) for one in fields(self)})

    def set(self, wanted: dict[str, Any]) -> None:
        """Change what is named; raises RpcError for an unknown name or a wrong type."""
        known = {one.name: getattr(self, one.name) for one in fields(self)}
        for name, value in wanted.items():
            if name not in known:
                raise invalid(name, f"must be one of: {', '.join(known)}")
            expected = type(known[name])
            number = expected is float and isinstance(value, int) and not isinstance(value, bool)
            if type(value) is not expected and not number:
                raise invalid(name, f"must be {expected.__name__}")
        for name, value in wanted.items():
            setattr(self, name, float(value) if isinstance(known[name], float) else value)

    def copy(self) -> Faults:
        """Return a plan of its own with the same faults."""
        return replace(self, reject=dict(self.reject))

    def shown(self) -> dict[str, Any]:
        """Return the plan as an object."""
        return {one.name: getattr(self, one.name) for one in fields(self)}
