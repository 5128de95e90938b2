"""Events outside the records: what a run, the logs and the watchdog say of themselves."""

from __future__ import annotations

from typing import Final

from bot.monitor.catalogue.event import Event, Field

_TEXT: Final = "text"
_COUNT: Final = "count"
_TIME: Final = "ISO 8601 UTC"
_TRUTH: Final = "true or false"

RUN: Final = (
    Event(
        "run.started",
        "The first line of a run: what it is.",
        ("info",),
        (
            Field("version", _TEXT, "version of the program"),
            Field("mode", _TEXT, "`paper`, `sandbox`, `live` or `shadow`"),
            Field("market", _TEXT, "where prices come from"),
            Field("speed", _TEXT, "`max`, or market seconds per second"),
            Field("seed", "number", "seed of what is simulated; null where nothing is"),
            Field("epoch_ns", "ns since 1970 UTC", "market time of the start"),
            Field("journal", _TEXT, "path of the journal"),
            Field("scopes", "list", "each underlying with its target and bands, coin"),
        ),
    ),
    Event(
        "run.finished",
        "The last line of a run that ended by itself or was stopped.",
        ("info",),
        (Field("summary", "object", "what `--json` prints; its names state their units"),),
    ),
    Event(
        "run.failed",
        "The last line of a run that could not go on: no more orders are sent.",
        ("error",),
        ("found",),
    ),
    Event(
        "run.left_open",
        "A live run ended with orders whose end is not known.",
        ("error",),
        (Field("orders", _TEXT, "their labels"), "what"),
    ),
    Event(
        "live.real_money", "A run begins that sends orders for real money.", ("warning",), ("what",)
    ),
    Event(
        "state.kept",
        "An earlier run left a state standing in which nothing, or little, is sent.",
        ("warning",),
        ("coin", "state", "until", Field("lift", _TEXT, "the verb that ends it")),
    ),
    Event("settings.odd", "A setting is valid and probably not meant.", ("warning",), ("what",)),
    Event(
        "recording.ended",
        "A replayed recording is over.",
        ("warning",),
        (Field("at", _TIME, "market time of its end"),),
    ),
    Event(
        "recording.ended_before_asked_time",
        "A replayed recording is over before the time that was asked for.",
        ("warning",),
        (
            Field("at", _TIME, "market time of its end"),
            Field("asked_until", _TIME, "market time that was asked for"),
        ),
    ),
    Event(
        "shadow.would_have_done",
        "Once a day and underlying: what a shadow would have done.",
        ("info",),
        (
            *("coin", "orders", "fees_usd", "slippage_usd", "cost_usd"),
            Field("from", _TIME, "begin of the day"),
            Field("until", _TIME, "end of the day"),
            Field("hedges", "object", "signed quantity by instrument, in its own unit"),
            Field("delta_before", "coin", "the account's delta as it really is"),
            Field("delta_after", "coin", "the same with all that the shadow has hedged"),
        ),
    ),
    Event(
        "shadow.left_out",
        "A position of the shadowed account is in nothing that is listed.",
        ("warning",),
        ("instrument",),
    ),
    Event(
        "library.logged",
        "A library logged a warning or an error.",
        ("warning", "error"),
        (
            Field("logger", _TEXT, "the library's logger"),
            Field("message", _TEXT, "what it said"),
            "exception",
        ),
    ),
    Event(
        "log.suppressed",
        "Lines of one event were more than the flood limit.",
        ("warning",),
        (
            Field("of", _TEXT, "the event"),
            Field("lines", _COUNT, "lines that were left out"),
            Field("seconds", "s", "within how long"),
        ),
    ),
    Event(
        "log.failing",
        "The log file cannot be written; said elsewhere.",
        ("error",),
        ("file", "found"),
    ),
    Event(
        "log.recovered",
        "The log file is written again.",
        ("warning",),
        (
            "file",
            Field("failed", _COUNT, "lines that could not be written so far"),
            Field("dropped", _COUNT, "lines that found no room so far"),
        ),
    ),
)

WATCHDOG: Final = (
    Event(
        "watchdog.started",
        "The watchdog watches.",
        ("info",),
        (
            Field("after_s", "s", "silence after which it acts"),
            Field("own_key", _TRUTH, "it has a key of its own"),
            Field("connected", _TRUTH, "it can cancel now"),
        ),
    ),
    Event("watchdog.stopped", "The watchdog was stopped.", ("info",)),
    Event("watchdog.connected", "It can cancel orders.", ("info",)),
    Event("watchdog.connection_lost", "It cannot cancel orders until it is back.", ("warning",)),
    Event(
        "watchdog.cannot_connect",
        "It could not connect at its start; it goes on trying.",
        ("error",),
        ("found",),
    ),
    Event(
        "watchdog.silent",
        "The bot's decisions have stopped.",
        ("error",),
        (
            Field("silent_s", "s", "for how long"),
            Field("alive", _TRUTH, "its process lives: it may wake up"),
        ),
    ),
    Event(
        "watchdog.heard_again",
        "The bot decides again, or its run has ended.",
        ("warning",),
    ),
    Event(
        "watchdog.halted",
        "It put the HALT file there for a bot that may wake up.",
        ("error",),
        ("file", "why"),
    ),
    Event(
        "watchdog.no_halt_file",
        "It could not put the HALT file there.",
        ("error",),
        ("file", "found"),
    ),
    Event(
        "watchdog.halt_file",
        "The HALT file has appeared.",
        ("warning",),
        ("file", Field("says", _TEXT, "what is written in it")),
    ),
    Event(
        "watchdog.cancelled",
        "It cancelled the bot's orders; an error where some are left.",
        ("warning", "error"),
        (
            Field("labels", "list", "orders that it cancelled"),
            Field("left", "list", "orders that it could not cancel"),
            Field("took_ms", "ms", "how long it took"),
        ),
    ),
    Event(
        "watchdog.cannot_cancel",
        "It could not cancel; it tries again, and says so once.",
        ("error",),
        ("found",),
    ),
)
