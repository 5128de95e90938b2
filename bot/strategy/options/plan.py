"""A solution as a plan: legs at what they cost now, what they change, whether it still fits.

A plan shows its cost beside what it gives up and what it takes away: the theta that short gamma
would have earned (buying back one's short gamma closes one's trade), and the worst shocked loss
that is lifted per dollar of cost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.book.exposure import Shocks
from bot.domain.programs import Leg, Offer, Program, Row, Solution, Stage
from bot.domain.reasons import Because, Reason
from bot.strategy.candidates import Candidate
from bot.strategy.gamma import GammaPolicy
from bot.strategy.options.problem import DUST, room
from bot.strategy.options.rows import GammaNeed

# A figure may move by this part of its limit between the question and the answer.
DRIFT = 0.10
SHOWN = 12


@dataclass(frozen=True, slots=True)
class GammaTrade:
    """A leg: lots of one candidate, signed quantity in coins.

    `tolerance` is how far from the mark its price may be, in the option's own unit.
    """

    candidate: Candidate
    quantity: float
    tolerance: float

    @property
    def cost_usd(self) -> float:
        """Return half spread and fee of the whole leg."""
        return abs(self.quantity) * self.candidate.cost_usd

    @property
    def gamma(self) -> float:
        """Return the gamma that the leg brings, coin per 1 %."""
        return self.quantity * self.candidate.gamma

    @property
    def theta_usd_day(self) -> float:
        """Return the theta that the leg brings, USD per day."""
        return self.quantity * self.candidate.theta_usd_day


@dataclass(frozen=True, slots=True)
class GammaPlan:
    """What would bring the book back: legs, the candidates considered, why, and how it was found.

    `pnl_usd` are the book's shocked results before the plan, `hedge_usd` the cost of a coin of
    delta hedge, `free` the delta (coin) that needs none, `edges` the edge of a bought coin (USD) by
    the owner's own volatility, empty where he has named none.
    """

    need: GammaNeed
    trades: tuple[GammaTrade, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    reasons: tuple[Because, ...] = ()
    stage: Stage = Stage.NONE
    pnl_usd: Mapping[float, float] | None = None
    hedge_usd: float = 0.0
    free: tuple[float, float] = (0.0, 0.0)
    edges: Mapping[str, float] = field(default_factory=dict)

    @property
    def cost_usd(self) -> float:
        """Return half spreads and fees of all legs."""
        return sum(trade.cost_usd for trade in self.trades)

    @property
    def delta(self) -> float:
        """Return the delta that the legs bring, coin."""
        return sum(trade.quantity * trade.candidate.delta for trade in self.trades)

    @property
    def vega_usd(self) -> float:
        """Return the vega that the legs bring, USD per point."""
        return sum(trade.quantity * trade.candidate.vega_usd for trade in self.trades)

    @property
    def round_trip_usd(self) -> float:
        """Return what it costs to trade the legs and their hedge, and to take both off again."""
        hedge = abs(min(max(self.delta, self.free[0]), self.free[1]) - self.delta)
        return 2.0 * (self.cost_usd + self.hedge_usd * hedge)

    @property
    def theta_usd_day(self) -> float:
        """Return the theta that the legs bring, USD per day: negative is given up."""
        return sum(trade.theta_usd_day for trade in self.trades)

    @property
    def edge_usd(self) -> float:
        """Return what the legs earn by the owner's own volatility beyond their theta, USD."""
        return sum(t.quantity * self.edges.get(t.candidate.name, 0.0) for t in self.trades)

    @property
    def tail_usd(self) -> float:
        """Return how far the worst shocked result is lifted; NaN where none was looked at."""
        if not self.pnl_usd:
            return math.nan
        lifted = [
            pnl + sum(t.quantity * t.candidate.shock_usd(move) for t in self.trades)
            for move, pnl in self.pnl_usd.items()
        ]
        return min(lifted) - min(self.pnl_usd.values())

    def after(self, row: Row) -> float:
        """Return one of the need's figures after the legs."""
        effect = next(limit.effect for limit in self.need.limits if limit.row.name == row.name)
        return row.now + sum(t.quantity * effect(t.candidate) for t in self.trades)

    @property
    def lacks(self) -> dict[str, float]:
        """Return what is still missing as figures for a reason: gamma, and what else is wanted."""
        figures = {"missing": 0.0}
        for limit in self.need.limits:
            if limit.passed is not None:
                kind = limit.row.name.partition("_")[0]
                name = NAMES.get(
                    kind, "missing_coin" if kind.startswith("swing") else "missing_usd"
                )
                short = limit.row.missing(self.after(limit.row))
                short = short if short > DUST * max(limit.row.scale, 1.0) else 0.0
                figures[name] = figures.get(name, 0.0) + short
        return figures

    @property
    def worth(self) -> dict[str, float]:
        """Return what the plan costs and gives, as figures for a record."""
        if not self.trades:
            return {}
        figures = {
            "theta_usd_day": self.theta_usd_day,
            "vega_change_usd": self.vega_usd,
            "round_trip_usd": self.round_trip_usd,
        }
        if self.edges:
            figures["edge_usd"] = self.edge_usd
        tail = self.tail_usd
        if math.isfinite(tail):
            figures["tail_lifted_usd"] = tail
            if self.cost_usd > 0.0:
                figures["tail_lifted_per_usd"] = tail / self.cost_usd
        return figures

    @property
    def told(self) -> dict[str, object]:
        """Return the plan's figures before and after, what it misses and gives, for readers."""
        return {
            "found": str(self.stage),
            "before": {limit.row.name: limit.row.now for limit in self.need.limits},
            "after": {limit.row.name: self.after(limit.row) for limit in self.need.limits},
            **self.lacks,
            **self.worth,
        }

    def of(self, trades: tuple[GammaTrade, ...]) -> GammaPlan:
        """Return this plan with other legs."""
        return replace(self, trades=trades)


