"""The delta desk of one underlying: measure, plan, gate, send; and look after what is resting.

At most one order is unresolved per hedge instrument, so a hedge is a chain of small decisions, each
from fresh state: an order ends, the book is measured again, and the next order (if any) is a new
one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bot.book.exposure import Exposure
from bot.desk.attempts import Attempts
from bot.desk.edges import QUIET_S, edge_want
from bot.desk.episode import Episode
from bot.desk.explain import hedge_record
from bot.desk.floor import Floor
from bot.desk.resting import cancel_resting, tend
from bot.desk.rules import DeskRules
from bot.desk.situation import Allowance, CapsInForce, caps_in_force
from bot.desk.stops import before_order, twin_of
from bot.desk.ticket import Quantities, Ticket, Want, draw, waiting, want
from bot.desk.whatif import WhatIf
from bot.domain.commands import AskMargin, Command, Note, Place
from bot.domain.orders import EDGE
from bot.domain.reasons import Because, Reason
from bot.domain.states import SENDING
from bot.domain.units import NS_PER_S, seconds_between
from bot.execution.tactics import Progress
from bot.risk.gate import Proposal
from bot.risk.limits import Caps
from bot.strategy.at_once import plan_at_once
from bot.strategy.delta import NEVER_INSIDE, LastHedge, LastInside
from bot.strategy.hedge_cost import shown_bps
from bot.strategy.unwind import Unwind

WORDS_S, WORDS_SHARE = 60.0, 0.2
AT_ONCE_S = 60.0
TOLD_S = 300.0
OUTSIDE_S = 60.0


@dataclass(slots=True)
class DeltaDesk:
    """Memory of one underlying's hedging: hedge under way, unwind schedule, caps in force.

    `lacking` tells that no hedge instrument was listed at the last decision. `outside_ns` is since
    when delta has been outside the owner's band, None while it is inside; `at_once_ns` until when
    it is traded to the target whatever the bands say, None while nobody asks for that. `used` names
    the instrument of the last order.
    """

    rules: DeskRules
    attempts: Attempts = field(default_factory=Attempts)
    episode: Episode | None = None
    unwind: Unwind | None = None
    in_force: CapsInForce | None = None
    lacking: tuple[Because, ...] = ()
    refused: tuple[Because, ...] = ()
    silenced: tuple[str, ...] = ()
    silenced_ns: int = 0
    asked: float = 0.0
    asked_ns: int = 0
    outside_ns: int | None = None
    alarmed_ns: int = 0
    whatif: WhatIf = field(default_factory=WhatIf)
    at_once_ns: int | None = None
    seen: LastInside = NEVER_INSIDE
    used: str = ""
    edge_quiet_ns: int = 0

    def doubts(self, now_ns: int) -> tuple[Because, ...]:
        """Return what is doubtful beside the exposure: the fate of orders, the lack of a hedge."""
        self.attempts.learn(now_ns)
        return self.attempts.doubts(self.rules.coin) + self.lacking

    def cycle(self, floor: Floor, exposure: Exposure, now_ns: int) -> list[Command]:
        """Decide once on a fresh exposure and return what is to be done."""
        self.attempts.learn(now_ns)
        wanted = self._heed(floor, exposure)
        self.lacking = _lacking(wanted)
        stands = waiting(floor, self.rules, self.attempts, now_ns)
        commands = self._close_episode(floor, exposure, wanted)
        commands += self._alarm(floor, exposure, wanted, stands)
        if floor.machine.at(self.rules.coin) not in SENDING:
            return commands + cancel_resting(floor.orders, self.rules.coin, now_ns)
        self.unwind = wanted.unwind
        if self.at_once_ns is None:
            commands += tend(floor, self.rules, exposure, wanted, self.progress)
        else:  # what rests waits for a maker's fill, and would be in the way of what crosses
            commands += cancel_resting(floor.orders, self.rules.coin, now_ns)
        if not wanted.plan.wanted:
            return commands + self._at_leisure(floor, exposure, wanted, stands)
        return commands if stands else commands + self._act(floor, exposure, wanted)

    def _at_leisure(
        self, floor: Floor, exposure: Exposure, wanted: Want, stands: tuple[Because, ...]
    ) -> list[Command]:
        """Forget what stood in the way of a hedge, and let the next one rest where that is wanted.

        What is refused or rejected at an edge is left alone for a while: it is no need.
        """
        now_ns = exposure.ts_ns
        if self.attempts.rejects:
            self.edge_quiet_ns = now_ns + round(QUIET_S * NS_PER_S)
        self.attempts.relent()
        self.refused = self.silenced = ()
        if stands or self.episode is not None or now_ns < self.edge_quiet_ns:
            return []
        edge = edge_want(floor, self.rules, exposure, wanted)
        if edge is None:
            return []
        self.edge_quiet_ns = now_ns + round(QUIET_S * NS_PER_S)
        commands = self._act(floor, exposure, edge)
        if any(isinstance(c, Place | AskMargin) for c in commands) or self.whatif.waiting:
            self.edge_quiet_ns = 0  # it was not refused
        return commands

    def _act(self, floor: Floor, exposure: Exposure, wanted: Want) -> list[Command]:
        """Send what a plan wants, ask the venue about it first, or tell why neither."""
        told = before_order(floor, self.rules, exposure, wanted)
        if floor.machine.at(self.rules.coin) not in SENDING:
            return told + cancel_resting(floor.orders, self.rules.coin, exposure.ts_ns)
        drawn = draw(
            floor,
            self.rules,
            exposure,
            wanted,
            self.allowance(floor, exposure, self.whatif),
            progress=self.progress,
        )
        if drawn.asks is not None:
            return told + self._ask(floor, exposure, wanted, drawn.asks)
        self.whatif.forget()
        if drawn.ticket is None:
            return told + self._refuse(floor, exposure, wanted, drawn.reasons)
        return told + self._send(floor, exposure, wanted, drawn.ticket)

    def _ask(
        self, floor: Floor, exposure: Exposure, wanted: Want, order: Proposal
    ) -> list[Command]:
        """Ask the venue about margin, or tell that it does not answer; then ask again."""
        now_ns = exposure.ts_ns
        failed = self.whatif.failed(now_ns)
        if self.whatif.waiting and not failed:
            return []
        told = self._refuse(floor, exposure, wanted, failed) if failed else []
        if failed and not self.whatif.rested(now_ns):
            return told
        return [*told, *self.whatif.ask(floor, (order,), now_ns)]

    def want(self, floor: Floor, exposure: Exposure, sent: Quantities = ()) -> Want:
        """Return what the desk wants now; asking changes nothing.

        `sent` is what of a hedge under way the exposure counts beside the book (instrument, signed
        quantity): such a hedge is finished, cooldown and minimum move stand before the next.
        """
        fresh = (self.episode is None or self.episode.kind == EDGE) and not sent
        last = self.attempts.last if fresh else LastHedge()
        used = sent[-1][0] if sent else self.used
        found = want(floor, self.rules, exposure, last, self.unwind, self.seen, used, sent)
        if self.at_once_ns is None:
            return found
        plan = plan_at_once(exposure, self.rules.delta, found.levels.band, found.smallest)
        return found if plan is None else replace(found, plan=plan)

    def hedge_now(self, floor: Floor, exposure: Exposure) -> Want:
        """Trade delta to the target at once, for a while at most; return what that wants.

        Where nothing is wanted by it, nothing is asked for.
        """
        self.at_once_ns = exposure.ts_ns + round(AT_ONCE_S * NS_PER_S)
        return self._heed(floor, exposure)

    def _heed(self, floor: Floor, exposure: Exposure) -> Want:
        """Return what is wanted, and end a person's wish that came true, ran out or may not be."""
        if self.at_once_ns is not None:
            sending = floor.machine.at(self.rules.coin) in SENDING
            if not sending or exposure.ts_ns >= self.at_once_ns:
                self.at_once_ns = None
        wanted = self.want(floor, exposure)
        floor.levels[self.rules.coin] = wanted.levels
        self.seen = self.seen.looked(exposure, wanted.levels.band)
        if not wanted.plan.at_once:
            self.at_once_ns = None
        return wanted

    def caps_now(self, floor: Floor, exposure: Exposure) -> Caps:
        """Return the caps in force, and remember them for a minute."""
        self.in_force = caps_in_force(floor, self.rules, exposure, self.in_force)
        return self.in_force.caps

    def allowance(self, floor: Floor, exposure: Exposure, whatif: WhatIf) -> Allowance:
        """Return what orders of this underlying may use up now."""
        budget = floor.budget(self.rules.coin, exposure.ts_ns)
        return Allowance(self.caps_now(floor, exposure), budget, whatif.answers(exposure.ts_ns))

    @property
    def progress(self) -> Progress:
        """Return how far the hedge under way has come, or one that is about to begin."""
        made = Progress() if self.episode is None else self.episode.progress
        return replace(made, rung=self.attempts.rung)

    def _send(
        self, floor: Floor, exposure: Exposure, wanted: Want, ticket: Ticket
    ) -> list[Command]:
        plan, quote, now_ns = wanted.plan, ticket.hedge.quote, exposure.ts_ns
        coin, decision = self.rules.coin, floor.names.decision(self.rules.coin)
        intent = ticket.intent(floor.names.label(), decision, now_ns, self.rules.tactics.valid_s)
        if self.episode is None:
            self.episode = Episode(
                decision=decision,
                coin=coin,
                kind=plan.purpose,
                reason=str(plan.reasons[0].reason),
                started_ns=now_ns,
                delta_before=exposure.delta,
                gamma_before=exposure.gamma,
                band=self.rules.delta.owner,
                mids={intent.instrument: 0.5 * (quote.bid + quote.ask)},
            )
        if self.unwind is not None and plan.step:
            self.unwind = replace(self.unwind, done=plan.step)
        self.used = intent.instrument
        self.episode.labels.add(intent.label)
        self.episode.progress = self.progress.after(ticket.pricing, now_ns)
        self.refused = self.silenced = ()
        record = hedge_record(
            floor, exposure, self.rules.delta.owner, wanted, decision, ticket, float(intent.price)
        )
        shown = shown_bps(ticket.hedge.instrument, quote, ticket.allowed.delta_coin)
        mid = 0.5 * (quote.bid + quote.ask)
        floor.receipts.begin(intent, ticket.hedge.instrument, mid, shown)
        notes = floor.orders.add(intent, coin, now_ns)
        order, controls = floor.orders.orders[intent.label], floor.control(coin)
        self.attempts.watch(order, exposure.index)
        floor.day(coin, now_ns).model_usd += ticket.cost_usd
        controls.remember(twin_of(ticket.allowed, now_ns))
        held = float(floor.book.holdings.total(intent.instrument))
        controls.watch(order, ticket.allowed.delta_coin, 0.5 * (quote.bid + quote.ask), held)
        return [Note(record), Place(intent), *notes]

    def _refuse(
        self, floor: Floor, exposure: Exposure, wanted: Want, refused: tuple[Because, ...]
    ) -> list[Command]:
        """Record a refusal when its reasons change, and every five minutes while it stands."""
        now_ns = exposure.ts_ns
        refused = tuple(
            replace(because, subject=self._words(floor, wanted.plan.change, now_ns))
            if because.reason is Reason.NEEDS_CONFIRMATION
            else because
            for because in refused
        )
        self.refused = refused
        words = tuple(str(b.reason) for b in refused)
        if Reason.NEEDS_CONFIRMATION in words:
            words = (*words, floor.words[self.rules.coin])
        if words == self.silenced and seconds_between(self.silenced_ns, now_ns) < TOLD_S:
            return []
        self.silenced, self.silenced_ns = words, now_ns
        decision = floor.names.decision(self.rules.coin)
        return [
            Note(
                hedge_record(
                    floor, exposure, self.rules.delta.owner, wanted, decision, refused=refused
                )
            )
        ]

    def _alarm(
        self, floor: Floor, exposure: Exposure, wanted: Want, stands: tuple[Because, ...]
    ) -> list[Command]:
        """Tell that delta has been outside the owner's band for a minute, and why it still is."""
        now_ns = exposure.ts_ns
        if not exposure.trusted:
            return []  # nobody knows where delta is; its doubts say so
        if self.rules.delta.owner.holds(exposure.delta):
            self.outside_ns = None
            return []
        if self.outside_ns is None:
            self.outside_ns = self.alarmed_ns = now_ns
        if self.refused and wanted.plan.wanted and not stands:
            return []  # the refusal itself is told, and told again
        outside_s = seconds_between(self.outside_ns, now_ns)
        told = self.alarmed_ns > self.outside_ns
        silence_s = seconds_between(self.alarmed_ns, now_ns)
        if outside_s < OUTSIDE_S or (told and silence_s < TOLD_S):
            return []
        self.alarmed_ns = now_ns
        still = Because(Reason.STILL_OUTSIDE, self.rules.coin, {"for_s": outside_s})
        why = stands or wanted.plan.reasons
        decision = floor.names.decision(self.rules.coin)
        return [
            Note(
                hedge_record(
                    floor, exposure, self.rules.delta.owner, wanted, decision, refused=(still, *why)
                )
            )
        ]

    def _words(self, floor: Floor, change: float, now_ns: int) -> str:
        """Return the words to type; they stay while the hedge is nearly what they say."""
        coin = self.rules.coin
        near = abs(change - self.asked) <= WORDS_SHARE * abs(self.asked)
        fresh = seconds_between(self.asked_ns, now_ns) < WORDS_S
        said = f"hedge {coin} {change:+.2f}"
        if coin not in floor.words or not near or (not fresh and floor.words[coin] != said):
            self.asked, self.asked_ns = change, now_ns
            floor.words[coin] = said
        return floor.words[coin]

    def _close_episode(self, floor: Floor, exposure: Exposure, wanted: Want) -> list[Command]:
        episode = self.episode
        if episode is None or any(order.intent.label in episode.labels for order in floor.orders):
            return []
        if not wanted.settled and not wanted.plan.step and episode.kind != EDGE:
            return []
        self.episode, self.attempts.rung = None, 0
        if episode.kind != "unwind":  # whose steps always take
            floor.learn_makers(episode.maker_shares, self.rules.hedge.maker_share)
        floor.day(self.rules.coin, exposure.ts_ns).cost_usd += (
            episode.fee_usd + episode.slippage_usd
        )
        return [Note(episode.close(exposure))] if episode.filled else []


def _lacking(wanted: Want) -> tuple[Because, ...]:
    """Return that no hedge instrument is listed at all; one whose quote is stale may come back."""
    return tuple(b for b in wanted.missing if b.reason is Reason.NO_HEDGE_INSTRUMENT)
