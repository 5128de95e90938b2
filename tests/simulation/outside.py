"""Every minute that a crash left delta outside the owner's band, and what kept it there.

`python -m tests.simulation.outside [--keep]` runs three synthetic crash days in which more than one
order in ten loses its reply, and the recorded crash of February 2026 where recorded data lies, and
prints a row for each minute outside. `--keep` writes docs/crash-days.md. The code is 0 where
nothing but the market, the way to it and the lost replies kept delta outside.

Delta is the bot's own measure of what the exchange holds, looked at after each event. Each stretch
until the next event belongs to one cause, the first of these that holds: an order whose reply is
lost, an order on its way (or cut to a cap, or resting), an attempt that the book could not fill, a
refusal, a doubt; else the next decision was due.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bot.domain.commands import Command, Place
from bot.domain.events import Event
from bot.domain.orders import OrderState, TimeInForce
from bot.domain.quotes import Quote
from bot.domain.states import State
from bot.domain.units import NS_PER_S, iso, utc_ns
from bot.execution.working import WorkingOrder
from bot.lab.recording import read
from bot.sim.faults import Fault, LostAck, LostRequest
from bot.sim.market import SyntheticMarket
from bot.sim.ports import Market
from bot.sim.replay import ReplayMarket
from bot.wiring.kernels import choose
from config.schema import Settings
from tests.sim.test_replay import CHAINS, HOURLY
from tests.simulation.drive import START_NS, Drive, book, mark_of, seconds, start
from tests.simulation.test_crash import DAY_NS, settings

PAGE = Path(__file__).parents[2] / "docs" / "crash-days.md"
SEEDS = (1, 2, 3)
MINUTE_NS = 60 * NS_PER_S
EVERY_NTH = 7
RECORDED = ("BTC-27FEB26-70000-P", "BTC-27FEB26-75000-P", "BTC-27MAR26-70000-C")
CUT = "cut to a cap"
FREE = frozenset({CUT, "reply lost", "on its way", "resting", "book bought up", "decision due"})


@dataclass(slots=True)
class Minute:
    """What happened to one coin in one minute outside: seconds by cause, the farthest, in coin."""

    causes: Counter[str] = field(default_factory=Counter)
    farthest: float = 0.0


@dataclass(slots=True)
class Outside:
    """An eye on a run that books every second outside the band under its cause."""

    lost: set[str] = field(default_factory=set)
    minutes: dict[tuple[str, int], Minute] = field(default_factory=dict)
    longest_s: float = 0.0
    since: dict[str, int] = field(default_factory=dict)
    told: dict[str, tuple[int, float, str]] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)

    def __call__(self, drive: Drive, event: Event, commands: tuple[Command, ...]) -> None:
        """Close the stretch that ends with an event, and see what the next one begins with."""
        self.cut |= {c.intent.label for c in commands if isinstance(c, Place) and _cut(drive, c)}
        for coin in drive.core.rules:
            if coin not in self.begun and drive.state(coin) is not State.RUNNING:
                continue  # what it begins with is not known yet
            self.begun.add(coin)
            self._close(coin, event.ts_ns)
            if isinstance(event, Quote) and event.coin != coin:
                continue
            self._look(drive, coin, event.ts_ns)

    def end(self, now_ns: int) -> None:
        """Close what is still going on."""
        for coin, begun in self.since.items():
            self._close(coin, now_ns)
            self.longest_s = max(self.longest_s, (now_ns - begun) / NS_PER_S)

    def _close(self, coin: str, now_ns: int) -> None:
        if coin not in self.told:
            return
        at_ns, far, cause = self.told[coin]
        while at_ns < now_ns:
            end_ns = min(now_ns, at_ns - at_ns % MINUTE_NS + MINUTE_NS)
            row = self.minutes.setdefault((coin, at_ns // MINUTE_NS), Minute())
            row.causes[cause] += end_ns - at_ns
            row.farthest = max(row.farthest, far)
            at_ns = end_ns
        self.told[coin] = (now_ns, far, cause)

    def _look(self, drive: Drive, coin: str, now_ns: int) -> None:
        owner, delta = drive.core.rules[coin].delta.owner, drive.delta(coin)
        if math.isnan(delta):
            return
        if owner.holds(delta):
            self.told.pop(coin, None)
            begun = self.since.pop(coin, None)
            if begun is not None:
                self.longest_s = max(self.longest_s, (now_ns - begun) / NS_PER_S)
            return
        self.since.setdefault(coin, now_ns)
        far = max(owner.lower - delta, delta - owner.upper)
        self.told[coin] = (now_ns, far, self._cause(drive, coin))

    def _cause(self, drive: Drive, coin: str) -> str:
        desk, floor = drive.core.delta[coin], drive.core.floor
        working = [order for order in floor.orders if order.coin == coin and order.may_fill]
        if working:
            return self._way(working)
        if desk.attempts.rung:
            return "book bought up"
        if desk.refused:
            return "refused: " + ", ".join(sorted({b.reason for b in desk.refused}))
        state = floor.machine.at(coin)
        return "decision due" if state is State.RUNNING else str(state)

    def _way(self, working: list[WorkingOrder]) -> str:
        labels = {order.intent.label for order in working}
        if labels & self.lost or any(o.state is OrderState.UNKNOWN for o in working):
            return "reply lost"
        if labels & self.cut:
            return CUT
        crossing = any(o.intent.time_in_force is TimeInForce.IOC for o in working)
        return "on its way" if crossing else "resting"


@dataclass(slots=True)
class EveryNth:
    """Loses a reply, or a request in turn with it, of every nth hedge order of a run."""

    eye: Outside
    orders: count[int] = field(default_factory=lambda: count(1))
    seen: int = 0

    def __call__(self, drive: Drive, _: Event, commands: tuple[Command, ...]) -> None:
        """Let what is about to be sent get lost when it is its turn."""
        for place in commands:
            if not isinstance(place, Place):
                continue
            listed = drive.exchange.instrument(place.intent.instrument)
            if listed is None or listed.is_option:
                continue
            self.seen = next(self.orders)
            if self.seen % EVERY_NTH == 0:
                kind = LostAck if self.seen // EVERY_NTH % 2 else LostRequest
                fault: Fault = kind(0, listed.coin)
                drive.paper.venue._faults.pending.append(fault)
                self.eye.lost.add(place.intent.label)


@dataclass(frozen=True, slots=True)
class Day:
    """What a day came to."""

    name: str
    hours: float
    orders: int
    lost: int
    longest_s: float
    minutes: dict[tuple[str, int], Minute]

    @property
    def causes(self) -> Counter[str]:
        """Return ns by cause."""
        return sum((minute.causes for minute in self.minutes.values()), Counter())

    @property
    def foreign(self) -> dict[str, float]:
        """Return the seconds of what should not keep delta outside."""
        return {c: ns / NS_PER_S for c, ns in self.causes.items() if c not in FREE}


def watched(
    name: str, whole: Settings, *, seed: int, start_ns: int, hours: float, market: Market | None
) -> Day:
    """Run some hours with lost replies and book what was outside."""
    eye = Outside()
    losing = EveryNth(eye)
    drive = start(whole, eye, losing, seed=seed, start_ns=start_ns, market=market)
    drive.until(drive.now_ns + seconds(3_600.0 * hours))
    eye.end(drive.now_ns)
    return Day(name, hours, losing.seen, len(eye.lost), eye.longest_s, eye.minutes)


def synthetic(seed: int, start_ns: int = START_NS, hours: float = 24.0) -> Day:
    """Run a crash day of the large demo book."""
    name = f"synthetic, seed {seed}"
    return watched(
        name, settings("derived"), seed=seed, start_ns=start_ns, hours=hours, market=None
    )


def around_a_fall(seed: int) -> Day:
    """Run from two minutes before the first large fall of a crash day until two after it."""
    jumps = SyntheticMarket(seed, "crash", START_NS).jumps(START_NS + DAY_NS)
    first = next(j for j in jumps if j.coin == "BTC" and abs(j.log_size) > 0.02)
    begun_ns, until_ns = first.start_ns - seconds(120), first.end_ns + seconds(120)
    return synthetic(seed, begun_ns, (until_ns - begun_ns) / NS_PER_S / 3_600.0)


def recorded(folder: Path) -> Day:
    """Run the recorded crash with short options near the money."""
    short = book(*((name, -10.0) for name in RECORDED), band=0.5, collateral=200.0)
    begun_ns = utc_ns(2026, 2, 4, 18)
    market = ReplayMarket(read(folder / CHAINS, folder / HOURLY), start_ns=begun_ns)
    return watched(
        "recorded, 4 February 18:00 to 6 February 12:00 UTC",
        short,
        seed=1,
        start_ns=begun_ns,
        hours=42.0,
        market=market,
    )


def rows(day: Day) -> Iterator[str]:
    """Return a table row for each minute outside, in order."""
    for (coin, number), minute in sorted(day.minutes.items(), key=lambda item: item[0][::-1]):
        causes = ", ".join(f"{c} {ns / NS_PER_S:.2f}" for c, ns in minute.causes.most_common())
        outside_s = sum(minute.causes.values()) / NS_PER_S
        at = iso(number * MINUTE_NS)[:16].replace("T", " ")
        yield f"| {at} | {coin} | {outside_s:.2f} | {minute.farthest:.2f} | {causes} |"


def page(days: Sequence[Day]) -> Iterator[str]:
    """Return the lines of the page."""
    yield from HEAD.splitlines()
    for day in days:
        outside_s = sum(day.causes.values()) / NS_PER_S
        yield (
            f"| {day.name} | {day.hours:g} | {day.orders} | {day.lost} | {len(day.minutes)} |"
            f" {outside_s:.1f} | {day.longest_s:.2f} | {day.causes[CUT] / NS_PER_S:.2f} |"
            f" {sum(day.foreign.values()):.2f} |"
        )
    for day in days:
        yield from ("", f"## {day.name[0].upper()}{day.name[1:]}", "")
        if not day.minutes:
            yield "No minute."
            continue
        yield from ("| minute (UTC) | coin | s outside | farthest, coin | causes, s |",)
        yield "|---|---|---|---|---|"
        yield from rows(day)


HEAD = """# Crash days, minute by minute

