"""A market that does what a test writes down: per coin a path, one perpetual, a few options.

It is a full market of its own (see the port in bot.sim.ports), only without chance: index values
are given step by step; spreads, depth, volume and volatility are constants that a test may change
while it runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bot.domain.deribit import parse
from bot.domain.instruments import Instrument
from bot.domain.quotes import Chain, Listing, Quote
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR, utc_ns
from bot.sim.ports import Cadence, FutureMove
from greeks import black76

START_NS = utc_ns(2026, 1, 5, 6, 30)


@dataclass(slots=True)
class Terms:
    """How a scripted coin trades; sizes in USD for the perpetual and in coins for options."""

    half_spread: float = 0.5
    size_usd: float = 100_000.0
    depth_usd: float = 100_000.0
    gap_usd: float = 1.0
    bought_usd: float = 0.0
    sold_usd: float = 0.0
    funding_8h: float = 0.0
    vol: float = 0.5
    option_spread: float = 0.001
    option_size: float = 5.0


@dataclass(slots=True)
class ScriptedMarket:
    """Index paths per coin, one value per step; the last value stays."""

    paths: Mapping[str, Sequence[float]]
    options: tuple[str, ...] = ()
    dated: tuple[str, ...] = ()  # futures beside the perpetual
    dated_steps: int = 10
    start_ns: int = START_NS
    step_ns: int = NS_PER_S
    chain_steps: int = 5
    steps: int = 10_000
    listed_from: Mapping[str, int] = field(default_factory=dict)
    terms: dict[str, Terms] = field(default_factory=dict)
    _now_ns: int = 0
    _listed: dict[str, tuple[Instrument, ...]] = field(default_factory=dict)
    _listing: dict[str, Listing] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give every coin its own terms."""
        for coin in self.paths:
            self.terms.setdefault(coin, Terms())

    @property
    def coins(self) -> tuple[str, ...]:
        """Return the coins, in the order of the paths."""
        return tuple(self.paths)

    @property
    def cadence(self) -> Cadence:
        """Return the step and the chain period in seconds."""
        step_s = self.step_ns / NS_PER_S
        return Cadence(step_s, step_s * self.chain_steps, step_s)

    def index(self, coin: str) -> float:
        """Return the index of a coin at the time of the last advance."""
        path = self.paths[coin]
        return path[min((self._now_ns - self.start_ns) // self.step_ns, len(path) - 1)]

    def next_time(self, now_ns: int) -> int | None:
        """Return the next step, None after the last."""
        step = (now_ns - self.start_ns) // self.step_ns + 1
        return self.start_ns + step * self.step_ns if step <= self.steps else None

    def advance(self, now_ns: int) -> tuple[FutureMove, ...]:
        """Move to a step and return each coin's perpetual, now and then the dated futures."""
        self._now_ns = now_ns
        moves = [self._future(f"{coin}-PERPETUAL", coin) for coin in self.coins]
        if ((now_ns - self.start_ns) // self.step_ns) % self.dated_steps == 0:
            moves += [self._future(name, name.partition("-")[0]) for name in self.dated]
        return tuple(moves)

    def chain_due(self, coin: str, now_ns: int) -> bool:  # noqa: ARG002 - all coins at once
        """Tell whether this is a chain step."""
        return ((now_ns - self.start_ns) // self.step_ns) % self.chain_steps == 0

    def chain(self, coin: str, now_ns: int) -> Chain:
        """Return the coin's options at their model value and a constant spread."""
        self.instruments(coin, now_ns)
        listing, terms, index = self._listing[coin], self.terms[coin], self.index(coin)
        years = (listing.expiry_ns - now_ns) / (NS_PER_S * SECONDS_PER_YEAR)
        size = len(listing.names)
        forward, vol = np.full(size, index), np.full(size, terms.vol)
        value = black76.price(listing.is_call, forward, listing.strike, years, vol)
        mark = np.maximum(np.round(value / index / 0.0001) * 0.0001, 0.0001)
        depth = np.full(size, terms.option_size)
        return Chain(
            listing=listing,
            ts_ns=now_ns,
            ts_venue_ns=now_ns,
            index=index,
            forward=forward,
            vol=vol,
            mark=mark,
            bid=mark - terms.option_spread / 2.0,
            ask=mark + terms.option_spread / 2.0,
            bid_size=depth,
            ask_size=depth,
        )

    def instruments(self, coin: str, now_ns: int) -> tuple[Instrument, ...]:
        """Return the perpetual and the options that are listed and not expired."""
        names = [
            name
            for name in (*self.dated, *self.options)
            if name.startswith(f"{coin}-") and now_ns >= self.listed_from.get(name, 0)
        ]
        options = [parse(name) for name in names]
        alive = [option for option in options if (option.expiry_ns or 0) > now_ns]
        listed = (parse(f"{coin}-PERPETUAL"), *alive)
        if self._listed.get(coin) != listed:
            self._listed[coin] = listed
            self._listing[coin] = Listing(
                coin=coin,
                names=tuple(option.name for option in alive if option.is_option),
                is_call=np.array([o.is_call for o in alive if o.is_option], dtype=np.bool_),
                strike=np.array([o.strike for o in alive if o.is_option], dtype=np.float64),
                expiry_ns=np.array([o.expiry_ns for o in alive if o.is_option], dtype=np.int64),
            )
        return self._listed[coin]

    def _future(self, name: str, coin: str) -> FutureMove:
        """Return where a future stands: at its coin's index, with a spread around it."""
        terms, index = self.terms[coin], self.index(coin)
        quote = Quote(
            instrument=name,
            coin=coin,
            ts_ns=self._now_ns,
            ts_venue_ns=self._now_ns,
            bid=index - terms.half_spread,
            ask=index + terms.half_spread,
            bid_size=terms.size_usd,
            ask_size=terms.size_usd,
            mark=index,
            index=index,
            funding_8h=terms.funding_8h,
        )
        return FutureMove(quote, terms.depth_usd, terms.gap_usd, terms.bought_usd, terms.sold_usd)
