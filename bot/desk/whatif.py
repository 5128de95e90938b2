"""The venue's what-if: what an order would do to margin, asked before it and good for a moment.

A desk asks about the orders that the gate holds back for it alone (`Verdict.asks`), all of one
currency in one question, and sends when the answer covers what it then still wants: the same
instruments and sides, no larger. Nothing is decided on an answer that is old, and silence is none.
Under standard margin a simulated position comes without its premium: what is paid is taken off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bot.book.margin import FUTURES, STANDARD, required
from bot.desk.floor import Floor
from bot.desk.situation import Answers
from bot.domain.commands import AskMargin
from bot.domain.events import MarginAnswer
from bot.domain.positions import Balance
from bot.domain.reasons import Because, Reason
from bot.domain.units import seconds_between
from bot.risk.gate import Proposal

PATIENCE_S = 10.0
GOOD_S = 5.0


@dataclass(slots=True)
class _Question:
    """One currency's question: the orders by instrument, and what was said of them."""

    orders: dict[str, Proposal]
    answer: MarginAnswer | None = None


@dataclass(slots=True)
class WhatIf:
    """One desk's questions under way; `asked_ns` is None while nothing is asked or known."""

    asked_ns: int | None = None
    answered_ns: int = 0
    questions: dict[str, _Question] = field(default_factory=dict)

    @property
    def waiting(self) -> bool:
        """Tell whether some answer is still awaited."""
        return any(question.answer is None for question in self.questions.values())

    def ask(self, floor: Floor, orders: Iterable[Proposal], now_ns: int) -> list[AskMargin]:
        """Ask about orders, in one question for each currency; what was asked before is void."""
        self.forget()
        by_currency: dict[str, dict[str, Proposal]] = {}
        for order in orders:
            by_currency.setdefault(order.instrument.currency, {})[order.instrument.name] = order
        commands = []
        for currency, mine in by_currency.items():
            coin = next(iter(mine.values())).instrument.coin
            name = floor.names.question(coin)
            self.questions[name] = _Question(mine)
            changes = tuple(
                (n, p.instrument.quantity(Decimal(str(p.quantity)))) for n, p in mine.items()
            )
            commands.append(AskMargin(name, coin, currency, changes))
        self.asked_ns = now_ns
        return commands

    def hear(self, event: MarginAnswer) -> bool:
        """Take an answer; return whether it was to a question of this desk."""
        if not self.asked(event):
            return False
        self.questions[event.question].answer, self.answered_ns = event, event.ts_ns
        return True

    def asked(self, event: MarginAnswer) -> bool:
        """Tell whether an answer is to a question of this desk."""
        return event.question in self.questions

    def forget(self) -> None:
        """Drop questions and answers: what was wanted is sent, or not wanted any more."""
        self.asked_ns = None
        self.questions.clear()

    def answers(self, now_ns: int) -> Answers:
        """Return what the venue has said by now about orders."""
        return lambda order: self.after(order, now_ns)

    def after(self, order: Proposal, now_ns: int) -> Balance | None:
        """Return the venue's balance with an order of just this kind and at most the asked size."""
        if seconds_between(self.answered_ns, now_ns) > GOOD_S:
            return None
        for question in self.questions.values():
            asked = question.orders.get(order.instrument.name)
            if asked is None or question.answer is None or question.answer.after is None:
                continue
            if 0.0 < order.quantity / asked.quantity <= 1.0 + 1e-9:
                return _paid(question.answer.after, question.orders.values())
        return None

    def rested(self, now_ns: int) -> bool:
        """Tell whether the last question is long enough ago for another after a failure."""
        return seconds_between(self.asked_ns or 0, now_ns) > GOOD_S

    def failed(self, now_ns: int) -> tuple[Because, ...]:
        """Return why no answer is to be had: refused by the venue, or silence for too long."""
        for question in self.questions.values():
            if question.answer is not None and question.answer.after is None:
                return (Because(Reason.MARGIN_UNANSWERED, question.answer.why),)
        late = self.asked_ns is not None and self.waiting
        if late and seconds_between(self.asked_ns or 0, now_ns) > PATIENCE_S:
            return (Because(Reason.MARGIN_UNANSWERED, "", {"after_s": PATIENCE_S}),)
        return ()


def estimated(floor: Floor, order: Proposal) -> Balance | None:
    """Return the balance with an order by the local formula: what a preview shows unasked."""
    one = order.instrument
    balance = floor.book.holdings.balances.get(one.currency)
    index = floor.book.coins[one.coin].market.index
    if balance is None:
        return None
    if balance.model not in STANDARD or not (one.is_option or one.coin in FUTURES):
        return balance
    held = float(floor.book.holdings.total(one.name))
    before = required(one, held, order.reference, index)
    after = required(one, held + order.quantity, order.reference, index)
    changed = replace(
        balance,
        initial_margin=balance.initial_margin + after.initial - before.initial,
        maintenance_margin=balance.maintenance_margin + after.maintenance - before.maintenance,
    )
    return _paid(changed, (order,))


def _paid(after: Balance, orders: Iterable[Proposal]) -> Balance:
    if after.model not in STANDARD:
        return after
    premium = sum(p.quantity * p.limit for p in orders if p.instrument.is_option)
    return replace(after, margin_balance=after.funds - premium)
