"""A run on an exchange from settings to summary: key, journal, venue, core, engine, voices.

Every start goes on with the ledger that the instance has: its own orders, fills and spending are
remembered, and what was open is UNKNOWN until the venue speaks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any, Final

import config
from bot.cli import daemon, memory, say
from bot.cli.companions import Companions
from bot.cli.daemon import with_signals
from bot.cli.exits import Exit, VerbError
from bot.cli.oddities import Oddities
from bot.cli.recall import Past, past_of, remember
from bot.cli.second_key import check_of
from bot.cli.troubles import Sayer, Troubles
from bot.domain.commands import Note
from bot.domain.events import Event, Filled, Settled
from bot.domain.positions import Balance, Position
from bot.domain.records import Told
from bot.domain.units import NS_PER_S
from bot.engine import Control, Engine
from bot.journal import STOPPED, AccountLock, Durability, Journal, RunStart
from bot.monitor import Banner, Scope, Voice
from bot.stepper import Observer
from bot.venues.deribit.terms import (
    CLOCK_LIMIT_S,
    Health,
    VenueUnreachableError,
    clock_is_off,
)
from bot.venues.deribit.venue import DeribitVenue
from bot.venues.steady import SteadyClock
from bot.wiring.live import Live, keys_for, live
from bot.wiring.views import Views
from greeks import arithmetic

LEFT_OPEN: Final = "orders left open"
FATE: Final = "the next start asks for their end; deltaband cancel-all cancels what is still there"


def run_live(
    loaded: config.Loaded, *, real: bool, for_s: float | None, as_json: bool, verbose: bool
) -> int:
    """Run for `for_s` seconds (None: until it is stopped) and return the exit code.

    `real` is the word on the command line that real money is meant.
    """
    settings = loaded.settings
    _must_mean_it(settings.mode, real=real)
    keys = keys_for(settings, os.environ)
    daemon.prepare(settings)
    journal = Journal.open(settings.state_dir, settings.instance, durability=Durability.FULL)
    try:
        last = journal.last_run()
        # The account is journalled with the first positions, before any order can have left.
        open_ = journal.open_intents()
        begun = journal.last_account() is not None or open_
        past = past_of(journal, settings) if begun else None
        epoch = 1 if last is None else last.id + 1
        graph = live(
            settings,
            keys,
            SteadyClock(),
            epoch=epoch,
            sticky=journal.last_states(),
            left_open=frozenset(one.intent.label for one in open_),
        )
        run = LiveRun(graph, journal, past)  # who follows it finds it begun
        with Companions(loaded, settings.instance, as_json=as_json) as beside:
            run.look = beside.look
            return run.go(for_s, as_json=as_json, verbose=verbose)
    finally:
        journal.close()


def _must_mean_it(mode: str, *, real: bool) -> None:
    """Refuse real money that only one of settings and command line speaks of."""
    wanted = ""
    if mode == "paper":
        wanted = 'mode = "sandbox" or "live" for this verb'
    elif real and mode != "live":
        wanted = 'mode = "live" beside --live, which says that orders for real money are meant'
    elif mode == "live" and not real:
        wanted = "--live on the command line as well, which says that real money is meant, because"
        raise VerbError(f'expected {wanted} mode = "live"; found no --live', Exit.USAGE)
    if wanted:
        raise VerbError(f'expected {wanted}, found "{mode}"', Exit.USAGE)


def must_agree(health: Health) -> None:
    """Refuse a venue whose clock and ours are apart by more than CLOCK_LIMIT_S."""
    if clock_is_off(health.clock_ahead_s, health.clock_error_s):
        found = f"the venue's {health.clock_ahead_s:+.3f} s ahead"
        raise VerbError(f"expected clocks within {CLOCK_LIMIT_S:g} s, found {found}")


class _Teller:
    """Observer of an engine that tells a voice."""

    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self.fills = 0

    def see(self, event: Event) -> None:
        """Tell of fills and settlements."""
        if isinstance(event, Filled):
            self.fills += 1
            self.voice.tell(event.fill)
        elif isinstance(event, Settled):
            self.voice.tell(event)

    def note(self, record: Told) -> None:
        """Tell what the core says."""
        self.voice.tell(record)


class LiveRun:
    """One run: its graph, its journal, its voices."""

    def __init__(self, graph: Live, journal: Journal, past: Past | None) -> None:
        self.graph, self.journal = graph, journal
        self.start_ns = graph.venue.now_ns()
        self.views = Views(graph.core)
        self.look: Callable[[Sayer], None] = lambda _voice: None
        settings = graph.settings
        recalled = remember(graph.core, journal, past, self.start_ns)
        self.run = journal.begin_run(
            RunStart(
                mode=graph.mode,
                market=settings.market,
                seed=graph.seed,
                version=daemon.version(),
                market_start_ns=self.start_ns,
                settings=settings.model_dump(mode="json"),
                fresh=past is None,
            )
        )
        for command in recalled:
            if isinstance(command, Note):
                journal.record(command.record)

    def go(self, for_s: float | None, *, as_json: bool, verbose: bool) -> int:
        """Run, then say what it came to."""
        self.voice = voice = daemon.voice(
            self.graph.settings,
            self.run,
            as_json=as_json,
            verbose=verbose,
            secrets=self.graph.secrets,
        )
        try:
            voice.begin(self._banner())
            if self.graph.mode == "live":
                voice.say("live.real_money", "warning", what="this run sends orders for real money")
            daemon.tell_kept(voice, self.journal.last_states(), self.graph.core)
            odd = Oddities(self.graph.core, self.graph.settings, voice)
            observers = (*self._observers(voice), Troubles(self.graph.venue, voice), odd)
            daemon.run_connected(self._run(observers, for_s))
            left = self.graph.core.open_labels
            summary = self._summary() | {"left_open": left}
            self.journal.end_run(summary, LEFT_OPEN if left else STOPPED)
            self._tell_end(voice, summary)
            if left:
                voice.say("run.left_open", "error", orders=", ".join(left), what=FATE)
            voice.finish(summary)
            summary |= voice.lost()
        except Exception as error:
            daemon.end_badly(self.journal, voice, error)
            if isinstance(error, VenueUnreachableError):
                raise VerbError(str(error), Exit.VENUE) from error
            raise
        finally:
            voice.close()
        if as_json:
            say.json(summary)
        return Exit.ERROR if left else Exit.FINE

    async def _run(self, observers: tuple[Observer, ...], for_s: float | None) -> None:
        control = Control(
            halt_file=self.journal.path.parent / "HALT",
            second_key=check_of(self.graph.settings.second_key_file),
            clock=self._clock,
            supervisor=daemon.supervisor(self.graph.settings, self.graph.mode, self.graph.core),
            about=self._told_of_itself,
        )
        venue = self.graph.venue
        await venue.start()
        memory.settle()
        engine = Engine(
            self.graph.core,
            venue,
            self.journal,
            control,
            speed=None,
            observers=observers,
            views=self._views,
            account=self._account,
        )
        until_ns = None if for_s is None else self.start_ns + round(for_s * NS_PER_S)
        with ExitStack() as claims:
            try:
                must_agree(venue.health())
                self._claim(claims)
                await with_signals(engine.run(until_ns), control)
            finally:
                await venue.close()

    def _told_of_itself(self) -> dict[str, object]:
        """Return what is told of the connection and the log beside the loop's pace."""
        health = self.graph.venue.health()
        return {
            "logs": daemon.lost_lines(self.voice),
            "inbox": {"waiting": health.waiting, "conflated": health.conflated},
            "clock": {"ahead_s": health.clock_ahead_s, "error_s": health.clock_error_s},
            "connections": {"public": health.public_epoch, "account": health.account_epoch},
            "flaws": {str(flaw): count for flaw, count in health.flaws.items()},
        }

    def _clock(self) -> tuple[float, float]:
        """Return how far the venue's clock is ahead of ours, and how wrong that may be, s."""
        health = self.graph.venue.health()
        return health.clock_ahead_s, health.clock_error_s

    def _claim(self, claims: ExitStack) -> None:
        """Keep other bots of this state folder off what is hedged; who only looks takes nothing."""
        venue, settings = self.graph.venue, self.graph.settings
        if isinstance(venue, DeribitVenue) and venue.lane is not None:
            account, coins = venue.account_id(), settings.underlying
            lock = AccountLock.take(settings.state_dir, account, coins, settings.instance)
            claims.callback(lock.release)

    def _observers(self, voice: Voice) -> tuple[Observer, ...]:
        """Return who watches."""
        self.teller = _Teller(voice)
        return (self.teller,)

    def _tell_end(self, voice: Voice, summary: Mapping[str, Any]) -> None:
        """Tell what a run has to say after its end; one with real orders has said it all."""

    def _summary(self) -> dict[str, Any]:
        return self._about() | {"fills": self.teller.fills} | self._connection()

    def _about(self) -> dict[str, Any]:
        return {
            "mode": self.graph.mode,
            "kernels": arithmetic.name(),
            "seconds": (self.graph.venue.now_ns() - self.start_ns) / NS_PER_S,
        }

    def _connection(self) -> dict[str, Any]:
        health = self.graph.venue.health()
        return {
            "unknown_orders": health.unknown_orders,
            "connections": {"public": health.public_epoch, "account": health.account_epoch},
            "flaws": {str(flaw): count for flaw, count in health.flaws.items()},
            "journal": str(self.journal.path),
        }

    def _banner(self) -> Banner:
        settings = self.graph.settings
        return Banner(
            version=daemon.version(),
            instance=settings.instance,
            mode=self.graph.mode,
            market=self.graph.venue.settings.rest_url,
            speed="1",
            seed=self.graph.seed,
            epoch_ns=self.start_ns,
            journal=str(self.journal.path),
            scopes=tuple(self._scope(coin) for coin in settings.underlying),
        )

    def _scope(self, coin: str) -> Scope:
        one = self.graph.settings.underlying[coin]
        counted = one.collateral_delta
        return Scope(
            coin=coin,
            numeraire=one.numeraire,
            target=one.delta.target,
            lower=one.delta.lower,
            upper=one.delta.upper,
            gamma_lower=one.gamma.lower,
            gamma_upper=one.gamma.upper,
            gamma_action=one.gamma.action,
            collateral=f"{counted:g} {coin} counted"
            if isinstance(counted, float)
            else f"{counted}d",
        )

    def _views(self, now_ns: int) -> Iterable[tuple[str, object]]:
        self.look(self.voice)
        yield from self.views(now_ns)
        yield "connection", {"lost_ns": self.graph.venue.health().lost_ns}

    def _account(self) -> tuple[tuple[Position, ...], tuple[Balance, ...]]:
        holdings = self.graph.core.floor.book.holdings
        return tuple(holdings.positions.values()), tuple(holdings.balances.values())
