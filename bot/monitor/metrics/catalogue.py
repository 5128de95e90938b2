"""Every metric: its name, type, labels, unit and meaning. What is not here cannot be exposed.

Names begin with `deltaband_` where they are exposed, counters end in `_total`. Besides the labels
named here each sample has `bot`, the instance's name (`instance` is Prometheus' own). Labels take
few values: never an order's id, never free text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

PREFIX: Final = "deltaband_"
BOT: Final = "bot"
Kind: TypeAlias = Literal["gauge", "counter", "histogram", "info"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    unit: str
    help: str

    @property
    def full(self) -> str:
        """Return the name as it is exposed, without the endings of a histogram's series."""
        return f"{PREFIX}{self.name}"

    @property
    def series(self) -> tuple[str, ...]:
        """Return the names of its series."""
        if self.kind == "histogram":
            return tuple(f"{self.full}_{end}" for end in ("bucket", "sum", "count"))
        return (self.full,)


def _gauge(name: str, labels: str, unit: str, help_: str) -> Metric:
    return Metric(name, "gauge", tuple(labels.split()), unit, help_)


def _counter(name: str, labels: str, unit: str, help_: str) -> Metric:
    return Metric(name, "counter", tuple(labels.split()), unit, help_)


def _histogram(name: str, labels: str, unit: str, help_: str) -> Metric:
    return Metric(name, "histogram", tuple(labels.split()), unit, help_)