NAMES = {"gamma": "missing", "vega": "missing_vega_usd"}


def plan_of(
    program: Program,
    solution: Solution,
    need: GammaNeed,
    candidates: tuple[Candidate, ...],
    held: Mapping[str, float],
    policy: GammaPolicy,
    shocks: Shocks | None = None,
    edges: Mapping[str, float] | None = None,
) -> GammaPlan:
    """Return a solution's legs at what they are now; without a solution, what could be traded.

    The candidates are those of the legs, and then the cheapest for their gamma.
    """
    known = {candidate.name: candidate for candidate in candidates}
    lots = {(offer.name, offer.side): offer.lot for offer in program.offers}
    trades = []
    for leg in solution.legs:
        candidate = known[leg.name]
        quantity = round(leg.side * leg.lots * lots[leg.name, leg.side], 9)
        _, tolerance = room(candidate, leg.side, need, held, policy)
        trades.append(GammaTrade(candidate, quantity, tolerance))
    offered = [known[name] for name in dict.fromkeys(offer.name for offer in program.offers)]
    traded = {trade.candidate.name for trade in trades}
    ranked = sorted(offered, key=lambda c: (c.name not in traded, c.cost_per_gamma, c.name))
    return GammaPlan(
        need=need,
        trades=tuple(sorted(trades, key=lambda t: t.candidate.name)),
        candidates=tuple(ranked[: max(SHOWN, len(traded))]),
        reasons=need.reasons,
        stage=solution.stage,
        pnl_usd=None if shocks is None else shocks.pnl_usd,
        hedge_usd=program.hedge_usd,
        free=program.free,
        edges=edges or {},
    )


def unfit(asked: Program, now: Program, solution: Solution) -> Because | None:
    """Return why the answer to one program is none to the newest one, or None.

    The same options must be held and the same figures be wanted, none of them far from where it
    was; every leg must still be there in its size; and no limit may be passed by what is sent.
    """
    if asked.held != now.held:
        return Because(Reason.BOOK_CHANGED, "holdings")
    before, after = ({row.name: row for row in p.rows} for p in (asked, now))
    for name, row in after.items():
        old = before.get(name)
        if old is None or (old.aim is None) is not (row.aim is None):
            return Because(Reason.BOOK_CHANGED, name)
        if abs(row.now - old.now) > DRIFT * row.scale:
            return Because(Reason.BOOK_CHANGED, name, {"asked": old.now, "now": row.now})
    offers = {(offer.name, offer.side): offer for offer in now.offers}
    for leg in solution.legs:
        offer = offers.get((leg.name, leg.side))
        if offer is None or not offer.least <= leg.lots <= offer.most:
            most = 0 if offer is None else offer.most
            figures = {"lots": float(leg.lots), "most": float(most)}
            return Because(Reason.BOOK_CHANGED, leg.name, figures)
    return _passes(now, solution.legs, offers)


def _passes(
    program: Program, legs: tuple[Leg, ...], offers: Mapping[tuple[str, int], Offer]
) -> Because | None:
    """Return the limit that legs would pass, or take further out."""
    for i, row in enumerate(program.rows):
        after = row.now + sum(leg.lots * offers[leg.name, leg.side].brings[i] for leg in legs)
        slack = 1e-6 * row.scale
        if not row.low - slack <= after <= row.high + slack:
            return Because(Reason.BOOK_CHANGED, row.name, {"now": row.now, "after": after})
    return None
