"""The reports of several accounts as one: complete, or not told at all.

Each account reports for itself, when it is asked and when it changes. The core hears the positions
of all of them together, each under its account's name, with the balances of the trading account.
While one of them cannot be seen nothing is reported, because what is missing would look closed; of
one that is only read, that it cannot be seen is told instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from bot.domain.events import AccountSight, Event, PositionsReport
from bot.venues.deribit.inbox import Surroundings


class Union:
    """One book over a trading account and others that are only read."""

    def __init__(self, trading: str, also: Iterable[str], around: Surroundings) -> None:
        self._trading, self._also = trading, tuple(also)
        self._tell, self._clock = around.tell, around.clock
        self._newest: dict[str, PositionsReport] = {}
        self._unseen: dict[str, None] = {}  # in the order of their loss
        self._around = around

    def around(self, account: str) -> Surroundings:
        """Return what an account's connection needs: the same, but for where its events go."""
        hear: Callable[[Event], None] = partial(self._hear, account)
        return replace(self._around, tell=hear)

    def lose(self, account: str) -> None:
        """Void what an account has reported: its connection is gone, or it has none yet."""
        if self._newest.pop(account, None) is not None and account in self._also:
            self._unseen[account] = None
            self._tell(AccountSight(self._clock(), account, seen=False))

    def _hear(self, account: str, event: Event) -> None:
        """Take an event of an account; from one that is only read nothing but its reports count."""
        if isinstance(event, PositionsReport):
            held = tuple(replace(position, account=account) for position in event.positions)
            self._newest[account] = replace(event, positions=held)
            self._report(event.ts_ns)
        elif account == self._trading:
            self._tell(event)

    def _report(self, ts_ns: int) -> None:
        """Tell what all accounts hold, if each of them has said so."""
        if any(account not in self._newest for account in (self._trading, *self._also)):
            return
        mine = self._newest[self._trading]
        if self._also:
            others = (self._newest[account].positions for account in self._also)
            mine = PositionsReport(ts_ns, sum(others, start=mine.positions), mine.balances)
        self._tell(mine)
        # Seen is what has been reported, so not before the report.
        for account in self._unseen:
            self._tell(AccountSight(ts_ns, account, seen=True))
        self._unseen.clear()
