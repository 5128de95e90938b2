"""How a verb speaks: tables for people, aligned text for pipes, JSON for programs.

Owns every character that goes to standard output. NO_COLOR and FORCE_COLOR are honoured; JSON is
one line where it is piped, NaN becomes null. What others wrote (reasons, names, errors) moves no
cursor. What cannot be written is an OutputError.
"""

import errno
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

from bot.domain.text import UNPRINTABLE, printable

Row = Sequence[object]

CLOSED = "expected an open standard output, found it closed"

_SMALL = 1e-12


class OutputError(Exception):
    """Standard output took nothing more; the message says what was expected and found."""


class ReaderGoneError(OutputError):
    """Whoever read standard output has left, as `| head -1` does."""


_lost: list[OutputError] = []


def for_people() -> bool:
    """Tell whether standard output is to be drawn: a terminal, or FORCE_COLOR says so."""
    return os.environ.get("FORCE_COLOR", "") != "" or sys.stdout.isatty()


def prepare_streams() -> None:
    """Let a character that the terminal cannot show become a question mark, not a fault.

    A stream that is closed from the start gets a descriptor all the same, so that no file of ours
    takes its number: standard output one that refuses to be written, for its loss is told;
    standard error one that swallows, because there is nobody left to tell.
    """
    if sys.stdout is None:
        sys.stdout = os.fdopen(_above_stdin(os.O_RDONLY), "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(_above_stdin(os.O_WRONLY), "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def line(text: str = "") -> None:
    """Write one line."""
    _write(f"{printable(text)}\n")


def flush() -> None:
    """Bring everything said so far out; OutputError where any of it was lost.

    Only here: a verb goes on to its end, whoever listens.
    """
    with _kept():
        sys.stdout.flush()
    if _lost:
        raise _lost.pop()


def discard() -> None:
    """Drop what could not be written, so that the interpreter's end does not try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(text: str) -> None:
    """Write one line beside the answer, on stderr."""
    sys.stderr.write(f"{printable(text)}\n")


def json(item: object) -> None:
    """Write one JSON object, indented on a terminal."""
    import orjson

    layout = orjson.OPT_INDENT_2 if sys.stdout.isatty() else 0
    option = layout | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    _write(orjson.dumps(item, default=str, option=option).decode())


def table(
    columns: Sequence[str],
    rows: Iterable[Row],
    title: str = "",
    colours: Mapping[str, str] | None = None,
) -> None:
    """Write a table; columns with numbers stand to the right, absent values are a dash.

    `colours` maps the text of a whole cell to its style on a terminal.
    """
    listed = [list(row) for row in rows]
    right = [_numeric(row[place] for row in listed) for place in range(len(columns))]
    shown = [[cell(value) for value in row] for row in listed]
    if for_people():
        _drawn(columns, shown, right, title, colours or {})
    else:
        _aligned(columns, shown, right, title)


def records(rows: Sequence[Mapping[str, object]], title: str = "") -> None:
    """Write rows with named fields as a table, its columns in the order of first appearance."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    table([header(name) for name in names], [[row.get(n) for n in names] for row in rows], title)


def header(name: str) -> str:
    """Write a field's name as a heading: `gamma_coin_per_pct` as `gamma coin/1%`."""
    words = re.sub(r"(\d)_(\d)", r"\1-\2", name)
    words = words.replace("_per_pct", "/1%").replace("_usd_day", "_usd/day")
    return words.replace("_per_", "/").replace("_", " ")


def cell(value: object) -> str:
    """Write one value for a table."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return number(value)
        case Mapping():
            return ", ".join(f"{name}={cell(item)}" for name, item in value.items()) or "-"
        case list() | tuple():
            return "; ".join(because(item) for item in value) or "-"
        case _:
            return printable(str(value)).replace("\n", UNPRINTABLE)


def number(value: float) -> str:
    """Write a number with as many digits as its size deserves."""
    size = abs(value)
    if value != value or size == float("inf"):  # noqa: PLR0124  NaN
        return "-"
    if size < _SMALL:
        return "0"
    digits = 6 if size < 0.001 else 4 if size < 100 else 2 if size < 100_000 else 0  # noqa: PLR2004  a scale
    return f"{value:,.{digits}f}"


def because(item: object) -> str:
    """Write a reason as it stands in a journal: the word, its subject and its numbers."""
    if not isinstance(item, Mapping) or "reason" not in item:
        return cell(item)
    figures = item.get("numbers")
    inside = [str(item["subject"])] if item.get("subject") else []
    inside += [cell(figures)] if isinstance(figures, Mapping) and figures else []
    return f"{item['reason']}({': '.join(inside)})" if inside else str(item["reason"])


def shadow(one: Mapping[str, object]) -> str:
    """Say how a second delta stands: what it is, what it holds, what it would have changed."""
    ratio, since = one["variance_ratio"], one["since"]
    kind = (
        f"{one['kind']} (R {cell(one['skew_stickiness'])})"
        if one["kind"] == "smile"
        else one["kind"]
    )
    lately = "not known yet" if ratio is None else cell(ratio)
    silent = f" ({one['by_model']} legs of it by the model)" if one["by_model"] else ""
    return (
        f"in the shadow: {kind} delta {cell(one['delta_coin'])} coin{silent} with a hedge of "
        f"{cell(one['hedge_coin'])} coin; since {since or 'no trade yet'}: {one['trades']} trades, "
        f"cost {cell(one['cost_usd'])} usd; variance ratio lately {lately} "
        f"({one['samples']} samples)"
    )


def _write(text: str) -> None:
    with _kept():
        sys.stdout.write(text)


@contextmanager
def _kept() -> Iterator[None]:
    """Keep the first fault of standard output for `flush`; what follows is dropped."""
    try:
        yield
    except OSError as fault:
        discard()
        if not _lost:
            _lost.append(_loss(fault))


def _loss(fault: OSError) -> OutputError:
    if isinstance(fault, BrokenPipeError):
        return ReaderGoneError("expected a reader of standard output, found it gone")
    if fault.errno == errno.EBADF:
        return OutputError(CLOSED)
    found = fault.strerror or str(fault)
    return OutputError(f"expected to write to standard output, found: {found}")


def _above_stdin(flags: int) -> int:
    """Open the null device at the lowest free number that is not standard input's."""
    handle = os.open(os.devnull, flags)
    return handle if handle > 0 else os.open(os.devnull, flags)


def _numeric(values: Iterable[object]) -> bool:
    return any(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)


def _drawn(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[bool],
    title: str,
    colours: Mapping[str, str],
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for place, (name, at_right) in enumerate(zip(columns, right, strict=True)):
        side: Literal["left", "right"] = "right" if at_right else "left"
        # The first column names the row: it stays whole while others give way.
        drawn.add_column(Text(name), justify=side, overflow="fold", no_wrap=place == 0)
    for row in rows:
        drawn.add_row(*(Text(value, style=colours.get(value, "")) for value in row))
    console = Console(file=sys.stdout, highlight=False)
    with console.capture() as text:  # rich would end the process where a reader has left
        console.print(drawn)
    _write(text.get())


def _aligned(
    columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], title: str
) -> None:
    lines = [list(columns), *rows]
    widths = [max(len(row[place]) for row in lines) for place in range(len(columns))]
    if title:
        line(title)
    for row in lines:
        cells = (
            value.rjust(width) if at_right else value.ljust(width)
            for value, width, at_right in zip(row, widths, right, strict=True)
        )
        line("  ".join(cells).rstrip())
