"""How the screen is set: pieces that flow into lines, the start banner, and two tables.

Colour only repeats what the words say, so that nothing is lost without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from bot.domain.records import Decision, TradeNote
from bot.domain.units import iso
from bot.monitor import figures
from bot.monitor.sentences import QUIET, Piece
from bot.monitor.telling import Banner, Scope

_INDENT: Final = 15  # under the first piece after time and coin
_SHOWN: Final = 6
_GAP: Final = "  "
_HEADLINES: Final = (
    ("simulated_s", "market time", "{:,.0f} s"),
    ("short_s", "asked for but not recorded", "{:,.0f} s"),
    ("hedge_cycles", "hedge cycles", "{:,}"),
    ("orders", "orders", "{:,}"),
    ("fills", "fills", "{:,}"),
    ("rejects", "rejects", "{:,}"),
    ("unknown_orders", "unknown orders", "{:,}"),
    ("operator_stopped_s", "stopped by an operator", "{:,.0f} s"),
    ("time_in_band_delta", "time in delta band, 2 s of grace", "{:.3%}"),
    ("time_in_band_gamma", "time in gamma band, 2 s of grace", "{:.3%}"),
    ("breach_p99_s", "breach p99", "{:.1f} s"),
    ("jump_recovery_max_s", "longest recovery from a jump", "{:.1f} s"),
    ("max_abs_delta_coin", "largest |delta| once hedged", "{:.4f} coin"),
    ("hedgeable_effectiveness", "hedgeable effectiveness", "{:.4f}"),
    ("tracking_error_usd", "tracking error", "${:,.0f} a day"),
    ("pnl_hedged_usd", "P&L hedged", "${:+,.2f}"),
    ("pnl_unhedged_usd", "P&L unhedged", "${:+,.2f}"),
    ("pnl_naive_usd", "P&L naive threshold", "${:+,.2f}"),
    ("fees_usd", "fees", "${:,.2f}"),
    ("log_lines_failed", "log lines that could not be written", "{:,}"),
    ("log_lines_dropped", "log lines that found no room", "{:,}"),
    ("seed", "seed", "{}"),
    ("digest", "digest", "{:.16}"),
    ("journal", "journal", "{}"),
)


def flow(pieces: Sequence[Piece], width: int) -> Text:
    """Set pieces side by side, and break the line between two where the width ends."""
    line = Text(overflow="fold")
    column = 0
    for text, style in pieces:
        if not text:
            continue
        if column and column + len(_GAP) + len(text) > width:
            line.append("\n" + " " * _INDENT)
            column = _INDENT
        elif column:
            line.append(_GAP)
            column += len(_GAP)
        line.append(text, style=style)
        column += len(text)
    return line


def banner_lines(banner: Banner) -> list[Text | Table]:
    """Return what a run says before it begins."""
    seed = "" if banner.seed is None else f"seed {banner.seed}"
    title = Text(f"deltaband {banner.version}", style="bold")
    title.append(f"  {banner.mode} trading on the {banner.market} market", style="")
    facts: list[Piece] = [
        (f"instance {banner.instance}", ""),
        (f"market time from {iso(banner.epoch_ns)}", ""),
        (f"speed {banner.speed}", ""),
        (seed, ""),
        (f"journal {banner.journal}", QUIET),
    ]
    table = _table(
        "", "numeraire", "target", "delta band", "gamma band per 1 %", "gamma", "collateral"
    )
    for scope in banner.scopes:
        table.add_row(*_scope(scope))
    return [title, flow(facts, 100), table]


def candidates(made: Decision, clean: Callable[[str], str]) -> Table:
    """Return a gamma plan's candidates, the chosen ones marked; `clean` takes secrets out."""
    chosen = {note.instrument for note in made.trades}
    first = sorted(made.candidates, key=lambda note: note.instrument not in chosen)
    table = _table("", "candidate", "quantity", "cost", "cost per gamma", "gamma", "theta a day")
    for column in table.columns[2:]:
        column.justify = "right"
    for note in first[:_SHOWN]:
        picked = note.instrument in chosen
        cells = map(clean, _candidate(note, picked=picked))
        table.add_row(*cells, style="bold" if picked else QUIET)
    left = len(first) - _SHOWN
    if left > 0:
        table.add_row("", f"and {left} more", style=QUIET)
    return table


def closing(summary: Mapping[str, Any]) -> Table:
    """Return what a run came to, as name and figure."""
    table = Table(box=box.SIMPLE_HEAD, show_header=False, title="summary", title_justify="left")
    table.add_column()
    table.add_column(justify="right", overflow="fold")
    for name, label, form in _HEADLINES:
        if name in summary:
            table.add_row(label, _figure(summary[name], form))
    return table


def _scope(scope: Scope) -> tuple[str, ...]:
    low, high = scope.gamma_lower, scope.gamma_upper
    gamma = "…".join("" if edge is None else figures.level(edge) for edge in (low, high))
    band = f"{figures.level(scope.lower)}…{figures.level(scope.upper)} coin"
    target = figures.level(scope.target)
    return (
        *(scope.coin, scope.numeraire, target, band),
        *("none" if gamma == "…" else gamma, scope.gamma_action, scope.collateral),
    )


def _candidate(note: TradeNote, *, picked: bool) -> tuple[str, ...]:
    gamma = note.gamma_coin_per_pct
    per_gamma = figures.cost(note.cost_usd / abs(gamma)) if gamma else "?"
    return (
        "▸" if picked else "",
        note.instrument,
        figures.quantity(note.quantity, note.unit),
        figures.cost(note.cost_usd),
        per_gamma,
        figures.coin(gamma),
        figures.usd(note.theta_usd_day),
    )


def _figure(value: object, form: str) -> str:
    if value is None or value != value:  # noqa: PLR0124  NaN is what differs from itself
        return "–"
    text = form.format(value)
    if isinstance(value, str):
        return text
    return text.replace("$-", "−$").replace("$+", "+$").replace("-", "−")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table
