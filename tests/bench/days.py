"""Paper days of the demo book ten times as large, and what of them must be pooled."""

import json
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from typing import Any

from bot.domain.states import SENDING
from bot.lab.scorecard.bands import Breach, percentile_99
from tests.bench import rows
from tests.bench.programs import cores, run
from tests.bench.rows import Row

NORMAL = ("sim.regime=normal",)
TO_TARGET = tuple(
    f"underlying.{coin}.delta.policy={{kind='fixed', trade_to='target'}}" for coin in ("BTC", "ETH")
)
SCALE = 10
CRASH_SEEDS = 3
ORDER_USD = 25_000.0
DAY_HOURS = 24.0
TIMED_HOURS = 1.0
PAID = """
SELECT count(*), sum(fee_usd), sum(slippage_usd), sum(fee_usd) FILTER (WHERE seq NOT IN (
  SELECT min(seq) FROM hedges WHERE kind = 'delta' GROUP BY coin
)) FROM hedges WHERE kind = 'delta'
"""


@dataclass(frozen=True, slots=True)
class Day:
    """One run: its summary, processor seconds, states that stopped it, its largest future order.

    `fees_usd` and `slippage_usd` are what its hedges of delta have paid, `hedges` how many;
    `later_usd` are the fees without the first hedge of each coin, which brings in a book that
    nobody had hedged.
    """

    summary: dict[str, Any]
    user_s: float
    stopped: tuple[str, ...]
    largest_usd: float
    hedges: int
    fees_usd: float
    slippage_usd: float
    later_usd: float


def normal(runs: int, hours: float) -> list[Row]:
    """Return pooled figures of seeds 1 to `runs`, and whether seed 1 twice is the same."""
    seeds = [*range(1, runs + 1), 1]
    found = _all(seeds, hours, NORMAL)
    days, again = found[:-1], found[-1]
    return [
        rows.plain("days.runs", runs, f"runs of {hours:g} h"),
        *_hedging(days),
        *_conduct(days),
        rows.least(
            "days.digest_equal",
            int(days[0].summary["digest"] == again.summary["digest"]),
            "1 = yes, seed 1 twice",
            1,
        ),
        *_processor(found, hours),
    ]


def crash(runs: int, hours: float) -> list[Row]:
    """Return how days of crashes went, with the caps of the book and with small orders."""
    seeds = range(1, min(runs, CRASH_SEEDS) + 1)
    found = [rows.plain("crash.runs", len(seeds), f"runs of {hours:g} h, twice")]
    for name, caps in (("derived", []), ("small", [f"limits.order_usd={ORDER_USD:g}"])):
        days = _all(seeds, hours, ["sim.regime=crash", *caps])
        label = f"crash.{name}_caps"
        jumps = sum(day.summary["jumps"] for day in days)
        recovery = max(day.summary["jump_recovery_max_s"] for day in days) if jumps else None
        found += [
            rows.plain(f"{label}_jumps", jumps, "in all runs"),
            rows.most(f"{label}_recovery_max_s", recovery, "s", 30),
            rows.most(f"{label}_stopped", sum(len(d.stopped) for d in days), "states", 0),
        ]
        largest = max(day.largest_usd for day in days)
        if caps:
            found.append(rows.most(f"{label}_order_max", largest, "USD", ORDER_USD * SCALE))
        else:
            found.append(rows.plain(f"{label}_order_max", largest, "USD"))
        net, book = (sum(d.summary[f"hedge_sum_{x}"] for d in days) for x in ("net", "book"))
        found += [
            rows.plain(f"{label}_effectiveness", 1.0 - net / book, "hedgeable, pooled"),
            rows.plain(f"{label}_delta_held", _held(days, "delta_ns"), "share of time, pooled"),
        ]
    return found


