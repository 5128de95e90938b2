"""A program as arrays: what lots of its offers come to, and which of several is best.

Offers are in columns. A miss is counted in the row's scale and priced so that it is never cheaper
to miss an aim than to reach it: at ten times the dearest offer that helps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from bot.domain.programs import Leg, Program, Solution, Stage
from bot.domain.quotes import BoolArray, FloatArray, IntArray

# Floats of sums: a limit is passed when it is by more than this part of its scale.
TOLERANCE = 1e-7
# What opens a position must be taken off again one day: what closes one is half of a round trip.
CLOSING = 0.5
DEAR = 10.0
# An offer that does less than this part of what the best does is none that helps.
HELPS = 1e-3


@dataclass(frozen=True, slots=True)
class Figures:
    """One program's arrays; rows and offers in the program's order.

    `brings` rows by offers, in scales per lot; `low`, `high` and `wanted` how far each row may fall
    and rise and should move, in scales (`wanted` 0: it may stay); `cost` USD, half where a holding
    is closed, and `delta` coin per lot; `price` USD per scale that is missed.
    """

    program: Program
    brings: FloatArray
    low: FloatArray
    high: FloatArray
    wanted: FloatArray
    cost: FloatArray
    delta: FloatArray
    least: FloatArray
    most: FloatArray
    price: FloatArray

    @classmethod
    def of(cls, program: Program) -> Self:
        """Return a program's arrays."""
        rows, offers = program.rows, program.offers
        scale = np.array([row.scale for row in rows])
        brings = np.array([o.brings for o in offers]).reshape(len(offers), len(rows)).T
        found = cls(
            program=program,
            brings=brings / scale[:, None],
            low=np.array([row.low - row.now for row in rows]) / scale,
            high=np.array([row.high - row.now for row in rows]) / scale,
            wanted=np.array([0.0 if r.aim is None else r.aim - r.now for r in rows]) / scale,
            cost=np.array([o.cost_usd * (CLOSING if o.closes else 1.0) for o in offers]),
            delta=np.array([offer.delta for offer in offers]),
            least=np.array([float(offer.least) for offer in offers]),
            most=np.array([float(offer.most) for offer in offers]),
            price=np.zeros(len(rows)),
        )
        return replace(found, price=found.prices()) if found.finite else found

    @property
    def finite(self) -> bool:
        """Tell whether every figure of an offer, and what is wanted, is a number."""
        parts = (self.brings, self.cost, self.delta, self.most, self.least, self.wanted)
        return all(bool(np.isfinite(part).all()) for part in parts)

    def prices(self) -> FloatArray:
        """Return USD per scale missed, for each row; 0 where nothing is wanted.

        The smallest order may bring more than is wanted, and is worth it all the same.
        """
        lot_usd = self.cost + self.program.hedge_usd * np.abs(self.delta)
        least_usd = self.least * lot_usd + self.program.ticket_usd
        found = np.zeros(self.wanted.size)
        for i in np.flatnonzero(self.wanted):
            helps = self.brings[i] * np.sign(self.wanted[i])
            useful = helps > max(HELPS * helps.max(initial=0.0), TOLERANCE)
            lifts = np.minimum((self.least * helps)[useful], abs(self.wanted[i]))
            found[i] = DEAR * max((least_usd[useful] / lifts).max(initial=0.0), 1e-6)
        return found

    def part(self, which: IntArray) -> Self:
        """Return the same with these offers alone."""
        return replace(
            self,
            brings=self.brings[:, which],
            cost=self.cost[which],
            delta=self.delta[which],
            least=self.least[which],
            most=self.most[which],
        )

    def hedge(self, lots: FloatArray) -> FloatArray:
        """Return the hedge (coin) that brings each column's delta back to what is free."""
        low, high = self.program.free
        brought = self.delta @ lots
        hedges: FloatArray = np.clip(brought, low, high) - brought
        return hedges

    def cost_of(self, lots: FloatArray) -> FloatArray:
        """Return what columns of lots are compared by, USD: legs, tickets and the hedge."""
        tickets = self.program.ticket_usd * (lots > 0.0).sum(axis=0)
        hedges = self.program.hedge_usd * np.abs(self.hedge(lots))
        total: FloatArray = self.cost @ lots + tickets + hedges
        return total

    def missing(self, lots: FloatArray) -> FloatArray:
        """Return rows by columns: what is still wanted, in scales."""
        side = np.sign(self.wanted)[:, None]
        short: FloatArray = np.maximum(side * (self.wanted[:, None] - self.brings @ lots), 0.0)
        return np.where(short > TOLERANCE, short, 0.0)

    def allowed(self, lots: FloatArray) -> BoolArray:
        """Tell of each column of lots whether it keeps every limit."""
        moved = self.brings @ lots
        low, high = self.low[:, None] - TOLERANCE, self.high[:, None] + TOLERANCE
        inside = ((moved >= low) & (moved <= high)).all(axis=0)
        traded = lots > 0.0
        sizes = ~traded | ((lots >= self.least[:, None]) & (lots <= self.most[:, None]))
        legs = traded.sum(axis=0) <= self.program.max_legs
        hedges = self.hedge(lots)
        sold, bought = self.program.hedge_sold, self.program.hedge_bought
        hedged = (hedges >= -sold - TOLERANCE) & (hedges <= bought + TOLERANCE)
        fits: BoolArray = inside & sizes.all(axis=0) & legs & hedged
        return fits

    def best(self, lots: FloatArray) -> FloatArray | None:
        """Return the best column of lots, None where none keeps the limits.

        The cheapest, with what it misses at its price.
        """
        worth = self.cost_of(lots) + self.price @ self.missing(lots)
        worth = np.where(self.allowed(lots), worth, np.inf)
        one = int(np.argmin(worth))
        return lots[:, one] if np.isfinite(worth[one]) else None

    def solution(self, lots: FloatArray, stage: Stage, bound_usd: float, why: str) -> Solution:
        """Return lots as a solution; what misses an aim is SOFT, what trades nothing is NONE."""
        column = lots[:, None]
        if not (lots > 0.0).any():
            stage = Stage.NONE
        elif self.missing(column).any():
            stage = Stage.SOFT
        offers = self.program.offers
        legs = [Leg(offers[i].name, offers[i].side, round(lots[i])) for i in np.flatnonzero(lots)]
        hedge, halved = float(self.hedge(column)[0]), float(self.cost_of(column)[0])
        spared = sum(
            (1.0 - CLOSING) * n * o.cost_usd for n, o in zip(lots, offers, strict=True) if o.closes
        )
        cost = halved + float(spared)
        return Solution(stage, tuple(legs), hedge, cost, bound_usd, why)
