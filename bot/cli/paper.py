"""A paper run from settings to summary: journal, market, core, engine, voices, signals.

Owns what a run is made of and in which order it ends. Nothing here decides anything about hedging.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol, runtime_checkable

import config
from bot import wiring
from bot.cli import daemon, say
from bot.cli.companions import Companions
from bot.cli.daemon import version, with_signals
from bot.cli.exits import Exit, VerbError
from bot.cli.oddities import Oddities
from bot.cli.page import PageBeside
from bot.cli.recall import Past, past_of, remember
from bot.cli.second_key import check_of
from bot.cli.troubles import Sayer
from bot.domain.commands import Note
from bot.domain.positions import Balance, Position
from bot.domain.units import NS_PER_S, iso
from bot.engine import Control, Engine
from bot.journal import Durability, Journal, RunStart
from bot.lab.scorecard import Promise, Scorecard
from bot.lab.witness import Witness
from bot.monitor import Banner, Scope, Voice
from bot.sim.exchange import StartingAccount
from bot.sim.market import Jump
from bot.sim.ports import Market
from bot.wiring.views import Views
from greeks import arithmetic

DEFAULT_SPEED: Final = 60.0
FIRST_RESUMED_ID: Final = 1_000_000


@runtime_checkable
class Jumpy(Protocol):
    """A market that knows its jumps."""

    def jumps(self, until_ns: int) -> tuple[Jump, ...]:
        """Return every jump that starts before a time."""
        ...


def run_paper(
    loaded: config.Loaded,
    *,
    for_s: float | None,
    speed: float | None,
    seed: int | None,
    resume: bool,
    from_time: str | None,
    as_json: bool,
    verbose: bool = False,
    page: bool = False,
) -> int:
    """Run paper trading until its end and return the exit code.

    `speed` None means 60 (a replay: as fast as it goes), infinity unpaced; `for_s` market seconds.
    A `page` is served beside a run that people can follow.
    """
    settings = loaded.settings
    if settings.mode != "paper":
        msg = f'expected mode = "paper" for this verb, found {settings.mode!r}'
        raise VerbError(msg, Exit.USAGE)
    if settings.market == "venue":
        from bot.cli.onlooker import run_public

        if speed not in {None, 1.0}:
            msg = f"expected no --speed beside --market venue (its time is ours), found {speed:g}"
            raise VerbError(msg, Exit.USAGE)
        number = settings.sim.seed if seed is None else seed
        beside = PageBeside(settings, wanted=page and not as_json)
        return run_public(
            loaded, for_s=for_s, seed=number, resume=resume, as_json=as_json, verbose=verbose,
            beside=beside,
        )  # fmt: skip
    daemon.prepare(settings)
    journal = Journal.open(settings.state_dir, settings.instance, durability=Durability.BATCH)
    try:
        past = past_of(journal, settings) if resume else None
        number = settings.sim.seed if seed is None else seed
        if past is not None and past.run.seed is not None:
            if seed not in {None, past.run.seed}:
                msg = f"expected the seed of the run to resume ({past.run.seed}), found {seed}"
                raise VerbError(msg, Exit.USAGE)
            number = past.run.seed
        market = _market(settings, number, past, from_time)
        pace = _pace(settings, speed)
        run = _Run(settings, journal, market, number, past, pace)
        wanted = page and pace is not None and not as_json
        companions = Companions(loaded, settings.instance, as_json=as_json)
        with companions, PageBeside(settings, wanted=wanted):
            run.look = companions.look
            return run.go(for_s, as_json=as_json, verbose=verbose)
    finally:
        journal.close()


class _Run:
    """One run: its graph, its journal, its voices."""

    def __init__(
        self,
        settings: config.Settings,
        journal: Journal,
        market: Market,
        seed: int,
        past: Past | None,
        speed: float | None,
    ) -> None:
        self.journal, self.seed, self.speed = journal, seed, speed
        account = None if past is None else _resumed(past)
        sticky = journal.last_states()
        last = journal.last_run()
        epoch = 1 if last is None or past is None else last.id + 1
        self.graph = wiring.paper(
            settings, market, seed=seed, epoch=epoch, sticky=sticky, account=account
        )
        self.settings = self.graph.settings
        self.views = Views(self.graph.core)
        self.look: Callable[[Sayer], None] = lambda _voice: None
        self.start_ns = market.start_ns
        recalled = remember(self.graph.core, journal, past, self.start_ns)
        self.run = journal.begin_run(
            RunStart(
                mode=settings.mode,
                market=settings.market,
                seed=seed,
                version=version(),
                market_start_ns=self.start_ns,
                settings=settings.model_dump(mode="json"),
                fresh=past is None,
            )
        )
        for command in recalled:
            if isinstance(command, Note):
                journal.record(command.record)
        promises = (Promise(r.measure, r.delta.owner, r.gamma.band) for r in self.graph.rules)
        ours = {} if past is None else {p.instrument: p.quantity.value for p in past.hedges()}
        self.score = Scorecard(promises, ours)

    def go(self, for_s: float | None, *, as_json: bool, verbose: bool) -> int:
        """Run, then say what it came to."""
        self.voice = voice = daemon.voice(
            self.settings,
            self.run,
            as_json=as_json,
            verbose=verbose,
            unpaced=self.speed is None,
        )
        try:
            voice.begin(self._banner())
            summary = self._run(voice, for_s)
            voice.finish(summary)
            summary |= voice.lost()
        except Exception as error:
            daemon.end_badly(self.journal, voice, error)
            raise
        finally:
            voice.close()
        if as_json:
            say.json(summary)
        return Exit.FINE

    def _run(self, voice: Voice, for_s: float | None) -> dict[str, Any]:
        """Run until the end, journal it, and return the summary."""
        control = Control(
            halt_file=self.journal.path.parent / "HALT",
            second_key=check_of(self.graph.settings.second_key_file),
            supervisor=daemon.supervisor(self.settings, "paper", self.graph.core),
            about=lambda: {"logs": daemon.lost_lines(voice)},
        )
        engine = Engine(
            self.graph.core,
            self.graph.venue,
            self.journal,
            control,
            speed=self.speed,
            observers=(
                Witness(self.score, self.journal, voice),
                Oddities(self.graph.core, self.settings, voice),
            ),
            views=self._views,
            account=self._account,
        )
        until_ns = None if for_s is None else self.start_ns + round(for_s * NS_PER_S)
        daemon.tell_kept(voice, self.journal.last_states(), self.graph.core)
        asyncio.run(with_signals(engine.run(until_ns), control))
        ended = self._ended(engine, until_ns)
        if "short_s" in ended and until_ns is not None:
            times = {"at": iso(engine.now_ns), "asked_until": iso(until_ns)}
            voice.say("recording.ended_before_asked_time", "warning", **times)
        elif ended["ended"] == "recording":
            voice.say("recording.ended", "warning", at=iso(engine.now_ns))
        self.score.finish()
        summary = self._summary(engine.now_ns, {"asked_s": for_s} | ended)
        self.journal.end_run(summary)
        return summary

    def _ended(self, engine: Engine, until_ns: int | None) -> dict[str, object]:
        """Return what ended the run, and by how many market seconds a recording was too short."""
        if engine.control.stop.is_set():
            return {"ended": "stopped"}
        if self.graph.venue.next_time() is not None:
            return {"ended": "asked_time"}
        short_ns = 0 if until_ns is None else until_ns - engine.now_ns
        return {"ended": "recording"} | ({"short_s": short_ns / NS_PER_S} if short_ns > 0 else {})

    def _banner(self) -> Banner:
        pace = "max" if self.speed is None else f"{self.speed:g}"
        return Banner(
            version=version(),
            instance=self.settings.instance,
            mode=self.settings.mode,
            market=f"{self.settings.market} {self.settings.sim.regime}"
            if self.settings.replay is None
            else f"{self.settings.market} (modelled between its points)",
            speed=pace,
            seed=self.seed,
            epoch_ns=self.start_ns,
            journal=str(self.journal.path),
            scopes=tuple(self._scope(coin) for coin in self.settings.underlying),
        )

    def _scope(self, coin: str) -> Scope:
        one = self.settings.underlying[coin]
        cash = self.graph.venue.exchange.account.cash.get(coin, 0.0)
        counted = one.collateral_delta
        word = f"{counted:g} {coin} counted" if isinstance(counted, float) else f"{counted}d"
        return Scope(
            coin=coin,
            numeraire=one.numeraire,
            target=one.delta.target,
            lower=one.delta.lower,
            upper=one.delta.upper,
            gamma_lower=one.gamma.lower,
            gamma_upper=one.gamma.upper,
            gamma_action=one.gamma.action,
            collateral=f"{cash:g} {coin}, {word}",
        )

    def _views(self, now_ns: int) -> Iterable[tuple[str, object]]:
        self.look(self.voice)
        return self.views(now_ns)

    def _account(self) -> tuple[tuple[Position, ...], tuple[Balance, ...]]:
        """Return the account to resume from; open profit of futures counts as cash."""
        exchange = self.graph.venue.exchange
        cash = dict(exchange.account.cash)
        for money, profit in exchange.open_profit().items():
            cash[money] = cash.get(money, 0.0) + profit
        held = tuple(self.graph.core.floor.book.holdings.positions.values())
        return held, tuple(Balance(coin, amount, amount, 0.0, 0.0) for coin, amount in cash.items())

    def _summary(self, now_ns: int, ended: Mapping[str, object]) -> dict[str, Any]:
        market = self.graph.market
        jumps = market.jumps(now_ns) if isinstance(market, Jumpy) else ()
        about: dict[str, Any] = {
            "seed": self.seed,
            "market": self.settings.market,
            "simulated_s": (now_ns - self.start_ns) / NS_PER_S,
        }
        end = {
            "kernels": arithmetic.name(),
            "journal": str(self.journal.path),
            "digest": self.journal.digest.hexdigest(),
        }
        return about | dict(ended) | self.score.result(jumps) | end


def _pace(settings: config.Settings, speed: float | None) -> float | None:
    if speed is None:
        return DEFAULT_SPEED if settings.replay is None else None
    return None if math.isinf(speed) else speed


def _market(
    settings: config.Settings, seed: int, past: Past | None, from_time: str | None
) -> Market:
    start_ns = None
    if from_time is not None:
        asked = datetime.fromisoformat(from_time)
        utc = asked if asked.tzinfo is not None else asked.replace(tzinfo=UTC)
        start_ns = round(utc.timestamp()) * NS_PER_S
    if past is not None:
        start_ns = past.account.ts_ns
    return wiring.market(settings, seed, start_ns)


def _resumed(past: Past) -> StartingAccount:
    """Return the account to go on with; open profit of futures was saved as cash (see `Engine`)."""
    balances = {b.coin: b.cash for b in past.account.balances}
    return StartingAccount(balances, past.account.positions_now(), FIRST_RESUMED_ID * past.run.id)
