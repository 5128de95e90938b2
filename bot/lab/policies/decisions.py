"""Our delta policy beside fixed thresholds and timers on what was recorded of one coin.

Ours is Whalley and Wilmott's width of a book's net gamma, less what looking only now and then adds
to it (`replay.whalley_wilmott`); beside it stands the best of three families of fixed thresholds at
the same deviation, the best one found afterwards, and timers. Deviations are of three kinds: the
hedged book's change a day, the same without what the frictionless twin had too (the distance to the
target), and that of a whole life. `python -m bot.lab.policy_page FOLDER` prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from bot.domain.quotes import FloatArray, IntArray
from bot.lab.lives import NS_PER_DAY, Rows
from bot.lab.policies import compare, recorded, replay
from bot.lab.policies.compare import Saving, Tried, Units
from bot.lab.policies.recorded import Books
from bot.lab.policies.replay import Policy, Result
from bot.sim.recorded import CoinRecord

WIDTHS: Final = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5)
"""Fixed half-widths, coin."""

AVERSIONS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Of our policy, per USD where a coin costs 100 USD."""

ASKED: Final = (0.1, 0.3, 1.0, 3.0)
"""The aversions at whose deviations costs are compared."""

HOURS: Final = (4, 8, 24)
TICKET: Final = 1.25e-5
"""What an order costs beside its size, as a share of a coin: the default's dollar at 80,000 USD."""

FIXED: Final = ("fixed, to edge", "fixed, to target", "fixed, to inner")
SHOCKED: Final = "most within a daily deviation"
AVERAGED: Final = "root mean square within half of it"

WEEK: Final = 7  # days of a block
SHORT: Final = 3  # and of one where there are few weeks
FEW: Final = 8
HOURLY: Final = 20  # looks of a day that is looked at hourly

Value = Callable[[Result], FloatArray]


class Measure(NamedTuple):
    """What is compared: which cost at which deviation, over which units."""

    name: str
    left: Value
    ticket: bool = False
    life: bool = False
    hourly: bool = False


MEASURES: Final = (
    Measure("USD a day", lambda result: result.left),
    Measure("USD a day strayed", lambda result: result.strayed),
    Measure("USD a day, looked at hourly", lambda result: result.left, hourly=True),
    Measure("USD a day strayed, looked at hourly", lambda result: result.strayed, hourly=True),
    Measure("USD a day, with tickets", lambda result: result.left, ticket=True),
    Measure("USD a life", lambda result: result.left, life=True),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One table."""

    coin: str
    kind: str  # of books
    books: int
    coins: float  # gross coins of options of one book
    measure: str
    ours: str
    block: str  # what is drawn again
    blocks: int
    rows: list[Saving]

    @property
    def title(self) -> str:
        """Return what books these are."""
        return f"{self.coin}, {self.books} {self.kind}, {self.coins:.1f} coins"


def study(record: CoinRecord) -> Iterator[Comparison]:
    """Yield a coin's tables; none where no option or week was recorded whole."""
    rows = Rows.of(record)
    if not len(rows.ts_ns):
        return
    seen = recorded.looks(record, rows)
    for kind, make in recorded.KINDS.items():
        held = make(record, rows, seen)
        if not held:
            continue
        books = recorded.books(record, rows, seen, held)
        expiry_ns = np.array([record.expiry_ns[one.option] for one in held])
        ticket_usd = TICKET * float(np.median(seen.perpetual))
        results = [replay.run(books, policy) for policy in policies(ticket_usd)]
        for measure in MEASURES:
            if measure.life and kind != recorded.FULL_LIVES:
                continue
            found = _measured(books, results, measure, ticket_usd, expiry_ns)
            blocks = len(np.unique(found.units.block))
            if blocks < FEW:
                continue  # too few for an interval
            for ours in (SHOCKED, AVERAGED):
                name = f"{ours}, with ticket" if measure.ticket else ours
                yield Comparison(
                    record.coin, kind, len(books.begin), books.coins, measure.name, name,
                    found.of, blocks,
                    compare.savings(found.units, name, FIXED, ASKED),
                )  # fmt: skip


def policies(ticket_usd: float) -> list[Policy]:
    """Return every policy of the comparison."""
    gammas = ((SHOCKED, replay.shocked), (AVERAGED, replay.averaged))
    return [
        *(replay.timer(hours) for hours in HOURS),
        *(
            replay.fixed(width, to, ticket_usd)
            for to in ("edge", "target", "inner")
            for width in WIDTHS
        ),
        *(
            replay.whalley_wilmott(aversion, gamma, name)
            for name, gamma in gammas
            for aversion in AVERSIONS
        ),
        *(
            replay.whalley_wilmott(aversion, gamma, f"{name}, with ticket", ticket_usd)
            for name, gamma in gammas
            for aversion in AVERSIONS
        ),
    ]


class _Measured(NamedTuple):
    units: Units
    of: str


def _measured(
    books: Books,
    results: Sequence[Result],
    measure: Measure,
    ticket_usd: float,
    expiry_ns: IntArray,
) -> _Measured:
    index, _, _ = replay.rows(books)
    days, looks = np.unique(books.looks.ts_ns // int(NS_PER_DAY), return_counts=True)
    kept = np.ones(len(index.day), dtype=np.bool_)
    if measure.hourly:
        kept = np.isin(index.day, days[looks >= HOURLY])

    def of(values: FloatArray) -> FloatArray:
        by_unit: FloatArray = values[kept]
        if measure.life:
            by_unit = np.bincount(index.book, values).astype(np.float64)
        return by_unit

    tried = [
        Tried(
            result.family,
            result.parameter,
            of(result.cost + ticket_usd * result.trades * measure.ticket),
            of(measure.left(result)),
        )
        for result in results
    ]
    if measure.life:
        return _Measured(Units(tried, expiry_ns), "expiries")
    weeks = index.day[kept] // WEEK
    if len(np.unique(weeks)) >= FEW:
        return _Measured(Units(tried, weeks), "weeks")
    return _Measured(Units(tried, index.day[kept] // SHORT), f"blocks of {SHORT} days")
