"""Our account: the stream of changes, reconciled with complete answers over REST.

The stream (orders, trades and positions in one message) is quick and may have missed something; a
complete answer is slow and may be a little old. The table starts each epoch from a complete answer
and takes what the stream says on top, also what arrived while the answer was under way. A report
is told when the core asks, when a position changes by somebody else's hand, and at each new epoch.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.domain.errors import WrongEnvironmentError
from bot.domain.events import BalancesReport, Filled, OrderUpdate, PositionsReport, RivalSeen
from bot.domain.labels import Whose
from bot.domain.orders import OrderReport
from bot.domain.positions import Fill
from bot.venues.deribit.fields import Row, table, text
from bot.venues.deribit.flaws import Flaw, FlawedError, shown
from bot.venues.deribit.inbox import Surroundings
from bot.venues.deribit.listing import Contract
from bot.venues.deribit.reports import (
    Line,
    Portfolio,
    balances,
    read_fill,
    read_order,
    read_portfolio,
    read_portfolios,
    read_position,
    read_positions,
)

CHANGES: Final = "user.changes.any.any.raw"
PORTFOLIO: Final = "user.portfolio."


@dataclass(slots=True)
class _Table:
    """What is held in one epoch; `complete` once an answer has been taken."""

    lines: dict[str, Line] = field(default_factory=dict)
    portfolios: dict[str, Portfolio] = field(default_factory=dict)
    complete: bool = False


class AccountBook:
    """Positions and balances of one account.

    `positions` and `summaries` fetch complete answers (REST). `whose` tells our orders' labels
    from others; only ours become fills and order updates, another bot's are told as such. `met`
    hears every instrument that is held or traded. `seen` names everything that was ever held, for
    the settlement of what expires; `identity` is the venue's own number of the account, where it
    tells one.
    """

    def __init__(
        self,
        *,
        positions: Callable[[], Awaitable[Any]],
        summaries: Callable[[], Awaitable[Any]],
        contracts: Callable[[], Mapping[str, Contract]],
        whose: Callable[[str], Whose],
        see_order: Callable[[OrderReport], None],
        learn_limits: Callable[[object], None],
        met: Callable[[str], None],
        around: Surroundings,
    ) -> None:
        self._fetch_positions, self._fetch_summaries = positions, summaries
        self._contracts, self._whose, self._see_order = contracts, whose, see_order
        self._learn_limits, self._met = learn_limits, met
        self._tell, self._clock, self._flaws = around.tell, around.clock, around.flaws
        self.seen: set[str] = set()
        self.identity: int | str | None = None
        self._table = _Table()
        self._since_asked: dict[str, Line] | None = None
        self._asking: asyncio.Task[bool] | None = None

    @property
    def complete(self) -> bool:
        """Tell whether positions and balances of this epoch are known."""
        return self._table.complete

    @property
    def lines(self) -> Mapping[str, Line]:
        """Return the positions with the venue's own figures, by instrument."""
        return self._table.lines

    @property
    def portfolios(self) -> Mapping[str, Portfolio]:
        """Return margin and Greek figures by currency, as last told by stream or answer."""
        return self._table.portfolios

    def channels(self, currencies: tuple[str, ...]) -> list[str]:
        """Return what to subscribe to."""
        return [CHANGES, *(f"{PORTFOLIO}{currency}" for currency in currencies)]

    def lose(self) -> None:
        """Void everything: the connection is gone."""
        self._table = _Table(portfolios=self._table.portfolios)
        self._since_asked = None

    async def reconcile(self) -> bool:
        """Fetch a complete answer and report it; return whether that worked.

        Callers share one answer that is under way. A failed or unreadable answer reports nothing.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._reconcile())
        return await asyncio.shield(self._asking)

    async def _reconcile(self) -> bool:
        table_ = self._table
        since = self._since_asked = {}
        try:
            raw = await self._fetch_positions()
            summaries = await self._fetch_summaries()
            now_ns = self._clock()
            lines = read_positions(_result(raw), self._contracts())
            answer = table(_result(summaries), "summaries")
            portfolios = read_portfolios(answer.get("summaries"), now_ns)
        except FlawedError as error:
            self._flaws.caught(self._clock(), error)
            return False
        except WrongEnvironmentError:
            raise  # no answer at all: whoever keeps the connection gives it up
        except Exception as error:  # noqa: BLE001  ccxt raises a family of its own; reads are free
            sentence = f"expected the account, found {shown(error)}"
            self._flaws.note(self._clock(), Flaw.REQUEST_FAILED, "account", sentence)
            return False
        finally:
            self._since_asked = None
        if table_ is not self._table:
            return False  # the connection was lost meanwhile: its stream is not on top of this
        table_.lines = lines
        for name in lines:
            self._met(name)
        for line in since.values():
            self._hold(line)
        table_.portfolios.update(portfolios)
        table_.complete = True
        self.seen.update(lines)
        self.identity = _identity(answer)
        for row in _rows(answer, "summaries"):
            self._learn_limits(row.get("limits") if isinstance(row, dict) else None)
        deltas = {n: x.delta_coin for n, x in self._table.lines.items()} if not since else {}
        self.report(deltas)
        return True

    def report(self, deltas: Mapping[str, float] | None = None) -> None:
        """Tell the positions and balances as they stand; `deltas` where all are of one moment."""
        held = tuple(line.position for line in self._table.lines.values())
        worth = balances(self._table.portfolios.values())
        told = tuple((name, x) for name, x in (deltas or {}).items() if math.isfinite(x))
        self._tell(PositionsReport(self._clock(), held, worth, told))

    def hear(self, channel: str, data: object, received_ns: int) -> bool:
        """Take a notification; return whether it was one of ours."""
        if channel.startswith("user.changes."):
            self._hear_changes(data, received_ns)
        elif channel.startswith(PORTFOLIO):
            self._guarded(self._hear_portfolio, data, received_ns)
        else:
            return False
        return True

    def _hear_changes(self, data: object, received_ns: int) -> None:
        """Take fills, then orders, then positions; one bad row does not cost the others."""
        if not isinstance(data, dict):
            self._guarded(lambda value, _: table(value, "changes"), data, received_ns)
            return
        takers = (("trades", self._fill), ("orders", self._order))
        for key, take in takers:
            for row in _rows(data, key):
                self._guarded(take, row, received_ns)
        before = {name: line.position for name, line in self._table.lines.items()}
        for row in _rows(data, "positions"):
            self._guarded(self._position, row, received_ns)
        after = {name: line.position for name, line in self._table.lines.items()}
        if self._table.complete and before != after:
            self.report()

    def _fill(self, value: object, received_ns: int) -> None:
        row = table(value, "trade")
        self._met(text(row, "instrument_name"))
        fill: Fill = read_fill(row, self._contracts())
        if self._is_ours(fill.label, fill.instrument, received_ns):
            self._tell(Filled(received_ns, fill))

    def _order(self, value: object, received_ns: int) -> None:
        report = read_order(table(value, "order"), self._contracts(), received_ns)
        if self._is_ours(report.label, report.instrument, received_ns):
            self._see_order(report)
            self._tell(OrderUpdate(received_ns, report))

    def _is_ours(self, label: str, instrument: str, received_ns: int) -> bool:
        whose = self._whose(label)
        if whose is Whose.RIVAL:
            self._tell(RivalSeen(received_ns, label, instrument))
        return whose is Whose.OURS

    def see_open_orders(self, rows: object) -> None:
        """Take what rests at the venue: only another bot's orders are news."""
        now_ns = self._clock()
        for row in rows if isinstance(rows, list) else [rows]:
            self._guarded(self._resting, row, now_ns)

    def _resting(self, value: object, now_ns: int) -> None:
        report = read_order(table(value, "order"), self._contracts(), now_ns)
        self._is_ours(report.label, report.instrument, now_ns)

    def _position(self, value: object, _received_ns: int) -> None:
        line = read_position(table(value, "position"), self._contracts())
        if self._since_asked is not None:
            self._since_asked[line.position.instrument] = line
        self._hold(line)

    def _hold(self, line: Line) -> None:
        name = line.position.instrument
        if line.position.quantity:
            self._met(name)
            self._table.lines[name] = line
            self.seen.add(name)
        else:
            self._table.lines.pop(name, None)

    def _hear_portfolio(self, data: object, received_ns: int) -> None:
        portfolio = read_portfolio(table(data, "portfolio"), received_ns)
        self._table.portfolios[portfolio.currency] = portfolio
        if self._table.complete:
            worth = balances(self._table.portfolios.values())
            self._tell(BalancesReport(received_ns, worth))

    def _guarded(
        self, take: Callable[[object, int], object], value: object, received_ns: int
    ) -> None:
        try:
            take(value, received_ns)
        except FlawedError as error:
            self._flaws.caught(received_ns, error)


def _identity(answer: Row) -> int | str | None:
    """Return by what the venue tells accounts apart."""
    value = answer.get("id")
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _rows(data: Row, key: str) -> list[object]:
    """Return a list of a message; what is no list counts as one bad row."""
    value = data.get(key)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _result(reply: object) -> object:
    """Return the result of a REST reply."""
    return table(reply, "reply").get("result")
