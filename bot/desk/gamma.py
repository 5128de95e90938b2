"""The gamma desk of one underlying: notices a passed limit, thinks, and trades or proposes.

A search takes time, so its program leaves the core as WantGamma and the solution comes back as
GammaWanted. It is held against the newest book: the same holdings, figures that have not moved far,
every leg still there. Then the venue is asked what the legs would do to margin, and its answer
meets the newest book again. All legs go out at once, one immediate-or-cancel order per option at
the displayed price. What is filled is the book: when the orders have ended, the next look plans
from there, so that a leg that stayed alone is completed, or is enough. Nothing is traded while the
delta that it brings could not be hedged.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.book.exposure import Exposure
from bot.desk.delta import DeltaDesk
from bot.desk.episode import Episode
from bot.desk.explain import Wish, decision_record, snapshot
from bot.desk.floor import Floor
from bot.desk.legs import (
    Answer,
    Leg,
    draw_legs,
    held_back,
    need_of,
    plan_for,
    question_of,
)
from bot.desk.rules import DeskRules
from bot.desk.stops import twin_of
from bot.desk.whatif import WhatIf
from bot.domain.commands import Command, Note, Place, WantGamma
from bot.domain.events import GammaWanted
from bot.domain.orders import Intent
from bot.domain.positions import Fill
from bot.domain.programs import Program
from bot.domain.reasons import Because, Reason
from bot.domain.records import TradeNote
from bot.domain.states import State
from bot.domain.units import NS_PER_S, seconds_between
from bot.execution.rounding import to_lots, to_tick
from bot.execution.tactics import price_option
from bot.strategy.candidates import Candidate
from bot.strategy.options.churn import Traded
from bot.strategy.options.plan import GammaPlan, GammaTrade
from bot.strategy.options.rows import GammaNeed

REPEAT_S = 300.0
# An answer later than this after its thinking time is lost: it is asked for anew.
ANSWER_S = 10.0


@dataclass(slots=True)
class GammaDesk:
    """Memory of one underlying's gamma: what is thought about, proposed and under way.

    `asked` is the program under search and `asked_ns` since when, None while no answer is awaited;
    `answer` what was found last; `whatif` what the venue was asked about margin; `traded` what was
    last traded in each option; `told` maps the reasons of refusals to when they were last told.
    Nothing is asked before `rest_until_ns`.
    """

    rules: DeskRules
    asked_ns: int | None = None
    asked: Program | None = None
    answer: Answer | None = None
    checked_ns: int = 0
    rest_until_ns: int = 0
    traded: dict[str, Traded] = field(default_factory=dict)
    told: dict[tuple[Reason, ...], int] = field(default_factory=dict)
    episode: Episode | None = None
    whatif: WhatIf = field(default_factory=WhatIf)

    @property
    def thinking(self) -> bool:
        """Tell whether an answer is awaited: thinking time that ends, or the venue's on margin."""
        return self.asked_ns is not None or self.whatif.waiting

    def cycle(self, floor: Floor, exposure: Exposure, now_ns: int) -> list[Command]:
        """Notice a passed limit and ask for thinking time; close what has been filled."""
        commands = self._close_episode(floor, exposure) + self._give_up(floor, exposure, now_ns)
        rules = self.rules
        if rules.gamma.action == "off" or self.thinking or self.episode is not None:
            return commands
        due = seconds_between(self.checked_ns, now_ns) >= rules.gamma_check_s
        if not due or floor.machine.at(rules.coin) is not State.RUNNING:
            return commands
        self.checked_ns = now_ns
        if now_ns < self.rest_until_ns or exposure.doubts:
            return commands
        need = need_of(floor, rules, exposure)
        if not need.any:
            self.answer = None
            return commands
        stands = held_back(floor, rules, exposure)
        if stands:
            return commands + self._note(floor, exposure, _nothing(need), stands, now_ns)
        question = question_of(floor, rules, exposure, self.traded)
        if question is not None:
            self.asked, self.asked_ns = question.program, now_ns
            think_ns = round(rules.gamma_think_s * NS_PER_S)
            commands.append(WantGamma(rules.coin, think_ns, question.program))
        return commands

    def act(
        self,
        floor: Floor,
        exposure: Exposure,
        delta: DeltaDesk,
        wanted: GammaWanted,
        now_ns: int,
    ) -> list[Command]:
        """Hold a solution against what is true now, then trade or propose.

        One of a program that was given up meanwhile is dropped; the newer one is still awaited.
        """
        program = self.asked
        if program is None or wanted.asked_ns != program.ts_ns:
            return []
        awaited = self.asked_ns is not None and not self._overdue(now_ns)
        self.asked_ns = self.asked = None
        if not awaited or self.episode is not None:
            return []
        self.answer = Answer(program, wanted.solution)
        return self._work(floor, exposure, delta, now_ns)

    def answered(
        self, floor: Floor, exposure: Exposure, delta: DeltaDesk, now_ns: int
    ) -> list[Command]:
        """Plan anew on what is true now that the venue has said what becomes of margin."""
        if self.whatif.waiting or self.whatif.failed(now_ns) or self.episode is not None:
            return []
        commands = self._work(floor, exposure, delta, now_ns)
        if not self.whatif.waiting:
            self.whatif.forget()
        return commands

    def _work(
        self, floor: Floor, exposure: Exposure, delta: DeltaDesk, now_ns: int
    ) -> list[Command]:
        """Send what may go of the plan that fits now; ask first about what needs the venue's word.

        A plan that has changed while it was asked about waits for the next look.
        """
        self._rest(self.rules.gamma_rest_s, now_ns)
        question = question_of(floor, self.rules, exposure, self.traded)
        if question is None or self.answer is None:
            return []
        stands = held_back(floor, self.rules, exposure)
        if stands:
            return self._note(floor, exposure, _nothing(question.need), stands, now_ns)
        plan, refused = plan_for(floor, self.rules, exposure, question, self.answer)
        if refused:
            # A search that came too late, or that had nothing to choose from, is no verdict.
            soon = refused[0].reason is Reason.BOOK_CHANGED or not plan.candidates
            self._rest(self.rules.gamma_rest_s if soon else self.rules.gamma_again_s, now_ns)
            return self._note(floor, exposure, plan, refused, now_ns)
        allowance = delta.allowance(floor, exposure, self.whatif)
        legs = draw_legs(floor, self.rules, exposure, plan, allowance)
        if legs.may_go:
            return self._send(floor, exposure, plan, legs.may_go, legs.refused, now_ns)
        if legs.unasked:
            again = self.whatif.asked_ns is not None
            return [] if again else list(self.whatif.ask(floor, legs.unasked, now_ns))
        self._rest(self.rules.gamma_again_s, now_ns)
        return self._note(floor, exposure, plan, legs.refused, now_ns)

    def filled(self, floor: Floor, fill: Fill, now_ns: int) -> None:
        """Remember what was traded, for the day's turnover and the minimum holding time."""
        floor.day(self.rules.coin, now_ns).gamma_coin += abs(float(fill.quantity))
        self.remember(fill, now_ns)

    def remember(self, fill: Fill, ts_ns: int) -> None:
        """Remember what was last traded in an option and when, for the minimum holding time."""
        quantity = float(fill.quantity)
        last = self.traded.get(fill.instrument)
        turned = last is None or last.quantity * quantity < 0.0
        before = 0.0 if turned or last is None else last.quantity
        self.traded[fill.instrument] = Traded(ts_ns, before + quantity)

    def _rest(self, seconds: float, now_ns: int) -> None:
        self.rest_until_ns = now_ns + round(seconds * NS_PER_S)

    def _give_up(self, floor: Floor, exposure: Exposure, now_ns: int) -> list[Command]:
        """Stop waiting for what does not come; an answer on margin that is refused is told."""
        if self._overdue(now_ns):
            self.asked_ns = self.asked = None
        failed = self.whatif.failed(now_ns)
        if not failed:
            return []
        self.whatif.forget()
        self._rest(self.rules.gamma_rest_s, now_ns)
        need = need_of(floor, self.rules, exposure)
        return self._note(floor, exposure, _nothing(need), failed, now_ns)

    def _overdue(self, now_ns: int) -> bool:
        patience_s = self.rules.gamma_think_s + ANSWER_S
        return self.asked_ns is not None and seconds_between(self.asked_ns, now_ns) > patience_s

    def _send(
        self,
        floor: Floor,
        exposure: Exposure,
        plan: GammaPlan,
        legs: tuple[Leg, ...],
        refused: tuple[Because, ...],
        now_ns: int,
    ) -> list[Command]:
        self.answer = None
        decision = floor.names.decision(self.rules.coin)
        plan = plan.of(tuple(leg.trade for leg in legs))
        episode = Episode(
            decision=decision,
            coin=self.rules.coin,
            kind="gamma",
            reason=str(plan.reasons[0].reason),
            started_ns=now_ns,
            delta_before=exposure.delta,
            gamma_before=exposure.gamma,
            band=self.rules.delta.owner,
        )
        commands: list[Command] = [self._record(floor, exposure, plan, decision, refused)]
        for leg in legs:
            intent = self._intent(floor, leg, decision, now_ns)
            if not intent.quantity:
                continue
            candidate = leg.trade.candidate
            episode.labels.add(intent.label)
            mid = 0.5 * (candidate.bid + candidate.ask)
            episode.mids[intent.instrument] = mid
            shown = (candidate.ask / mid - 1.0) * 1e4
            floor.receipts.begin(intent, leg.allowed.instrument, mid, shown)
            floor.control(self.rules.coin).remember(twin_of(leg.allowed, now_ns))
            commands.append(Place(intent))
            commands += floor.orders.add(intent, self.rules.coin, now_ns)
        self.episode = episode
        return commands

    def _intent(self, floor: Floor, leg: Leg, decision: str, now_ns: int) -> Intent:
        candidate, allowed = leg.trade.candidate, leg.allowed
        buy = allowed.quantity > 0
        pricing = price_option(candidate.bid, candidate.ask, buy=buy)
        return Intent(
            label=floor.names.label(),
            instrument=candidate.name,
            quantity=to_lots(allowed.instrument, allowed.quantity),
            price=to_tick(allowed.instrument, pricing.limit, buy=buy),
            time_in_force=pricing.time_in_force,
            post_only=pricing.post_only,
            reduce_delta=leg.reducing,
            decision=decision,
            purpose="gamma",
            created_ns=now_ns,
            valid_until_ns=now_ns + round(self.rules.tactics.valid_s * NS_PER_S),
        )

    def _note(
        self,
        floor: Floor,
        exposure: Exposure,
        plan: GammaPlan,
        refused: tuple[Because, ...],
        now_ns: int,
    ) -> list[Command]:
        """Record a proposal or refusal when it is new, and every few minutes while it stands."""
        words = tuple(dict.fromkeys(because.reason for because in refused))
        told_ns = self.told.get(words)
        if told_ns is not None and seconds_between(told_ns, now_ns) < REPEAT_S:
            return []
        self.told[words] = now_ns
        return [self._record(floor, exposure, plan, floor.names.decision(self.rules.coin), refused)]

    def _record(
        self,
        floor: Floor,
        exposure: Exposure,
        plan: GammaPlan,
        decision: str,
        refused: tuple[Because, ...],
    ) -> Note:
        record = decision_record(
            exposure,
            floor.band(self.rules.coin, self.rules.delta.owner),
            self.rules.delta.owner,
            decision,
            Wish(
                kind="gamma",
                reasons=plan.reasons,
                refused=refused,
                trades=tuple(_leg(trade) for trade in plan.trades),
                candidates=tuple(_offer(candidate) for candidate in plan.candidates),
                delta_change=plan.delta,
                gamma_change=sum(t.gamma for t in plan.trades if not t.candidate.expiring),
                cost_usd=plan.cost_usd,
            ),
            {
                **snapshot(floor, self.rules.coin, exposure, None),
                **{f"gamma_{name}": figure for name, figure in plan.lacks.items()},
                **{f"plan_{name}": figure for name, figure in plan.worth.items()},
            },
        )
        return Note(record)

    def _close_episode(self, floor: Floor, exposure: Exposure) -> list[Command]:
        episode = self.episode
        if episode is None or any(order.intent.label in episode.labels for order in floor.orders):
            return []
        self.episode = None
        if not episode.filled:
            return []
        # The budget counts what was paid, not what was planned.
        paid = episode.fee_usd + max(episode.slippage_usd, 0.0)
        floor.day(self.rules.coin, exposure.ts_ns).gamma_usd += paid
        return [Note(episode.close(exposure))]


def _nothing(need: GammaNeed) -> GammaPlan:
    """Return the plan that leaves everything missing."""
    return GammaPlan(need, reasons=need.reasons)


def _leg(trade: GammaTrade) -> TradeNote:
    candidate = trade.candidate
    limit = candidate.ask if trade.quantity > 0 else candidate.bid
    return TradeNote(
        candidate.name,
        trade.quantity,
        "coin",
        limit,
        trade.cost_usd,
        trade.gamma,
        trade.theta_usd_day,
    )


def _offer(candidate: Candidate) -> TradeNote:
    """Return a candidate as one coin bought: what it would cost and bring."""
    return TradeNote(
        candidate.name,
        1.0,
        "coin",
        candidate.ask,
        candidate.cost_usd,
        candidate.gamma,
        candidate.theta_usd_day,
    )