_LIFE: Final = (
    _gauge("up", "", "0 or 1", "A bot holds the journal."),
    _gauge(
        "unreached_seconds", "who", "s", "Who takes nothing of what the monitor tells, how long."
    ),
    _gauge("run_ended", "", "0 or 1", "The newest run was closed in order, no order left open."),
    Metric("info", "info", ("version", "mode", "market"), "1", "What runs, or ran last."),
    _gauge("decision_heartbeat_age_seconds", "", "s", "Since the loop that decides last said so."),
    _gauge("halted", "", "0 or 1", "The instance or one of its coins is HALTED."),
    _gauge("instance_state", "state", "0 or 1", "The instance's state: 1 for the one it is in."),
    _gauge("state", "coin state", "0 or 1", "The state that applies to a coin: 1 for that one."),
    _gauge("disconnected_seconds", "connection", "s", "For how long a connection has been lost."),
)
_BOOK: Final = (
    _gauge("index_usd", "coin", "USD", "The index."),
    _gauge("delta_coin", "coin", "coin", "Delta of what is held, in the book's numeraire."),
    _gauge("delta_low_coin", "coin", "coin", "The lowest that it may be (orders, unknowns)."),
    _gauge("delta_high_coin", "coin", "coin", "The highest that it may be."),
    _gauge("delta_target_coin", "coin", "coin", "The owner's target."),
    _gauge("delta_lower_coin", "coin", "coin", "The lower end of the owner's band."),
    _gauge("delta_upper_coin", "coin", "coin", "The upper end of the owner's band."),
    _gauge("gamma_coin_per_pct", "coin", "coin per 1 %", "Gamma of what lives 24 h or longer."),
    _gauge("gamma_expiring_coin_per_pct", "coin", "coin per 1 %", "Gamma of what expires sooner."),
    _gauge("gamma_lower_coin_per_pct", "coin", "coin per 1 %", "The owner's least gamma."),
    _gauge("gamma_upper_coin_per_pct", "coin", "coin per 1 %", "The owner's most gamma."),
    _gauge("vega_usd", "coin", "USD per vol point", "What a point of volatility is worth."),
    _gauge("theta_usd_per_day", "coin", "USD a day", "What a day is worth."),
    _gauge("equity_usd", "coin", "USD", "Equity of the account in this coin."),
    _gauge("shock_pnl_usd", "coin shock", "USD", "Profit or loss at a move of the index at once."),
    _gauge("band_outside_seconds", "coin kind", "s", "How long outside the owner's band; 0 in it."),
    _gauge("unknown_orders", "coin", "orders", "Orders whose fate is unknown."),
    _gauge("doubts", "coin reason", "doubts", "What cannot be trusted now, or is to be looked at."),
    _gauge("margin_share", "coin kind", "ratio", "Initial or maintenance margin by its funds."),
    _gauge("liquidation_distance_ratio", "coin side", "ratio", "The index move that liquidates."),
    _gauge("day_pnl_usd", "coin line", "USD", "Profit and loss since 08:00 UTC, line by line."),
    _gauge("day_equity_change_usd", "coin", "USD", "The sum of all lines since 08:00 UTC."),
    _gauge("day_hedges_pnl_usd", "coin", "USD", "The part of it that the bot's own trades made."),
)
_FEEDS: Final = (
    _gauge("quote_age_seconds", "coin", "market s", "Age of the freshest hedge instrument."),
    _gauge("chain_age_seconds", "coin", "market s", "Age of the newest prices of options."),
    _gauge("positions_age_seconds", "coin", "market s", "Age of the newest list of positions."),
    _gauge("feed_age_limit_seconds", "coin feed", "market s", "The oldest that is traded on."),
    _counter("flaws_total", "flaw", "flaws", "What was wrong with what the exchange sent."),
    _counter("connections_total", "connection", "connections", "Connections that came about."),
    _gauge("inbox_events", "", "events", "What has arrived and waits for the loop."),
    _counter("inbox_conflated_total", "", "events", "Prices replaced by newer ones unread."),
    _gauge("venue_clock_ahead_seconds", "", "s", "By how much the exchange's clock is ahead."),
)
_LOOP: Final = (
    _histogram("cycle_duration_seconds", "", "s", "From an event to its last order sent."),
    _gauge("cycle_longest_seconds", "", "s", "The longest of the last minute or two."),
    _histogram("loop_lag_seconds", "", "s", "How late events were taken; absent at full speed."),
    _counter("events_total", "kind", "events", "Events that the loop took."),
    _counter("event_seconds_total", "kind", "s", "How long they took."),
    _counter("journal_commits_total", "", "commits", "Writes of the journal."),
    _counter("journal_commit_seconds_total", "", "s", "How long they took."),
    _counter("journal_dropped_total", "", "samples", "Samples not written while it failed."),
    _counter("log_lines_lost_total", "why", "lines", "Log lines without room, or not written."),
    _counter("gc_collections_total", "", "collections", "Times that rubbish was collected."),
    _counter("gc_seconds_total", "", "s", "How long that held everything up."),
    _gauge("process_resident_memory_bytes", "", "bytes", "Memory of the bot."),
    _gauge("process_open_fds", "", "descriptors", "Open descriptors of the bot."),
    _gauge("process_max_fds", "", "descriptors", "The most that it may open."),
    _counter("process_cpu_seconds_total", "", "s", "Processor time of the bot."),
    _gauge("journal_bytes", "", "bytes", "Size of the journal with its log."),
    _gauge("disk_free_bytes", "", "bytes", "Room on the journal's disk."),
)
_DEEDS: Final = (
    _counter("hedge_orders_total", "coin side reason", "orders", "Orders by their first reason."),
    _counter("orders_ended_total", "coin outcome", "orders", "How orders ended."),
    _counter("rejects_total", "coin reason", "orders", "Refused by us, or by the exchange."),
    _counter("fills_total", "coin liquidity", "trades", "Executions, as maker or taker."),
    _counter("fees_usd_total", "coin", "USD", "Fees paid."),
    _counter("rebates_usd_total", "coin", "USD", "Fees received."),
    _counter("slippage_usd_total", "coin", "USD", "Paid beyond the mid of the decision."),
    _counter("price_improvement_usd_total", "coin", "USD", "Paid less than that mid."),
    _counter("hedges_total", "coin kind", "hedges", "Hedges that are done."),
    _counter("band_left_seconds_total", "coin kind", "s", "Time outside bands, once inside again."),
    _histogram("breach_duration_seconds", "coin kind", "s", "How long each of these breaches was."),
    _histogram("hedge_duration_seconds", "coin", "s", "From a decision to its last order's end."),
    _histogram("trigger_to_fill_seconds", "coin", "s", "From a decision to an order's first fill."),
    _histogram("hedge_slippage_bps", "coin", "bps", "What an order paid beyond the mid."),
)
CATALOGUE: Final = (*_LIFE, *_BOOK, *_FEEDS, *_LOOP, *_DEEDS)
BY_NAME: Final = {metric.name: metric for metric in CATALOGUE}
BEGIN: Final = "<!-- python -m bot.monitor.metrics docs/metrics.md -->\n"
END: Final = "<!-- end -->\n"
_TABLES: Final = (
    ("Life", _LIFE),
    ("The book", _BOOK),
    ("What was done", _DEEDS),
    ("Feeds", _FEEDS),
    ("The loop and its machine", _LOOP),
)


def renewed(page: str) -> str:
    """Return a page whose tables, between two marks, are those of the catalogue."""
    before, mark, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"expected {BEGIN.strip()} and {END.strip()} in the page, found neither")
    return f"{before}{BEGIN}\n{_tables()}\n{END}{after}"


def _tables() -> str:
    made = []
    for title, metrics in _TABLES:
        rows = [
            f"| `{m.full}` | {m.kind} | {', '.join(m.labels) or '–'} | {m.unit} | {m.help} |"
            for m in metrics
        ]
        head = "| name | type | labels | unit | meaning |\n|---|---|---|---|---|"
        made.append("\n".join((f"### {title}\n", head, *rows)) + "\n")
    return "\n".join(made)
