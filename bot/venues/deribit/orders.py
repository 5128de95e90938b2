"""The order lane: the only object that can place an order. Without it there is no way to trade.

    a result                   fills, then the order's state: evidence
    the venue's own error      REJECTED with its code, when the code proves that nothing was booked
    not connected, no credit   REJECTED: nothing has left
    silence, a lost connection nothing: the core counts the order as UNKNOWN and asks by label

A label is sent at most once, and never again. The venue's dead-man switch is armed on every
connection before the first order and read back: it cancels the connection's orders when that is
lost, or falls silent for two heartbeats. Until the venue says that it is armed, orders are refused.
After a reconnect every order that had not ended is asked for, because its connection took its
reports along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.errors import DeltabandError
from bot.domain.events import Filled, LaneChanged, OrderDenied, OrderUpdate
from bot.domain.orders import TERMINAL, Intent, OrderReport, TimeInForce
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.venues.deribit.credits import Credits
from bot.venues.deribit.deadman import arm
from bot.venues.deribit.fields import each, table
from bot.venues.deribit.flaws import Flaw, FlawedError, shown
from bot.venues.deribit.inbox import Surroundings
from bot.venues.deribit.listing import Contract
from bot.venues.deribit.reports import read_fill, read_order
from bot.venues.deribit.requests import (
    TOO_MANY,
    UNAUTHORISED,
    NoAnswerError,
    NotSentError,
    RefusedError,
    Requests,
)
from bot.venues.deribit.tasks import Tasks

# The core asks by label after its own patience; this only bounds how long a late reply is evidence.
REPLY_S: Final = 30.0
READ_S: Final = 5.0
OVER_NS: Final = 60 * NS_PER_S
NOT_CONNECTED: Final = "not_connected"
NO_CREDIT: Final = "no_credit"
TRADES_PER_ORDER: Final = 1_000
WORDS: Final = {TimeInForce.IOC: "immediate_or_cancel", TimeInForce.GTC: "good_til_cancelled"}


class OrderLaneError(DeltabandError):
    """An order was asked for where none may be sent, or under a label that was sent before."""


@dataclass(slots=True)
class _Sent:
    """A label that has left: where it went and what is known of it."""

    instrument: str
    valid_until_ns: int
    venue_id: str = ""
    ended: bool = False


class OrderLane:
    """Places, cancels and looks up our orders over the authenticated WebSocket.

    `contracts` returns the current instruments by name, `refusal` code and sentence of why nothing
    can be sent while no connection is armed. What a method starts goes on in the
    background; it returns at once.
    """

    def __init__(
        self,
        requests: Requests,
        credit: Credits,
        contracts: Callable[[], Mapping[str, Contract]],
        around: Surroundings,
        tasks: Tasks,
        on_unauthorised: Callable[[RefusedError], None],
        refusal: Callable[[], tuple[str, str]],
    ) -> None:
        self._requests, self._credits, self._contracts = requests, credit, contracts
        self._tell, self._clock, self._flaws = around.tell, around.clock, around.flaws
        self._on_unauthorised, self._refusal = on_unauthorised, refusal
        self._sent: dict[str, _Sent] = {}
        self._start = tasks.start
        self.armed = False
        self._barred = ""
        self.unknown = 0

    # --- requests ---------------------------------------------------------------------------------

    def place(self, intent: Intent) -> None:
        """Send an order once. Raises OrderLaneError for a label that was sent before."""
        if intent.label in self._sent:
            raise OrderLaneError(f"expected a new label, found {intent.label!r} sent before")
        contract = self._contracts().get(intent.instrument)
        self._sent[intent.label] = _Sent(intent.instrument, intent.valid_until_ns)
        if not self.armed:
            self._reject(intent, *self._refusal())
        elif contract is None:
            self._reject(intent, "unknown_instrument", "not in the venue's list")
        elif intent.quantity.unit is not contract.instrument.unit:
            self._reject(intent, "wrong_unit", f"a quantity in {contract.instrument.unit} expected")
        elif not self._credits.order():
            self._reject(intent, NO_CREDIT, "our own request budget is spent")
        else:
            self._start(self._place(intent))

    def cancel(self, label: str, instrument: str) -> None:
        """Cancel what works under a label."""
        self._start(self._cancel(label, instrument))

    def query(self, label: str, instrument: str) -> None:
        """Tell every fill and the state of what the venue booked under a label, or that nothing."""
        self._start(self._query(label, instrument))

    async def arm(self) -> None:
        """Have this connection's orders cancelled when it is lost; orders are refused before.

        Raises OrderLaneError where the venue does not say that they will be.
        """
        if not await arm(self._requests):
            expected = "expected the venue to cancel on disconnect before the first order"
            raise OrderLaneError(f"{expected}, found that it does not")
        self.armed = True
        self._bar("")
        for label, sent in list(self._sent.items()):
            if not sent.ended:
                self.query(label, sent.instrument)

    def disarm(self) -> None:
        """Refuse orders until the next connection is armed: this one is gone."""
        self.armed = False
        self._bar(self._refusal()[0])

    def _bar(self, code: str) -> None:
        """Tell that no order can leave, and why; or (empty) that they can."""
        if code != self._barred:
            self._barred = code
            self._tell(LaneChanged(self._clock(), code))

    def knows(self, label: str) -> bool:
        """Tell whether this lane has sent a label."""
        return label in self._sent

    def see(self, report: OrderReport) -> None:
        """Take what a stream says about an order, as everybody else does."""
        sent = self._sent.get(report.label)
        if sent is not None:
            sent.venue_id = report.venue_id or sent.venue_id
            sent.ended = sent.ended or report.state in TERMINAL

    # --- on the wire ------------------------------------------------------------------------------

    async def _place(self, intent: Intent) -> None:
        method = "private/buy" if intent.is_buy else "private/sell"
        try:
            result = await self._requests.call(method, self._order(intent), REPLY_S, paid=True)
        except NotSentError as error:
            self._reject(intent, NOT_CONNECTED, str(error))
            return
        except NoAnswerError:
            self.unknown += 1
            return
        except RefusedError as error:
            if error.code == TOO_MANY:
                self._credits.matching.empty()
            if error.code in UNAUTHORISED:
                self._on_unauthorised(error)
            if error.certain:
                self._reject(intent, error.code, error.message, sent=True)
            else:
                self.unknown += 1
            return
        self._told(result)

    def _order(self, intent: Intent) -> dict[str, object]:
        """Return an order in the venue's words; its validity in the venue's own time."""
        valid_ns = intent.valid_until_ns + self._requests.venue_clock.ahead_ns
        order: dict[str, object] = {
            "instrument_name": intent.instrument,
            "amount": float(abs(intent.quantity)),
            "type": "limit",
            "price": float(intent.price),
            "label": intent.label,
            "time_in_force": WORDS[intent.time_in_force],
            "valid_until": valid_ns // NS_PER_MS,
        }
        if intent.post_only:
            order |= {"post_only": True, "reject_post_only": True}
        return order

    async def _cancel(self, label: str, instrument: str) -> None:
        await self._credits.matching.spend()
        sent = self._sent.get(label)
        try:
            if sent is not None and sent.venue_id:
                params = {"order_id": sent.venue_id}
                result = await self._requests.call("private/cancel", params, REPLY_S, paid=True)
                self._told({"order": result, "trades": []})
            else:
                by_label = {"label": label}
                await self._requests.call("private/cancel_by_label", by_label, REPLY_S, paid=True)
                await self._query(label, instrument)
        except RefusedError:
            await self._query(label, instrument)  # it has ended, or the venue says so itself
        except (NotSentError, NoAnswerError):
            return

    async def _query(self, label: str, instrument: str) -> None:
        contract = self._contracts().get(instrument)
        if contract is None:
            sentence = f"expected a listed instrument, found {instrument!r}"
            self._flaws.note(self._clock(), Flaw.UNKNOWN_INSTRUMENT, label, sentence)
            return
        try:
            orders = await self._read(
                "private/get_order_state_by_label", {"currency": contract.currency, "label": label}
            )
            found = [table(row, "order") for row in each(orders, "orders")]
            for order in found:
                params = {"order_id": order.get("order_id"), "count": TRADES_PER_ORDER}
                trades = await self._read("private/get_user_trades_by_order", params)
                listed = trades.get("trades") if isinstance(trades, dict) else trades
                self._told({"order": order, "trades": listed})
        except (RefusedError, NotSentError, NoAnswerError, FlawedError) as error:
            # No denial: only an empty answer says that nothing is booked.
            sentence = f"expected the order's state, found {shown(error)}"
            self._flaws.note(self._clock(), Flaw.REQUEST_FAILED, label, sentence)
            return
        if not found:
            self._deny(label)

    def _deny(self, label: str) -> None:
        """Tell that nothing is booked; long after its validity, nothing ever will be."""
        now_ns, sent = self._clock(), self._sent.get(label)
        if sent is not None and now_ns > sent.valid_until_ns + OVER_NS:
            sent.ended = True
        self._tell(OrderDenied(now_ns, label))

    async def _read(self, method: str, params: Mapping[str, object]) -> object:
        return await self._requests.call(method, params, READ_S)

    # --- what it comes to -------------------------------------------------------------------------

    def _told(self, result: object) -> None:
        """Tell the fills of a reply, then the order's state; what cannot be read is noted."""
        now_ns, contracts = self._clock(), self._contracts()
        try:
            reply = table(result, "order reply")
            trades = reply.get("trades")
            fills = [read_fill(row, contracts) for row in each(trades or [], "trades")]
            report = read_order(table(reply.get("order"), "order"), contracts, now_ns)
        except FlawedError as error:
            self._flaws.caught(now_ns, error)
            return
        for fill in fills:
            self._tell(Filled(now_ns, fill))
        self.see(report)
        self._tell(OrderUpdate(now_ns, report))

    def _reject(self, intent: Intent, code: str, message: str, *, sent: bool = False) -> None:
        report = replace(OrderReport.unsent(intent, self._clock(), code, message), sent=sent)
        self.see(report)
        self._tell(OrderUpdate(report.ts_ns, report))
