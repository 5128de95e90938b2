"""One week of a book under one method: what was paid, what was earned, what a shock would cost.

Delta is brought to zero at every look with the perpetual. At the last look everything that was
bought is sold: a week is full round trips. An option that expires inside the week is settled at its
last look before, at its value and the venue's delivery fee.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.book.exposure import Exposure
from bot.book.numeraire import Numeraire
from bot.book.shocks import PNL_MOVES
from bot.domain.quotes import FloatArray
from bot.lab.options_study.market import Bucket, Market
from bot.lab.options_study.methods import EXPIRING_DAYS, Method, Sight, Trade, hedge_usd
from bot.lab.options_study.weeks import Week
from bot.strategy.options.churn import Traded

DELIVERY: Final = 1.5e-4
DELIVERY_CAP: Final = 0.125
DUST: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A week, look by look: arrays over looks, USD and coins.

    `options` half spreads, fees and delivery fees; `hedges` the perpetual traded for the delta of
    option trades, less what they netted; `total` what the bought options and their hedge lost in
    all (a gain is negative), `gains` the shocked results (moves, looks) after trading; `traded`
    coins of options.
    """

    options: FloatArray
    hedges: FloatArray
    total: FloatArray
    gains: FloatArray
    traded: FloatArray

    @property
    def cost(self) -> FloatArray:
        """Return the quoted costs."""
        return self.options + self.hedges

    @property
    def worst(self) -> FloatArray:
        """Return the worst shocked loss at each look."""
        worst: FloatArray = -self.gains.min(axis=0)
        return worst


def walk(market: Market, week: Week, bucket: Bucket, limit: float, method: Method | None) -> Walk:
    """Return a book's week; without a method its delta alone is hedged."""
    walker = _Walker(market, week, bucket, limit)
    count = week.end - week.begin + 1
    figures = np.array([walker.step(i, method, last=i == count - 1) for i in range(count)])
    gains = week.gains + np.array(walker.gains).T
    options, hedges, total, traded = figures.T
    return Walk(options, hedges, total, gains, traded)


