"""A short run on paper: the card against the book's own measure and the exchange's money."""

from dataclasses import dataclass, field

import numpy as np
import pytest

import config
from bot import wiring
from bot.book.measure import measure
from bot.domain.commands import Note
from bot.domain.events import Filled
from bot.domain.records import StateChange
from bot.domain.states import SENDING
from bot.domain.units import NS_PER_S, utc_ns
from bot.lab.scorecard import Promise, Scorecard
from bot.sim.market import SyntheticMarket

START_NS = utc_ns(2026, 1, 5, 7, 28)
MINUTES = 34


@dataclass
class Seen:
    """What a slow and simple observer wrote down each second of one coin."""

    ts_ns: list = field(default_factory=list)
    index: list = field(default_factory=list)
    delta: list = field(default_factory=list)
    gamma: list = field(default_factory=list)


class Run:
    """The demo book from 07:28 to 08:02, watched by a scorecard and by brute force."""

    def __init__(self, numeraire):
        self.numeraire = numeraire
        names = [f'underlying.{coin}.numeraire="{numeraire}"' for coin in ("BTC", "ETH")]
        # A narrow band, so that half an hour has fills enough to look at.
        names += [f'underlying.{coin}.delta.policy.kind="fixed"' for coin in ("BTC", "ETH")]
        settings = config.load(sets=names, environ={}).settings
        market = SyntheticMarket(3, "normal", START_NS, ("BTC", "ETH"))
        self.graph = wiring.paper(settings, market, seed=3)
        self.exchange, self.book = self.graph.venue.exchange, self.graph.core.floor.book
        self.card = Scorecard(
            Promise(r.measure, r.delta.owner, r.gamma.band) for r in self.graph.rules
        )
        self.observer: Scorecard | Blind = self.card
        self.seen = {coin: Seen() for coin in market.coins}
        self.since_ns = {}
        self.opening = self.revalued = 0.0
        self._prices: dict[str, float] = {}
        self._cash: dict[str, float] = {}

    def go(self, minutes=MINUTES):
        """Run it; before each second's first word, look at what the second before left."""
        venue, core, second = self.graph.venue, self.graph.core, START_NS
        until_ns = START_NS + minutes * 60 * NS_PER_S
        while True:
            when = venue.next_time() or 0
            if when // NS_PER_S > second // NS_PER_S:
                self._look(second, *self.seen)
                self._hold()
                second = when // NS_PER_S * NS_PER_S
            event = venue.next_event(until_ns)
            if event is None:
                break
            if not self._prices and event.ts_ns == START_NS:
                self.opening = self.exchange.equity_usd()
            self._revalue()
            if isinstance(event, Filled):
                self._look(second, event.fill.instrument.partition("-")[0])
            self.observer.see(event)
            for command in core.handle(event):
                self._obey(command, event)
            if core.waiting:
                venue.wake_at(event.ts_ns + NS_PER_S // 2)
        self._look(second, *self.seen)
        self.card.finish()
        return self

    def _obey(self, command, event):
        if not isinstance(command, Note):
            self.graph.venue.send(command, event.ts_ns)
            return
        record = command.record
        self.observer.note(record)
        if isinstance(record, StateChange) and record.after in SENDING:
            self.since_ns.setdefault(record.coin, record.ts_ns)

    def _look(self, second, *coins):
        for coin in coins:
            seen = self.seen[coin]
            if not seen.ts_ns or seen.ts_ns[-1] < second:
                exposure = measure(self.book, coin, second)
                seen.ts_ns.append(second)
                seen.index.append(exposure.index)
                seen.delta.append(exposure.delta)
                seen.gamma.append(exposure.gamma)

    def _hold(self):
        """Remember the prices, and the coin whose own price move is not the book's affair."""
        marks = self.exchange.marks()
        options: dict[str, float] = {}
        for holding in self.exchange.holdings.values():
            if holding.instrument.is_option:
                coin, worth = holding.instrument.coin, holding.size * marks[holding.instrument.name]
                options[coin] = options.get(coin, 0.0) + worth
        self._cash = self.exchange.equity()
        for coin in self.seen if self.numeraire == "usd" else ():
            columns = self.book.packed(coin).columns
            decided = float(columns.quantity @ columns.coin_shares()[0])
            self._cash[coin] += decided - options.get(coin, 0.0)
        self._prices = dict(self.exchange.index)

    def _revalue(self):
        if self._prices and self._prices != self.exchange.index:
            for coin, price in self.exchange.index.items():
                self.revalued += self._cash[coin] * (price - self._prices[coin])
            self._prices = dict(self.exchange.index)


@pytest.fixture(scope="module", params=["usd", "coin"])
def run(request):
    """Return a finished run in either numeraire."""
    finished = Run(request.param).go()
    finished.card.result()  # brings every figure up to the last second
    return finished


def test_delta_and_gamma_of_every_second_are_those_of_the_books_measure(run):
    """Sums, shares and extremes agree with one measurement a second, settlement window included."""
    for coin, seen in run.seen.items():
        card, rules = run.card.cards[coin], run.card.cards[coin].promise
        ts, delta = np.array(seen.ts_ns), np.array(seen.delta)
        judged = ts > run.since_ns[coin]
        moves = np.diff(seen.index)[judged[:-1]]
        start = delta[:-1][judged[:-1]]
        assert len(ts) > 60 * (MINUTES - 1)
        assert card.sums.net == pytest.approx(np.square(start * moves).sum(), rel=1e-9)
        assert card.sums.max_abs_delta_coin == pytest.approx(np.abs(delta[judged]).max(), rel=1e-9)
        outside = np.maximum(start - rules.band.upper, rules.band.lower - start)
        excess = np.maximum(outside, 0.0).sum()
        assert card.delta_clock.excess_coin_s == pytest.approx(excess, rel=1e-9, abs=1e-12)
        short = np.array(seen.gamma)[:-1][judged[:-1]] < rules.gamma.lower
        short_s = sum(breach.seconds for breach in card.gamma_clock.all_breaches())
        assert short_s >= short.sum()


def test_the_book_was_hedged_over_the_settlement(run):
    """The run has what the other tests need: fills, a settlement, and a path worth hedging."""
    found = run.card.result()
    assert sum(card.tally.fills for card in run.card.cards.values()) > 10
    assert found["hedge_sum_net"] < 0.1 * found["hedge_sum_book"]
    assert not any("5JAN26-" in name for name in run.exchange.holdings)


def test_profit_and_loss_is_the_exchanges_change_of_equity_without_collateral(run):
    """Equity in USD, less what coin cash (in a coin book all coin) gained by its price alone."""
    earned = run.exchange.equity_usd() - run.opening - run.revalued
    assert run.card.books()["hedged"].total == pytest.approx(earned, abs=0.02)
    assert abs(earned) > 10.0


def test_parts_explain_profit_and_loss(run):
    """What is left unexplained is small beside what options made and lost."""
    for name, parts in run.card.books().items():
        size = abs(parts.gamma) + abs(parts.theta) + abs(parts.vega)
        assert abs(parts.unexplained) < 0.05 * size, name


def test_a_settlement_makes_no_step(run):
    """The minute around 08:00 changes the unhedged book no more than its largest minute before."""
    for card in run.card.cards.values():
        unhedged = np.array(card.minutes.values)[:, 1]
        at = card.minutes.minute.index(utc_ns(2026, 1, 5, 8) // (60 * NS_PER_S))
        changes = np.abs(np.diff(unhedged))
        assert changes[at - 1] <= changes[: at - 1].max()


def test_an_observer_changes_nothing():
    """The same run without a scorecard ends with the same account."""
    watched, alone = Run("usd"), Run("usd")
    alone.observer = Blind()
    watched.go(minutes=3)
    alone.go(minutes=3)
    assert watched.card.cards["BTC"].tally.fills > 0
    assert alone.exchange.account == watched.exchange.account


class Blind:
    """Sees nothing."""

    def see(self, event):
        """Look away."""
        del event

    def note(self, record):
        """Hear nothing."""
        del record

    def finish(self):
        """End."""
