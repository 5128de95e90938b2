"""The delta desk of one underlying: measure, plan, gate, send; and look after what is resting.

At most one order is unresolved per hedge instrument, so a hedge is a chain of small decisions, each
from fresh state: an order ends, the book is measured again, and the next order (if any) is a new
one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from bot.book.exposure import Exposure
from bot.book.measure import delta_in
from bot.book.numeraire import Numeraire, future_delta
from bot.book.shocks import shocks
from bot.desk.attempts import Attempts
from bot.desk.episode import Episode
from bot.desk.explain import Wish, decision_record, snapshot
from bot.desk.floor import Floor
from bot.desk.resting import cancel_resting, tend
from bot.desk.rules import DeskRules
from bot.domain.commands import Command, Note, Place
from bot.domain.orders import Intent, TimeInForce
from bot.domain.reasons import Because, Reason
from bot.domain.records import Decision, TradeNote
from bot.domain.states import SENDING
from bot.domain.units import NS_PER_S, seconds_between
from bot.execution.rounding import quantity_for, to_lots, to_tick
from bot.execution.tactics import Pricing, price_hedge
from bot.risk.gate import Circumstances, Proposal, Verdict, examine
from bot.risk.limits import Caps, derive_caps
from bot.strategy.choice import Hedge, choose_hedge
from bot.strategy.delta import DeltaPlan, Urgency, plan_delta
from bot.strategy.unwind import Unwind, due, start

CAPS_S = 60.0
WORDS_S, WORDS_SHARE = 60.0, 0.2
TOLD_S = 300.0


@dataclass(slots=True)
class DeltaDesk:
    """Memory of one underlying's hedging: hedge under way, unwind schedule, caps in force."""

    rules: DeskRules
    attempts: Attempts = field(default_factory=Attempts)
    episode: Episode | None = None
    unwind: Unwind | None = None
    unwind_next: Unwind | None = None
    caps: Caps | None = None
    caps_ns: int = 0
    caps_gross_coin: float = 0.0
    silenced: tuple[str, ...] = ()
    silenced_ns: int = 0
    asked: float = 0.0
    asked_ns: int = 0

    def doubts(self, now_ns: int) -> tuple[Because, ...]:
        """Return what the fate of the orders so far gives reason to doubt."""
        self.attempts.learn(now_ns)
        return self.attempts.doubts(self.rules.coin)

    def cycle(self, floor: Floor, exposure: Exposure, now_ns: int) -> list[Command]:
        """Decide once on a fresh exposure and return what is to be done."""
        self.attempts.learn(now_ns)
        commands = self._close_episode(floor, exposure)
        if floor.machine.at(self.rules.coin) not in SENDING:
            return commands + cancel_resting(floor.orders, self.rules.coin, now_ns)
        unknown = frozenset(o.intent.instrument for o in floor.orders.unknown(self.rules.coin))
        hedge, doubts = choose_hedge(
            floor.book, self.rules.coin, now_ns, floor.tier, barred=unknown
        )
        cost = 0.0 if hedge is None else hedge.cost_usd_per_coin
        plan = self._plan(exposure, cost)
        commands += tend(floor.orders, self.rules, exposure, hedge, now_ns)
        if not plan.wanted:
            self.attempts.relent()
            self.silenced = ()
            return commands
        if now_ns < self.attempts.quiet_until_ns or floor.orders.busy(self.rules.coin, now_ns):
            return commands
        if hedge is None:
            return commands + self._refuse(floor, exposure, plan, None, doubts)
        return commands + self._trade(floor, exposure, plan, hedge, now_ns)

    def caps_now(self, floor: Floor, exposure: Exposure, now_ns: int) -> Caps:
        """Return the caps, derived anew once a minute or when the book has changed size."""
        resized = exposure.gross_option_coin != self.caps_gross_coin
        if self.caps is None or resized or seconds_between(self.caps_ns, now_ns) >= CAPS_S:
            policy = self.rules.delta
            band = policy.band(exposure)
            rule = self.rules.measure.collateral_delta
            balance = floor.book.holdings.balances.get(self.rules.coin)
            cash = 0.0 if balance is None else balance.cash
            counted = cash if rule == "include" else 0.0 if isinstance(rule, str) else rule
            self.caps = derive_caps(
                self.rules.limits,
                exposure,
                shocks(floor.book, self.rules.coin, now_ns),
                owner_width_coin=policy.owner.upper - policy.owner.lower,
                policy_width_coin=0.5 * (band.upper - band.lower),
                extra_coin=abs(counted) + abs(policy.owner.target),
                target=policy.owner.target,
            )
            self.caps_ns, self.caps_gross_coin = now_ns, exposure.gross_option_coin
        return self.caps

    def circumstances(
        self, floor: Floor, exposure: Exposure, instrument: str, now_ns: int
    ) -> Circumstances:
        """Gather what the gate looks at."""
        coin = self.rules.coin
        book, day = floor.book, floor.day(coin, now_ns)
        balance = book.holdings.balances.get(coin)
        unknown = floor.orders.unknown(coin)
        since_ns = min((o.unknown_since_ns for o in unknown), default=0)
        mine = book.packed(coin)
        futures = (
            future_delta(i, q, exposure.index, exposure.index) for i, q in mine.futures.items()
        )
        return Circumstances(
            exposure=exposure,
            target=self.rules.delta.owner.target,
            state=floor.machine.at(coin),
            caps=self.caps_now(floor, exposure, now_ns),
            rules=self.rules.limits,
            position_coin=sum(futures),
            unresolved=floor.orders.unresolved(instrument) is not None,
            unknown_s=seconds_between(since_ns, now_ns) if unknown else None,
            fees_day_usd=day.fees_usd,
            loss_day_usd=day.loss_usd(balance, exposure.index),
            balance=balance,
            confirmed=coin not in floor.unconfirmed,
            delta_in=self._both_numeraires(floor, now_ns) if coin in floor.unconfirmed else {},
        )

    def _both_numeraires(self, floor: Floor, now_ns: int) -> dict[str, float]:
        coin, book = self.rules.coin, floor.book
        return {str(numeraire): delta_in(book, coin, now_ns, numeraire) for numeraire in Numeraire}

    def _plan(self, exposure: Exposure, cost: float) -> DeltaPlan:
        """Return the delta plan, with the settlement unwind's step in front of the band."""
        policy, target = self.rules.delta, self.rules.delta.owner.target
        if self.unwind is not None and self.unwind.expiry_ns <= exposure.ts_ns:
            self.unwind = None
        if self.unwind is None:
            self.unwind = start(self.rules.unwind, exposure, target)
        plan = plan_delta(exposure, policy, self.attempts.last, cost)
        if self.unwind is None or exposure.window_left_s <= 0.0:
            return plan
        if plan.wanted:
            # The band comes first; the steps that remain share whatever this trade leaves.
            return plan
        step = due(self.rules.unwind, self.unwind, exposure)
        if step is None:
            return plan
        self.unwind_next, change, because = step
        return DeltaPlan(change, plan.policy, Urgency.CROSS, (because,))

    def _trade(
        self, floor: Floor, exposure: Exposure, plan: DeltaPlan, hedge: Hedge, now_ns: int
    ) -> list[Command]:
        """Price and gate the plan's trade; send it or say why not."""
        instrument, quote = hedge.instrument, hedge.quote
        unwinding = plan.reasons[0].reason is Reason.SETTLEMENT_UNWIND
        quantity = quantity_for(instrument, plan.change, quote.mark, exposure.index)
        lots = to_lots(instrument, quantity)
        if not lots:
            figures = {"quantity": quantity, "lot": float(instrument.lot)}
            below = Because(Reason.BELOW_ONE_LOT, instrument.name, figures)
            return self._refuse(floor, exposure, plan, hedge, (below,))
        episode = self.episode
        passive = plan.urgency is Urgency.PASSIVE and (episode is None or not episode.rested)
        pricing = price_hedge(
            self.rules.tactics,
            quote,
            buy=bool(lots.value > 0),
            passive=passive and not unwinding,
            attempt=self.attempts.rung,
            widest_bps=self.rules.limits.hard_collar_bps,
        )
        size = float(lots)
        proposal = Proposal(
            instrument=instrument,
            quantity=size,
            delta_coin=future_delta(instrument, size, quote.mark, exposure.index),
            limit=pricing.limit,
            reference=quote.mark,
            notional_usd=abs(plan.change) * exposure.index,
            purpose="unwind" if unwinding else "delta",
            urgent=plan.urgency is Urgency.URGENT,
        )
        now = self.circumstances(floor, exposure, instrument.name, now_ns)
        verdict = examine(proposal, now)
        budget = floor.budget(self.rules.coin, now_ns)
        budget.refill(now.caps.orders_per_min, now.caps.reserve_per_min, now_ns)
        if verdict.proposal is not None and not budget.take(reducing=verdict.reducing):
            limits = {"per_min": now.caps.orders_per_min}
            verdict = Verdict(None, verdict.reducing, (Because(Reason.ORDER_RATE, "", limits),))
        if verdict.proposal is None:
            return self._refuse(floor, exposure, plan, hedge, verdict.reasons)
        return self._send(floor, exposure, plan, hedge, verdict.proposal, pricing, now_ns)

    def _send(
        self,
        floor: Floor,
        exposure: Exposure,
        plan: DeltaPlan,
        hedge: Hedge,
        allowed: Proposal,
        pricing: Pricing,
        now_ns: int,
    ) -> list[Command]:
        instrument, mid = hedge.instrument, 0.5 * (hedge.quote.bid + hedge.quote.ask)
        lots = to_lots(instrument, allowed.quantity)
        price = to_tick(instrument, pricing.limit, buy=lots.value > 0)
        decision = floor.names.decision(self.rules.coin)
        if self.episode is None:
            self.episode = Episode(
                decision=decision,
                coin=self.rules.coin,
                kind=allowed.purpose,
                reason=str(plan.reasons[0].reason),
                started_ns=now_ns,
                delta_before=exposure.delta,
                gamma_before=exposure.gamma_total,
                band=self.rules.delta.owner,
                mids={instrument.name: mid},
            )
        resting = pricing.time_in_force is TimeInForce.GTC
        life_s = self.rules.tactics.valid_s
        intent = Intent(
            label=floor.names.label(),
            instrument=instrument.name,
            quantity=lots,
            price=price,
            time_in_force=pricing.time_in_force,
            post_only=pricing.post_only,
            reduce_delta=True,
            decision=decision,
            purpose=allowed.purpose,
            created_ns=now_ns,
            valid_until_ns=now_ns + round(life_s * NS_PER_S),
        )
        if allowed.purpose == "unwind":
            self.unwind = self.unwind_next
        self.episode.labels.add(intent.label)
        self.episode.rested |= resting
        self.silenced = ()
        record = self._record(floor, exposure, plan, hedge, allowed, float(price), decision)
        notes = floor.orders.add(intent, self.rules.coin, now_ns)
        self.attempts.watch(floor.orders.orders[intent.label], exposure.index)
        return [Note(record), Place(intent), *notes]

    def _refuse(
        self,
        floor: Floor,
        exposure: Exposure,
        plan: DeltaPlan,
        hedge: Hedge | None,
        refused: tuple[Because, ...],
    ) -> list[Command]:
        """Record a refusal when its reasons change, and every five minutes while it stands."""
        now_ns = exposure.ts_ns
        refused = tuple(
            replace(because, subject=self._words(floor, plan, now_ns))
            if because.reason is Reason.NEEDS_CONFIRMATION
            else because
            for because in refused
        )
        words = tuple(str(b.reason) for b in refused)
        if Reason.NEEDS_CONFIRMATION in words:
            words = (*words, floor.words[self.rules.coin])
        if words == self.silenced and seconds_between(self.silenced_ns, now_ns) < TOLD_S:
            return []
        self.silenced, self.silenced_ns = words, now_ns
        decision = floor.names.decision(self.rules.coin)
        record = self._record(floor, exposure, plan, hedge, None, math.nan, decision, refused)
        return [Note(record)]

    def _words(self, floor: Floor, plan: DeltaPlan, now_ns: int) -> str:
        """Return the words to type; they stay while the hedge is nearly what they say."""
        coin = self.rules.coin
        near = abs(plan.change - self.asked) <= WORDS_SHARE * abs(self.asked)
        fresh = seconds_between(self.asked_ns, now_ns) < WORDS_S
        said = f"hedge {coin} {plan.change:+.2f}"
        if coin not in floor.words or not near or (not fresh and floor.words[coin] != said):
            self.asked, self.asked_ns = plan.change, now_ns
            floor.words[coin] = said
        return floor.words[coin]

    def _record(
        self,
        floor: Floor,
        exposure: Exposure,
        plan: DeltaPlan,
        hedge: Hedge | None,
        allowed: Proposal | None,
        limit: float,
        decision: str,
        refused: tuple[Because, ...] = (),
    ) -> Decision:
        trades: tuple[TradeNote, ...] = ()
        change, cost = 0.0, 0.0
        if allowed is not None and hedge is not None:
            change, cost = allowed.delta_coin, abs(allowed.delta_coin) * hedge.cost_usd_per_coin
            unit = str(hedge.instrument.unit)
            trades = (TradeNote(hedge.instrument.name, allowed.quantity, unit, limit, cost),)
        return decision_record(
            exposure,
            plan.policy,
            self.rules.delta.owner,
            decision,
            Wish(
                kind=allowed.purpose if allowed is not None else "delta",
                reasons=plan.reasons,
                refused=refused,
                trades=trades,
                delta_change=change,
                cost_usd=cost,
            ),
            snapshot(floor, self.rules.coin, exposure, hedge),
        )

    def _close_episode(self, floor: Floor, exposure: Exposure) -> list[Command]:
        episode = self.episode
        if episode is None or any(order.intent.label in episode.labels for order in floor.orders):
            return []
        if not self.rules.delta.band(exposure).holds(exposure.low, exposure.high):
            return []
        self.episode, self.attempts.rung = None, 0
        return [Note(episode.close(exposure))] if episode.filled else []
