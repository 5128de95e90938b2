"""The rules of the house, as data, and the reader that finds what breaks them.

Rooms may import what their row names and nothing else of the house. A module is judged by its
syntax tree alone: nothing is imported, so a broken module is judged too.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("bot", "config", "greeks")

GROUND = ("bot.domain", "greeks")
KNOWN = ("bot.book", *GROUND)
DECIDING = ("bot.strategy", "bot.risk", "bot.execution", *KNOWN)
EDGE = (
    *(
        "bot.engine",
        "bot.pace",
        "bot.stepper",
        "bot.watchdog",
        "bot.venues",
        "bot.venues.deribit",
        "bot.journal",
        "bot.monitor",
        "bot.lab",
    ),
    *("bot.sim", "bot.sim.wire", "bot.core", "bot.desk", *DECIDING),
)

# room: what it may import of the house, beside itself
ROOMS: dict[str, tuple[str, ...]] = {
    "greeks": (),
    "config": (),
    "bot.domain": (),
    "bot.book": GROUND,
    "bot.strategy": KNOWN,
    "bot.risk": KNOWN,
    "bot.execution": KNOWN,
    "bot.desk": DECIDING,
    "bot.core": ("bot.desk", *DECIDING),
    "bot.sim": KNOWN,
    "bot.sim.wire": EDGE,
    "bot.engine": EDGE,
    "bot.pace": EDGE,
    "bot.stepper": EDGE,
    "bot.watchdog": EDGE,
    "bot.venues": EDGE,
    "bot.venues.deribit": ("bot.venues", "bot.domain"),
    "bot.journal": EDGE,
    "bot.monitor": EDGE,
    "bot.lab": EDGE,
    "bot.wiring": (*EDGE, "config"),
    "bot.cli": (*EDGE, "bot.wiring", "config"),
    "bot.__main__": ("bot.cli",),
    "bot": (),
}

# pure room: the packages from outside the standard library that it may import
PURE: dict[str, tuple[str, ...]] = {
    "greeks": ("numpy", "scipy", "numba", "llvmlite"),
    "bot.domain": ("numpy",),
    "bot.book": ("numpy", "scipy"),
    "bot.strategy": ("numpy", "scipy"),
    "bot.risk": ("numpy", "scipy"),
    "bot.execution": ("numpy", "scipy"),
    "bot.desk": ("numpy",),
    "bot.core": ("numpy",),
    "bot.sim": ("numpy", "scipy"),
}

# clocks, chance and the world: what a pure module is handed instead of reaching for
WORLD = frozenset(
    {"asyncio", "importlib", "logging", "os", "random", "secrets", "selectors", "signal"}
    | {"socket", "sqlite3", "ssl", "subprocess", "time", "uuid"}
)
CLOCKS = frozenset({"now", "today", "utcnow"})
CHANCE = frozenset({"BitGenerator", "Generator", "PCG64", "Philox", "SeedSequence"})


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name, dotted in full, and the line that imports it."""

    name: str
    line: int


def room_of(name: str) -> str | None:
    """Return the innermost room that a dotted name lies in, or None outside the house."""
    if name == "bot":
        return "bot"
    inside = [room for room in ROOMS if room != "bot" and f"{name}.".startswith(f"{room}.")]
    return max(inside, key=len, default=None)


def module_name(path: Path, top: Path) -> str:
    """Return the dotted name of a module file below the project's top folder."""
    parts = path.relative_to(top).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST, package: str) -> Iterator[Import]:
    """Yield every import of a module, also those inside functions; relative ones in full."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            start = [*(above if node.level else []), *([node.module] if node.module else [])]
            for alias in node.names:
                yield Import(".".join([*start, alias.name]), node.lineno)


def violations(path: Path, top: Path) -> list[str]:
    """Return what one module file does against the rules, one sentence each."""
    module = module_name(path, top)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    room = room_of(module)
    if room is None:
        return [f"{module}: expected one of the rooms {', '.join(ROOMS)}, found none that holds it"]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = list(imports(tree, package))
    broken = [_house(module, room, item) for item in found]
    if room in PURE:
        broken += [_outside(module, room, item) for item in found]
        broken += _clocks_and_chance(module, tree)
    return [sentence for sentence in broken if sentence]


def _house(module: str, room: str, item: Import) -> str:
    """Judge one import of another room."""
    if item.name.partition(".")[0] not in PACKAGES:
        return ""
    target = room_of(item.name)
    if target == room or target in ROOMS[room]:
        return ""
    may = ", ".join(ROOMS[room]) or "nothing of the house"
    return f"{module}:{item.line}: {room} may import {may}, found {item.name}"


def _outside(module: str, room: str, item: Import) -> str:
    """Judge one import of a pure module from outside the house."""
    head = item.name.partition(".")[0]
    if head in PACKAGES or head in PURE[room]:
        return ""
    if head in WORLD or head not in sys.stdlib_module_names:
        return f"{module}:{item.line}: {room} is pure and may not import {head}"
    return ""


def _clocks_and_chance(module: str, tree: ast.AST) -> list[str]:
    """Find clock readings and numpy's global generator in a pure module."""
    broken = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        whole = ast.unparse(node)
        if node.attr in CLOCKS and whole.split(".")[-2] in {"datetime", "date", "dt"}:
            broken.append(f"{module}:{node.lineno}: a pure module reads no clock, found {whole}")
        owner = ast.unparse(node.value)
        if owner in {"np.random", "numpy.random"} and node.attr not in CHANCE:
            broken.append(f"{module}:{node.lineno}: a pure module is handed chance, found {whole}")
    return broken
