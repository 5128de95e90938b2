"""Whole days with their profit and loss explained: how much of it no line explains, and where.

    python -m tests.simulation.explained [--keep]

Three synthetic days of the demo book in both numeraires and both tempers, and the recorded crash of
February 2026. The equity is the simulated exchange's own. Steps over a jump of the market are
listed by themselves: second-order terms do not reach that far.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import config
from bot.desk.profit import gross
from bot.domain.records import Attribution
from bot.domain.units import NS_PER_S, iso, utc_ns
from bot.lab.recording import read
from bot.sim.market import SyntheticMarket
from bot.sim.market.jumps import Jump
from bot.sim.replay import ReplayMarket
from bot.wiring.kernels import choose
from tests.sim.test_replay import CHAINS, HOURLY
from tests.simulation.drive import START_NS, book, seconds, start
from tests.simulation.outside import RECORDED

PAGE = Path(__file__).parents[2] / "docs" / "profit-days.md"
LINES = (
    *("delta", "gamma", "theta", "vega", "vanna", "volga", "charm", "basis"),
    *("funding", "fees", "slippage", "translation", "unexplained", "total"),
)
SHOWN = ("delta", "gamma", "theta", "vega", "vanna", "unexplained")
HOURS = 24.0
KINDS = (("usd", "normal", 1), ("coin", "normal", 2), ("usd", "crash", 1))
MINUTE_NS = 60 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Day:
    """A day's steps by coin, and the market's jumps as far as they are known."""

    name: str
    steps: dict[str, list[Attribution]]
    jumps: tuple[Jump, ...] = ()

    def jumped(self, step: Attribution) -> bool:
        """Tell whether the market jumped within a step, or the step is as long as one."""
        long = step.ts_ns - step.start_ns > 5 * MINUTE_NS
        return long or any(
            jump.coin == step.coin and jump.start_ns < step.ts_ns and jump.end_ns >= step.start_ns
            for jump in self.jumps
        )


def by_coin(records: Sequence[Attribution]) -> dict[str, list[Attribution]]:
    """Return the steps of each coin."""
    found: dict[str, list[Attribution]] = {}
    for step in records:
        found.setdefault(step.coin, []).append(step)
    return found


def synthetic(numeraire: str, regime: str, seed: int, hours: float = HOURS) -> Day:
    """Run a day of the demo book."""
    sets = [f"sim.regime={regime}", "paper.scale=10"]
    sets += [f"underlying.{coin}.numeraire={numeraire}" for coin in ("BTC", "ETH")]
    drive = start(config.load(sets=sets).settings, seed=seed)
    drive.until(START_NS + seconds(hours * 3_600.0))
    jumps = SyntheticMarket(seed, regime, START_NS).jumps(drive.now_ns)
    name = f"synthetic, {regime}, {numeraire} book, seed {seed}"
    return Day(name, by_coin(drive.of(Attribution)), tuple(jumps))


def recorded(folder: Path) -> Day:
    """Run the recorded crash with short options near the money."""
    short = book(*((name, -10.0) for name in RECORDED), band=0.5, collateral=200.0)
    begun_ns = utc_ns(2026, 2, 4, 18)
    market = ReplayMarket(read(folder / CHAINS, folder / HOURLY), start_ns=begun_ns)
    drive = start(short, seed=1, start_ns=begun_ns, market=market)
    drive.until(begun_ns + seconds(42 * 3_600.0))
    return Day("recorded, 4 to 6 February 2026", by_coin(drive.of(Attribution)))


def share(steps: Sequence[Attribution]) -> float:
    """Return the unexplained of steps, all counted as positive, beside their gross."""
    whole = sum(map(gross, steps))
    return sum(abs(step.unexplained) for step in steps) / whole if whole else 0.0


def page(days: Sequence[Day]) -> Iterator[str]:
    """Return the lines of the page."""
    yield from HEAD.splitlines()
    for day in days:
        for coin, steps in day.steps.items():
            calm = [step for step in steps if not day.jumped(step)]
            rest = [step for step in steps if day.jumped(step)]
            yield (
                f"| {day.name} | {coin} | {len(calm)} | {sum(map(gross, calm)):,.0f} |"
                f" {share(calm):.3%} | {len(rest)} | {sum(map(gross, rest)):,.0f} |"
                f" {share(rest):.2%} |"
            )
    for day in days:
        yield from ("", f"## {day.name[0].upper()}{day.name[1:]}", "")
        yield from _lines(day)
        listed = [step for steps in day.steps.values() for step in steps if day.jumped(step)]
        if listed:
            yield from ("", f"{'Steps' if not day.jumps else 'Steps over a jump'}:", "")
            yield from _steps(sorted(listed, key=lambda step: (step.start_ns, step.coin)))


def _lines(day: Day) -> Iterator[str]:
    yield f"| USD | {' | '.join(day.steps)} |"
    yield f"|---|{'--:|' * len(day.steps)}"
    for line in LINES:
        sums = (sum(getattr(one, line) for one in steps) for steps in day.steps.values())
        yield f"| {line} | {' | '.join(f'{usd:,.0f}' for usd in sums)} |"


def _steps(steps: Sequence[Attribution]) -> Iterator[str]:
    columns = ("from (UTC)", "coin", "minutes", "index after", *SHOWN, "of gross")
    yield f"| {' | '.join(columns)} |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    for one in steps:
        figures = [getattr(one, name) for name in SHOWN]
        at = iso(one.start_ns)[:19].replace("T", " ")
        minutes = (one.ts_ns - one.start_ns) / MINUTE_NS
        yield (
            f"| {at} | {one.coin} | {minutes:.0f} | {one.index:,.0f} |"
            f" {' | '.join(f'{usd:,.0f}' for usd in figures)} | {share([one]):.1%} |"
        )


HEAD = """# Days explained

What the account's equity changed by on whole days, line by line ([profit.md](profit.md) says what
the lines are), and how much of it no line explains: all minutes' unexplained parts counted as
positive, beside the sizes of all lines without the collateral's own move. Minutes in which the
market jumped are listed by themselves, and so are steps that are longer than five minutes because
nothing was quoted in between: terms of second order do not reach over them.

`python -m tests.simulation.explained` prints this, `--keep` writes it.

| day | coin | minutes | gross, USD | unexplained | jumps | gross, USD | unexplained |
|---|---|--:|--:|--:|--:|--:|--:|
"""


def main() -> int:
    """Run the days and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.explained")
    parser.add_argument("--keep", action="store_true", help="write docs/profit-days.md")
    asked = parser.parse_args()
    folder = os.environ.get("DELTABAND_DATA")
    with ProcessPoolExecutor(os.cpu_count(), initializer=choose, initargs=("auto",)) as pool:
        going = [pool.submit(synthetic, *kind) for kind in KINDS]
        going += [pool.submit(recorded, Path(folder))] if folder else []
        days = [one.result() for one in going]
    text = "\n".join(page(days)) + "\n"
    sys.stdout.write(text)
    if asked.keep:
        PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
