"""The book: events folded into markets, holdings and packed columns, per coin.

`apply` never decides anything and never fails on bad data: what cannot be believed is remembered as
a doubt of its coin (see `doubts`), with the last good value kept beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from bot.book.columns import OptionColumns
from bot.book.funding import HALF_LIFE_S, FundingMean
from bot.book.holdings import Holdings
from bot.book.kinds import (
    DeltaKind,
    DeltaRule,
    Slopes,
    VenueLines,
    hear_lines,
    hear_slopes,
    read_lines,
)
from bot.book.market import CoinMarket
from bot.book.numeraire import Numeraire
from bot.book.parked import Parking
from bot.book.quality import Freshness
from bot.book.scope import Scope
from bot.book.slopes import slopes
from bot.domain.deribit import parse
from bot.domain.errors import UnknownInstrumentError
from bot.domain.events import (
    AccountSight,
    Event,
    Filled,
    InstrumentsListed,
    PositionsReport,
    Settled,
)
from bot.domain.instruments import Instrument, Kind, coin_of
from bot.domain.positions import TRADING_ACCOUNT, Balance, Position
from bot.domain.quotes import Chain, Quote
from bot.domain.reasons import Because
from bot.domain.units import NS_PER_S, Quantity

SLOPES_NS = 10 * NS_PER_S


@dataclass(frozen=True, slots=True)
class UnderlyingRules:
    """How one coin is measured: numeraire, counted collateral, scope and trusted ages.

    `funding_half_life_s` is in how much of the venue's time a quoted rate loses half its weight.
    `greeks` is the delta that is traded, `shadow` one that is looked at beside it.
    """

    coin: str
    numeraire: Numeraire
    collateral_delta: str | float
    hedge_with: tuple[str, ...]
    scope: Scope = field(default_factory=Scope)
    freshness: Freshness = field(default_factory=Freshness)
    funding_half_life_s: float = HALF_LIFE_S
    greeks: DeltaRule = field(default_factory=DeltaRule)
    shadow: DeltaRule | None = None

    def asks(self, kind: DeltaKind) -> bool:
        """Tell whether some delta of this kind is wanted."""
        return kind in {self.greeks.kind, None if self.shadow is None else self.shadow.kind}


@dataclass(slots=True)
class CoinBook:
    """What is known of one coin.

    While the venue's own delta of the account disagrees with ours (`disagreement`), it lies `gap`
    coins above ours. `unlisted` holds what is bounded by its name alone, `unknown` names what
    cannot be bounded. `netted` is what the venue nets: the trading account's quantity of each
    future, perpetual or spot pair by name, whoever owns it. `slopes` of the smile and the venue's
    own `lines` are kept where some delta is made of them.
    """

    rules: UnderlyingRules
    market: CoinMarket
    columns: OptionColumns
    futures: dict[Instrument, float] = field(default_factory=dict)
    netted: dict[str, float] = field(default_factory=dict)
    hedges: tuple[Instrument, ...] = ()
    unlisted: dict[Instrument, float] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    disagreement: Because | None = None
    gap: float = 0.0
    slopes: Slopes | None = None
    lines: VenueLines | None = None
    packed: tuple[int, int, int] = (-1, 0, 0)

    @property
    def funding_a_year(self) -> float:
        """Return the average funding of the perpetual that hedges: a year, paid by longs.

        Of several the owner's first; 0 where none may hedge or none was quoted yet.
        """
        names = (i.name for i in self.hedges if i.kind is Kind.PERPETUAL)
        return next((self.market.funding.a_year(name) for name in names), 0.0)


class Book:
    """State of all coins; `coins[...]` and `holdings` are readable at any time."""

    def __init__(
        self,
        rules: Iterable[UnderlyingRules],
        owned: Mapping[str, tuple[str, str]] = MappingProxyType({}),
        account: str = TRADING_ACCOUNT,
        also: Iterable[str] = (),
    ) -> None:
        """Start empty: nothing is known until the venue has reported.

        `owned` maps instruments to the (tag, account) that their owner gave them: no venue knows.
        `account` is what the trading account is called; the accounts `also` are only read.
        """
        self.coins = {
            r.coin: CoinBook(r, _empty_market(r), OptionColumns.build({}, None)) for r in rules
        }
        self.holdings = Holdings(owned, account, frozenset(also))
        self.parked = Parking()
        self.unseen: set[str] = set()
        self.instruments: dict[str, Instrument] = {}
        self._listed = 0

    def apply(self, event: Event) -> None:
        """Fold one event."""
        match event:
            case Quote():
                coin = self.coins.get(event.coin)
                if coin is not None:
                    coin.market.see_quote(event)
            case Chain():
                self._see_chain(event)
            case PositionsReport():
                for mine in self.coins.values():
                    self._see_lines(mine, event)
            case Filled():
                self.holdings.fold(event.fill)
            case InstrumentsListed():
                self._list(event)
            case Settled():
                self.holdings.drop(event.instrument)
            case AccountSight():
                (self.unseen.discard if event.seen else self.unseen.add)(event.account)
            case _:
                pass

    def adopt(self, positions: Iterable[Position], balances: Iterable[Balance]) -> None:
        """Take the venue's positions and balances as the truth (the core decides when)."""
        self.holdings.adopt(tuple(positions), self.instruments)
        self.see_balances(balances)

    def see_balances(self, balances: Iterable[Balance]) -> None:
        """Take cash and margin figures; they need no judgement."""
        for balance in balances:
            self.holdings.balances[balance.coin] = balance

    def packed(self, coin: str) -> CoinBook:
        """Return a coin's book with its columns up to date with the holdings."""
        mine = self.coins[coin]
        version = (self.holdings.version, self.parked.version, self._listed)
        if mine.packed == version:
            return mine
        held = self._held_of(mine)
        options = {i: float(q) for i, q in held.items() if i.is_option}
        mine.futures = {i: float(q) for i, q in held.items() if not i.is_option}
        mine.netted = self._netted(mine.rules.coin)
        names = tuple(o.name for o in options)
        if names != mine.columns.names:
            mine.columns = OptionColumns.build(options, mine.columns)
            if mine.market.chain is not None:
                mine.columns.see(mine.market.chain)
            if mine.slopes is not None:
                hear_slopes(mine.columns, mine.slopes)
            if mine.lines is not None:
                hear_lines(mine.columns, mine.lines)
        else:
            mine.columns.quantity[:] = list(options.values())
        mine.packed = version
        return mine

    def hedge_instruments(self, coin: str) -> tuple[Instrument, ...]:
        """Return what may hedge a coin's delta: the owner's preference, then the sooner expiry.

        Nothing that the owner has excluded is among them.
        """
        return self.coins[coin].hedges

    def _list(self, event: InstrumentsListed) -> None:
        mine = self.coins.get(event.coin)
        if mine is None:
            return
        mine.market.see_instruments(event.instruments)
        self.instruments.update(mine.market.instruments)
        self._forget(mine, event.ts_ns)
        exclude, kinds = mine.rules.scope.exclude, mine.rules.hedge_with
        futures = [i for i in event.instruments if not i.is_option and i.name not in exclude]
        futures.sort(key=lambda i: (i.expiry_ns or 0, i.name))
        mine.hedges = tuple(i for kind in kinds for i in futures if i.kind == kind)
        mine.market.witnesses = tuple(i.name for i in mine.hedges)
        self._listed += 1

    def _forget(self, mine: CoinBook, now_ns: int) -> None:
        """Leave out what expired long ago, unless it is still held or parked."""
        names = [
            name
            for name, one in self.instruments.items()
            if one.coin == mine.rules.coin and one.is_history(now_ns)
        ]
        held = {key[0] for key in self.holdings.positions} | set(self.parked.parts) if names else ()
        for name in names:
            if name not in held and name not in mine.market.instruments:
                del self.instruments[name]
                mine.market.quotes.pop(name, None)

    def _netted(self, coin: str) -> dict[str, float]:
        found: dict[str, Decimal] = {}
        for position in self.holdings.positions.values():
            instrument = self.instruments.get(position.instrument)
            if instrument is None or instrument.is_option or instrument.coin != coin:
                continue
            if position.account not in self.holdings.also:
                so_far = found.get(instrument.name, Decimal(0))
                found[instrument.name] = so_far + position.quantity.value
        return {name: float(quantity) for name, quantity in found.items() if quantity}

    def _see_chain(self, chain: Chain) -> None:
        mine = self.coins.get(chain.coin)
        if mine is not None and mine.market.see_chain(chain):
            mine.columns.see(chain)
            _see_slopes(mine, chain)

    def _see_lines(self, mine: CoinBook, event: PositionsReport) -> None:
        """Take the venue's own deltas where they are asked for."""
        if not event.deltas or not mine.rules.asks(DeltaKind.VENUE):
            return
        lines = read_lines(event, mine.rules.coin, mine.market.index)
        if lines is not None:
            mine.lines = lines
            hear_lines(mine.columns, lines)

    def _held_of(self, mine: CoinBook) -> Mapping[Instrument, Decimal]:
        """Return what is listed, hedged and held of a coin; set aside what is not listed."""
        held: dict[Instrument, Decimal] = {}
        strange: dict[str, Quantity] = {}
        for position in (*self.holdings.positions.values(), *self.parked.away()):
            if not mine.rules.scope.covers(position):
                continue
            name, quantity = position.instrument, position.quantity
            instrument = self.instruments.get(name)
            if instrument is None:
                if coin_of(name) == mine.rules.coin:
                    strange[name] = strange[name] + quantity if name in strange else quantity
            elif instrument.coin == mine.rules.coin:
                held[instrument] = held.get(instrument, Decimal(0)) + quantity.value
        _set_aside(mine, strange)
        return {i: q for i, q in sorted(held.items(), key=lambda pair: pair[0].name) if q}


