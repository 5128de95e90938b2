"""Say in a user's words what the schema found wrong.

Owns the translation of one pydantic error into a `Problem`: the key as it is written in TOML,
what that key expects by its own metadata, what was found, and the layer that said so.
"""

from collections.abc import Callable

from pydantic_core import ErrorDetails

from config.errors import Origin, Problem
from config.keys import Path, dotted, find, nearest
from config.schema.fields import REFUSED, shown


def explain(error: ErrorDetails, above: Path, origin_of: Callable[[Path], Origin]) -> Problem:
    """Translate one error of a model that stands at `above`; `origin_of` names a path's layer."""
    path = (*above, *(f"[{part}]" if isinstance(part, int) else part for part in error["loc"]))
    kind = error["type"]
    context = error.get("ctx", {})
    if kind == REFUSED:
        path = (*path, *_parts(str(context["key"])))
        return Problem(dotted(path), context["expected"], context["found"], origin_of(path))
    expected, found = _sides(path, error)
    if path[-1] == "[key]":
        path = path[:-1]
    return Problem(dotted(path), expected, found, origin_of(path))


def _sides(path: Path, error: ErrorDetails) -> tuple[str, str]:
    found = shown(error["input"])
    if error["type"] == "extra_forbidden":
        return f"a known setting (the nearest is {nearest(path)})", f'"{path[-1]}"'
    if path[-1] == "[key]":
        return "the name of a coin, such as BTC", found
    own = error["msg"].removeprefix("Value error, ").removeprefix("expected ")
    if error["type"] == "value_error" and ", found " in own:
        expected, _, found = own.rpartition(", found ")
        return expected, found
    key = find(path)
    entry = None if key else find(path[:-1])
    expected = key.expected if key else "a table"
    if entry is not None:
        expected = f"one of {entry.bounds}" if entry.choices else entry.of
    return expected, "nothing" if error["type"] == "missing" else found


def _parts(key: str) -> Path:
    return tuple(part for part in key.replace("[", ".[").split(".") if part)
