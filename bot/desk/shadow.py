"""A second delta in the shadow: what it would have hedged, and whether that would have been calmer.

The same policy, the same band and the same unwinding, on another delta of the same book. The shadow
begins with the hedge that the book has and then keeps one of its own: whole lots that trade at once
at the cost of crossing. It looks once a second, never in the cycle in which an order leaves, while
the underlying may send; owners' trades are in both books. It cannot send anything, and a restart
begins it anew.

Each minute (`sample_s`) adds one pair of hedged profits: the real one (what the options changed in
value at the venue's marks, with futures and counted collateral by their delta) and the shadow's,
which differs by (its hedge - the real one) * change of the index. The variance ratio is the
shadow's variance over the real one, weights halving each day; below 1 the shadow's delta hedges
better. Costs are no part of it. A pair is left out where the options held changed in between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from bot.book.book import CoinBook
from bot.book.exposure import Exposure
from bot.book.kinds import DeltaRule
from bot.book.legs import fill_delta, future_legs, settlement_averages
from bot.book.measure import measure_by
from bot.book.numeraire import Numeraire, future_delta
from bot.book.shocks import option_usd
from bot.desk.explain import Wish, decision_record, snapshot
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.desk.ticket import Want, want
from bot.domain.commands import Note
from bot.domain.positions import HEDGE_TAG
from bot.domain.quotes import Chain
from bot.domain.records import SHADOW, TradeNote
from bot.domain.states import SENDING
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY, iso, seconds_between
from bot.execution.rounding import quantity_for, to_lots
from bot.strategy.delta import NEVER_INSIDE, LastHedge, LastInside
from bot.strategy.unwind import Unwind

LOOK_NS: Final = NS_PER_S
HALF_LIFE_S: Final = SECONDS_PER_DAY
FEWEST: Final = 240
_TORN: Final = 3.0


@dataclass(slots=True)
class Pairs:
    """Exponentially weighted variances of two series; `kept` is what a new pair leaves of old."""

    kept: float
    count: int = 0
    mean: tuple[float, float] = (0.0, 0.0)
    variance: tuple[float, float] = (0.0, 0.0)

    def add(self, real: float, shadow: float) -> None:
        """Take one pair of profits (USD)."""
        part = 1.0 - self.kept if self.count else 1.0
        off = (real - self.mean[0], shadow - self.mean[1])
        self.mean = (self.mean[0] + part * off[0], self.mean[1] + part * off[1])
        self.variance = (
            self.kept * (self.variance[0] + part * off[0] ** 2) if self.count else 0.0,
            self.kept * (self.variance[1] + part * off[1] ** 2) if self.count else 0.0,
        )
        self.count += 1

    @property
    def ratio(self) -> float:
        """Return the second series' variance over the first's; NaN below `FEWEST` pairs."""
        real, shadow = self.variance
        return shadow / real if self.count >= FEWEST and real > 0.0 else math.nan


@dataclass(frozen=True, slots=True)
class Mark:
    """The options at a sample: when, at what index, their value (USD), and which they were."""

    ts_ns: int
    index: float
    value: float
    options: tuple[object, ...]


@dataclass(slots=True)
class Shadow:
    """One underlying's second delta. Quantities of `hedge` are in each future's own unit.

    `real` and `apart` are deltas (coin) as last seen: of what moves with the index beside the
    options, and of the shadow's hedge less the real one; `real_usd` and `apart_usd` is what they
    have made since the last sample.
    """

    rules: DeskRules
    by: DeltaRule
    pairs: Pairs
    since_ns: int = 0
    looked_ns: int = 0
    paired_ns: int = 0
    hedge: dict[str, float] = field(default_factory=dict)
    last: LastHedge = field(default_factory=LastHedge)
    seen: LastInside = NEVER_INSIDE
    unwind: Unwind | None = None
    used: str = ""
    trades: int = 0
    turnover_coin: float = 0.0
    cost_usd: float = 0.0
    index: float = math.nan
    real: float = 0.0
    apart: float = 0.0
    real_usd: float = 0.0
    apart_usd: float = 0.0
    mark: Mark | None = None

    @classmethod
    def of(cls, rules: DeskRules) -> Shadow | None:
        """Return the shadow that an underlying's rules ask for, if any."""
        by = rules.measure.shadow
        kept = 0.5 ** (rules.sample_s / HALF_LIFE_S)
        return None if by is None else cls(rules, by, Pairs(kept))

    def look(self, floor: Floor, now_ns: int) -> list[Note]:
        """Hedge as the second delta would, once a second; return what is to be journalled."""
        if now_ns - self.looked_ns < LOOK_NS:
            return []
        self.looked_ns = now_ns
        exposure = self.exposure(floor, now_ns)
        if not exposure.trusted or not math.isfinite(exposure.index):
            return []
        if not self.since_ns:
            mine = floor.book.packed(self.rules.coin)
            self.since_ns, self.hedge = now_ns, _hedges(floor, mine)
        told: list[Note] = []
        if floor.machine.at(self.rules.coin) in SENDING and not floor.barred:
            last, running, seen = self.last, self.unwind, self.seen
            wanted = want(floor, self.rules, exposure, last, running, seen, self.used)
            self.unwind, self.seen = wanted.unwind, seen.looked(exposure, wanted.levels.band)
            told = self._hedge(floor, exposure, wanted)
        self._carry(floor, exposure)
        return told

    def exposure(self, floor: Floor, now_ns: int) -> Exposure:
        """Return the book's exposure by the second delta, with the shadow's hedge in it."""
        coin, book = self.rules.coin, floor.book
        found = measure_by(book, coin, now_ns, self.by)
        if not math.isfinite(found.index):
            return found
        mine = book.packed(coin)
        apart = self._apart(floor, mine, found.index, now_ns)
        low, high = found.low + apart, found.high + apart
        return replace(found, delta=found.delta + apart, low=low, high=high)

    def see(self, floor: Floor, chain: Chain) -> None:
        """Take a chain that the book has taken: once a sample it closes a pair of profits.

        Only there are price and volatilities of one moment: a price that runs ahead of its
        volatilities would hide how they move together.
        """
        now_ns = chain.ts_ns
        taken = floor.book.coins[self.rules.coin].market.chain is chain
        if not taken or seconds_between(self.paired_ns, now_ns) < self.rules.sample_s:
            return
        self.paired_ns = now_ns
        exposure = self.exposure(floor, now_ns)
        if self.since_ns and exposure.trusted and math.isfinite(exposure.index):
            self._carry(floor, exposure)
            self._pair(floor, exposure)
        else:
            self.mark = None

    def figures(self, floor: Floor, now_ns: int) -> dict[str, float]:
        """Return how the shadow stands; NaN is not known. Asking changes nothing."""
        exposure = self.exposure(floor, now_ns)
        known = 1.0 if math.isfinite(exposure.index) else math.nan
        return {
            "delta_coin": exposure.delta * known,
            "hedge_coin": self._hedge_coin(floor, exposure),
            "by_model": exposure.by_model,
            "trades": self.trades,
            "turnover_coin": self.turnover_coin,
            "cost_usd": self.cost_usd,
            "variance_ratio": self.pairs.ratio,
            "samples": self.pairs.count,
        }

    def shown(self, floor: Floor, now_ns: int) -> dict[str, object]:
        """Return the figures with whose delta it is and since when; None is not known."""
        found = self.figures(floor, now_ns).items()
        return {
            "kind": str(self.by.kind),
            "skew_stickiness": self.by.stickiness,
            "since": iso(self.since_ns) if self.since_ns else None,
        } | {name: value if math.isfinite(value) else None for name, value in found}

    def _hedge(self, floor: Floor, exposure: Exposure, wanted: Want) -> list[Note]:
        """Trade what is wanted in the shadow, at once and in whole lots."""
        plan, hedge = wanted.plan, wanted.hedge
        if not plan.wanted or hedge is None:
            return []
        instrument, price = hedge.instrument, hedge.quote.mark
        size = float(
            to_lots(instrument, quantity_for(instrument, plan.change, price, exposure.index))
        )
        if not size:
            return []
        if self.unwind is not None and plan.step:
            self.unwind = replace(self.unwind, done=plan.step)
        change = future_delta(instrument, size, price, exposure.index)
        cost = abs(change) * hedge.cost_usd_per_coin
        self.hedge[instrument.name] = self.hedge.get(instrument.name, 0.0) + size
        self.last, self.used = LastHedge(exposure.ts_ns, exposure.index), instrument.name
        self.trades += 1
        self.turnover_coin += abs(change)
        self.cost_usd += cost
        coin = self.rules.coin
        decision = decision_record(
            exposure,
            plan.policy,
            self.rules.delta.owner,
            f"{coin}-{floor.names.epoch}-{SHADOW}-{self.trades}",
            Wish(
                kind=SHADOW,
                reasons=plan.reasons,
                refused=(),
                trades=(TradeNote(instrument.name, size, str(instrument.unit), price, cost),),
                delta_change=change,
                cost_usd=cost,
            ),
            snapshot(floor, coin, exposure, hedge),
        )
        return [Note(decision)]

    def _carry(self, floor: Floor, exposure: Exposure) -> None:
        """Add what both hedges have made since they were last seen, and see them anew."""
        mine, index = floor.book.packed(self.rules.coin), exposure.index
        if math.isfinite(self.index):
            move = index - self.index
            self.real_usd += self.real * move
            self.apart_usd += self.apart * move
        held = future_legs(mine, index, exposure.ts_ns)
        self.index = index
        self.real = exposure.collateral + sum(leg.delta for leg in held)
        self.apart = self._apart(floor, mine, index, exposure.ts_ns)

    def _pair(self, floor: Floor, exposure: Exposure) -> None:
        mine, now_ns, index = floor.book.packed(self.rules.coin), exposure.ts_ns, exposure.index
        value = option_usd(mine, index, now_ns, settlement_averages(mine, now_ns))
        columns = mine.columns
        counted = np.isfinite(columns.first[0]) & (columns.expiry_ns > now_ns)
        options = (columns.names, columns.quantity.tobytes(), counted.tobytes())
        last, self.mark = self.mark, Mark(now_ns, index, value, options)
        if last is not None and last.options == options and options[0]:
            waited_s = seconds_between(last.ts_ns, now_ns)
            if waited_s < _TORN * self.rules.sample_s:
                in_coin = mine.rules.numeraire is Numeraire.COIN
                carried = last.value * (index / last.index if in_coin else 1.0)
                real = value - carried + self.real_usd
                self.pairs.add(real, real + self.apart_usd)
        self.real_usd = self.apart_usd = 0.0

    def _apart(self, floor: Floor, mine: CoinBook, index: float, now_ns: int) -> float:
        """Return the delta of the shadow's hedge less that of the real one, coin."""
        if not self.since_ns:
            return 0.0
        real, total = _hedges(floor, mine), 0.0
        for name in sorted(self.hedge.keys() | real.keys()):
            size = self.hedge.get(name, 0.0) - real.get(name, 0.0)
            instrument = floor.book.instruments.get(name)
            if size and instrument is not None:
                total += fill_delta(mine, instrument, size, index, now_ns)
        return total

    def _hedge_coin(self, floor: Floor, exposure: Exposure) -> float:
        """Return the delta of all futures in the shadow's book, coin."""
        if not math.isfinite(exposure.index):
            return math.nan
        mine = floor.book.packed(self.rules.coin)
        held = future_legs(mine, exposure.index, exposure.ts_ns)
        apart = self._apart(floor, mine, exposure.index, exposure.ts_ns)
        return sum(leg.delta for leg in held) + apart


def _hedges(floor: Floor, mine: CoinBook) -> dict[str, float]:
    """Return the futures that this bot has hedged a coin with, in their own units."""
    book, found = floor.book, dict[str, float]()
    for position in book.holdings.positions.values():
        instrument = book.instruments.get(position.instrument)
        if position.tag != HEDGE_TAG or instrument is None or instrument.is_option:
            continue
        if instrument.coin == mine.rules.coin and mine.rules.scope.covers(position):
            name = instrument.name
            found[name] = found.get(name, 0.0) + float(position.quantity)
    return found
