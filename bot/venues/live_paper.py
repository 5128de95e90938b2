"""Paper on a real market: what the venue streams, traded on the simulated exchange of this process.

The feed is a connection without an order lane; nothing that the core sends reaches it but the wish
to know positions. Requests and reports take the paper network's delays, by the wall clock. Without
a key the account is what it is opened with. With one (shadow) the account begins as the real one,
and what changes there later by somebody's hand is booked here too, at the mark; expiries are
settled here, on the venue's delivery price.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import numpy as np

from bot.domain.commands import QueryPositions, WantGamma
from bot.domain.events import (
    Event,
    GammaWanted,
    InstrumentsListed,
    PositionsReport,
    Settled,
)
from bot.domain.positions import Position
from bot.domain.quotes import Chain, Quote
from bot.domain.units import NS_PER_S, Quantity
from bot.sim.arriving import ArrivingMarket, Levels
from bot.sim.exchange import Exchange, StartingAccount
from bot.sim.exchange.settlement import VenueAverages, next_settlement
from bot.sim.ports import Cadence
from bot.venues.deribit.flaws import Flaws
from bot.venues.deribit.orders import OrderLane, OrderLaneError
from bot.venues.deribit.terms import DeribitSettings, Health, VenueUnreachableError
from bot.venues.deribit.venue import DeribitVenue
from bot.venues.paper import Latency, PaperVenue
from bot.venues.port import Request

LOOK_S: Final = 0.1

# Chooses the account to begin with, from what is listed and (with a key) what is really held.
Opening = Callable[[ArrivingMarket, PositionsReport | None], StartingAccount]


class LivePaper:
    """A live venue (see `port`) without a way to the venue's books. `start` it before all else."""

    def __init__(
        self,
        feed: DeribitVenue,
        coins: tuple[str, ...],
        cadence: Cadence,
        opening: Opening,
        *,
        seed: int,
        latency: Latency,
    ) -> None:
        """Raise OrderLaneError where the feed could place an order."""
        if feed.lane is not None:
            raise OrderLaneError("expected a feed without an order lane, found one")
        self.feed, self._opening = feed, opening
        self.market = ArrivingMarket(coins, cadence, self._book)
        self._seed, self._latency = seed, latency
        self._paper: PaperVenue | None = None
        self._averages = VenueAverages(0)
        self._report: PositionsReport | None = None
        self._adopted: PositionsReport | None = None
        self._real: dict[str, Decimal] = {}
        self._last_ns = 0

    # --- the port ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect, wait until everything that matters has a price, and open the account.

        Raises VenueUnreachableError with what is missing, and what the opening raises.
        """
        await self.feed.start()
        try:
            await self._until(self._account_known, "the account's positions")
            self._adopted = self._report
            account = self._opening(self.market, self._adopted)
            held = [position.instrument for position in account.positions]
            await self._until(
                lambda: not self.market.lacking(held),
                lambda: f"prices of {', '.join(self.market.lacking(held)[:5])}",
            )
            self._open(account)
        except BaseException:
            await self.feed.close()
            raise

    async def wait(self, timeout_s: float) -> None:
        """Return as soon as `next_event` may return something, at the latest after a time."""
        due = self.paper.next_time()
        if due is not None:
            timeout_s = min(timeout_s, max(0.0, (due - self.now_ns()) / NS_PER_S))
        await self.feed.wait(timeout_s)

    async def close(self) -> None:
        """Close the connections; what had arrived can still be taken."""
        await self.feed.close()

    def now_ns(self) -> int:
        """Return the wall clock's time, which never goes back here."""
        self._last_ns = max(self._last_ns, self.feed.now_ns())
        return self._last_ns

    def next_time(self) -> int | None:
        """Return when to ask again; None when the feed is closed and everything was taken."""
        times = [t for t in (self.paper.next_time(), self.feed.next_time()) if t is not None]
        return min(times, default=None)

    def next_event(self, until_ns: int | None = None) -> Event | None:
        """Return what has arrived or become due by now, in the order of its time."""
        self._drain()
        now_ns = self.now_ns()
        event = self.paper.next_event(now_ns if until_ns is None else min(now_ns, until_ns))
        if self._report is not None and self._report is not self._adopted and self.exchange.index:
            self._adopted = self._report
            self._adopt(self._report)
        return event

    def send(self, request: Request, now_ns: int) -> None:
        """Send a request to the simulated exchange; real positions are asked for as well."""
        if isinstance(request, WantGamma):  # solved beside the loop, as on the venue
            self.feed.send(request, now_ns)
            return
        self.paper.send(request, now_ns)
        if isinstance(request, QueryPositions) and self.feed.private is not None:
            self.feed.send(request, now_ns)

    def wake_at(self, ts_ns: int) -> None:
        """Ask for a Tick at a time of the wall clock."""
        self.paper.wake_at(ts_ns)

    # --- what there is beside events --------------------------------------------------------------

    @property
    def lane(self) -> OrderLane | None:
        """Return the way to the venue's books: there is none."""
        return self.feed.lane

    @property
    def paper(self) -> PaperVenue:
        """Return the paper venue; RuntimeError before the start."""
        if self._paper is None:
            raise RuntimeError("expected a venue that was started, found one that was not")
        return self._paper

    @property
    def exchange(self) -> Exchange:
        """Return the simulated exchange."""
        return self.paper.exchange

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return what the real account holds and this exchange does not list."""
        known = self.market.instrument
        return tuple(sorted(n for n, size in self._real.items() if size and known(n) is None))

    @property
    def settings(self) -> DeribitSettings:
        """Return where the feed comes from."""
        return self.feed.settings

    @property
    def flaws(self) -> Flaws:
        """Return what was wrong with what the feed sent."""
        return self.feed.flaws

    def health(self) -> Health:
        """Return how the feed's connection is doing."""
        return self.feed.health()

    # --- parts ------------------------------------------------------------------------------------

    async def _until(self, ready: Callable[[], bool], what: str | Callable[[], str]) -> None:
        within_s = self.feed.settings.start_s
        deadline = self.feed.now_ns() + round(within_s * NS_PER_S)
        self._drain()
        while not ready():
            if self.feed.now_ns() >= deadline:
                named = what if isinstance(what, str) else what()
                msg = f"expected {named} within {within_s:g} s, found none"
                raise VenueUnreachableError(msg)
            await self.feed.wait(LOOK_S)
            self._drain()

    def _account_known(self) -> bool:
        return self.feed.private is None or self._report is not None

    def _open(self, account: StartingAccount) -> None:
        now_ns = self.now_ns()
        self.market.open_at(now_ns)
        self._averages = VenueAverages(next_settlement(now_ns))
        matching, network = np.random.SeedSequence(self._seed).spawn(2)
        exchange = Exchange(
            self.market,
            account,
            np.random.Generator(np.random.PCG64(matching)),
            published=self._averages,
        )
        generator = np.random.Generator(np.random.PCG64(network))
        self._paper = PaperVenue(exchange, generator, self._latency)
        if self._adopted is not None:
            self._real = _sizes(self._adopted)

    def _drain(self) -> None:
        """Take over everything that has arrived."""
        while (event := self.feed.next_event()) is not None:
            if isinstance(event, Quote | Chain | InstrumentsListed):
                self.market.take(event)
            elif isinstance(event, Settled):
                self._publish(event)
            elif isinstance(event, PositionsReport):
                self._report = event
            elif isinstance(event, GammaWanted):
                self.paper.tell(event)
        if self._paper is not None:
            self._paper.stir()

    def _publish(self, event: Settled) -> None:
        """Take a delivery price; a coin's is that of what settles in it, where there is such."""
        instrument = self.market.instrument(event.instrument)
        if instrument is not None and instrument.expiry_ns is not None and instrument.is_inverse:
            self._averages.publish(instrument.coin, instrument.expiry_ns, event.price_usd)

    def _adopt(self, report: PositionsReport) -> None:
        """Book what the real account has more or less than when it was last seen."""
        real, now_ns = _sizes(report), self.now_ns()
        changed = False
        for name in sorted(real.keys() | self._real.keys()):
            change = real.get(name, Decimal(0)) - self._real.get(name, Decimal(0))
            instrument = self.exchange.instrument(name)
            if not change or (instrument is None and name in real):
                continue
            self._real[name] = real.get(name, Decimal(0))
            live = instrument is not None and now_ns < (instrument.expiry_ns or now_ns + 1)
            if instrument is not None and live:  # what has expired is settled here
                self.exchange.adopt(Position(name, Quantity(change, instrument.unit)))
                changed = True
        if changed:
            self.paper.send(QueryPositions(), now_ns)

    def _book(self, name: str) -> tuple[Levels, Levels] | None:
        depth = self.feed.depth(name)
        return None if depth is None else (depth.bids, depth.asks)


def _sizes(report: PositionsReport) -> dict[str, Decimal]:
    sizes: dict[str, Decimal] = {}
    for position in report.positions:
        before = sizes.get(position.instrument, Decimal(0))
        sizes[position.instrument] = before + position.quantity.value
    return sizes
