"""What buying gamma back costs by method, inside buckets, where shocked losses vary equally.

Every method walks the same weeks at several limits. Costs are read off between a method's limits at
the deviation that ours leaves at each of three (`policies.compare`). Deviations are of two kinds:
the root mean square of the delta-hedged result of the four shocks at all looks, which is what a
shock may cost, and the deviation of the worst of the four over looks, which is only how unevenly.
Weeks are drawn again, together for all methods and buckets; where there are few, blocks of three
days.

`python -m bot.lab.options_page FOLDER` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from bot.domain.quotes import FloatArray
from bot.lab.lives import NS_PER_DAY
from bot.lab.options_study import methods
from bot.lab.options_study.market import Bucket, Market
from bot.lab.options_study.methods import Habits, Method, optimiser
from bot.lab.options_study.walk import Walk, walk
from bot.lab.options_study.weeks import Week, weeks
from bot.lab.policies.compare import Saving, Tried, Units, savings
from bot.sim.recorded import CoinRecord

BUCKETS: Final = (Bucket(2.0, 7.0), Bucket(7.0, 21.0), Bucket(21.0, 45.0))
SHARES: Final = (0.9, 0.8, 0.65, 0.5, 0.35, 0.25)
"""Limits, as shares of the gamma that the book begins its week with."""

BESIDE: Final = (1.3, 1.1, *SHARES, 0.15, 0.1)
"""Those of the nearest option, which must reach beyond ours on both sides."""

ASKED: Final = (0.65, 0.5, 0.35)
SIZES: Final = (0.5, 5.0, 50.0)
"""Straddles of each strike that a book is short of, coins."""

RESULTS: Final = "shocked results"
WORST: Final = "worst shocked loss"
TOGETHER: Final = "all buckets"
TOLD: Final = 5.0
"""The size at which savings are told apart."""

NEAREST: Final = "nearest"
ONE: Final = "one expiry"
SELECTION: Final = "selection"
NETTING: Final = "netting"
OURS: Final = "hysteresis"
METHODS: Final[dict[str, Method]] = {
    NEAREST: methods.nearest,
    ONE: optimiser(Habits(netting=False, hysteresis=False, one_expiry=True)),
    SELECTION: optimiser(Habits(netting=False, hysteresis=False)),
    NETTING: optimiser(Habits(netting=True, hysteresis=False)),
    OURS: optimiser(Habits(netting=True, hysteresis=True)),
}
PAIRS: Final = (
    (OURS, NEAREST),
    (ONE, NEAREST),
    (SELECTION, NEAREST),
    (NETTING, NEAREST),
    (NETTING, SELECTION),
    (OURS, NETTING),
)
"""What is compared: first the whole, then each habit beside none and beside the one before."""

FEW: Final = 8
SHORT: Final = 3  # days of a block where there are fewer weeks than that


@dataclass(frozen=True, slots=True)
class Comparison:
    """One method beside another in one bucket; `rows` by limit, the last their mean."""

    coin: str
    bucket: str
    straddles: float  # coins of each strike
    weeks: int
    blocks: int
    measure: str
    ours: str
    beside: str
    rows: list[Saving]

    @property
    def title(self) -> str:
        """Return what books these are, and what is drawn again."""
        drawn = f"{self.blocks} blocks of {self.weeks} weeks"
        return f"{self.coin}, {self.straddles:g} coins a straddle, {self.bucket}, {drawn}"


@dataclass(frozen=True, slots=True)
class Paid:
    """What a method paid a week at one limit: USD and coins, means over weeks."""

    coin: str
    bucket: str
    straddles: float
    method: str
    limit: float  # share of the book's first gamma
    spreads: float  # half spreads and fees of options
    hedges: float  # the perpetual for the delta of their trades
    carry: float  # decay, volatility, gamma's gains, mids beside marks: a loss is positive
    coins: float  # of options traded
    worst: float  # mean worst shocked loss
    deviation: float  # of the worst shocked loss over looks
    squares: float  # root mean square of shocked results


class Study(NamedTuple):
    """All of a coin's figures."""

    comparisons: list[Comparison]
    paid: list[Paid]