def thrift(runs: int, hours: float) -> list[Row]:
    """Return what hedging delta costs beside a fixed width that trades to the target.

    The owner's bands, the market and the seeds are the same.
    """
    seeds = range(1, runs + 1)
    ours, target = (_all(seeds, hours, [*NORMAL, *policy]) for policy in ((), TO_TARGET))
    found = [rows.plain("thrift.runs", runs, f"runs of {hours:g} h, twice")]
    for name, days in (("ours", ours), ("to_target", target)):
        found += [
            rows.plain(f"thrift.{name}_hedges", sum(d.hedges for d in days), "in all runs"),
            rows.plain(f"thrift.{name}_fees", fmean(d.fees_usd for d in days), "USD a run"),
            rows.plain(f"thrift.{name}_later_fees", fmean(d.later_usd for d in days), "USD a run"),
            rows.plain(f"thrift.{name}_slippage", fmean(d.slippage_usd for d in days), "USD a run"),
        ]
    fees, asked = (sum(d.fees_usd for d in days) for days in (ours, target))
    later, before = (sum(d.later_usd for d in days) for days in (ours, target))
    paid, cost = (sum(d.fees_usd + d.slippage_usd for d in days) for days in (ours, target))
    return [
        *found,
        rows.least("thrift.fees_saved", _saved(fees, asked), "share of to_target's", 0.30),
        rows.plain("thrift.later_fees_saved", _saved(later, before), "share, first hedges apart"),
        rows.plain("thrift.cost_saved", _saved(paid, cost), "share, slippage as well"),
        rows.least("thrift.delta_held", _held(ours, "delta_ns"), "share of time, pooled", 0.995),
    ]


def _saved(ours: float, theirs: float) -> float | None:
    return 1.0 - ours / theirs if theirs else None


def parts(hours: float) -> list[Row]:
    """Return where the processor time of a run goes."""
    with TemporaryDirectory() as folder:
        done = run(_command("tests.bench.timed_run", 1, min(hours, TIMED_HOURS), folder, NORMAL))
    spent: dict[str, float] = json.loads(done.out.splitlines()[0])
    total = sum(spent.values())
    return [
        rows.plain(f"parts.{part}", 100.0 * seconds / total, "% of the loop's processor time")
        for part, seconds in sorted(spent.items(), key=lambda item: -item[1])
    ]


def _command(
    module: str, seed: int, hours: float, folder: str, settings: Iterable[str]
) -> list[str]:
    said = [f"state_dir={folder}", f"paper.scale={SCALE}", *settings]
    sets = [word for setting in said for word in ("--set", setting)]
    span = ["--for", f"{hours * 3600:.0f}s", "--speed", "max", "--seed", str(seed)]
    return ["-m", module, "paper", "--json", *span, *sets]


def _all(seeds: Sequence[int], hours: float, settings: Sequence[str]) -> list[Day]:
    """Run a day for each seed, as many at once as there are processors."""

    def one(seed: int) -> Day:
        day = _day(seed, hours, settings)
        print(f"seed {seed}: {day.user_s:.1f} s, {' '.join(settings)}", file=sys.stderr, flush=True)
        return day

    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(one, seeds))


def _day(seed: int, hours: float, settings: Sequence[str]) -> Day:
    with TemporaryDirectory() as folder:
        done = run(_command("tests.bench.kept_run", seed, hours, folder, settings))
        summary = json.loads(done.out.splitlines()[-1])
        journal = Path(summary["journal"])
        with closing(sqlite3.connect(journal)) as base:
            query = "SELECT max(abs(CAST(quantity AS REAL))) FROM intents WHERE unit = 'usd'"
            (largest,) = base.execute(query).fetchone()
            paid = base.execute(PAID).fetchone()
            stopped = _stopped(base)
    return Day(summary, done.user_s, stopped, float(largest or 0.0), *(p or 0 for p in paid))


def _stopped(base: sqlite3.Connection) -> tuple[str, ...]:
    """Return the states after the first RUNNING that send nothing."""
    steps = base.execute("SELECT coin, after FROM states ORDER BY seq").fetchall()
    running: set[str] = set()
    stopped = []
    for coin, after in steps:
        if after in SENDING:
            running.add(coin)
        elif coin in running:
            stopped.append(after)
    return tuple(stopped)


