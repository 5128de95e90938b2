"""A recording from settings to report: the venue without a key, the recorder, the disk, the end."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import config
from bot.cli import say
from bot.cli.daemon import version
from bot.cli.exits import Exit, VerbError
from bot.cli.stops import listening
from bot.domain.errors import DeltabandError
from bot.domain.units import NS_PER_S, iso
from bot.lab.recorder import Plan, Recorder
from bot.lab.recording_parts import Part
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.flaws import Flaw
from bot.venues.deribit.terms import DeribitSettings, VenueUnreachableError
from bot.venues.deribit.venue import DeribitVenue
from bot.venues.steady import SteadyClock
from bot.wiring.live import addresses

STREAMED: Final = 120
"""So many options a coin stream their sizes; the others' sizes are not told by the venue."""

LOOK_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Orders:
    """What a command line asks for: seconds, and bytes to keep free; `for_s` None: until told."""

    folder: Path
    coins: tuple[str, ...]
    every_s: float
    part_s: float
    keep_free: int
    for_s: float | None


def record_market(
    settings: config.Settings, orders: Orders, early: Sequence[int], *, as_json: bool
) -> int:
    """Record until the end and return the exit code; `early` holds signals that came before.

    Mode paper records the real exchange's public market, sandbox that of its test system. Raises
    VerbError where the venue cannot be reached or nothing came, DiskError where the disk is full:
    what was recorded until then is saved as far as it goes, and reported.
    """
    mode = "sandbox" if settings.mode == "sandbox" else "live"
    _, exchange = settings.exchange()
    rest_url, ws_url = addresses(mode, exchange)
    rules = FeedRules(coins=orders.coins, option_tickers=STREAMED)
    terms = DeribitSettings(
        feed=rules,
        currencies=(),
        rest_url=rest_url,
        ws_url=ws_url,
        chain_s=orders.every_s,
        options={} if exchange.ca_file is None else {"cafile": str(exchange.ca_file)},
    )
    plan = Plan(
        orders.folder,
        orders.coins,
        orders.every_s,
        orders.part_s,
        orders.keep_free,
        rules.limit_s,
    )
    about = {"version": version(), "venue": rest_url, "every_s": orders.every_s}
    now_ns = time.time_ns()
    recorder = Recorder(plan, about | {"began": iso(now_ns)})
    recorder.start(now_ns)
    try:
        venue = DeribitVenue(terms, SteadyClock())
        run = _Run(recorder, venue, orders, quiet=as_json)
        return run.go(early, as_json=as_json)
    finally:
        recorder.close()


class _Run:
    """One recording on its way: what the venue tells into parts, parts into files."""

    def __init__(
        self, recorder: Recorder, venue: DeribitVenue, orders: Orders, *, quiet: bool
    ) -> None:
        self.recorder, self.venue, self.orders, self.quiet = recorder, venue, orders, quiet
        self._seen_ns = 0
        self._told = 0

    def go(self, early: Sequence[int], *, as_json: bool) -> int:
        """Record, save what is left, say what it came to."""
        fault: DeltabandError | None = None
        try:
            asked = asyncio.run(self._run(early))
        except VenueUnreachableError as error:
            raise VerbError(str(error), Exit.VENUE) from error
        except DeltabandError as error:
            fault, asked = error, True
        report = self.recorder.report(self.venue.now_ns())
        if as_json:
            say.json(report)
        else:
            _show(report)
        if fault is not None:
            raise fault
        if not asked and not any(one["snapshots"] for one in report["coins"].values()):
            coins = " or ".join(self.orders.coins)
            raise VerbError(f"expected a chain of {coins} to record, found none", Exit.VENUE)
        return Exit.FINE

    async def _run(self, early: Sequence[int]) -> bool:
        """Record to the end and return whether a signal asked for it."""
        asked = asyncio.Event()
        with listening(asked.set):
            if early or not await self._started(asked):
                return True
            try:
                await self._record(asked)
            finally:
                await self.venue.close()
            await self._save(self.recorder.rest())
        return asked.is_set()

    async def _started(self, asked: asyncio.Event) -> bool:
        """Connect; return False where a signal came first."""
        starting = asyncio.ensure_future(self.venue.start())
        asking = asyncio.ensure_future(asked.wait())
        await asyncio.wait({starting, asking}, return_when=asyncio.FIRST_COMPLETED)
        asking.cancel()
        if starting.done():
            await starting
            return True
        starting.cancel()
        with suppress(asyncio.CancelledError, DeltabandError):
            await starting
        await self.venue.close()
        return False

    async def _record(self, asked: asyncio.Event) -> None:
        for_s = self.orders.for_s
        until_ns = None if for_s is None else self.venue.now_ns() + round(for_s * NS_PER_S)
        looked_ns = 0
        while not asked.is_set() and (until_ns is None or self.venue.now_ns() < until_ns):
            await self.venue.wait(LOOK_S)
            epoch = self.venue.public.session.epoch
            while (event := self.venue.next_event()) is not None:
                self.recorder.see(event, epoch)
            now_ns = self.venue.now_ns()
            if now_ns - looked_ns < LOOK_S * NS_PER_S:
                continue
            looked_ns = now_ns
            self._see_flaws()
            try:
                self.recorder.check_disk()
            except DeltabandError:
                await self._save(self.recorder.rest())  # a part is small beside what is kept free
                raise
            await self._save(self.recorder.due(now_ns))

    async def _save(self, parts: Sequence[Part]) -> None:
        """Write parts in a thread, so that the connections go on, and the report after them."""
        for part in parts:
            done = await asyncio.to_thread(self.recorder.save, part)
            if not self.quiet:
                _say_part(done, self.recorder.report(self.venue.now_ns())["coins"][part.coin])
        if parts:
            await asyncio.to_thread(self.recorder.save_report, self.venue.now_ns())

    def _see_flaws(self) -> None:
        """Count what the venue showed crossed since last time, each instrument once."""
        flaws = self.venue.flaws
        fresh = flaws.counts[Flaw.CROSSED] - self._told
        if fresh:
            self._told = flaws.counts[Flaw.CROSSED]
            noted = [one for one in flaws.newest if one.flaw is Flaw.CROSSED]
            self.recorder.crossed({one.subject for one in noted[-fresh:]})


def _say_part(done: dict[str, Any], so_far: dict[str, Any]) -> None:
    say.line(
        f"saved {done['coin']}: {done['snapshots']} snapshots, {done['rows']:,} option rows, "
        f"{done['futures']:,} future rows, {done['bytes']:,} bytes; so far "
        f"{len(so_far['gaps'])} gaps, {so_far['one_sided_share']:.1%} one-sided, "
        f"{so_far['crossed_share']:.1%} crossed, {so_far['stale_s']:g} s stale"
    )
    with suppress(OSError, ValueError):
        sys.stdout.flush()


def _show(report: dict[str, Any]) -> None:
    """Show a report to people: a row for each coin, then every gap."""
    columns = (
        *("snapshots", "rows", "one_sided_share", "unquoted_share", "crossed_share"),
        *("without_size_share", "future_rows", "perpetual_missing", "stale_s"),
    )
    rows = [
        {"coin": coin} | {name: one[name] for name in columns} | {"gaps": len(one["gaps"])}
        for coin, one in report["coins"].items()
    ]
    say.records(rows, f"recorded from {report['venue']}")
    gaps = [{"coin": coin} | gap for coin, one in report["coins"].items() for gap in one["gaps"]]
    if gaps:
        say.records(gaps, "gaps")
