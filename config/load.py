"""Put the layers of settings together and remember which one won.

Owns the order (defaults, profile, files, environment, --set; later wins) and provenance: every
leaf key knows its layer. All that is wrong is reported at once. The demo profile stands below
whatever names no book of its own.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from types import MappingProxyType

from pydantic import BaseModel, ValidationError

from config import layers
from config.errors import ConfigError, Origin, Problem
from config.explain import explain
from config.keys import Path, dotted
from config.layers import Entry, Layer
from config.positions import read_positions
from config.schema import SCHEMA_VERSION, Settings

DEFAULT = Origin("default")
DEMO = "demo"
AUTO = "auto"

_ROWS = ("paper", "position")
_CSV = ("paper", "positions_csv")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Valid settings and the origin of every leaf key (dotted; a list is one leaf).

    `demo` tells that the book is the demo's, as nothing that was given names one. `again` are the
    arguments with which a verb of another process loads the same.
    """

    settings: Settings
    origin: Mapping[str, Origin]
    demo: bool = False
    again: tuple[str, ...] = ()


def load(
    files: Sequence[FilePath] = (),
    sets: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    profile: str | None = AUTO,
    options: Mapping[str, str] = MappingProxyType({}),
) -> Loaded:
    """Read, merge and validate; ConfigError carries every problem that was found.

    `environ` None means the process's own. `profile` is a shipped profile's name, None for none, or
    "auto": the demo where mode is paper, no layer names positions and no file an underlying.
    `options` are keys with an option of their own on the command line, which wins: `market` is
    --market.
    """
    known = os.environ if environ is None else environ
    given = [
        *(layers.file(path) for path in files),
        layers.environment(known),
        layers.arguments(sets),
        layers.named_options(options),
    ]
    if profile == AUTO:
        profile = None if _has_book(given) else DEMO
    if profile is not None:
        given.insert(0, layers.profile(profile))
    _check_versions(given)
    problems = [problem for layer in given for problem in layer.problems]
    tree, origin = _merge([_state_layer(known), *given], problems)
    _read_csv(tree, origin, problems)
    settings = _validated(tree, origin, problems)
    if settings is None or problems:
        raise ConfigError(tuple(problems))
    origins = MappingProxyType(_all_origins(settings, origin))
    return Loaded(settings, origins, profile == DEMO, _again(files, sets, options))


def _again(
    files: Sequence[FilePath], sets: Sequence[str], options: Mapping[str, str]
) -> tuple[str, ...]:
    settings = (*sets, *(f"{key}={text}" for key, text in options.items()))
    named = [part for path in files for part in ("--config", str(path))]
    return (*named, *(part for text in settings for part in ("--set", text)))


def _has_book(given: Sequence[Layer]) -> bool:
    said = {entry.path: entry.value for layer in given for entry in layer.entries}
    if said.get(("mode",), "paper") != "paper" or _ROWS in said or _CSV in said:
        return True
    # Who describes an underlying in a file means that one, not the demo's positions in it.
    return any(
        entry.path[0] == "underlying" and entry.origin.layer == "file"
        for layer in given
        for entry in layer.entries
    )


def _check_versions(given: Sequence[Layer]) -> None:
    """Refuse another version before anything else is judged by this version's rules."""
    wrong = [
        Problem(
            "schema_version",
            f"{SCHEMA_VERSION}, the version of this program",
            str(e.value),
            e.origin,
        )
        for layer in given
        for e in layer.entries
        if e.path == ("schema_version",)
        and (e.value != SCHEMA_VERSION or isinstance(e.value, bool))
    ]
    if wrong:
        raise ConfigError(tuple(wrong))


def _state_layer(environ: Mapping[str, str]) -> Layer:
    home = environ.get("XDG_STATE_HOME", "")
    if not FilePath(home).is_absolute():
        return Layer(())
    value = str(FilePath(home) / "deltaband")
    return Layer((Entry(("state_dir",), value, Origin("default", "XDG_STATE_HOME")),))


def _merge(
    given: Sequence[Layer], problems: list[Problem]
) -> tuple[dict[str, object], dict[Path, Origin]]:
    tree: dict[str, object] = {}
    origin: dict[Path, Origin] = {}
    for layer in given:
        if layer.says(*_ROWS) and layer.says(*_CSV):
            where = next(entry.origin for entry in layer.entries if entry.path == _CSV)
            expected = "either paper.position or paper.positions_csv"
            problems.append(Problem(dotted(_CSV), expected, "both", where))
        for entry in layer.entries:
            _put(tree, origin, entry)
            if entry.path in {_ROWS, _CSV}:
                _drop(tree, origin, _CSV if entry.path == _ROWS else _ROWS)
    return tree, origin


def _put(tree: dict[str, object], origin: dict[Path, Origin], entry: Entry) -> None:
    """Set one value, replacing whatever an earlier layer had at, above or below it."""
    table = tree
    for depth, part in enumerate(entry.path[:-1], start=1):
        below = table.get(part)
        if not isinstance(below, dict):
            below = table[part] = {}
            origin.pop(entry.path[:depth], None)
        table = below
    if entry.value == {} and isinstance(table.get(entry.path[-1]), dict):
        return
    for path in [path for path in origin if path[: len(entry.path)] == entry.path]:
        del origin[path]
    table[entry.path[-1]] = entry.value
    origin[entry.path] = entry.origin


def _drop(tree: dict[str, object], origin: dict[Path, Origin], path: Path) -> None:
    table = tree[path[0]]
    if isinstance(table, dict):
        table.pop(path[1], None)
    origin.pop(path, None)


def _read_csv(tree: dict[str, object], origin: dict[Path, Origin], problems: list[Problem]) -> None:
    paper = tree.get("paper")
    named = paper.get("positions_csv") if isinstance(paper, dict) else None
    if not isinstance(paper, dict) or not isinstance(named, str):
        return
    try:
        paper["position"] = read_positions(FilePath(named), origin[_CSV])
    except ConfigError as fault:
        problems += fault.problems
    else:
        origin[_ROWS] = Origin("file", named)


def _validated(
    tree: dict[str, object], origin: Mapping[Path, Origin], problems: list[Problem]
) -> Settings | None:
    try:
        return Settings.model_validate(tree)
    except ValidationError as fault:
        problems += [
            explain(error, (), lambda path: _origin_of(origin, path)) for error in fault.errors()
        ]
        return None


def _origin_of(origin: Mapping[Path, Origin], path: Path) -> Origin:
    """Name the layer that set `path`, or something above it, or else something beside it."""
    for length in range(len(path), 0, -1):
        start = path[:length]
        if start in origin:
            return origin[start]
        beside = [where for known, where in origin.items() if known[:length] == start]
        if beside:
            return beside[-1]
    return DEFAULT


def _all_origins(settings: Settings, origin: Mapping[Path, Origin]) -> dict[str, Origin]:
    return {dotted(path): origin.get(path, DEFAULT) for path, _ in leaves(settings)}


def leaves(
    section: BaseModel | Mapping[str, object], above: Path = ()
) -> list[tuple[Path, object]]:
    """Give every leaf of the settings with its path, in the order of the schema."""
    items = section.items() if isinstance(section, Mapping) else iter(section)
    found: list[tuple[Path, object]] = []
    for name, value in items:
        path = (*above, name)
        if isinstance(value, (BaseModel, Mapping)):
            found += leaves(value, path)
        else:
            found.append((path, value))
    return found
