"""What the code can say: every `say("event", …)` of the source, read from its syntax trees."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "bot"
DOTTED = re.compile(r"[a-z_]+\.[a-z_{}]+")


@dataclass(frozen=True, slots=True)
class Call:
    """One place where an event is said; None stands for what only a run can tell.

    `event` is the name, with `{}` for each part that is put in.
    """

    where: str
    event: str
    levels: tuple[str | None, ...]
    fields: frozenset[str]
    spread: bool


def calls() -> Iterator[Call]:
    """Yield every call that says an event by its name."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in {"say", "_say", "_emit"}:
                event = _event(node.args[0]) if node.args else None
                if event is not None and DOTTED.fullmatch(event):
                    where = f"{path.relative_to(SOURCE)}:{node.lineno}"
                    yield _call(node, where, event)


def _call(node: ast.Call, where: str, event: str) -> Call:
    given = [word.arg for word in node.keywords]
    named = {word.arg: word.value for word in node.keywords}
    level = node.args[1] if len(node.args) > 1 else named.pop("level", ast.Constant("info"))
    known = frozenset(name for name in named if name is not None)
    return Call(where, event, _levels(level), known, None in given)


def _name(called: ast.expr) -> str:
    return getattr(called, "attr", getattr(called, "id", ""))


def _event(first: ast.expr) -> str | None:
    if isinstance(first, ast.Constant):
        return first.value if isinstance(first.value, str) else None
    if isinstance(first, ast.JoinedStr):
        parts = (p.value if isinstance(p, ast.Constant) else "{}" for p in first.values)
        return "".join(map(str, parts))
    return None


def _levels(level: ast.expr) -> tuple[str | None, ...]:
    if isinstance(level, ast.Constant):
        return (str(level.value),)
    if isinstance(level, ast.IfExp):
        return (*_levels(level.body), *_levels(level.orelse))
    return (None,)
