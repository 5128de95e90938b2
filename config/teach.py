"""What `deltaband config` prints: a file that teaches, and a listing that says who won.

Owns the text of `config init`, written from the schema's own metadata so that it names every
key, and the rows of `config show --origin`. The taught file loads as it is: defaults, and a
small short straddle.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path as FilePath
from textwrap import wrap

from pydantic import BaseModel

from config.keys import ANY, ENTRY, Key, Path, dotted, find, known
from config.load import Loaded, leaves

COIN = "BTC"
VENUE = "deribit"
POSITIONS: Path = ("paper", "position")
WIDTH = 96

_HEAD = """\
# Settings of deltaband. Whatever is commented out is absent; its line shows an example.
#
# Later layers win: defaults, profile, files (-c, in order), environment, --set. The environment
# writes underlying.BTC.delta.upper as DELTABAND__UNDERLYING__BTC__DELTA__UPPER. Keys to an exchange
# never stand here: DELTABAND_<VENUE>_KEY and DELTABAND_<VENUE>_SECRET, or the same with _FILE.
# `deltaband config check` judges this file; `deltaband config show --origin` says which layer won.
"""

_BOOK = (("BTC-30JAN26-90000-C", -1.0, "straddle"), ("BTC-30JAN26-90000-P", -1.0, "straddle"))
_MINIMAL: dict[Path, object] = {
    ("underlying", ANY, "numeraire"): "usd",
    ("underlying", ANY, "collateral_delta"): "exclude",
    ("underlying", ANY, "delta", "upper"): 0.1,
    ("underlying", ANY, "delta", "lower"): -0.1,
    ("paper", "collateral", ANY): 5.0,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of `config show --origin`; `value` is written as TOML, empty where absent."""

    key: str
    value: str
    origin: str
    unit: str
    bounds: str
    description: str


def rows(loaded: Loaded) -> tuple[Row, ...]:
    """Give every leaf of the settings with the layer that won, its unit and its bounds."""
    listed: list[Row] = []
    for path, value in leaves(loaded.settings):
        key = find(path)
        if key is None:
            continue
        origin = str(loaded.origin[dotted(path)])
        about = " ".join((key.field.description or "").split())
        named = {dotted(path): value}
        if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            named = {f"{dotted(path)}[{place}]": entry for place, entry in enumerate(value)}
        listed += [
            Row(name, _toml(one), origin, key.unit, key.bounds, about)
            for name, one in named.items()
        ]
    return tuple(listed)


def taught() -> str:
    """Write the file of `config init`."""
    tables: dict[Path, list[Key]] = {}
    for key in known():
        if key.path != POSITIONS:
            tables.setdefault(key.path[:-1], []).append(key)
    lines = [_HEAD]
    for table, keys in tables.items():
        if table and (ENTRY not in table or table[:-1] == POSITIONS):
            lines += ["", _title(table)]
        for key in keys:
            lines += _comment(key)
            if ENTRY not in table:
                lines.append(_line(key))
        if table[:-1] == POSITIONS:
            lines += _positions(_title(table))
    return "\n".join(lines) + "\n"


def _title(table: Path) -> str:
    if table[-1] == ENTRY:
        return f"[[{'.'.join(table[:-1])}]]"
    anything = VENUE if table[0] == "venue" else COIN
    return f"[{'.'.join(anything if part == ANY else part for part in table)}]"


def _comment(key: Key) -> list[str]:
    notes = "; ".join(note for note in (key.unit, key.bounds) if note)
    about = f"{key.field.description} ({notes})" if notes else str(key.field.description)
    if ENTRY in key.path:
        about = f"{key.path[-1]}: {about}"
    return wrap(about, WIDTH, initial_indent="# ", subsequent_indent="# ")


def _line(key: Key) -> str:
    name = COIN if key.path[-1] == ANY else key.path[-1]
    if key.path in _MINIMAL:
        return f"{name} = {_toml(_MINIMAL[key.path])}"
    if key.example is not None:
        return f"# {name} = {_toml(key.example)}"
    return f"{name} = {_toml(key.field.default)}"


def _positions(title: str) -> list[str]:
    lines: list[str] = []
    for instrument, quantity, tag in _BOOK:
        values = {"instrument": instrument, "quantity": quantity, "tag": tag}
        lines += ["", title] if lines else []
        lines += [f"{name} = {_toml(value)}" for name, value in values.items()]
    return lines


def _toml(value: object) -> str:
    """Write a value as TOML does; nothing for an absent one."""
    match value:
        case None:
            return ""
        case bool() | str() | FilePath():
            plain = str(value) if isinstance(value, FilePath) else value
            return json.dumps(plain, ensure_ascii=False)
        case list() | tuple():
            return f"[{', '.join(_toml(entry) for entry in value)}]"
        case dict() | BaseModel():
            pairs = ", ".join(f"{name} = {_toml(one)}" for name, one in dict(value).items())
            return f"{{ {pairs} }}"
        case _:
            return value.isoformat() if isinstance(value, datetime) else str(value)