def _held(days: Sequence[Day], clock: str) -> float:
    """Return the share of time inside, pooled over days; of underlyings the worst counts."""
    shares = []
    for coin in days[0].summary["pooling"]:
        times = [day.summary["pooling"][coin][clock] for day in days]
        inside, outside = (float(sum(column)) for column in zip(*times, strict=True))
        shares.append(inside / (inside + outside))
    return min(shares)


def _hedging(days: Sequence[Day]) -> list[Row]:
    summaries = [day.summary for day in days]
    net, book = (sum(s[f"hedge_sum_{x}"] for s in summaries) for x in ("net", "book"))
    breaches = {
        coin: [second for s in summaries for second in s["pooling"][coin]["breaches_s"]]
        for coin in summaries[0]["pooling"]
    }
    p99 = max(percentile_99([Breach(0, round(s * 1e9)) for s in b]) for b in breaches.values())
    worst = {
        name: min(s[name] for s in summaries)
        for name in ("hedgeable_effectiveness", "time_in_band_delta", "time_in_band_gamma")
    }
    worst_p99 = max(s["breach_p99_s"] for s in summaries)
    return [
        rows.least("days.hedgeable_effectiveness", 1.0 - net / book, "pooled", 0.98),
        rows.plain("days.hedgeable_effectiveness_worst", worst["hedgeable_effectiveness"], "run"),
        rows.least("days.delta_held", _held(days, "delta_ns"), "share of time, pooled", 0.995),
        rows.plain("days.delta_held_worst", worst["time_in_band_delta"], "run"),
        rows.most("days.breach_p99_s", p99, "s, pooled", 10),
        rows.plain("days.breach_p99_s_worst", worst_p99, "s, run"),
        rows.plain("days.breaches", sum(len(b) for b in breaches.values()), "in all runs"),
        rows.least("days.gamma_held", _held(days, "gamma_ns"), "share of time, pooled", 0.97),
        rows.plain("days.gamma_held_worst", worst["time_in_band_gamma"], "run"),
    ]


def _conduct(days: Sequence[Day]) -> list[Row]:
    summaries = [day.summary for day in days]
    total = [s["total_effectiveness"] for s in summaries if s["total_effectiveness"] is not None]
    return [
        rows.plain("days.orders", sum(s["orders"] for s in summaries), "in all runs"),
        rows.plain("days.rejects", sum(s["rejects"] for s in summaries), "in all runs"),
        rows.plain("days.unknown_orders", sum(s["unknown_orders"] for s in summaries), "in all"),
        rows.plain("days.stopped", sum(len(d.stopped) for d in days), "states that send nothing"),
        rows.plain("days.total_effectiveness", fmean(total) if total else None, "mean"),
        rows.plain("days.total_effectiveness_min", min(total, default=None), "run"),
        rows.plain("days.total_effectiveness_max", max(total, default=None), "run"),
        rows.plain("days.fees_usd", fmean(s["fees_usd"] for s in summaries), "USD a run"),
        rows.plain(
            "days.tracking_error_usd", fmean(s["tracking_error_usd"] for s in summaries), "USD"
        ),
    ]


def _processor(days: Sequence[Day], hours: float) -> list[Row]:
    """Return the processor time of a run; only that of a whole day is held against a target."""
    seconds = [day.user_s for day in days]
    unit = f"s user, {hours:g} h of market, {min(cores(), len(days))} at once"
    least, middle = min(seconds), median(seconds)
    if hours == DAY_HOURS:
        return [
            rows.most("days.processor_min_s", least, unit, 60),
            rows.most("days.processor_median_s", middle, unit, 60),
        ]
    return [
        rows.plain("days.processor_min_s", least, unit),
        rows.plain("days.processor_median_s", middle, unit),
    ]