Three synthetic crash days of the large demo book (ten times, derived caps) and the recorded crash
of February 2026 with thirty short options near the money. Every seventh order loses its reply, or
never arrives. A row is a minute in which delta was outside the owner's band, with the seconds that
each cause kept it there:

| cause | |
|---|---|
| reply lost | until a query tells what became of the order |
| on its way | to the exchange and back |
| book bought up | after an attempt that the book within its collar could not fill |
| resting | for a maker's fill |
| decision due | between a quote and the next look |
| cut to a cap | on its way, as large as it may be and not enough; the next order follows at once |

A cap is made for an hour's fall, which the recording may show in one print. Anything else (a
refusal, a breaker, a state) counts as other, and must not be there.

`make crashes` prints this, `make crashes ARGS=--keep` writes it.

| day | hours | orders | no reply | minutes | s outside | longest, s | cut, s | other, s |
|---|---|---|---|---|---|---|---|---|
"""


def _cut(drive: Drive, place: Place) -> bool:
    """Tell whether an order is as large as its cap lets it be, and not enough."""
    name = place.intent.instrument
    listed = drive.exchange.instrument(name)
    if listed is None or listed.is_option:
        return False
    desk, mark = drive.core.delta[listed.coin], mark_of(drive, name).mark
    if desk.in_force is None:
        return False
    lot = abs(listed.coins(float(listed.lot), mark))
    coins = listed.coins(float(place.intent.quantity.value), mark)
    capped = abs(coins) > desk.in_force.caps.order_coin - lot
    return bool(capped and not desk.rules.delta.owner.holds(drive.delta(listed.coin) + coins))


def main() -> int:
    """Run the days and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.outside")
    parser.add_argument("--keep", action="store_true", help="write docs/crash-days.md")
    asked = parser.parse_args()
    folder = os.environ.get("DELTABAND_DATA")
    with ProcessPoolExecutor(os.cpu_count(), initializer=choose, initargs=("auto",)) as pool:
        going = [pool.submit(synthetic, seed) for seed in SEEDS]
        going += [pool.submit(recorded, Path(folder))] if folder else []
        days = [one.result() for one in going]
    text = "\n".join(page(days)) + "\n"
    sys.stdout.write(text)
    if asked.keep:
        PAGE.write_text(text, encoding="utf-8")
    return 1 if any(day.foreign for day in days) else 0


if __name__ == "__main__":
    sys.exit(main())
