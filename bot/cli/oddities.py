"""What a run finds odd in its settings once it knows its market: told, and never in its way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bot.domain.events import InstrumentsListed
from bot.domain.reasons import Reason
from bot.wiring.names import strange_excluded, strange_scopes
from bot.wiring.told_secrets import untellable

if TYPE_CHECKING:
    from bot.cli.troubles import Sayer
    from bot.core import Core
    from bot.domain.events import Event
    from bot.domain.records import Told
    from config import Settings


class Oddities:
    """Observer of an engine: names in scopes that nothing bears, bands that no whole lot keeps."""

    def __init__(self, core: Core, settings: Settings, voice: Sayer) -> None:
        """Say at once what the settings alone tell."""
        self._core, self._settings, self._voice = core, settings, voice
        self._told: set[str] = set()
        self._narrow: set[str] = set()
        for text in (*strange_scopes(settings), *untellable(settings, os.environ)):
            self._tell(text)

    def see(self, event: Event) -> None:
        """Look at a new listing, and at the bands in force."""
        if isinstance(event, InstrumentsListed) and event.coin in self._settings.underlying:
            listed = {one.name for one in event.instruments}
            held = self._core.floor.book.holdings.positions.values()
            listed |= {position.instrument for position in held}
            for text in strange_excluded(self._settings, event.coin, listed):
                self._tell(text)
        for coin, levels in self._core.floor.levels.items():
            notes = [one for one in levels.notes if one.reason is Reason.BELOW_ONE_LOT]
            if notes and coin not in self._narrow:
                lot = notes[0].numbers["lot_coin"]
                self._tell(
                    f"underlying.{coin}.delta: expected every side of the band, and the policy's, "
                    f"at least {lot:.2g} coin, one lot of the hedge instrument, found "
                    f"{notes[0].numbers['side_coin']:.2g}: it is kept to a lot"
                )
            self._narrow = self._narrow | {coin} if notes else self._narrow - {coin}

    def note(self, record: Told) -> None:
        """Leave what the core says to others."""

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._voice.say("settings.odd", "warning", what=text)
