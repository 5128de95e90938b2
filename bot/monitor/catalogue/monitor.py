"""Events of the monitor, the process beside a bot that tells others (`deltaband monitor`)."""

from __future__ import annotations

from typing import Final

from bot.monitor.catalogue.event import Event, Field

_CHANNEL: Final = (
    Field("channel", "text", "the channel, without its address"),
    Field("lost", "count", "messages that it has not taken so far"),
)

MONITOR: Final = (
    Event(
        "monitor.started",
        "The monitor follows the journal.",
        ("info",),
        (Field("tells", "list", "whom it tells"),),
    ),
    Event("monitor.stopped", "The monitor was stopped.", ("info",)),
    Event("monitor.cannot_read", "The journal cannot be read.", ("warning",), ("found",)),
    Event("monitor.reads_again", "The journal can be read again.", ("info",)),
    Event(
        "monitor.outlet_failed",
        "Something that tells others has failed; it is begun again after a while.",
        ("error",),
        (Field("outlet", "text", "what failed"), "found"),
    ),
    Event("alerts.channel_failed", "A channel takes no alerts.", ("error",), _CHANNEL),
    Event("alerts.channel_back", "A channel takes alerts again.", ("info",), _CHANNEL),
    Event("alerts.no_report", "The report of a day could not be made.", ("warning",), ("found",)),
)
