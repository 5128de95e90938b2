"""Every event that a log line can have: when it is said, how loud, and what each field means.

The one place that owns them. docs/logs.md shows these tables (`python -m bot.monitor.catalogue`
writes them into it), and tests hold them against the code from both sides: what the code can say is
here, and what is here can be said.
"""

from typing import Final

from bot.monitor.catalogue.event import Event, Field
from bot.monitor.catalogue.fields import FIELDS, FIGURES, LINE, SUFFIXES
from bot.monitor.catalogue.monitor import MONITOR
from bot.monitor.catalogue.orders import ORDERS
from bot.monitor.catalogue.records import RECORDS
from bot.monitor.catalogue.said import RUN, WATCHDOG
from bot.monitor.catalogue.venue import VENUE

EVENTS: Final = {one.name: one for one in (*RECORDS, *ORDERS, *RUN, *VENUE, *WATCHDOG, *MONITOR)}

__all__ = ["EVENTS", "FIELDS", "FIGURES", "LINE", "SUFFIXES", "Event", "Field"]
