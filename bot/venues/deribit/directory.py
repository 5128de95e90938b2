"""What the venue lists: loaded at the start, again every day, at expiries and when it says so.

Reading a list of thousands happens in a thread, off the hot path. What was listed once stays known
for reading late reports; only what is listed now is told. A list without any instrument of a coin
that had some is not believed. A name of ours that is met without being listed asks for the list at
once, and then ever less often while it stays unlisted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from bot.domain.errors import UnknownInstrumentError
from bot.domain.events import InstrumentsListed
from bot.domain.instruments import Instrument, coin_of
from bot.domain.units import NS_PER_S
from bot.venues.deribit.fields import table
from bot.venues.deribit.flaws import Flaw, FlawedError, Flaws, shown
from bot.venues.deribit.listing import Contract, read_contracts

AGAIN_NS: Final = 5 * NS_PER_S
SELDOM_NS: Final = 300 * NS_PER_S


class Directory:
    """The instruments of some coins. `fetch` gets the raw list (REST)."""

    def __init__(
        self,
        coins: tuple[str, ...],
        fetch: Callable[[], Awaitable[Any]],
        clock: Callable[[], int],
        flaws: Flaws,
    ) -> None:
        self._coins, self._fetch, self._clock, self._flaws = coins, fetch, clock, flaws
        self.known: dict[str, Contract] = {}
        self.listed: dict[str, tuple[Instrument, ...]] = {}
        self.left_out = Flaws()
        self._missed: dict[str, tuple[int, int]] = {}

    def misses(self, name: str) -> bool:
        """Tell whether a name that was met is of our coins, unlisted, and worth a new look now."""
        if name in self.known or coin_of(name) not in self._coins:
            return False
        now_ns = self._clock()
        due_ns, gap_ns = self._missed.get(name, (now_ns, AGAIN_NS))
        if now_ns < due_ns:
            return False
        self._missed[name] = (now_ns + gap_ns, min(2 * gap_ns, SELDOM_NS))
        return True

    def contracts(self) -> Mapping[str, Contract]:
        """Return everything that is listed, or was of late, by name."""
        return self.known

    async def load(self) -> list[InstrumentsListed]:
        """Fetch the list; return one event per coin whose list has changed.

        Raises FlawedError when the answer is no list, UnknownInstrumentError when a coin has no
        instruments and never had, and whatever the fetching raises.
        """
        reply = table(await self._fetch(), "reply")
        now_ns = self._clock()
        left_out = Flaws()
        found = await asyncio.to_thread(read_contracts, reply.get("result"), left_out, now_ns)
        self.left_out = left_out
        events = []
        for coin in self._coins:
            fresh = tuple(
                sorted(
                    (c.instrument for c in found.values() if c.instrument.coin == coin),
                    key=lambda instrument: instrument.name,
                )
            )
            if fresh and fresh != self.listed.get(coin):
                self.listed[coin] = fresh
                events.append(InstrumentsListed(self._clock(), coin, fresh))
            elif not fresh:
                self._missing(coin)
        wanted = {c.instrument.name: c for c in found.values() if c.instrument.coin in self.listed}
        # What expired is asked about for its settlement and its last trades; a day later no more.
        of_late = {n: c for n, c in self.known.items() if not c.instrument.is_history(now_ns)}
        self.known = of_late | wanted
        self._missed = {name: due for name, due in self._missed.items() if name not in self.known}
        return events

    async def reload(self) -> list[InstrumentsListed]:
        """Load again; a failure is noted and leaves the list as it is."""
        try:
            return await self.load()
        except FlawedError as error:
            self._flaws.caught(self._clock(), error)
        except Exception as error:  # noqa: BLE001  ccxt raises a family of its own; reads are free
            sentence = f"expected the instruments, found {shown(error)}"
            self._flaws.note(self._clock(), Flaw.REQUEST_FAILED, "instruments", sentence)
        return []

    def _missing(self, coin: str) -> None:
        sentence = f"expected instruments of {coin}, found none"
        if coin not in self.listed:
            raise UnknownInstrumentError(sentence)
        self._flaws.note(self._clock(), Flaw.UNKNOWN_INSTRUMENT, coin, sentence)
