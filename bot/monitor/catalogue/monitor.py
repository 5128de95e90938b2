"""Events of the monitor, the process beside a bot that tells others (`deltaband monitor`)."""

from __future__ import annotations

from typing import Final

from bot.monitor.catalogue.event import Event, Field

_CHANNEL: Final = (
    Field("channel", "text", "the channel, without its address"),
    Field("lost", "count", "messages that it has not taken so far"),
)

_BROKER: Final = Field("broker", "text", "host and port of the broker")
_WHOSE: Final = (
    Field("verb", "text", "the verb of the topic that it came on; empty for any other"),
    Field("who", "text", "`mqtt:` and the key that signed it, `mqtt:unproven` where none did"),
)

MONITOR: Final = (
    Event(
        "monitor.started",
        "The monitor follows the journal.",
        ("info",),
        (Field("tells", "list", "whom it tells"),),
    ),
    Event(
        "monitor.waits",
        "Another monitor follows this instance; this one takes its place when it ends.",
        ("warning",),
        ("found",),
    ),
    Event("monitor.stopped", "The monitor was stopped.", ("info",)),
    Event(
        "monitor.missing",
        "No monitor that shows that it lives follows a run whose settings name somebody to tell.",
        ("error",),
        ("found", "what"),
    ),
    Event(
        "monitor.failed",
        "The monitor beside a run cannot begin, or has ended by a fault.",
        ("error",),
        ("found",),
    ),
    Event("monitor.cannot_read", "The journal cannot be read.", ("warning",), ("found",)),
    Event("monitor.reads_again", "The journal can be read again.", ("info",)),
    Event(
        "monitor.outlet_failed",
        "Something that tells others has failed; it is begun again after a while.",
        ("error",),
        (Field("outlet", "text", "what failed"), "found"),
    ),
    Event(
        "metrics.listening",
        "Figures and health are served.",
        ("info",),
        (Field("host", "text", "the address"), Field("port", "count", "the port")),
    ),
    Event("alerts.channel_failed", "A channel takes no alerts.", ("error",), _CHANNEL),
    Event("alerts.channel_back", "A channel takes alerts again.", ("info",), _CHANNEL),
    Event("mqtt.connected", "The broker is there.", ("info",), (_BROKER,)),
    Event(
        "mqtt.lost",
        "The broker is not there, hangs or refuses: once for each outage.",
        ("warning",),
        (_BROKER, "found"),
    ),
    Event(
        "mqtt.back",
        "The broker is there again, and has been for some seconds; `found` is the newest reason.",
        ("warning",),
        (
            *(_BROKER, "found"),
            Field("lasted_s", "s", "how long it was lost"),
            Field("dropped_events", "count", "events that found no room meanwhile"),
        ),
    ),
    Event(
        "mqtt.not_allowed",
        "The broker does not let this bot use a topic of its own: see its rights.",
        ("error",),
        ("found",),
    ),
    Event(
        "mqtt.not_encrypted",
        "A broker beyond this machine is spoken to in the clear (`mqtts://` is not).",
        ("warning",),
        (_BROKER,),
    ),
    Event(
        "mqtt.forgetful",
        "What was taken before cannot be read: only `pause` and `halt` are taken.",
        ("error",),
        ("found",),
    ),
    Event("mqtt.command", "A command was let in and queued.", ("info",), (*_WHOSE, "coin", "id")),
    Event(
        "mqtt.refused",
        "A command was not let in, or several, which are counted.",
        ("warning",),
        (*_WHOSE, "found"),
    ),
    Event(
        "mqtt.not_audited",
        "A refused command could not be written into the journal.",
        ("error",),
        ("found",),
    ),
    Event("alerts.no_report", "The report of a day could not be made.", ("warning",), ("found",)),
    Event(
        "alerts.day_not_kept",
        "Which day was reported cannot be written down: a monitor that starts later may repeat it.",
        ("warning",),
        ("found",),
    ),
)
