"""What an earlier run left behind, and telling it to the core of the next one.

Owns which run may be gone on with. Positions of our own, trades that were counted already, orders
whose end nobody has seen, what the day's limits have used, and when each option was last traded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bot.cli.exits import Exit, VerbError
from bot.core import Core
from bot.domain.commands import Command
from bot.domain.instruments import coin_of
from bot.domain.positions import HEDGE_TAG, TRADING_ACCOUNT, Fill, Position
from bot.domain.units import day_start
from bot.journal import Journal
from bot.journal.memory import PastRun, SavedAccount
from config import Settings


@dataclass(frozen=True, slots=True)
class Past:
    """What an earlier run left to go on from."""

    run: PastRun
    account: SavedAccount
    trading: str = TRADING_ACCOUNT

    def hedges(self) -> list[Position]:
        """Return the positions that are our own hedges, in whatever account they were kept."""
        return [p for p in self.account.positions_now(self.trading) if p.tag == HEDGE_TAG]


def past_of(journal: Journal, settings: Settings) -> Past:
    """Return the run to go on with; VerbError where there is none or it was another kind of run."""
    run, account = journal.last_run(), journal.last_account()
    if account is None and journal.open_intents():
        # Killed before its account was on disk: an order may have left all the same.
        account = SavedAccount(0, (), (), journal.fills())
    if run is None or account is None:
        msg = f"expected an earlier run to resume in {journal.path}, found none"
        raise VerbError(msg)
    for what, was, now in (
        ("market", run.market, settings.market),
        ("mode", run.mode, settings.mode),
    ):
        if was != now:
            msg = f"expected the {what} of the run to resume ({was}), found {now}"
            raise VerbError(msg, Exit.USAGE)
    return Past(run, account, settings.exchange()[1].account)


def remember(core: Core, journal: Journal, past: Past | None, now_ns: int) -> tuple[Command, ...]:
    """Tell the core what of earlier runs still stands, with what it went on with (None: nothing).

    An operator's words outlive a fresh account; what is parked belongs to the account that it is
    part of. What the core answers is to be journalled.
    """
    words, parked = journal.standing(), () if past is None else journal.parked()
    commands = core.remember(words, parked, now_ns)
    return commands if past is None else (*commands, *recall(core, journal, past, now_ns))


def recall(core: Core, journal: Journal, past: Past, now_ns: int) -> tuple[Command, ...]:
    """Tell the core what of earlier runs is its own; what it answers is to be journalled."""
    core.floor.book.holdings.restore_hedges(past.hedges(), journal.fills())
    for coin, spent in journal.spent(day_start(now_ns)).items():
        if coin in core.rules:
            day = core.floor.day(coin, now_ns)
            day.fees_usd, day.gamma_usd = spent.fees_usd, spent.gamma_usd
            day.cost_usd, day.model_usd = spent.cost_usd, spent.model_usd
            day.start_equity = spent.start_equity
            day.start_index = spent.start_index or math.nan
    _recall_options(core, journal.fills(purpose="gamma"), now_ns)
    open_ = journal.open_intents()
    booked = frozenset(one.intent.label for one in open_ if one.booked)
    return core.restore([one.intent for one in open_], now_ns, booked)


def _recall_options(core: Core, fills: Iterable[Fill], now_ns: int) -> None:
    """Tell the gamma desks what was traded for them: how many today, and each option's last."""
    for fill in fills:
        coin = coin_of(fill.instrument)
        if coin not in core.gamma:
            continue
        core.gamma[coin].remember(fill, fill.ts_ns)
        if fill.ts_ns >= day_start(now_ns):
            core.floor.day(coin, now_ns).gamma_coin += abs(float(fill.quantity))
