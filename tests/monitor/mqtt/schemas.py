"""The shipped schemas, and as much of JSON Schema as they use; another word in one is an error."""

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "bot" / "monitor" / "mqtt" / "schemas"
TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "number": (int, float),
    "integer": int,
}
KNOWN = {
    *("$schema", "title", "description", "type", "const", "enum", "oneOf", "properties"),
    *("required", "additionalProperties", "items", "pattern", "minimum", "maximum"),
    *("minLength", "maxLength"),
}


def schema(name):
    """Return a shipped schema."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def faults(value, rule, where="it"):
    """Yield what of a value is not as a schema says."""
    assert rule.keys() <= KNOWN, rule.keys() - KNOWN
    yield from _of_any(value, rule, where)
    kinds = rule.get("type", list(TYPES))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(_is(value, kind) for kind in kinds):
        yield f"{where}: expected {kinds}, found {value!r}"
    elif isinstance(value, str):
        yield from _of_text(value, rule, where)
    elif _is(value, "number"):
        if not rule.get("minimum", value) <= value <= rule.get("maximum", value):
            yield f"{where}: expected another size, found {value}"
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from faults(item, rule.get("items", {}), f"{where}[{i}]")
    elif isinstance(value, dict):
        yield from _of_object(value, rule, where)


def _of_any(value, rule, where):
    if "oneOf" in rule:
        fits = [one for one in rule["oneOf"] if not list(faults(value, one, where))]
        if len(fits) != 1:
            same = [one for one in rule["oneOf"] if one["title"] == value.get("kind")]
            yield f"{where}: expected one of {len(rule['oneOf'])} forms, found {len(fits)}"
            yield from (fault for one in same for fault in faults(value, one, where))
    if "const" in rule and value != rule["const"]:
        yield f"{where}: expected {rule['const']!r}, found {value!r}"
    if "enum" in rule and value not in rule["enum"]:
        yield f"{where}: expected one of {rule['enum']}, found {value!r}"


def _of_text(value, rule, where):
    if not re.search(rule.get("pattern", ""), value):
        yield f"{where}: expected {rule['pattern']}, found {value!r}"
    if not rule.get("minLength", 0) <= len(value) <= rule.get("maxLength", len(value)):
        yield f"{where}: expected another length, found {len(value)}"


def _of_object(value, rule, where):
    known, more = rule.get("properties", {}), rule.get("additionalProperties", True)
    yield from (f"{where}: expected {n}" for n in rule.get("required", ()) if n not in value)
    for name, item in value.items():
        inside = known.get(name, more)
        if inside is False:
            yield f"{where}: expected no {name}"
        elif inside is not True:
            yield from faults(item, inside, f"{where}.{name}")


def _is(value, kind):
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])
