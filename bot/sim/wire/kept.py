"""The served exchange with what one process of it leaves to the next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bot.domain import deribit
from bot.domain.events import Event
from bot.domain.instruments import Instrument
from bot.domain.units import NS_PER_S
from bot.sim.wire import standing
from bot.sim.wire.exchange import ServedExchange
from bot.sim.wire.instruments import Json

LEAD_NS: Final = 10 * NS_PER_S  # in which every chain and every future is published again


class KeptExchange(ServedExchange):
    """A served exchange that can say where it stands, and stand where another one did."""

    def said(self) -> Json:
        """Return everything but tickets and trades, and but the market, as plain JSON."""
        chance = self._generator.bit_generator.state
        return {
            "moved_ns": self._board.moved_ns,
            "next_id": self._next_id,
            "rejected": self.rejected,
            "account": standing.account_said(self._account),
            "ledger": {name: standing.ledger_said(one) for name, one in self.ledger.items()},
            "averages": standing.averages_said(self._clearing.averages),
            "paused_until_ns": self._clearing.paused_until_ns,
            "delivered": [[c, at, x] for c, one in self.delivered.items() for at, x in one.items()],
            "chance": {**chance, "state": {k: str(v) for k, v in chance["state"].items()}},
        }

    def resume(
        self, said: Json, tickets: Iterable[tuple[str, Json]], trades: Iterable[tuple[int, Json]]
    ) -> list[Event]:
        """Stand where `said` was, instead of the first `advance`; return the market's events.

        The market is the one that was, or prices jump. What we took from its books has come back.
        """
        moved_ns: int = said["moved_ns"]
        events: list[Event] = []
        at_ns = max(self.market.start_ns, moved_ns - LEAD_NS)
        while at_ns <= moved_ns:
            events += super().advance(at_ns)
            at_ns += NS_PER_S
        standing.account_read(self._account, said["account"], self._named)
        self._next_id, self.rejected = said["next_id"], said["rejected"]
        self.ledger = {
            name: standing.ledger_read(one, self._named(name))
            for name, one in said["ledger"].items()
        }
        self._clearing.averages = standing.averages_read(said["averages"])
        self._clearing.paused_until_ns = said["paused_until_ns"]
        self._clearing.delivered.clear()
        for coin, due_ns, price in said["delivered"]:
            self._clearing.delivered.setdefault(coin, {})[due_ns] = price
        words = {k: int(v) for k, v in said["chance"]["state"].items()}
        self._generator.bit_generator.state = {**said["chance"], "state": words}
        for venue_id, body in tickets:
            ticket = self.tickets[venue_id] = standing.ticket_read(venue_id, body, self._named)
            self._orders.add(ticket.order)
            if ticket.is_open:
                self._orders.rest(ticket.order)
        for number, body in trades:
            self.executions.append(standing.execution_read(number, body, self.tickets))
        return events

    def _named(self, name: str) -> Instrument:
        """Return what a name means, listed or expired."""
        return self._known.setdefault(name, self._known.get(name) or deribit.parse(name))
