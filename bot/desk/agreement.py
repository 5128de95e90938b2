"""What the venue says of an underlying's account, held against what we think: delta, margin.

A delta that differs beyond the tolerance, at three looks and for ten seconds, is a disagreement:
from then on the exposure is an interval between ours and the venue's, so that only the smaller
common hedge is made, and a doubt tells people. It ends as it began. The tolerance is a part of the
owner's band, of the book's size and of what a quarter of a percent would change: the two figures
are never of quite the same moment. Nothing is compared while orders may fill, while something is
parked, or while holdings are newer than the venue's last complete answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.book.exposure import Exposure
from bot.book.liquidation import distances
from bot.book.margin import PORTFOLIO, STANDARD
from bot.book.measure import measure
from bot.book.venue_delta import Comparison, compare
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.domain.commands import Note
from bot.domain.events import PositionsReport
from bot.domain.positions import Balance
from bot.domain.reasons import Because, Reason
from bot.domain.records import Doubt, MarginSample
from bot.domain.units import seconds_between

BAND_SHARE, SIZE_SHARE, MOVE_PCT = 0.1, 0.003, 0.25
LOOKS, FOR_S, APART_S = 3, 10.0, 0.5


@dataclass(slots=True)
class Agreement:
    """One underlying. `lines` are the venue's deltas of the complete answer at `version`."""

    rules: DeskRules
    lines: Mapping[str, float] = field(default_factory=dict)
    version: int = -1
    looks: int = 0
    since_ns: int = 0
    looked_ns: int = 0

    def report(self, floor: Floor, event: PositionsReport) -> list[Note]:
        """Take a report whose positions have been compared; a complete answer tells deltas."""
        if event.deltas:
            self.lines = dict(event.deltas)
            self.version = floor.book.holdings.version
        return self.look(floor, event.ts_ns)

    def look(self, floor: Floor, now_ns: int) -> list[Note]:
        """Compare once; return what is to be said about it."""
        book, coin = floor.book, self.rules.coin
        if self.version != book.holdings.version or floor.orders.pending(coin):
            return []
        if any(part.coin == coin for part in book.parked):
            return []  # the venue counts what is left alone here
        if seconds_between(self.looked_ns, now_ns) < APART_S:
            return []
        balance = book.holdings.balances.get(coin)
        total = None if balance is None else balance.delta_total
        found = compare(book, coin, now_ns, self.lines, total)
        if found is None:
            return []
        self.looked_ns = now_ns
        exposure = measure(book, coin, now_ns)
        beyond = abs(found.gap) > tolerance(self.rules, exposure)
        return self._judge(floor, found, now_ns, beyond=beyond)

    def doubts(self, floor: Floor) -> tuple[Because, ...]:
        """Return what is wrong with the account's margin model: unknown, or not the owner's."""
        balance = floor.book.holdings.balances.get(self.rules.coin)
        model, wanted = ("" if balance is None else balance.model), self.rules.margin_model
        if not model or (model in STANDARD | PORTFOLIO and wanted in {None, model}):
            return ()
        return (Because(Reason.MARGIN_MODEL, model),)

    def sample(self, floor: Floor, now_ns: int) -> MarginSample | None:
        """Return the account's margin as a record; None while no balance is known."""
        book, coin = floor.book, self.rules.coin
        balance = book.holdings.balances.get(coin)
        if balance is None:
            return None
        down, up = distances(book, coin, balance, now_ns)
        found = compare(book, coin, now_ns, self.lines, balance.delta_total)
        return MarginSample(
            ts_ns=now_ns,
            coin=coin,
            model=balance.model,
            cash=balance.cash,
            equity=balance.equity,
            funds=balance.funds,
            initial_margin=balance.initial_margin,
            maintenance_margin=balance.maintenance_margin,
            down=down,
            up=up,
            delta_venue=_known(balance),
            delta_ours=math.nan if found is None else found.ours,
        )

    def _judge(self, floor: Floor, found: Comparison, now_ns: int, *, beyond: bool) -> list[Note]:
        """Count looks that speak against how things stand; turn when there are enough of them."""
        mine = floor.book.coins[self.rules.coin]
        active = mine.disagreement is not None
        if beyond == active:
            self.looks = 0
            if not active:
                return []
            mine.gap, mine.disagreement = found.gap, self._because(found)
            return []
        self.since_ns = now_ns if not self.looks else self.since_ns
        self.looks += 1
        if self.looks < LOOKS or seconds_between(self.since_ns, now_ns) < FOR_S:
            return []
        self.looks = 0
        because = self._because(found)
        mine.gap, mine.disagreement = (found.gap, because) if beyond else (0.0, None)
        return [Note(Doubt(now_ns, self.rules.coin, because, active=beyond))]

    def _because(self, found: Comparison) -> Because:
        figures = {"ours_coin": found.ours, "venue_coin": found.venue}
        return Because(Reason.DELTA_DISAGREES, found.worst or self.rules.coin, figures)


def tolerance(rules: DeskRules, exposure: Exposure) -> float:
    """Return the difference between our delta and the venue's (coin) that means nothing."""
    owner = rules.delta.owner
    band = BAND_SHARE * min(owner.upper - owner.target, owner.target - owner.lower)
    size = SIZE_SHARE * (exposure.gross_option_coin + abs(exposure.delta))
    return band + size + MOVE_PCT * abs(exposure.gamma_total)


def _known(balance: Balance) -> float:
    return math.nan if balance.delta_total is None else balance.delta_total