@dataclass(frozen=True, slots=True)
class _Run:
    method: str
    limit: float
    walks: list[Walk]


def study(
    record: CoinRecord,
    buckets: tuple[Bucket, ...] = BUCKETS,
    sizes: tuple[float, ...] = SIZES,
    told: float = TOLD,
) -> Study:
    """Return a coin's comparisons; none where no week was recorded whole."""
    found = Study([], [])
    if not len(record.perpetual.ts_ns) or not record.snapshots:
        return found
    market = Market(record)
    for straddles in sizes:
        held = weeks(market, straddles)
        if not held:
            continue
        names = METHODS if straddles == told else {NEAREST: METHODS[NEAREST], OURS: METHODS[OURS]}
        every = [_runs(market, held, bucket, names) for bucket in buckets]
        for bucket, runs in zip(buckets, every, strict=True):
            found.paid.extend(_paid(record.coin, bucket, straddles, run) for run in runs)
        together = [
            _Run(same[0].method, same[0].limit, [one for run in same for one in run.walks])
            for same in zip(*every, strict=True)
        ]
        for name, runs in ((TOGETHER, together), *zip(map(str, buckets), every, strict=True)):
            found.comparisons.extend(_compared(market, held, name, straddles, runs))
    return found


def _runs(
    market: Market, held: list[Week], bucket: Bucket, names: Mapping[str, Method]
) -> list[_Run]:
    found = []
    for name, method in names.items():
        for share in BESIDE if name == NEAREST else SHARES:
            walks = [
                walk(market, week, bucket, share * abs(float(week.gamma[0])), method)
                for week in held
            ]
            found.append(_Run(name, share, walks))
    return found


def _paid(coin: str, bucket: Bucket, straddles: float, run: _Run) -> Paid:
    count = len(run.walks)
    worst = np.concatenate([one.worst for one in run.walks])
    gains = np.concatenate([one.gains for one in run.walks], axis=1)

    def mean(values: Iterator[FloatArray]) -> float:
        return float(sum(value.sum() for value in values) / count)

    return Paid(
        coin=coin,
        bucket=str(bucket),
        straddles=straddles,
        method=run.method,
        limit=run.limit,
        spreads=mean(one.options for one in run.walks),
        hedges=mean(one.hedges for one in run.walks),
        carry=mean(one.total - one.cost for one in run.walks),
        coins=mean(one.traded for one in run.walks),
        worst=float(worst.mean()),
        deviation=float(worst.std()),
        squares=float(np.sqrt(np.square(gains).mean())),
    )


def _compared(
    market: Market, held: list[Week], bucket: str, straddles: float, runs: list[_Run]
) -> Iterator[Comparison]:
    known = {run.method for run in runs}
    looks = np.concatenate([np.arange(week.begin, week.end + 1) for week in held])
    block = np.repeat(np.arange(len(held)), [week.end + 1 - week.begin for week in held])
    if len(held) < FEW:
        block = market.looks.ts_ns[looks] // int(SHORT * NS_PER_DAY)
    block = np.tile(block, len(runs[0].walks) // len(held))
    for measure, squared in ((RESULTS, True), (WORST, False)):
        tried = [_tried(run, squared=squared) for run in runs]
        copies = len(tried[0].left) // len(block)
        units = Units(tried, np.tile(block, copies))
        for ours, beside in PAIRS:
            if {ours, beside} <= known:
                rows = savings(units, ours, [beside], ASKED)
                rows = [row._replace(at=row.at.replace("aversion", "limit")) for row in rows]
                yield Comparison(
                    market.record.coin, bucket, straddles, len(held), len(np.unique(block)),
                    measure, ours, beside, rows,
                )  # fmt: skip


def _tried(run: _Run, *, squared: bool) -> Tried:
    """Return a run as units of looks; squares are of results and their opposites, of mean zero."""
    cost = np.concatenate([one.cost for one in run.walks])
    if not squared:
        return Tried(run.method, run.limit, cost, np.concatenate([one.worst for one in run.walks]))
    gains = np.concatenate([one.gains for one in run.walks], axis=1)
    left = np.concatenate([*gains, *-gains])
    return Tried(run.method, run.limit, np.tile(cost, 2 * len(gains)), left)
