"""Whose positions are hedged: by account, tag and instrument.

What is out of scope is seen and reported but adds nothing to the exposure that bands are held
against.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.positions import HEDGE_TAG, Position


@dataclass(frozen=True, slots=True)
class Scope:
    """Empty `accounts` or `tags` mean all of them; `exclude` names instruments."""

    accounts: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()

    def covers(self, position: Position) -> bool:
        """Tell whether a position counts; our own hedges do, or we would hedge them twice."""
        if position.tag == HEDGE_TAG:
            return True
        if position.instrument in self.exclude:
            return False
        if self.accounts and position.account not in self.accounts:
            return False
        return not self.tags or position.tag in self.tags
