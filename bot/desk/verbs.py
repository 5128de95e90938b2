"""What an operator's verbs do to the desks, and what is answered.

    pause, resume, halt   states, of one underlying or of all
    off, on, snooze       one underlying's hedging, apart from its state; a snooze ends by itself
    hold                  what a person trades by hand is parked for a while
    hedge                 delta to its target now
    target                the owner's band is moved as a whole, see `target`
    confirm               the typed words that a first large hedge waits for
    review                the typed words that lift what only a review ends
    flatten               our own hedges are closed, see `flatten`; every word on a state stops it

Every verb is answered with what was done, or with what was expected and what was found instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bot.book.exposure import Exposure
from bot.book.measure import measure
from bot.book.parked import Part
from bot.desk.delta import AT_ONCE_S, DeltaDesk
from bot.desk.flatten import Flatten
from bot.desk.floor import Floor
from bot.desk.hold import MOST_S, Hold
from bot.desk.reconcile import Reconciler
from bot.desk.rules import DeskRules
from bot.desk.stops import halt_for_review
from bot.desk.target import Targets
from bot.desk.ticket import Want
from bot.domain.commands import Cancel, Command, Note
from bot.domain.events import Operator
from bot.domain.orders import OrderState
from bot.domain.reasons import Because, Reason
from bot.domain.records import CommandOutcome, Parked, Standing, Word
from bot.domain.states import SENDING, STICKY, State
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY, iso
from bot.risk.machine import INSTANCE
from bot.risk.machine import VERBS as STATE_VERBS

LONGEST_S: Mapping[str, float] = {"snooze": SECONDS_PER_DAY, "hold": MOST_S}
ONE_COIN = ("off", "on", "hold", "hedge", "target", "review", "flatten")
LOOSENS = ("resume", "on", "review")
VERBS = (*STATE_VERBS, *ONE_COIN, "snooze", "confirm")


@dataclass(slots=True)
class Verbs:
    """Obeys operators; `delta` are the desks by coin."""

    floor: Floor
    rules: Mapping[str, DeskRules]
    reconciler: Reconciler
    delta: Mapping[str, DeltaDesk]
    flatten: Flatten
    targets: Targets = field(init=False)

    def __post_init__(self) -> None:
        """Remember where the owners' bands lie."""
        self.targets = Targets(self.floor, self.rules)

    @property
    def hold(self) -> Hold:
        """Return what is on hold."""
        return self.reconciler.hold

    def obey(self, event: Operator) -> list[Command]:
        """Do what was asked, or refuse it, and answer."""
        refused = self._refusal(event)
        if refused is not None:
            return [_answer(event, refused, accepted=False)]
        because = Because(Reason.OPERATOR, ": ".join(filter(None, (event.who, event.why))))
        do = {
            "confirm": self._confirm,
            "flatten": self._flatten,
            "hedge": self._hedge,
            "hold": self._hold,
            "off": self._switch_off,
            "snooze": self._switch_off,
            "on": self._switch_on,
            "review": self._review,
            "target": self._target,
        }
        return do.get(event.verb, self._state)(event, because)

    def tick(self, now_ns: int) -> list[Command]:
        """End the snoozes whose time is over: hedging comes back after reconciliation."""
        commands: list[Command] = []
        if not self.floor.machine.off_until:
            return commands
        for coin in self.floor.machine.awake(now_ns):
            commands += self._on(coin, now_ns, Because(Reason.CLEARED, coin))
        return commands

    def remember(
        self, words: Iterable[Standing], parked: Iterable[Parked], now_ns: int
    ) -> list[Command]:
        """Take over what stood in an earlier run; what has run out meanwhile is over.

        Where the market's time has gone back (a new one began), nothing lasts longer than it would
        have from the beginning.
        """
        commands: list[Command] = []
        for word in words:
            if word.coin not in self.rules:
                continue
            until_ns = word.until_ns
            if until_ns is not None:
                until_ns = min(until_ns, now_ns + until_ns - word.ts_ns)
            if until_ns is not None and until_ns <= now_ns:
                because = Because(Reason.CLEARED, word.coin)
                over = Standing(now_ns, word.coin, word.word, None, active=False, because=because)
                commands.append(Note(over))
                continue
            commands += self._recall(word, until_ns, now_ns)
            if until_ns != word.until_ns:
                commands.append(Note(replace(word, ts_ns=now_ns, until_ns=until_ns)))
        for one in parked:
            self.floor.book.parked.put(Part(one.position, one.held, one.since_ns, one.until_ns))
        return commands

    def _recall(self, word: Standing, until_ns: int | None, now_ns: int) -> list[Command]:
        match word.word:
            case Word.REVIEW:
                self.floor.control(word.coin).recall(word.because)
                return halt_for_review(self.floor, word.coin, now_ns)
            case Word.TARGET:
                over = self.targets.recall(word, now_ns)
                return [] if over is None else [Note(over)]
            case Word.OFF:
                self.floor.machine.switch_off(word.coin, until_ns)
            case Word.HOLD if until_ns is not None:
                self.hold.until[word.coin] = until_ns
        return []

    def _refusal(self, event: Operator) -> str | None:
        coin, verb = event.coin, event.verb
        if coin and coin not in self.rules:
            return f"expected one of {', '.join(self.rules)}, found {coin}"
        unknown = [
            o.intent.label
            for o in self.floor.orders
            if o.state is OrderState.UNKNOWN and coin in ("", o.coin)
        ]
        if verb in LOOSENS and unknown:
            return f"refused: {len(unknown)} orders are UNKNOWN ({', '.join(unknown)})"
        if verb not in VERBS:
            return f"expected one of {', '.join(VERBS)}, found {verb}"
        if verb == "resume" and coin in self.floor.machine.review:
            words = self.floor.control(coin).words
            return f"refused: {coin} waits for `resume {coin} --review` with the words {words!r}"
        if verb in ONE_COIN and not coin:
            return f"expected a coin with {verb} (pause stops everything), found none"
        return self._said_too_little(event)

    def _said_too_little(self, event: Operator) -> str | None:
        """Return what a verb's own words lack, or None."""
        if event.verb == "target":
            return self.targets.refusal(event.coin, event.level)
        longest_s = LONGEST_S.get(event.verb)
        return None if longest_s is None else _span_refusal(event, longest_s)

    def _state(self, event: Operator, because: Because) -> list[Command]:
        now_ns, machine = event.ts_ns, self.floor.machine
        stopped = self.flatten.stop(event.coin)
        stood = {p: (state, machine.why.get(p, ())) for p, state in machine.states.items()}
        changes = machine.operator(event.coin, event.verb, now_ns, because)
        commands: list[Command] = [Note(change) for change in changes]
        if event.verb == "resume":
            commands += self.reconciler.begin(now_ns)
        elif event.verb == "halt":
            commands += self.reconciler.cancel_all(now_ns, event.coin)
        stands = self._stands(event.coin)
        if asked := [one.label for one in commands if isinstance(one, Cancel)]:
            stands += f"; asked to cancel {', '.join(asked)}"
        if event.verb == "resume":
            stands += "".join(_lifted(change.coin, *stood[change.coin]) for change in changes)
            stands += "" if event.coin else self._stay()
        return [*commands, _answer(event, stands + stopped)]

    def _switch_off(self, event: Operator, because: Because) -> list[Command]:
        until_ns = None if event.for_s is None else event.ts_ns + round(event.for_s * NS_PER_S)
        coins = (event.coin,) if event.coin else tuple(self.rules)
        self.flatten.stop(event.coin)
        commands: list[Command] = []
        for coin in coins:
            if self.floor.machine.switch_off(coin, until_ns):
                word = Standing(event.ts_ns, coin, Word.OFF, until_ns, active=True, because=because)
                commands.append(Note(word))
        return [*commands, _answer(event, ", ".join(map(self._stands, coins)))]

    def _switch_on(self, event: Operator, because: Because) -> list[Command]:
        if event.coin not in self.floor.machine.off_until:
            return [_answer(event, f"{self._stands(event.coin)}: it was not off")]
        commands = self._on(event.coin, event.ts_ns, because)
        return [*commands, _answer(event, self._stands(event.coin))]

    def _on(self, coin: str, now_ns: int, because: Because) -> list[Command]:
        self.flatten.stop(coin)
        changes = self.floor.machine.switch_on(coin, now_ns, because)
        word = Standing(now_ns, coin, Word.OFF, None, active=False, because=because)
        return [Note(word), *map(Note, changes), *self.reconciler.begin(now_ns)]

    def _hold(self, event: Operator, because: Because) -> list[Command]:
        now_ns, coin = event.ts_ns, event.coin
        until_ns = now_ns + round((event.for_s or 0.0) * NS_PER_S)
        commands = self.hold.say(coin, until_ns, now_ns, because)
        outcome = "nothing is held: what was parked is hedged from now on"
        if until_ns > now_ns:
            outcome = f"what is traded by hand in {coin} is not hedged before {iso(until_ns)}"
        return [*commands, _answer(event, outcome)]

    def _hedge(self, event: Operator, _: Because) -> list[Command]:
        floor, coin = self.floor, event.coin
        if floor.machine.at(coin) not in SENDING:
            expected = " or ".join(sorted(SENDING, reverse=True))
            refused = f"expected {coin} {expected}, found {self._stands(coin)}"
            return [_answer(event, refused, accepted=False)]
        exposure = measure(floor.book, coin, event.ts_ns, floor.orders.pending(coin))
        desk = self.delta[coin]
        wanted = desk.hedge_now(floor, exposure)
        lacking = () if exposure.trusted else exposure.doubts
        if wanted.hedge is None and wanted.plan.at_once:
            lacking += wanted.missing
        if lacking:
            desk.at_once_ns = None
            refused = f"expected prices to hedge {coin} with, found {'; '.join(map(str, lacking))}"
            return [_answer(event, refused, accepted=False)]
        target = self.rules[coin].delta.owner.target
        return [_answer(event, _announced(wanted, exposure, target))]

    def _target(self, event: Operator, because: Because) -> list[Command]:
        assert event.level is not None
        before = self.rules[event.coin].delta.owner
        word, band = self.targets.move(event.coin, event.level, event.ts_ns, because)
        moved = abs(band.target - before.target)
        self.floor.control(event.coin).repeated.wished(event.ts_ns, moved)
        outcome = (
            f"{event.coin}: target {before.target:+g} -> {band.target:+g} coin,"
            f" band {band.lower:+g} to {band.upper:+g}"
        )
        outcome += "" if word.active else ", as the settings say"
        return [Note(word), _answer(event, outcome)]

    def _flatten(self, event: Operator, because: Because) -> list[Command]:
        """Begin to close our hedges, or say what is missing; nothing hedges the coin meanwhile."""
        coin, now_ns = event.coin, event.ts_ns
        refused = self.flatten.refusal(coin, event.words, event.by)
        doubted = sorted(
            i.name for i, _ in self.flatten.held(coin) if self.reconciler.doubts(i.name)
        )
        if refused is None and doubted:
            refused = f"expected positions that the venue agrees with, found doubts of {doubted[0]}"
        if refused is not None:
            return [_answer(event, refused, accepted=False)]
        changes = self.floor.machine.operator(coin, "halt", now_ns, because)
        commands: list[Command] = [Note(change) for change in changes]
        commands += self.reconciler.cancel_all(now_ns, coin)
        return [*commands, _answer(event, self.flatten.begin(coin, because, now_ns))]

    def _confirm(self, event: Operator, _: Because) -> list[Command]:
        """Take the typed words that the first large hedge waits for."""
        asked = self.floor.words.get(event.coin)
        right = asked is not None and event.why == asked
        if right:
            self.floor.unconfirmed.discard(event.coin)
        found = "confirmed" if right else f"expected the words {asked!r}, found {event.why!r}"
        if asked is None:
            found = f"expected a hedge of {event.coin} that waits to be confirmed, found none"
        return [_answer(event, found, accepted=right)]

    def _review(self, event: Operator, because: Because) -> list[Command]:
        """Lift what only a review ends; who carries the command here has checked the second key."""
        now_ns, coin, controls = event.ts_ns, event.coin, self.floor.control(event.coin)
        if not controls.review:
            found = f"expected a breaker of {coin} that waits for a review, found none"
            return [_answer(event, found, accepted=False)]
        if event.why != controls.words:
            found = f"expected the words {controls.words!r}, found {event.why!r}"
            return [_answer(event, found, accepted=False)]
        was = "; ".join(map(str, controls.review.values()))
        commands: list[Command] = [Note(controls.lift(now_ns, because))]
        if coin in self.floor.machine.review:
            self.floor.machine.review.discard(coin)
            commands += map(Note, self.floor.machine.operator(coin, "resume", now_ns, because))
            commands += self.reconciler.begin(now_ns)
        return [*commands, _answer(event, f"{self._stands(coin)}; lifted: {was}")]

    def _stands(self, coin: str) -> str:
        """Return how a coin or (empty) the instance stands, and which words keep a coin so."""
        machine = self.floor.machine
        whole = machine.states[INSTANCE]
        if not coin:
            return str(whole)
        words = []
        if whole in STICKY:
            words.append(f"everything is {whole} until `resume` without a coin")
        if coin in machine.off_until:
            words.append(f"{coin} is {self._off(coin)}")
        return f"{machine.at(coin)} ({'; '.join(words)})" if words else str(machine.at(coin))

    def _off(self, coin: str) -> str:
        """Return until when a coin that is switched off is so."""
        until_ns = self.floor.machine.off_until[coin]
        return f"off until `on {coin}`" if until_ns is None else f"snoozed until {iso(until_ns)}"

    def _stay(self) -> str:
        """Say which coins a resume of everything leaves as they are, and what ends that."""
        machine = self.floor.machine
        off = [f"; {coin} stays {self._off(coin)}" for coin in sorted(machine.off_until)]
        halted = [
            f"; {coin} stays {machine.states[coin]} until `resume {coin} --review`"
            for coin in sorted(machine.review)
        ]
        return "".join((*off, *halted))


