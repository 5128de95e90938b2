"""Events of a connection to an exchange: each flaw of what it sends, and that it is back."""

from __future__ import annotations

from typing import Final

from bot.monitor.catalogue.event import Event, Field
from bot.venues.deribit.flaws import Flaw

_MESSAGE: Final = "warning"
_DESIGN: Final = "debug"
_OURS: Final = "error"
_FLAWS: Final = {
    Flaw.NOT_AN_OBJECT: ("A message has something else where an object belongs.", _MESSAGE),
    Flaw.NOT_A_LIST: ("A message has something else where a list belongs.", _MESSAGE),
    Flaw.NOT_A_NUMBER: ("A message has something else where a number belongs.", _MESSAGE),
    Flaw.NOT_A_TIME: ("A message has something else where a time belongs.", _MESSAGE),
    Flaw.NOT_A_TEXT: ("A message has something else where a text belongs.", _MESSAGE),
    Flaw.UNKNOWN_WORD: ("A message has a word that is none of those it may have.", _MESSAGE),
    Flaw.COMBO: ("A combination of instruments is left out of the list.", _DESIGN),
    Flaw.SPOT: ("A spot pair is left out of the list.", _DESIGN),
    Flaw.UNKNOWN_KIND: ("An instrument of another kind is left out of the list.", _DESIGN),
    Flaw.UNKNOWN_SETTLEMENT: ("An instrument that settles in another coin is left out.", _DESIGN),
    Flaw.INACTIVE: ("An instrument that is not traded is left out of the list.", _DESIGN),
    Flaw.UNKNOWN_INSTRUMENT: ("Something came on an instrument that is not listed.", _MESSAGE),
    Flaw.CROSSED: ("A bid is not below its ask.", _MESSAGE),
    Flaw.NOT_OPEN: ("A market is not open.", _MESSAGE),
    Flaw.OUT_OF_ORDER: ("Something is older than what came before it.", _MESSAGE),
    Flaw.BOOK_GAP: ("A change of an order book is missing; it is asked for anew.", _MESSAGE),
    Flaw.NO_INDEX: ("There is no index yet for option prices.", _MESSAGE),
    Flaw.BAD_MESSAGE: ("A message could not be read.", _MESSAGE),
    Flaw.UNKNOWN_CHANNEL: ("A message came on a channel that was not asked for.", _MESSAGE),
    Flaw.CHANNEL_REFUSED: ("The exchange refused a subscription.", _MESSAGE),
    Flaw.STRAY_ERROR: ("An error came that answers no question.", _MESSAGE),
    Flaw.STRAY_REPLY: ("A reply came that answers no question.", _MESSAGE),
    Flaw.STALE_CHANNEL: ("A channel has been silent for too long.", _MESSAGE),
    Flaw.CONNECTION_LOST: ("A connection was lost, or could not be made again.", _MESSAGE),
    Flaw.KEY_RIGHTS: ("The key lacks a right that is needed: no order leaves.", _OURS),
    Flaw.WRONG_ENVIRONMENT: ("The other system of the exchange answered: no order leaves.", _OURS),
    Flaw.REQUEST_FAILED: ("A question got no answer, or an error.", _MESSAGE),
    Flaw.FAULT_OF_OURS: ("A defect of this program, of which its makers should hear.", _OURS),
}

VENUE: Final = (
    Event(
        "venue.reconnected",
        "Every connection stands again.",
        ("warning",),
        (
            Field("public", "count", "connections to public data so far"),
            Field("account", "count", "connections to the account so far"),
            Field("failed_tries", "count", "tries that failed"),
            Field("down_s", "s", "for how long a connection was missing"),
        ),
    ),
    *(
        Event(
            f"venue.{flaw}",
            when,
            (level,),
            (
                "subject",
                Field("said", "text", "what was expected and found, the newest time"),
                Field("times", "count", "how often since it was last told; at most once a minute"),
            ),
        )
        for flaw, (when, level) in _FLAWS.items()
    ),
)
