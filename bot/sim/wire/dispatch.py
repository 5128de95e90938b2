"""From a request to its answer: credits, credentials, scope, method, and what may fail in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.domain.units import NS_PER_S
from bot.sim.wire import public, reads, trading
from bot.sim.wire.call import Call, Caller
from bot.sim.wire.hub import Hub
from bot.sim.wire.limits import TooManyRequestsError
from bot.sim.wire.rpc import (
    INVALID_REQUEST,
    METHODS,
    NO_METHOD,
    UNAUTHORIZED,
    Method,
    Params,
    RpcError,
    failure,
    invalid,
    success,
)
from bot.sim.wire.tickets import Refused

SWITCH: Final = "private/set_faults"

# Importing the rooms of methods fills the table.
FILLED = (public, reads, trading)


class ConnectionDroppedError(Exception):
    """The connection ends here, without an answer."""


@dataclass(slots=True)
class Answer:
    """An envelope to send. `delay_s` is how late; `ends` closes the connection behind it."""

    body: dict[str, Any] = field(default_factory=dict)
    delay_s: float = 0.0
    lost: bool = False
    ends: bool = False
    failed: bool = False
    clean: bool = False  # the answer to a change of faults, which meets none itself


def answer(hub: Hub, caller: Caller, request: object) -> Answer:
    """Carry a request out and return its answer; raises ConnectionDroppedError where it is cut."""
    in_ns = hub.catch_up()
    request_id = request.get("id") if isinstance(request, dict) else None
    reply = Answer()
    try:
        call, method = _call(hub, caller, request, in_ns)
        if call.name == "public/auth":
            reply.delay_s = caller.faults.slow_auth_s
        result = _run(call, method)
        skew_ns = round(caller.faults.clock_skew_s * NS_PER_S)
        reply.body = success(request_id, result, in_ns + skew_ns, hub.now_ns() + skew_ns)
    except Refused as error:
        reply.failed = True
        reply.ends = getattr(error, "ends", False)
        reply.body = failure(request_id, error, in_ns, hub.now_ns())
    if caller.faults.says_real:
        reply.body["testnet"] = False
    if isinstance(request, dict) and request.get("method") == SWITCH:
        reply.clean = True
        return reply
    if caller.faults.take("lose_replies"):
        reply.lost = True
    if caller.faults.take("late_replies"):
        reply.delay_s = max(reply.delay_s, caller.faults.reply_delay_s)
    return reply


def _call(hub: Hub, caller: Caller, request: object, now_ns: int) -> tuple[Call, Method]:
    """Read a request and check that its caller may make it."""
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        raise RpcError(INVALID_REQUEST)
    raw = request.get("params") or {}
    if not isinstance(raw, Mapping):
        raise invalid("params", "must be an object")
    name = request["method"].strip("/")
    method = METHODS.get(name)
    if method is None:
        raise RpcError(NO_METHOD)
    params = Params(raw)
    if caller.session is not None:
        caller.token = caller.session.token
    if isinstance(raw.get("access_token"), str):
        caller.token = hub.auth.bearer(raw["access_token"])
    if name != SWITCH and caller.faults.take("too_many"):
        raise TooManyRequestsError
    payer = caller.address if caller.token is None else caller.token.key.client_id
    hub.limits.spend(payer, now_ns, matching=method.matching)
    if method.heavy:
        hub.limits.spend_heavy(payer, now_ns)
    if method.private:
        if caller.token is None:
            raise RpcError(UNAUTHORIZED, {"reason": "invalid_token"})
        caller.token.must_allow(method.scope, now_ns)
    return Call(hub, caller, name, params, now_ns), method


def _run(call: Call, method: Method) -> object:
    """Run the method, with the faults of orders around it."""
    if not method.books:
        return method.run(call)
    faults = call.caller.faults
    label = call.params.raw.get("label")
    if isinstance(label, str) and label in faults.reject:
        raise Refused(faults.reject[label], "rejected_by_fault")
    if faults.take("drop_before_booking"):
        raise ConnectionDroppedError
    result = method.run(call)
    if faults.take("drop_after_booking"):
        raise ConnectionDroppedError
    return result