class _Walker:
    """What is held along a week: what was traded for gamma, and perpetuals with and without it."""

    def __init__(self, market: Market, week: Week, bucket: Bucket, limit: float) -> None:
        self.market, self.week, self.bucket, self.limit = market, week, bucket, limit
        self.held: dict[str, float] = {}
        self.bought: dict[str, Traded] = {}
        self.gains: list[FloatArray] = []
        # The book begins at its target: nobody pays for that.
        self.perpetual = self.plain = -float(week.delta[0])

    def step(
        self, i: int, method: Method | None, *, last: bool
    ) -> tuple[float, float, float, float]:
        """Go to the week's look `i`; return its figures in the order of a `Walk`."""
        look = self.week.begin + i
        index = float(self.market.looks.index[look])
        earned = self._earned(look) if i else 0.0
        fees = self._settle(look) if i else 0.0
        delta = float(self.week.delta[i]) + self._sum("delta", look)
        away = delta + self.perpetual
        done, lost = self._sold(look) if last else ([], 0.0)
        if method is not None and not last:
            done = method(self._sight(i, index, away))
        slipped = sum(self._slipped(trade, look, index) for trade in done)
        brought = self._take(done, look)
        options = fees + lost + sum(abs(t.quantity) * t.candidate.cost_usd for t in done)
        whole = hedge_usd(index, away + brought)
        plain = -float(self.week.delta[i])
        total = fees + lost + slipped + whole - hedge_usd(index, plain - self.plain) - earned
        self.perpetual, self.plain = self.perpetual - away - brought, plain
        self.gains.append(self._gains(look))
        traded = sum(abs(trade.quantity) for trade in done)
        return options, whole - hedge_usd(index, away), total, traded

    def _sum(self, what: str, look: int) -> float:
        """Return a figure of what was traded for gamma."""
        tracks = ((self.market.track(name), q) for name, q in self.held.items())
        return sum(q * float(getattr(track, what)[look]) for track, q in tracks)

    def _earned(self, look: int) -> float:
        """Return what it and its own part of the perpetual earned since the look before, USD."""
        perpetual = self.market.looks.perpetual
        options = self._sum("value", look) - self._sum("value", look - 1)
        own = self.perpetual - self.plain
        return options + own * float(perpetual[look] - perpetual[look - 1])

    def _settle(self, look: int) -> float:
        """Take off what is settled; return the delivery fees, less those that are saved, USD."""
        base, fees = self.week.base(look - 1), 0.0
        index = float(self.market.looks.index[look])
        for name in [n for n in self.held if self.market.track(n).last <= look]:
            quantity, own = self.held.pop(name), base.get(name, 0.0)
            value = float(self.market.track(name).value[look])
            fees += min(DELIVERY * index, DELIVERY_CAP * value) * (abs(own + quantity) - abs(own))
        return fees

    def _sight(self, i: int, index: float, away: float) -> Sight:
        """Return what a method sees at the week's look `i`."""
        week, look = self.week, self.week.begin + i
        gamma, expiring = float(week.gamma[i]), float(week.expiring[i])
        for name, quantity in self.held.items():
            track = self.market.track(name)
            if track.days[look] > EXPIRING_DAYS:
                gamma += quantity * float(track.gamma[look])
            else:
                expiring += quantity * float(track.gamma[look])
        exposure = Exposure(
            coin=self.market.record.coin,
            ts_ns=int(self.market.looks.ts_ns[look]),
            numeraire=Numeraire.USD,
            index=index,
            delta=0.0,
            low=0.0,
            high=0.0,
            gamma=gamma,
            gamma_expiring=expiring,
            vega_usd=float(week.vega[i]) + self._sum("vega", look),
            theta_usd_day=0.0,
            vol=float(self.market.looks.vol[look]),
            gross_option_coin=float(week.gross[i]),
        )
        return Sight(
            self.market, look, self.bucket, self.limit, exposure, away, week.base(look),
            dict(self.held), self.bought,
        )  # fmt: skip

    def _gains(self, look: int) -> FloatArray:
        """Return what it gains in each shock, USD."""
        gains = np.zeros(len(PNL_MOVES))
        for name, quantity in self.held.items():
            gains += quantity * self.market.track(name).gains[:, look]
        return gains

    def _sold(self, look: int) -> tuple[list[Trade], float]:
        """Return the sale of everything that was bought, and the value of what has no bid, USD.

        What closed a holding of the book's own is no position that could be sold.
        """
        base, quoted = self.week.base(look), self.market.quoted(look)
        trades, lost = [], 0.0
        for name, quantity in self.held.items():
            own = base.get(name, 0.0)
            open_coins = abs(own + quantity) - abs(own)
            if open_coins <= DUST:
                continue
            if name in quoted:
                trades.append(Trade(quoted[name], float(-np.copysign(open_coins, quantity))))
            else:
                lost += open_coins * float(self.market.track(name).value[look])
        return trades, lost

    def _slipped(self, trade: Trade, look: int, index: float) -> float:
        """Return what a trade costs against the option's value, fee included, USD."""
        one, coins = trade.candidate, abs(trade.quantity)
        fee = one.cost_usd - 0.5 * (one.ask - one.bid) * index
        value = float(self.market.track(one.name).value[look])
        away = one.ask * index - value if trade.quantity > 0.0 else value - one.bid * index
        return coins * (away + fee)

    def _take(self, trades: list[Trade], look: int) -> float:
        """Book trades; return the delta that they bring, coin."""
        brought = 0.0
        for one, quantity in trades:
            brought += quantity * float(self.market.track(one.name).delta[look])
            left = self.held.get(one.name, 0.0) + quantity
            self.held[one.name] = left
            if abs(left) <= DUST:
                del self.held[one.name]
            last = self.bought.get(one.name)
            same = last is not None and last.quantity * quantity > 0.0
            before = last.quantity if last is not None and same else 0.0
            now_ns = int(self.market.looks.ts_ns[look])
            self.bought[one.name] = Traded(now_ns, before + quantity)
        return brought
