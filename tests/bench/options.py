"""Option plans: the time to a first one and to the integer program's, and what a loop feels of it.

Random books and chains (`tests.builders.programs`), a fixed set for each size. The loop's blocking
is the lateness of a task that wakes every millisecond while a solver's process works. Making the
program is the loop's own work: measured on a whole chain of 900 options and a book of 100.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from statistics import median

import numpy as np

from bot.book.measure import measure
from bot.desk.legs import question_of
from bot.domain.programs import Program, Solution, Stage
from bot.domain.units import NS_PER_S
from bot.strategy.bands import GammaBand
from bot.strategy.gamma import GammaPolicy
from bot.strategy.options.solve import LIVE, first_plan, solve
from bot.venues.solver import Solver
from tests.bench import rows
from tests.bench.programs import BenchError
from tests.bench.rows import Row
from tests.builders.books import DAY_NS, NOW, OptionRow, contract_of
from tests.builders.programs import program
from tests.builders.scripted_desk import ScriptedDesk, desk_rules

COUNTS = (10, 50, 200)
BOOKS = 12
LEGS = 4
BEAT_S = 0.001
HOUR_NS = 3_600 * NS_PER_S


def options() -> list[Row]:
    """Return milliseconds for each size, how plans were found, and the loop's lateness."""
    told: list[Row] = []
    first_plan(program(10, 1))
    for count in COUNTS:
        books = [program(count, 1_000 * count + i, LEGS) for i in range(BOOKS)]
        name = f"options.{count}"
        firsts, took = _timed(first_plan, books)
        told += _times(f"{name}_first", took, 20.0 if count == COUNTS[-1] else None)
        told.append(rows.plain(f"{name}_first_processor", _processor(books), "ms of a processor"))
        finals, took = _timed(lambda one: solve(one, LIVE), books)
        told += _times(f"{name}_plan", took, 2_000.0)
        usable = sum(bool(one.legs) for one in firsts)
        told.append(rows.plain(f"{name}_first_usable", usable, f"of {BOOKS} books"))
        for stage in (Stage.ROUNDED, Stage.INTEGER, Stage.SOFT):
            found = sum(one.stage is stage for one in finals)
            told.append(rows.plain(f"{name}_{stage}", found, f"of {BOOKS} books"))
        dearer = [
            a.cost_usd / b.cost_usd - 1.0
            for a, b in zip(firsts, finals, strict=True)
            if a.stage is Stage.ROUNDED and b.cost_usd > 0.0
        ]
        if dearer:
            gap = 100.0 * max(dearer)
            told.append(rows.plain(f"{name}_first_dearer", gap, "% at most, aims met"))
    return [*told, _question(), *asyncio.run(_blocking())]


def _timed(
    work: Callable[[Program], Solution], books: list[Program]
) -> tuple[list[Solution], list[float]]:
    found, took = [], []
    for one in books:
        start = time.perf_counter()
        found.append(work(one))
        took.append(1e3 * (time.perf_counter() - start))
    return found, took


def _processor(books: list[Program]) -> float:
    """Return the processor's ms for a first plan: what it takes where nobody else computes."""
    start = time.process_time()
    for one in books:
        first_plan(one)
    return 1e3 * (time.process_time() - start) / len(books)


def _times(name: str, took: list[float], target: float | None) -> list[Row]:
    worst = max(took)
    return [
        rows.plain(f"{name}_median", median(took), "ms"),
        rows.plain(f"{name}_p95", float(np.percentile(took, 95)), "ms"),
        rows.plain(f"{name}_max", worst, "ms")
        if target is None
        else rows.most(f"{name}_max", worst, "ms", target),
    ]


def _question() -> Row:
    """Return the processor's ms for a book's program, with every kind of limit set."""
    days = (1, 2, 7, 14, 30, 60, 90, 180, 270)
    contracts = [
        contract_of(40_000.0 + 1_000.0 * k, call=call, expiry_ns=NOW + day * DAY_NS + HOUR_NS)
        for day in days
        for k in range(50)
        for call in (True, False)
    ]
    limits = GammaPolicy(
        GammaBand(lower=-0.25),
        GammaBand(lower=-0.25),
        action="auto",
        vega_usd={"from_7d": 1_000.0},
        shock_loss_usd={-0.1: 1e4, 0.1: 1e4},
        shock_delta_coin=1.0,
    )
    desk = ScriptedDesk(
        rules=desk_rules(gamma=limits),
        rows=[OptionRow(one, bid=0.03, ask=0.0305) for one in contracts],
        positions={one.name: "-1" for one in contracts[::9]},
    ).started()
    floor, rules = desk.core.floor, desk.core.rules["BTC"]
    exposure = measure(floor.book, "BTC", desk.now_ns)
    question, took = None, []
    for _ in range(BOOKS):
        start = time.process_time()
        question = question_of(floor, rules, exposure, {})
        took.append(1e3 * (time.process_time() - start))
    if question is None:
        raise BenchError("expected a book outside its limits, found one inside")
    offers = len(question.program.offers)
    return rows.most("options.loop_question", median(took), f"ms, {offers} offers", 10.0)


async def _blocking() -> list[Row]:
    """Return how late a heartbeat is without a search and with one."""
    solver = Solver()
    books = [program(COUNTS[-1], 200_000 + i, LEGS) for i in range(BOOKS)]
    try:
        await solver.solve(books[0])
        idle = await _late(asyncio.sleep(3.0))
        busy = await _late(_all(solver, books))
    finally:
        await solver.close()
    return [
        rows.plain("options.loop_idle_p999", float(np.percentile(idle, 99.9)), "ms late"),
        rows.most("options.loop_p999", float(np.percentile(busy, 99.9)), "ms late", 10.0),
        rows.plain("options.loop_max", max(busy), f"ms late, of {len(busy)} beats"),
    ]


async def _all(solver: Solver, books: list[Program]) -> None:
    for one in books:
        await solver.solve(one)


async def _late(work: Coroutine[object, object, None]) -> list[float]:
    """Return by how many ms each beat was late while something was awaited."""
    late: list[float] = []
    running = asyncio.create_task(work)
    while not running.done():
        due = time.perf_counter() + BEAT_S
        await asyncio.sleep(BEAT_S)
        late.append(1e3 * (time.perf_counter() - due))
    await running
    return late