def _empty_market(rules: UnderlyingRules) -> CoinMarket:
    return CoinMarket(rules.coin, funding=FundingMean(rules.funding_half_life_s))


def _see_slopes(mine: CoinBook, chain: Chain) -> None:
    """Take the smile's slopes of a chain, now and then: they move more slowly than prices."""
    if not mine.rules.asks(DeltaKind.SMILE):
        return
    last = mine.slopes
    if last is not None:
        young = chain.ts_venue_ns - last.ts_ns < SLOPES_NS
        if young and last.listing is chain.listing:
            return
    mine.slopes = Slopes(chain.listing, chain.ts_venue_ns, slopes(chain))
    hear_slopes(mine.columns, mine.slopes)


def _set_aside(mine: CoinBook, strange: Mapping[str, Quantity]) -> None:
    """Keep apart what is held without being listed: by bounds where its name tells them."""
    mine.unlisted, unknown = {}, []
    for name, quantity in sorted(strange.items()):
        if not quantity:
            continue
        told = _told_by_name(mine.rules.coin, name, quantity)
        if told is None:
            unknown.append(name)
        else:
            mine.unlisted[told] = float(quantity)
    mine.unknown = tuple(unknown)


def _told_by_name(coin: str, name: str, quantity: Quantity) -> Instrument | None:
    """Return what a coin's holding is by its name alone; None where that says too little."""
    try:
        found = parse(name)
    except UnknownInstrumentError:
        return None
    return found if found.coin == coin and found.unit is quantity.unit else None
