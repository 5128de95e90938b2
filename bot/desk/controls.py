"""One underlying's breakers at work: what is folded into them, and what they say.

    order about to go    what became of the orders before it; runaway, repeated orders
    fill                 what it did to the measured delta, at one moment and one price
    end of an order      rejects, rate limit, fill price, orders against those that trade
    look                 whether the book is hedged at all; what is told, and told again

What only a review ends (`review`) is a Standing word of the journal and survives a restart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from bot.domain.positions import Fill
from bot.domain.reasons import Because, Reason
from bot.domain.records import Doubt, Record, Standing, Word
from bot.domain.units import seconds_between
from bot.execution.orders import OrderTable
from bot.execution.working import WorkingOrder
from bot.risk.breakers import (
    BREAKERS,
    Does,
    FillPrice,
    Need,
    OrdersPerFill,
    Pager,
    RateLimit,
    Rejects,
    Repeated,
    Reset,
    Runaway,
    Unhedged,
)
from bot.risk.limits import Cost
from bot.risk.twin import Twin

TWIN_S = 5.0
OPTION = "gamma"
# Says nothing about an order: the venue settles.
ROUTINE = frozenset({"10041"})


@dataclass(frozen=True, slots=True)
class Holding:
    """What is held of one instrument in its own unit, and the most coins of delta of one.

    Of an option our own fills are not ours to explain: they move delta like anybody's.
    """

    quantity: float
    coins: float
    option: bool


NOTHING = Holding(0.0, 0.0, option=True)


@dataclass(slots=True)
class Sent:
    """An order and what it was sent for: the delta of a full fill, the mid it was decided on.

    `held` and `own` are what was held of its instrument, and what of that were fills of ours, when
    it was sent. `due` and `measured` sum the deltas of its fills: as they should be and as seen.
    """

    order: WorkingOrder
    change: float
    mid: float
    held: float
    own: float
    due: float = 0.0
    measured: float = 0.0
    paid: float = 0.0
    ended: bool = False

    @property
    def name(self) -> str:
        """Return its instrument."""
        return self.order.intent.instrument

    @property
    def filled(self) -> float:
        """Return the signed quantity that is proven to have filled."""
        return float(self.order.reported)

    def away_bps(self) -> float:
        """Return how far its fills were from the mid, positive where they were worse."""
        folded = float(self.order.folded)
        if not folded or not self.mid > 0.0:
            return math.nan
        return (self.paid / folded / self.mid - 1.0) * 1e4 * math.copysign(1.0, folded)


@dataclass(slots=True)
class Controls:
    """The breakers of one coin and what they remember.

    `own` sums our fills by instrument; `held_then` and `own_then` are as of the last hedge.
    `review` holds what only a review ends.
    """

    coin: str
    orders: OrderTable
    runaway: Runaway = field(default_factory=Runaway)
    repeated: Repeated = field(default_factory=Repeated)
    rejects: Rejects = field(default_factory=Rejects)
    rate: RateLimit = field(default_factory=RateLimit)
    ratio: OrdersPerFill = field(default_factory=OrdersPerFill)
    price: FillPrice = field(default_factory=FillPrice)
    unhedged: Unhedged = field(default_factory=Unhedged)
    pager: Pager = field(default_factory=Pager)
    cost: Cost | None = None
    review: dict[Reason, Because] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    own: dict[str, float] = field(default_factory=dict)
    twins: dict[str, Twin] = field(default_factory=dict)
    held_then: Mapping[str, Holding] | None = None
    own_then: dict[str, float] = field(default_factory=dict)

    # orders

    def judge(self, held: Mapping[str, Holding], now_ns: int) -> tuple[Record, ...]:
        """Judge what became of earlier orders before another goes; return what there is to record.

        `held` are the holdings of the coin by place.
        """
        self.learn(now_ns)
        done = [one for one in self.sent if one.ended]
        self.sent = [one for one in self.sent if not one.ended]
        for one in done:
            measured = one.measured / one.due if one.due else math.nan
            self.runaway.judge(measured, self._kept(one, held))
        return tuple(self._put_under_review(self.runaway.because(self.coin), now_ns))

    def hedges(self, need: Need, held: Mapping[str, Holding]) -> tuple[Record, ...]:
        """Take a hedge that is wanted now; return what there is to record."""
        need = replace(need, foreign=self._foreign(held))
        self.held_then, self.own_then = held, dict(self.own)
        found = self.repeated.order(self.coin, need)
        return tuple(self._put_under_review(found, need.ts_ns))

    def watch(self, order: WorkingOrder, change: float, mid: float, held: float) -> None:
        """Remember an order of the delta desk that is being sent."""
        self.sent.append(Sent(order, change, mid, held, self.own.get(order.intent.instrument, 0.0)))

    def remember(self, twin: Twin) -> None:
        """Remember an order as one that must not be sent again at once."""
        self.twins[twin.instrument] = twin

    def twin(self, instrument: str, now_ns: int) -> Twin | None:
        """Return the last order on an instrument while a like one would be a duplicate."""
        found = self.twins.get(instrument)
        if found is None or seconds_between(found.ts_ns, now_ns) >= TWIN_S:
            return None
        return found

    # what became of them

    def filled(self, fill: Fill, measured: float, now_ns: int, *, hedge: bool) -> None:
        """Take a fill of ours; `measured` is by how much it changed the delta, NaN if not known.

        `hedge` tells that it is of an order that brings delta to its target.
        """
        quantity = float(fill.quantity)
        self.twins.clear()
        self.own[fill.instrument] = self.own.get(fill.instrument, 0.0) + quantity
        one = next((one for one in self.sent if one.order.intent.label == fill.label), None)
        if one is None:
            return
        one.paid += quantity * float(fill.price)
        change = one.change * quantity / float(one.order.intent.quantity)
        if math.isfinite(measured):
            one.due, one.measured = one.due + change, one.measured + measured
        if hedge:
            self.repeated.filled(now_ns, change)

    def rejected(self, order: WorkingOrder, code: str, now_ns: int) -> None:
        """Take the venue's refusal of an order: it is not there, and may be sent again."""
        self.twins.pop(order.intent.instrument, None)
        self.rate.rejected(code, now_ns)
        if order.intent.purpose == OPTION and code not in ROUTINE:
            self.rejects.rejected(code, now_ns)

    def learn(self, now_ns: int) -> None:
        """Take in which watched orders have ended; twice makes no difference."""
        for one in self.sent:
            if one.ended or one.order.intent.label in self.orders.orders:
                continue  # what is not in the table has ended, and all its fills are folded
            one.ended = True
            traded = bool(one.order.reported)
            self.ratio.over(now_ns, traded=traded)
            if traded and not math.isnan(away := one.away_bps()):
                self.price.filled(one.name, away, now_ns)
        # An order that did not trade says nothing about what orders do.
        self.sent = [one for one in self.sent if not one.ended or one.order.reported]

    # what they say

    def doubts(self, now_ns: int) -> tuple[Because, ...]:
        """Return why the coin should only reduce delta."""
        self.learn(now_ns)
        found = (
            *self.review.values(),
            self.rejects.because(self.coin, now_ns),
            self.rate.because(self.coin, now_ns),
            self.ratio.because(self.coin, now_ns),
            self.price.because(now_ns),
        )
        return tuple(because for because in found if because is not None)

    def tell(
        self, doubts: tuple[Because, ...], notices: tuple[Because, ...], now_ns: int
    ) -> list[Record]:
        """Return what people are told now of `doubts` and of `notices`, which stop nothing."""
        standing = {b.reason: b for b in doubts if b.reason in BREAKERS}
        cost = None if self.cost is None else self.cost.because(self.coin)
        unhedged = self.unhedged.because(self.coin, now_ns)
        for because in (unhedged, self.price.told(now_ns), cost, *notices):
            if because is not None:
                standing[because.reason] = because
        said = self.pager.say(standing, now_ns)
        return [Doubt(now_ns, self.coin, because, active) for because, active in said]

    # review

    def recall(self, because: Because) -> None:
        """Take over what an earlier run left to be reviewed."""
        self.review[because.reason] = because

    @property
    def halts(self) -> bool:
        """Tell whether what waits for a review lets no order go at all."""
        return any(BREAKERS[reason].does is Does.HALT for reason in self.review)

    @property
    def words(self) -> str:
        """Return the words that a review has to say."""
        return f"reviewed {self.coin} {' '.join(sorted(self.review))}"

    def lift(self, now_ns: int, because: Because) -> Standing:
        """End what was reviewed; the breakers begin anew."""
        self.review.clear()
        self.runaway.strikes = 0
        self.repeated.forget()
        self.sent.clear()
        return Standing(now_ns, self.coin, Word.REVIEW, None, active=False, because=because)

    def _put_under_review(self, because: Because | None, now_ns: int) -> Iterator[Record]:
        """Yield what is recorded of a breach that a person must look at, once."""
        if because is None or because.reason in self.review:
            return
        if BREAKERS[because.reason].reset is Reset.REVIEW:
            self.review[because.reason] = because
            yield Standing(now_ns, self.coin, Word.REVIEW, None, active=True, because=because)

    def _kept(self, one: Sent, held: Mapping[str, Holding]) -> float:
        """Return what share of an order's fills the position still has, by quantity alone."""
        if not one.filled:
            return math.nan
        others = self.own.get(one.name, 0.0) - one.own - float(one.order.folded)
        return (held.get(one.name, NOTHING).quantity - one.held - others) / one.filled

    def _foreign(self, held: Mapping[str, Holding]) -> float:
        """Return how many coins of delta at most others moved since the last hedge was wanted."""
        if self.held_then is None:
            return 0.0
        total = 0.0
        for name in sorted({*held, *self.held_then}):
            now, then = held.get(name, NOTHING), self.held_then.get(name, NOTHING)
            ours = 0.0
            if not (now.option and then.option):
                ours = self.own.get(name, 0.0) - self.own_then.get(name, 0.0)
            total += abs(now.quantity - then.quantity - ours) * max(now.coins, then.coins)
        return total
