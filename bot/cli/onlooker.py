"""Runs that only look at an exchange: paper on its public market, and a shadow of an account.

Both go through the live loop on the wall clock and keep the score of paper. A shadow keeps its
journal apart from the instance that it shadows, begins anew with the real account at each start,
and tells once a day what it would have done.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

import config
from bot.cli import daemon
from bot.cli.companions import Companions
from bot.cli.exits import Exit, VerbError
from bot.cli.live import LiveRun
from bot.cli.recall import Past, past_of
from bot.cli.would_have import WouldHave
from bot.domain.positions import Balance, Position
from bot.journal import Durability, Journal
from bot.lab.scorecard import Promise, Scorecard
from bot.lab.witness import Witness
from bot.monitor import Voice
from bot.sim.exchange import StartingAccount
from bot.stepper import Observer
from bot.venues.live_paper import LivePaper
from bot.venues.steady import SteadyClock
from bot.wiring.live import Live, key_for
from bot.wiring.onlooking import public_paper, shadow, shadow_instance

FIRST_RESUMED_ID: Final = 1_000_000


def run_public(
    loaded: config.Loaded,
    *,
    for_s: float | None,
    seed: int,
    resume: bool,
    as_json: bool,
    verbose: bool,
    beside: AbstractContextManager[object],
) -> int:
    """Hedge the paper book on the exchange's public market, with a page `beside` it; no key."""
    settings = loaded.settings
    daemon.prepare(settings)
    journal = Journal.open(settings.state_dir, settings.instance, durability=Durability.BATCH)
    try:
        past = past_of(journal, settings) if resume else None
        last = journal.last_run()
        graph = public_paper(
            settings,
            SteadyClock(),
            seed=seed,
            epoch=1 if last is None or past is None else last.id + 1,
            sticky=journal.last_states(),
            account=None if past is None else _resumed(past),
        )
        run = OnlookerRun(graph, journal, past)  # who follows it finds it begun
        companions = Companions(loaded, settings.instance, as_json=as_json)
        with companions, beside:
            run.look = companions.look
            return run.go(for_s, as_json=as_json, verbose=verbose)
    finally:
        journal.close()


def run_shadow(loaded: config.Loaded, *, for_s: float | None, as_json: bool, verbose: bool) -> int:
    """Hedge a copy of the account of the settings' mode; the account itself is only read."""
    settings = loaded.settings
    if settings.mode == "paper":
        msg = 'expected mode = "sandbox" or "live" for this verb, found "paper"'
        raise VerbError(msg, Exit.USAGE)
    name, venue = settings.exchange()
    if venue.also:
        msg = f"expected venue.{name}.also empty for this verb, whose simulated account is one"
        raise VerbError(f"{msg}, found {', '.join(venue.also)}", Exit.USAGE)
    key = key_for(settings, os.environ)
    daemon.prepare(settings)
    settings = settings.model_copy(update={"instance": shadow_instance(settings.instance)})
    journal = Journal.open(settings.state_dir, settings.instance, durability=Durability.BATCH)
    try:
        last = journal.last_run()
        graph = shadow(
            settings,
            key,
            SteadyClock(),
            seed=settings.sim.seed,
            epoch=1 if last is None else last.id + 1,
            sticky=journal.last_states(),
        )
        run = ShadowRun(graph, journal, None)  # who follows it finds it begun
        with Companions(loaded, settings.instance, as_json=as_json) as beside:
            run.look = beside.look
            return run.go(for_s, as_json=as_json, verbose=verbose)
    finally:
        journal.close()


class OnlookerRun(LiveRun):
    """A run with simulated fills: it is scored, and its account is the simulated one."""

    def __init__(self, graph: Live, journal: Journal, past: Past | None) -> None:
        super().__init__(graph, journal, past)
        promises = (Promise(r.measure, r.delta.owner, r.gamma.band) for r in graph.rules)
        ours = {} if past is None else {p.instrument: p.quantity.value for p in past.hedges()}
        self.score = Scorecard(promises, ours)

    @property
    def venue(self) -> LivePaper:
        """Return the venue, which has no way to a real book."""
        venue = self.graph.venue
        if not isinstance(venue, LivePaper):
            raise TypeError(f"expected simulated fills, found {type(venue).__name__}")
        return venue

    def _observers(self, voice: Voice) -> tuple[Observer, ...]:
        return (Witness(self.score, self.journal, voice),)

    def _summary(self) -> dict[str, Any]:
        self.score.finish()
        about = self._about() | {"simulated_s": self._about()["seconds"], "seed": self.graph.seed}
        return about | self.score.result() | self._connection()

    def _account(self) -> tuple[tuple[Position, ...], tuple[Balance, ...]]:
        """Return the account to resume from; open profit of futures counts as cash."""
        exchange = self.venue.exchange
        cash = dict(exchange.account.cash)
        for money, profit in exchange.open_profit().items():
            cash[money] = cash.get(money, 0.0) + profit
        held = tuple(self.graph.core.floor.book.holdings.positions.values())
        return held, tuple(Balance(coin, amount, amount, 0.0, 0.0) for coin, amount in cash.items())


class ShadowRun(OnlookerRun):
    """A run beside a real account, with a daily account of what it would have done."""

    def _observers(self, voice: Voice) -> tuple[Observer, ...]:
        self.would_have = WouldHave(self.graph.core, self.start_ns, voice)
        return (*super()._observers(voice), self.would_have)

    def _tell_end(self, voice: Voice, summary: Mapping[str, Any]) -> None:
        for name in summary["left_out"]:
            voice.say("shadow.left_out", "warning", instrument=name)

    def _summary(self) -> dict[str, Any]:
        self.would_have.close(self.venue.now_ns())
        days = {"would_have_done": self.would_have.days, "left_out": list(self.venue.left_out)}
        return super()._summary() | days


def _resumed(past: Past) -> StartingAccount:
    balances = {b.coin: b.cash for b in past.account.balances}
    return StartingAccount(balances, past.account.positions_now(), FIRST_RESUMED_ID * past.run.id)
