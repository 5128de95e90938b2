"""The core: events in, commands out. It reads no clock and never talks to the world.

    book.apply      what we know
    measure         what it means, as an interval over what may still fill
    plan            what we want, with reasons            (desk: strategy)
    examine         what we allow, with reasons           (desk: risk)
    orders          how we get it                         (desk: execution)

Fills, order ends, quotes of the coin and time decide; a decision is due at most every `cycle_s` for
quotes. Same events, same commands, byte for byte.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from bot.book.measure import measure
from bot.desk.agreement import Agreement
from bot.desk.breaches import Breaches
from bot.desk.delta import DeltaDesk
from bot.desk.flatten import Flatten
from bot.desk.floor import Floor
from bot.desk.gamma import GammaDesk
from bot.desk.legs import Think
from bot.desk.preview import preview
from bot.desk.profit import Profit
from bot.desk.reconcile import Reconciler
from bot.desk.rivals import Rivals
from bot.desk.rows import Row, greek_rows, position_rows
from bot.desk.rules import DeskRules
from bot.desk.samples import sample
from bot.desk.shadow import Shadow
from bot.desk.stops import delta_held, look, saw_fill, saw_report
from bot.desk.verbs import Verbs
from bot.domain.commands import Command, Note, Place
from bot.domain.deribit import is_history
from bot.domain.events import (
    AccountSight,
    BalancesReport,
    Event,
    Filled,
    GammaWanted,
    HostSeen,
    InstrumentsListed,
    LaneChanged,
    MarginAnswer,
    Operator,
    OrderDenied,
    OrderUpdate,
    PositionsReport,
    RivalSeen,
    Settled,
    Tick,
)
from bot.domain.instruments import coin_of
from bot.domain.orders import TERMINAL, Intent
from bot.domain.quotes import Chain, Quote
from bot.domain.records import ExposureSample, Parked, Standing
from bot.domain.states import State
from bot.domain.units import NS_PER_S, day_start
from bot.risk.machine import INSTANCE

UNMEASURED_S = 5.0


class Core:
    """Everything that decides, for all underlyings."""

    def __init__(self, floor: Floor, rules: Iterable[DeskRules]) -> None:
        """Take the shared floor and one set of rules per underlying."""
        self.floor = floor
        self.rules = {r.coin: r for r in rules}
        self.delta = {coin: DeltaDesk(r) for coin, r in self.rules.items()}
        self.gamma = {coin: GammaDesk(r) for coin, r in self.rules.items()}
        self.agreements = {coin: Agreement(r) for coin, r in self.rules.items()}
        self.breaches = {coin: Breaches(r) for coin, r in self.rules.items()}
        self.profit = Profit(floor.book)
        self.reconciler = Reconciler(floor, self.rules)
        self.flatten = Flatten(floor, self.rules)
        self.verbs = Verbs(floor, self.rules, self.reconciler, self.delta, self.flatten)
        self.rivals = Rivals(floor, self.reconciler)
        shadows = {coin: Shadow.of(r) for coin, r in self.rules.items()}
        self.shadows = {coin: one for coin, one in shadows.items() if one is not None}
        self._next_ns = dict.fromkeys(self.rules, 0)
        self._sample_ns = dict.fromkeys(self.rules, 0)
        self.closing = False

    def restore(
        self, intents: Iterable[Intent], now_ns: int, booked: frozenset[str] = frozenset()
    ) -> tuple[Command, ...]:
        """Take over open orders of an earlier run: UNKNOWN until the venue speaks.

        `booked` are the labels of those that it once had.
        """
        notes: list[Command] = []
        for intent in intents:
            coin = coin_of(intent.instrument)
            once = intent.label in booked
            notes += self.floor.orders.restore(intent, coin, now_ns, booked=once)
        return tuple(notes)

    def remember(
        self, words: Iterable[Standing], parked: Iterable[Parked], now_ns: int
    ) -> tuple[Command, ...]:
        """Take over the words that stood in an earlier run and what it had parked."""
        return tuple(self.verbs.remember(words, parked, now_ns))

    def handle(self, event: Event) -> tuple[Command, ...]:
        """Fold one event and return what is to be done about it, in order."""
        now_ns = event.ts_ns
        commands = self.verbs.tick(now_ns) + self.reconciler.hold.tick(now_ns)
        due, answers = self._fold(event)
        commands += answers
        commands += self.floor.orders.tick(now_ns) + self.floor.settle_receipts(now_ns)
        commands += self.reconciler.tick(now_ns) + self.rivals.tick(now_ns)
        hurried = not isinstance(event, Quote | Chain | Tick)
        for coin in () if self.closing else due:
            if coin in self.rules and (hurried or now_ns >= self._next_ns[coin]):
                commands += self._cycle(coin, event, now_ns)
        if self.flatten.closing and not self.closing:
            commands += self.flatten.tick(now_ns)
        if isinstance(event, Chain) and event.coin in self.shadows:
            self.shadows[event.coin].see(self.floor, event)
        return tuple(commands)

    def _fold(self, event: Event) -> tuple[tuple[str, ...], list[Command]]:
        """Take an event in; return the coins that are due for a decision, and the answers."""
        if isinstance(event, Quote | Chain | GammaWanted):
            self.floor.book.apply(event)
            return (event.coin,), []
        if isinstance(event, Settled):
            due = self._coin_of(event.instrument)  # before the book forgets the instrument
            self.profit.settle(event.instrument, event.price_usd, event.ts_ns)
            self.floor.book.apply(event)
            return due, self.reconciler.hold.settled(event.instrument, event.ts_ns)
        if isinstance(event, Filled):
            return self._fold_fill(event)
        if isinstance(event, BalancesReport | MarginAnswer):
            return self._fold_margin(event)
        self.floor.book.apply(event)
        if isinstance(event, OrderUpdate | OrderDenied | RivalSeen | LaneChanged | HostSeen):
            return self._fold_order(event)
        return tuple(self.rules), self._fold_rest(event)

    def _fold_order(
        self, event: OrderUpdate | OrderDenied | RivalSeen | LaneChanged | HostSeen
    ) -> tuple[tuple[str, ...], list[Command]]:
        orders, now_ns = self.floor.orders, event.ts_ns
        match event:
            case OrderUpdate():
                saw_report(self.floor, event.report, now_ns)
                notes = orders.report(event.report, now_ns)
                return self._coin_of(event.report.instrument), list(notes)
            case OrderDenied():
                denied = orders.deny(event.label, now_ns)
                return tuple(self.rules), [*denied, *self.reconciler.unexplained(now_ns)]
            case LaneChanged():
                self.floor.barred = event.barred
                for desk in () if event.barred else self.delta.values():
                    desk.attempts.begin_anew()
                return tuple(self.rules), []
            case HostSeen():
                self.floor.host.see(event)
                return tuple(self.rules), []
            case RivalSeen():
                coins = self._coin_of(event.instrument)
                return coins, [c for coin in coins for c in self.rivals.saw(event, coin)]

    def _fold_margin(
        self, event: BalancesReport | MarginAnswer
    ) -> tuple[tuple[str, ...], list[Command]]:
        if isinstance(event, MarginAnswer):
            desks = (self.delta.get(event.coin), self.gamma.get(event.coin))
            heard = [desk.whatif.hear(event) for desk in desks if desk is not None]
            return ((event.coin,) if any(heard) else ()), []
        self.floor.see_balances(event.balances, event.ts_ns)
        return (), self._agree(event)

    def _agree(self, event: BalancesReport | PositionsReport) -> list[Command]:
        """Hold our delta against the venue's, and explain what the account is worth."""
        notes = self.profit.report(event.balances, event.ts_ns)
        for agreement in self.agreements.values():
            if isinstance(event, PositionsReport):
                notes += agreement.report(self.floor, event)
            else:
                notes += agreement.look(self.floor, event.ts_ns)
        return notes

    def _fold_rest(
        self, event: PositionsReport | AccountSight | InstrumentsListed | Operator | Tick
    ) -> list[Command]:
        match event:
            case PositionsReport():
                return self.reconciler.report(event) + self._agree(event)
            case InstrumentsListed():
                self._forget(event.coin, event.ts_ns)
                return self.reconciler.listed(event)
            case Operator():
                return self.verbs.obey(event)
            case AccountSight() | Tick():
                return []

    def _forget(self, coin: str, now_ns: int) -> None:
        """Leave out of every table what expired long ago and is not held.

        A list says nothing of that: one that lacks an instrument may be told whole the next time.
        """
        if coin in self.rules:
            floor, control = self.floor, self.floor.control(coin)
            held = floor.book.holdings.held()
            tables: tuple[dict[str, Any], ...] = (
                *(floor.dealt, floor.orders.denied, self.gamma[coin].traded),
                *(control.own, control.own_then),
            )
            for table in tables:
                for name in [n for n in table if coin_of(n) == coin and n not in held]:
                    if is_history(name, now_ns):
                        del table[name]

    def sample(self, coin: str, now_ns: int) -> ExposureSample:
        """Return what a coin means now, with shocks and tenors (for journals and readers)."""
        return sample(self.floor, self.rules[coin], now_ns, self.shadows.get(coin))

    def climb(self, coin: str, now_ns: int) -> list[Command]:
        """Let a coin that is READY run as soon as its prices are complete; decides nothing.

        The policy's band is in force from then on, as it is after a first look.
        """
        exposure = measure(self.floor.book, coin, now_ns, self.floor.orders.pending(coin))
        told = self.reconciler.climb(coin, exposure, now_ns)
        self.floor.levels[coin] = self.delta[coin].want(self.floor, exposure).levels
        return told

    def preview(self, coin: str, now_ns: int, think: Think | None = None) -> dict[str, object]:
        """Return what would be done now, and each figure afterwards; changes nothing.

        `think` solves an option plan on the spot; without it the last that was found is shown.
        """
        shadow = self.shadows.get(coin)
        shown = None if shadow is None else shadow.shown(self.floor, now_ns)
        made = preview(self.floor, self.delta[coin], self.gamma[coin], now_ns, think)
        return made | {"shadow": shown}

    def position_rows(self) -> list[Row]:
        """Return every holding, for readers."""
        return position_rows(self.floor)

    def greek_rows(self, now_ns: int) -> list[Row]:
        """Return each leg's part of the exposures, for readers."""
        return [row for r in self.rules.values() for row in greek_rows(self.floor, r, now_ns)]

    def cancel_all(self, now_ns: int) -> tuple[Command, ...]:
        """Return the cancellation of everything that still works, for a clean end."""
        return tuple(self.reconciler.cancel_all(now_ns))

    @property
    def waiting(self) -> bool:
        """Tell whether some order is not done: time must pass even in a silent market."""
        return bool(self.floor.orders.orders)

    @property
    def open_labels(self) -> list[str]:
        """Return the labels of the orders whose end is not known."""
        return [o.intent.label for o in self.floor.orders if o.state not in TERMINAL]

    @property
    def flattening(self) -> bool:
        """Tell whether hedges are being closed, although nothing else is traded."""
        return bool(self.flatten.closing)

    @property
    def state(self) -> State:
        """Return the instance's state."""
        return self.floor.machine.states[INSTANCE]

    def _cycle(self, coin: str, event: Event, now_ns: int) -> list[Command]:
        rules, floor = self.rules[coin], self.floor
        self._next_ns[coin] = now_ns + round(rules.cycle_s * NS_PER_S)
        exposure = measure(floor.book, coin, now_ns, floor.orders.pending(coin))
        commands: list[Command] = self.reconciler.climb(coin, exposure, now_ns)
        doubts = exposure.doubts + self.delta[coin].doubts(now_ns)
        doubts += self.agreements[coin].doubts(floor) + floor.control(coin).doubts(now_ns)
        doubts += floor.host.doubts(now_ns)
        in_force = self.delta[coin].in_force
        look(floor, rules, exposure, None if in_force is None else in_force.caps)
        commands += map(Note, floor.control(coin).tell(doubts, floor.host.told(), now_ns))
        commands += map(Note, floor.machine.judge(coin, doubts, now_ns))
        commands += map(Note, self.breaches[coin].see(exposure, floor.machine.at(coin)))
        if isinstance(event, GammaWanted) and self.gamma[coin].thinking:
            gamma, delta = self.gamma[coin], self.delta[coin]
            commands += gamma.act(floor, exposure, delta, event, now_ns)
        elif isinstance(event, MarginAnswer) and self.gamma[coin].whatif.asked(event):
            commands += self.gamma[coin].answered(floor, exposure, self.delta[coin], now_ns)
        else:
            commands += self.delta[coin].cycle(floor, exposure, now_ns)
            commands += self.gamma[coin].cycle(floor, exposure, now_ns)
        shadow = self.shadows.get(coin)
        if shadow is not None and not any(isinstance(c, Place) for c in commands):
            commands += shadow.look(floor, now_ns)
        if now_ns >= self._sample_ns[coin]:
            # What could not be measured is looked at again soon: readers wait for it.
            gap_s = rules.sample_s if exposure.trusted else min(rules.sample_s, UNMEASURED_S)
            self._sample_ns[coin] = now_ns + round(gap_s * NS_PER_S)
            commands.append(Note(self.sample(coin, now_ns)))
            floor.account(coin).see(exposure, day_start(now_ns))
            margin = self.agreements[coin].sample(floor, now_ns)
            if margin is not None:
                commands.append(Note(margin))
        return commands

    def _fold_fill(self, event: Filled) -> tuple[tuple[str, ...], list[Command]]:
        fill = event.fill
        if not (
            fill.label.startswith(self.floor.names.stem) or fill.label in self.floor.orders.orders
        ):
            # It ended in an earlier run: the positions that this one began with contain it.
            self.floor.book.holdings.closed.add(fill.label)
        news = not self.floor.book.holdings.knows(fill)
        counts = news and fill.label not in self.floor.book.holdings.closed
        before = delta_held(self.floor, fill, event.ts_ns) if counts else math.nan
        self.floor.book.apply(event)
        instrument = self.floor.book.instruments.get(fill.instrument)
        due = self._coin_of(fill.instrument)
        if news:
            self.profit.fill(fill, event.ts_ns)
        if instrument is not None and due and news:
            index = self.floor.book.coins[due[0]].market.index
            # Before the first index a future's own price is as good; an option's fee waits.
            near = index if index > 0.0 or instrument.is_option else float(fill.price)
            self.floor.day(due[0], event.ts_ns).pay(fill.fee, fill.fee_unit, near)
            self.floor.receipts.fold(fill, near)
            order, gamma = self.floor.orders.orders.get(fill.label), self.gamma[due[0]]
            # An order of an earlier run is part of no episode of this one.
            for_gamma = order is not None and order.intent.purpose == "gamma"
            for desk in (self.delta[due[0]], gamma):
                if desk.episode is not None and fill.label in desk.episode.labels:
                    desk.episode.fold(fill, instrument, near)
                    for_gamma |= desk is gamma
            if for_gamma:
                gamma.filled(self.floor, fill, event.ts_ns)
        if counts and due:
            saw_fill(self.floor, event, due[0], before)
        self.reconciler.saw_fill(fill, event.ts_ns)
        return due, list(self.floor.orders.fold(fill, event.ts_ns))

    def _coin_of(self, instrument: str) -> tuple[str, ...]:
        known = self.floor.book.instruments.get(instrument)
        return (known.coin,) if known is not None and known.coin in self.rules else ()
