"""The judge of a run: sees what the core sees, hears what it says, and never takes part.

Definitions. Time in band: the share of market time inside, the first two seconds of a breach not
counted (at most one such allowance a minute), durations from the first second outside; across
underlyings the worst counts. Time that an operator had stopped is not left out but told. Hedgeable
effectiveness: 1 - sum (Delta_net dS)^2 / sum (Delta_book dS)^2 over one-second steps, delta at the
start of the step, in the book's numeraire, relative to the target; the two sums add up over
underlyings and runs. Tracking error: the deviation of one-minute changes of profit and loss against
the frictionless twin, times the root of 1,440. Judgement of a coin begins with the first second
after it runs; profit and loss with its first second.

Four books live on the same path: hedged (all that is held, with fees and funding), unhedged (the
owner's positions), naive (see `naive`) and frictionless (the hedged book's options at marks, at the
target each second for free).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from bot.book.holdings import net
from bot.book.trades import Trades
from bot.domain.events import Event, Filled, InstrumentsListed, PositionsReport, Settled
from bot.domain.instruments import Instrument
from bot.domain.positions import Position
from bot.domain.quotes import Chain, Quote
from bot.domain.records import HedgeDone, OrderTransition, Record, Standing, StateChange, Word
from bot.domain.states import SENDING
from bot.journal.equity import Pnl, TwinPnl
from bot.lab.scorecard.bands import Breach
from bot.lab.scorecard.books import Parts
from bot.lab.scorecard.coin_card import CoinCard
from bot.lab.scorecard.figures import JumpWindow, figures
from bot.lab.scorecard.promise import Promise
from bot.lab.scorecard.stops import Stops
from bot.strategy.bands import Band

BOOKS: Final = ("hedged", "unhedged", "naive", "frictionless")


class Scorecard:
    """Observes one run of one or more underlyings.

    `hedges` are positions (instrument → signed quantity) that an earlier run of ours left: they are
    told from the owner's in the first report of positions.
    """

    def __init__(
        self, promises: Iterable[Promise], hedges: Mapping[str, Decimal] | None = None
    ) -> None:
        self.cards = {promise.coin: CoinCard(promise) for promise in promises}
        self._hedges = dict(hedges or {})
        self._coin_of: dict[str, CoinCard] = {}
        self._instruments: dict[str, Instrument] = {}
        self._trades = Trades()
        self._stops, self._now_ns = Stops(), 0
        self._reported = False
        self._odd: dict[str, Decimal] = {}

    def see(self, event: Event) -> None:
        """Take an event that reaches the core."""
        self._now_ns = event.ts_ns
        if isinstance(event, Quote):
            card = self.cards.get(event.coin)
            if card is not None:
                card.tape.quote(event)
        elif isinstance(event, Chain):
            card = self.cards.get(event.coin)
            if card is not None:
                card.tape.chain(event)
        elif isinstance(event, Filled):
            self._fill(event)
        elif isinstance(event, Settled):
            card = self._coin_of.get(event.instrument)
            if card is not None:
                card.tape.settled(event.ts_ns, event.instrument, event.price_usd)
        elif isinstance(event, InstrumentsListed):
            self._list(event)
        elif isinstance(event, PositionsReport):
            self._report(event)

    def note(self, record: Record) -> None:
        """Take a record of the core's."""
        self._stops.note(record)
        if isinstance(record, Standing) and record.word is Word.TARGET:
            self._retarget(record)
        if isinstance(record, StateChange):
            if record.after in SENDING and record.coin in self.cards:
                self.cards[record.coin].judge_from(record.ts_ns)
        elif isinstance(record, HedgeDone):
            if record.coin in self.cards:
                self.cards[record.coin].tally.note(record)
        elif isinstance(record, OrderTransition):
            card = self._coin_of.get(record.instrument)
            if card is not None:
                card.tally.note(record)

    def _retarget(self, said: Standing) -> None:
        """Judge by the band as an operator moved it, from now on."""
        card, numbers = self.cards.get(said.coin), said.because.numbers
        if card is not None:
            card.refresh()
            level = (numbers[f"{name}_coin"] for name in ("lower", "target", "upper"))
            card.promise.band = Band(*level)

    def finish(self) -> None:
        """Close the second under way; call once, when the run has ended."""
        for card in self.cards.values():
            card.tape.finish()

    def result(self, jumps: Iterable[JumpWindow] = ()) -> dict[str, object]:
        """Return the figures of the run so far, pooled and per underlying.

        `jumps` are the market's jump windows. What cannot be said (a band that does not exist, an
        effectiveness without anything to hedge) is None.
        """
        self._refresh()
        stopped = {"operator_stopped_s": self._stops.seconds(self._now_ns)}
        return stopped | figures(self.cards, tuple(jumps))

    def twins(self, coin: str = "") -> TwinPnl:
        """Return profit and loss of a coin's books, or (`coin` empty) of all, so far."""
        self._refresh()
        books = self.books(coin)
        ts_ns = max((card.last_ns for card in self._of(coin)), default=0)
        shown: dict[str, Pnl] = {name: parts.pnl() for name, parts in books.items()}
        return TwinPnl(ts_ns, coin, shown["hedged"], shown["unhedged"], shown["naive"])

    def books(self, coin: str = "") -> dict[str, Parts]:
        """Return the four books with all their parts: hedged, unhedged, naive, frictionless."""
        self._refresh()
        sums = {name: Parts() for name in BOOKS}
        for card in self._of(coin):
            for name, parts in sums.items():
                parts.add(getattr(card, name))
        return sums

    def breaches(self, coin: str) -> list[Breach]:
        """Return the judged breaches of a coin's delta band, for pooling over runs."""
        self._refresh()
        return self.cards[coin].delta_clock.all_breaches()

    def _of(self, coin: str) -> list[CoinCard]:
        return [self.cards[coin]] if coin else list(self.cards.values())

    def _refresh(self) -> None:
        for card in self.cards.values():
            card.refresh()

    def _list(self, event: InstrumentsListed) -> None:
        card = self.cards.get(event.coin)
        if card is not None:
            for name in card.tape.listed(event.instruments, event.ts_ns):
                del self._coin_of[name], self._instruments[name]
            for instrument in event.instruments:
                self._coin_of[instrument.name] = card
                self._instruments[instrument.name] = instrument

    def _fill(self, event: Filled) -> None:
        fill = event.fill
        card, instrument = (
            self._coin_of.get(fill.instrument),
            self._instruments.get(fill.instrument),
        )
        if card is None or instrument is None or self._trades.knows(fill):
            return
        self._trades.add(fill)
        self._odd = {}
        fee_usd = fill.fee if fill.fee_unit == "USD" else fill.fee * card.tape.market.index
        card.tally.fills += 1
        card.tally.fees_usd += fee_usd
        card.tape.fill(event.ts_ns, fill, instrument)

    def _report(self, event: PositionsReport) -> None:
        balances = {balance.coin: balance for balance in event.balances}
        for card in self.cards.values():
            card.tape.balances.update(balances)
        if not self._reported:
            self._reported = True
            for coin, card in self.cards.items():
                mine = tuple(p for p in event.positions if self._belongs(p, coin))
                card.tape.start(mine, self._hedges)
            return
        self._compare(event)

    def _belongs(self, position: Position, coin: str) -> bool:
        card = self._coin_of.get(position.instrument)
        return card is not None and card.promise.coin == coin

    def _compare(self, event: PositionsReport) -> None:
        """Adopt a difference that two reports in a row show alike: a fill that nobody told."""
        theirs = net(p for p in event.positions if p.instrument in self._coin_of)
        ours: dict[str, Decimal] = {}
        for card in self.cards.values():
            for name in {*card.tape.owner, *card.tape.ours}:
                ours[name] = card.tape.held(name)
        odd = {
            name: theirs.get(name, Decimal(0)) - ours.get(name, Decimal(0))
            for name in sorted({*theirs, *ours})
            if theirs.get(name, Decimal(0)) != ours.get(name, Decimal(0)) and self._in_scope(name)
        }
        if odd and odd == self._odd:
            for name, quantity in odd.items():
                self._coin_of[name].tape.adopt(event.ts_ns, self._instruments[name], quantity)
            odd = {}
        self._odd = odd

    def _in_scope(self, name: str) -> bool:
        card = self._coin_of[name]
        return name not in card.promise.measure.scope.exclude
