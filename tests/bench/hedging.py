"""What choosing the hedge instrument adds to measuring a book, as the desk does on every tick.

Two books of short and long options around the price: nine, as many as the demo has of a coin, and
two hundred. One, three or eight instruments may hedge, all quoted and funded; the perpetual and a
future are held, 0.3 coins are to be bought, and expiries have their limit.
"""

from collections.abc import Callable
from functools import partial
from itertools import count

from bot.book.book import Book
from bot.book.measure import measure
from bot.domain.instruments import FeeTier
from bot.domain.units import NS_PER_MS
from bot.strategy.choice import Task, choose_hedge
from bot.strategy.hedge_cost import HedgePolicy
from bot.wiring.kernels import TICK, _folder
from greeks import arithmetic
from tests.bench import rows
from tests.bench.rows import Row
from tests.bench.speed import interleaved
from tests.builders.books import NOW, PERPETUAL, book

SIZES = {"demo": 9, "200": 200}
INSTRUMENTS = (
    PERPETUAL, "BTC-27MAR26", "BTC-30JAN26", "BTC-27FEB26", "BTC-26JUN26", "BTC-25SEP26",
    "BTC-25DEC26", "BTC_USDC-PERPETUAL",
)  # fmt: skip
HEDGES = (1, 3, 8)
POLICY = HedgePolicy(basis_coin=2.0)
TASK = Task(change=0.3, last=PERPETUAL)
TIER = FeeTier()
FRESH_MS = 1_000
DAYS = (2.0, 7.0, 25.0, 53.0)


def choices() -> list[Row]:
    """Return microseconds of a measure and of a choice, and the choice's share of the measure."""
    arithmetic.use(only=TICK, cache=_folder())
    calls: dict[str, Callable[[], object]] = {}
    for size, options in SIZES.items():
        for hedges in HEDGES:
            made, clock = desk_book(options, hedges), count()
            calls[f"{size}_{hedges}_measure"] = partial(_measured, made, clock)
            calls[f"{size}_{hedges}_choice"] = partial(_chosen, made, clock)
    took = interleaved(calls)
    arithmetic.use(arithmetic.PLAIN)
    told: list[Row] = []
    for size, options in SIZES.items():
        for hedges in HEDGES:
            name = f"hedging.{size}_{hedges}"
            whole, choice = took[f"{size}_{hedges}_measure"], took[f"{size}_{hedges}_choice"]
            of = f"{options} options, instruments: {hedges}"
            told += [
                rows.plain(f"{name}_measure", 1e6 * whole, f"us, {of}"),
                rows.plain(f"{name}_choice", 1e6 * choice, f"us, {of}"),
                rows.plain(f"{name}_share", choice / whole, "of the measure"),
            ]
    return told


def desk_book(options: int, hedges: int) -> Book:
    """Return a book of so many options that so many instruments may hedge."""
    made = book().coins(50.0).dollars(1e6)
    for i in range(options):
        away, quarter = divmod(i // 2, len(DAYS))
        strike = 60_000.0 + 500.0 * (away if away % 2 else -away)
        made.option(-1 if i % 3 else 1, strike, call=i % 2 == 0, days=DAYS[quarter])
    held = {PERPETUAL: 60_000, "BTC-27MAR26": 30_000}
    for name in INSTRUMENTS[:hedges]:
        made.future(name, held.get(name, 0))
    return made.built()


def _measured(made: Book, clock: "count[int]") -> object:
    return measure(made, "BTC", _now_ns(clock))


def _chosen(made: Book, clock: "count[int]") -> object:
    return choose_hedge(made, "BTC", _now_ns(clock), TIER, POLICY, TASK)


def _now_ns(clock: "count[int]") -> int:
    """Return another moment within the second that quotes are fresh."""
    return NOW + next(clock) % FRESH_MS * NS_PER_MS
