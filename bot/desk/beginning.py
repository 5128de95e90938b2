"""What a run begins with: positions that were told at two looks and add up to the account.

A first list may be older than the last fills of the run before, and may lack a part. Lists that
add up and keep changing are an owner who trades: the third that differs will do. An account that
does not add up, or whose options have no price, is waited for, and begun with after half a minute
all the same: then nothing can be said against the list, or the venue values options in another way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from bot.desk import witness
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.domain.commands import Command, Note
from bot.domain.positions import Balance
from bot.domain.reasons import Because, Reason
from bot.domain.units import seconds_between

APART_S = 0.5
LISTS = 3
PATIENT_S = 30.0


@dataclass(slots=True)
class Beginning:
    """The lists so far: `held` has been told since `since_ns`.

    `lists` is how many different ones in a row added up, it being the last.
    """

    first_ns: int = 0
    held: Mapping[str, Decimal] | None = None
    since_ns: int = 0
    lists: int = 0

    def sure(
        self,
        floor: Floor,
        rules: Mapping[str, DeskRules],
        balances: Iterable[Balance],
        now_ns: int,
    ) -> tuple[bool, list[Command]]:
        """Tell whether what is held now may be begun with, and what is to be said of that."""
        self.first_ns = self.first_ns or now_ns
        held = floor.book.holdings.held()
        lacking = witness.unsettled(floor.book, rules, balances, now_ns)
        patient = seconds_between(self.first_ns, now_ns) < PATIENT_S
        if held != self.held:
            self.held, self.since_ns = held, now_ns
            self.lists = 0 if lacking and patient else self.lists + 1
        if seconds_between(self.since_ns, now_ns) < APART_S and self.lists < LISTS:
            return False, []
        if lacking and patient:
            return False, stays(floor, Reason.LACKING_REPORT, lacking, now_ns)
        return True, []


def stays(floor: Floor, reason: Reason, coins: Iterable[str], now_ns: int) -> list[Command]:
    """Say why coins stay where they are."""
    reasons = [Because(reason, coin) for coin in sorted(coins)]
    return [Note(c) for one in reasons for c in floor.machine.stay(one.subject, now_ns, one)]
