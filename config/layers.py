"""Settings as they are written, one layer after the other: profile, files, environment, --set.

Owns reading TOML and text into entries (path, value, origin), with coins in capitals and paths
relative to the file that names them. Refuses files that are not TOML, a key given twice, and
secrets: those come by environment or file (`config.secrets`), and their values are never
repeated in a message.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path as FilePath

from config.errors import ConfigError, Origin, Problem, unreadable
from config.keys import Path, dotted, find

PREFIX = "DELTABAND__"

_SECRET = re.compile(
    r"(.*_)?(key|secret|password|passphrase|passwd|token|credentials?)", re.IGNORECASE
)
_PATHS = {("state_dir",), ("second_key_file",), ("sim", "perpetual")}
_PATHS |= {("paper", "positions_csv"), ("logs", "file"), ("dashboard", "token_file")}
_BROKEN = (ValueError, RecursionError)  # also numbers and nesting beyond what Python reads
_REPLAY = "replay:"


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting as one layer gives it."""

    path: Path
    value: object
    origin: Origin


@dataclass(frozen=True, slots=True)
class Layer:
    """What a profile, a file, the environment or the arguments say, and what is wrong with it."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...] = ()

    def says(self, *path: str) -> bool:
        """Whether this layer sets the key at `path`."""
        return any(entry.path == path for entry in self.entries)


def profile(name: str) -> Layer:
    """Read a profile that ships with the program."""
    folder = resources("config") / "profiles"
    origin = Origin("profile", name)
    known = sorted(item.name.removesuffix(".toml") for item in folder.iterdir())
    if name not in known:
        raise ConfigError((Problem("profile", f"one of {', '.join(known)}", f'"{name}"', origin),))
    text = (folder / f"{name}.toml").read_text(encoding="utf-8")
    return _layer(_flat(_parsed(text, origin), (), origin))


def file(path: FilePath) -> Layer:
    """Read a TOML file; paths inside it are relative to its folder."""
    origin = Origin("file", str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as fault:
        reason = unreadable(fault)
        raise ConfigError((Problem("", "a readable TOML file", str(reason), origin),)) from fault
    entries = _flat(_parsed(text, origin), (), origin)
    return _layer(Entry(e.path, _anchored(e, path.parent), e.origin) for e in entries)


def environment(environ: Mapping[str, str]) -> Layer:
    """Read `DELTABAND__A__B=value`; letter case does not matter."""
    given = sorted(name for name in environ if name.upper().startswith(PREFIX))
    return _layer(
        entry
        for name in given
        for entry in _typed(
            name[len(PREFIX) :].lower().split("__"), environ[name], Origin("environment", name)
        )
    )


def arguments(sets: Sequence[str]) -> Layer:
    """Read `a.b=value` arguments; the last one wins."""
    last: dict[Path, Entry] = {}
    for text in sets:
        name, equals, value = text.partition("=")
        origin = Origin("--set", name.strip())
        if not equals:
            raise ConfigError((Problem("", "a.b=value", f'"{text}"', Origin("--set")),))
        for entry in _typed(name.strip().split("."), value.strip(), origin):
            last.pop(entry.path, None)
            last[entry.path] = entry
    return _layer(last.values())


def named_options(options: Mapping[str, str]) -> Layer:
    """Read the keys that have an option of their own: the last part of the key is its name."""
    return _layer(
        entry
        for name, value in options.items()
        for entry in _typed(
            name.split("."), value, Origin(f"--{name.rpartition('.')[2].replace('_', '-')}")
        )
    )


def _parsed(text: str, origin: Origin) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except _BROKEN as fault:
        raise ConfigError((Problem("", "valid TOML", str(fault), origin),)) from fault


def _flat(table: Mapping[str, object], above: Path, origin: Origin) -> Iterator[Entry]:
    for name, value in table.items():
        path = (*above, name)
        if isinstance(value, dict) and value:
            yield from _flat(value, path, origin)
        else:
            yield Entry(_capital(path), _home(path, value), origin)


def _typed(parts: Sequence[str], text: str, origin: Origin) -> Iterator[Entry]:
    """Give text the type that its key wants: TOML where it is TOML, itself otherwise."""
    path = _capital(tuple(parts))
    key = find(path)
    value: object = text
    try:
        document = tomllib.loads(f"value = {text}")
    except _BROKEN:
        document = {}
    if document.keys() == {"value"}:
        value = document["value"]
    if key is not None and key.is_text and not isinstance(value, str):
        value = text
    if key is not None and key.is_list and isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, dict) and value:
        yield from _flat(value, path, origin)
    else:
        yield Entry(path, _home(path, value), origin)


def _capital(path: Path) -> Path:
    """Write the coin of a path in capitals."""
    if path[0] == "underlying" and len(path) > 1:
        return ("underlying", path[1].upper(), *path[2:])
    if path[:2] == ("paper", "collateral"):
        return (*path[:2], *(part.upper() for part in path[2:]))
    return path


def _home(path: Path, value: object) -> object:
    return _with_path(path, value, lambda named: named.expanduser())


def _anchored(entry: Entry, folder: FilePath) -> object:
    return _with_path(entry.path, entry.value, lambda named: folder / named)


def _with_path(path: Path, value: object, change: Callable[[FilePath], FilePath]) -> object:
    """Change the path inside a value that is one; an empty one is left for the schema to refuse."""
    if not isinstance(value, str):
        return value
    replay = path == ("market",) and value.startswith(_REPLAY)
    head = _REPLAY if replay else ""
    named = value.removeprefix(head)
    if not named.strip() or not (replay or path in _PATHS):
        return value
    try:
        return f"{head}{change(FilePath(named))}"
    except RuntimeError:  # the home of nobody
        return value


def _layer(entries: Iterable[Entry]) -> Layer:
    kept: dict[Path, Entry] = {}
    problems: list[Problem] = []
    for entry in entries:
        secret = _secret_in(entry)
        if secret is not None:
            expected = "no secret in settings (use DELTABAND_<VENUE>_KEY and _SECRET, or _FILE)"
            problems.append(Problem(dotted(entry.path), expected, f'"{secret}"', entry.origin))
        elif entry.path in kept:
            problems.append(Problem(dotted(entry.path), "this key once", "it twice", entry.origin))
        else:
            kept[entry.path] = entry
    return Layer(tuple(kept.values()), tuple(problems))


def _secret_in(entry: Entry) -> str | None:
    names = (*entry.path, *_names_in(entry.value))
    return next((name for name in names if _SECRET.fullmatch(name)), None)


def _names_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _names_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names_in(inner)
