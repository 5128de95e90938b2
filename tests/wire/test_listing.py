"""Instruments that come and go while the core runs, over the wire: at 08:00 both happen at once.

The exchange's time is the test's; everything else is what `deltaband run` is made of, but for the
journal.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import config
from bot.book.measure import measure
from bot.domain import deribit
from bot.domain.commands import Note
from bot.domain.events import InstrumentsListed, Settled, Tick
from bot.domain.positions import Position
from bot.domain.reasons import Reason
from bot.domain.states import State
from bot.domain.units import NS_PER_S, utc_ns
from bot.sim.wire.auth import TRADER
from bot.sim.wire.clock import HandClock
from bot.sim.wire.hub import Opening
from bot.venues.deribit.terms import ApiKey
from bot.wiring.live import Keys, live
from tests.struck import struck

BEFORE_NS = utc_ns(2026, 3, 3, 8) - 30 * NS_PER_S
EXPIRING = "BTC-3MAR26-92000-C"
LASTING = "BTC-27MAR26-92000-C"
PATIENCE_S = 60.0


def held(name: str, size: int) -> Position:
    """Return a position."""
    return Position(name, deribit.parse(name).quantity(Decimal(size)))


@dataclass
class Bot:
    """A core on the live venue, whose time and exchange's time a test moves together."""

    graph: Any
    hand: HandClock
    events: list[Any] = field(default_factory=list)
    records: list[Any] = field(default_factory=list)
    told_ns: int = 0

    @classmethod
    async def started(cls, server: Any, hand: HandClock) -> "Bot":
        """Connect."""
        sets = (
            'mode="sandbox"',
            'market="venue"',
            f'venue.deribit.rest_url="{server.rest_url}"',
            f'venue.deribit.ws_url="{server.ws_url}"',
            'underlying.BTC.numeraire="usd"',
            'underlying.BTC.collateral_delta="exclude"',
            "underlying.BTC.delta.upper=0.1",
            "underlying.BTC.delta.lower=-0.1",
            'underlying.BTC.gamma.action="off"',
        )
        settings = config.load(sets=sets, environ={}).settings
        only = {"underlying": {"BTC": settings.underlying["BTC"]}}
        key = Keys(ApiKey(TRADER.client_id, TRADER.secret), {})
        graph = live(
            settings.model_copy(update=only),
            key,
            hand.now_ns,
            epoch=1,
            sticky={},
            left_open=frozenset(),
        )
        bot = cls(graph, hand)
        await graph.venue.start()
        return bot

    @property
    def core(self) -> Any:
        """Return the core."""
        return self.graph.core

    @property
    def state(self) -> State:
        """Return the state that applies."""
        state: State = self.core.floor.machine.at("BTC")
        return state

    def exposure(self) -> Any:
        """Return what the book means now."""
        floor = self.core.floor
        return measure(floor.book, "BTC", self.hand.now_ns(), floor.orders.pending("BTC"))

    def inside(self) -> bool:
        """Tell whether delta is inside the owner's band."""
        return bool(self.core.rules["BTC"].delta.owner.holds(self.exposure().delta))

    async def until(self, true: Callable[[], bool]) -> None:
        """Let both sides live, at twice the wall's pace, until something is true."""
        async with asyncio.timeout(PATIENCE_S):
            while not true():
                self.hand.move(0.02)
                await asyncio.sleep(0.01)
                while (event := self.graph.venue.next_event()) is not None:
                    self._take(event)
                if self.hand.now_ns() - self.told_ns >= NS_PER_S // 2:
                    self.told_ns = self.hand.now_ns()
                    self._take(Tick(self.told_ns))

    def _take(self, event: Any) -> None:
        self.events.append(event)
        for command in self.core.handle(event):
            if isinstance(command, Note):
                self.records.append(command.record)
            else:
                self.graph.venue.send(command, self.hand.now_ns())

    def of(self, kind: type) -> list[Any]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


async def test_an_expiry_and_the_listings_after_it_are_followed_by_a_running_core(serve, dial):
    """What expires leaves the book with its hedge; what is listed is traded by hand and hedged."""
    struck("F49")
    hand = HandClock(BEFORE_NS)
    opening = Opening(seed=4, regime="calm", positions=(held(EXPIRING, -2), held(LASTING, -1)))
    server = await serve(opening, clock=hand)
    bot = await Bot.started(server, hand)
    book = bot.core.floor.book
    try:
        await bot.until(lambda: bot.state is State.RUNNING)
        await bot.until(bot.inside)
        before = set(book.instruments)

        await bot.until(lambda: bool(bot.of(Settled)))
        assert [event.instrument for event in bot.of(Settled)] == [EXPIRING]
        await bot.until(lambda: EXPIRING not in book.holdings.held())
        await bot.until(lambda: bot.state is State.RUNNING and not bot.exposure().doubts)
        assert book.packed("BTC").columns.names == (LASTING,)
        await bot.until(bot.inside)

        await bot.until(lambda: bool(set(book.instruments) - before))
        new = {n for n in set(book.instruments) - before if book.instruments[n].is_option}
        await bot.until(lambda: bool(new & _quoted(bot)))
        name = min(new & _quoted(bot), key=lambda n: abs(book.instruments[n].strike - 92_000.0))
        await _buy(dial, server, name)
        await bot.until(lambda: book.holdings.held().get(name) == Decimal("0.5"))
        await bot.until(lambda: bot.state is State.RUNNING and not bot.exposure().doubts)
        assert set(book.packed("BTC").columns.names) == {LASTING, name}
        await bot.until(bot.inside)
        assert len(bot.of(InstrumentsListed)) >= 2
    finally:
        await bot.graph.venue.close()


async def test_what_is_held_before_it_is_listed_is_bounded_and_then_hedged(serve, hand):
    """In quarantine from the first report, out of it by itself as soon as the list has it."""
    struck("F49")
    server = await serve(Opening(seed=4, regime="calm", positions=(held(LASTING, 2),)), clock=hand)
    hub = server.hub
    whole = list(hub._listing)
    hub._listing[:] = [row for row in whole if row["instrument_name"] != LASTING]
    bot = await Bot.started(server, hand)
    try:
        await bot.until(lambda: bot.state is State.REDUCE_DELTA_ONLY)
        found = bot.exposure()
        assert [(b.reason, b.subject) for b in found.doubts] == [
            (Reason.UNKNOWN_INSTRUMENT, LASTING)
        ]
        assert (found.trusted, found.low, found.high) == (True, 0.0, 2.0)
        hub._listing[:] = whole
        await bot.until(lambda: LASTING in bot.core.floor.book.instruments)
        await bot.until(lambda: bot.state is State.RUNNING and not bot.exposure().doubts)
        await bot.until(bot.inside)
        assert server.hub.exchange.holdings["BTC-PERPETUAL"].quantity < 0
    finally:
        await bot.graph.venue.close()


def _quoted(bot: Bot) -> set[str]:
    """Return the options that the newest chain has a volatility for."""
    chain = bot.core.floor.book.coins["BTC"].market.chain
    return {n for n, row in chain.listing.row.items() if chain.vol[row] > 0 and chain.ask[row] > 0}


async def _buy(dial: Any, server: Any, name: str) -> None:
    person = await dial(server)
    await person.login()
    done = await person.call("private/buy", instrument_name=name, amount=0.5, type="market")
    assert done["order"]["filled_amount"] == 0.5