def _lifted(coin: str, state: State, reasons: tuple[Because, ...]) -> str:
    """Say what a resume ended, and why that had been."""
    why = "; ".join(map(str, reasons)) or "of an earlier run"
    return f"; {coin or 'everything'} was {state}: {why}"


def _announced(wanted: Want, exposure: Exposure, target: float) -> str:
    """Say what is going to be traded, or that there is nothing to trade."""
    delta, to = f"{exposure.delta:+.4f}", f"the target {target:+.4f} coin"
    if not wanted.plan.at_once:
        within = f"one order ({wanted.smallest:.4g} coin) of {to}"
        return f"nothing to trade: delta {delta} is within {within}"
    if not wanted.plan.wanted:
        between = f"between {exposure.low:+.4f} and {exposure.high:+.4f}"
        return f"delta is {between}: waits up to {AT_ONCE_S:g} s to be sure, to trade it to {to}"
    trades = f"trades {wanted.plan.change:+.4f} coin within {AT_ONCE_S:g} s"
    return f"{trades}: delta {delta} to {to}"


def _span_refusal(event: Operator, longest_s: float) -> str | None:
    for_s = math.nan if event.for_s is None else event.for_s
    least = 0.0 if event.verb == "hold" else 1.0
    if least <= for_s <= longest_s:
        return None
    found = "none" if event.for_s is None else f"{event.for_s:g} s"
    return f"expected a time from {least:g} to {longest_s:g} s with {event.verb}, found {found}"


def _answer(event: Operator, outcome: str, *, accepted: bool = True) -> Command:
    return Note(CommandOutcome(event.ts_ns, event.command_id, accepted=accepted, outcome=outcome))
