"""Expiries: when an instrument's time has come, the venue's delivery price becomes a Settled event.

The venue publishes one price per index and day. It is asked for from a few seconds after the expiry
until it is there; nothing is made up when it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from bot.domain.events import Settled
from bot.domain.units import NS_PER_S
from bot.venues.deribit.fields import each, positive, table
from bot.venues.deribit.flaws import Flaw, FlawedError, shown
from bot.venues.deribit.inbox import Surroundings
from bot.venues.deribit.listing import Contract
from bot.venues.deribit.requests import (
    NoAnswerError,
    NotSentError,
    RefusedError,
    Requests,
)

FIRST_NS: Final = 2 * NS_PER_S
AGAIN_NS: Final = 5 * NS_PER_S
GIVE_UP_NS: Final = 3_600 * NS_PER_S
DAYS: Final = 5


class Deliveries:
    """Looks for instruments that have expired since the start; `settles` tells whose are told."""

    def __init__(
        self,
        requests: Requests,
        contracts: Callable[[], Mapping[str, Contract]],
        settles: Callable[[str], bool],
        around: Surroundings,
    ) -> None:
        self._requests, self._contracts, self._settles = requests, contracts, settles
        self._tell, self._clock, self._flaws = around.tell, around.clock, around.flaws
        self._since_ns = around.clock()
        self._done: set[str] = set()
        self._ask_ns = 0

    async def look(self) -> None:
        """Tell what has been settled since the last look; failures are noted and asked again."""
        now_ns = self._clock()
        due = self._due(now_ns)
        if not due or now_ns < self._ask_ns:
            return
        self._ask_ns = now_ns + AGAIN_NS
        for index_name in sorted({contract.index_name for contract in due}):
            try:
                prices = await self._prices(index_name)
            except FlawedError as error:
                self._flaws.caught(now_ns, error)
                continue
            except (RefusedError, NotSentError, NoAnswerError) as error:
                sentence = f"expected delivery prices, found {shown(error)}"
                self._flaws.note(now_ns, Flaw.REQUEST_FAILED, index_name, sentence)
                continue
            for contract in due:
                if contract.index_name == index_name:
                    self._settle(contract, prices)

    def _due(self, now_ns: int) -> list[Contract]:
        return [
            contract
            for name, contract in self._contracts().items()
            if name not in self._done
            and (expiry_ns := contract.instrument.expiry_ns) is not None
            and self._since_ns < expiry_ns <= now_ns - FIRST_NS
            and now_ns - expiry_ns < GIVE_UP_NS
            and self._settles(name)
        ]

    async def _prices(self, index_name: str) -> dict[str, float]:
        """Return the delivery prices of the last days, by date."""
        params = {"index_name": index_name, "offset": 0, "count": DAYS}
        reply = table(await self._requests.call("public/get_delivery_prices", params), index_name)
        return {
            str(row.get("date")): positive(row, "delivery_price")
            for row in each(reply.get("data"), index_name)
        }

    def _settle(self, contract: Contract, prices: Mapping[str, float]) -> None:
        instrument = contract.instrument
        day = datetime.fromtimestamp((instrument.expiry_ns or 0) // NS_PER_S, tz=UTC)
        price = prices.get(day.strftime("%Y-%m-%d"))
        if price is not None:
            self._done.add(instrument.name)
            self._tell(Settled(self._clock(), instrument.name, price))
