"""How many things each container of a program holds, by the way that leads to it.

A way names attributes and kinds, never keys: `Core.floor.orders._ended` is one, and the windows of
all coins are one. What grows from one look to the next, and again, has no end in sight.
"""

import types
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

# What has no parts that grow, or is the program itself.
ATOMS = (
    *(str, bytes, int, float, complex, bool, type(None), type, types.ModuleType),
    *(types.BuiltinFunctionType, types.CodeType, np.dtype, np.generic, np.ufunc),
)


def sizes(roots: Mapping[str, object]) -> Counter[str]:
    """Return the number of elements of all containers under each way from the roots."""
    found: Counter[str] = Counter()
    seen: set[int] = set()
    # Breadth first: what can be reached on several ways is counted on a shortest one.
    waiting = deque((name, root) for name, root in roots.items())
    keep = []  # what was made for this look must not give its id to the next one
    while waiting:
        way, thing = waiting.popleft()
        if isinstance(thing, ATOMS) or id(thing) in seen:
            continue
        seen.add(id(thing))
        keep.append(thing)
        if isinstance(thing, dict | list | set | frozenset | tuple | deque):
            found[way] += len(thing)
        elif isinstance(thing, np.ndarray | bytearray | memoryview):
            found[way] += thing.nbytes if isinstance(thing, np.ndarray) else len(thing)
        waiting.extend(_parts(way, thing))
    return found


def growing(looks: Sequence[Counter[str]]) -> dict[str, tuple[int, ...]]:
    """Return the ways that held more at each look than at the one before, with their sizes."""
    rows = {way: tuple(look[way] for look in looks) for way in looks[-1]}
    return {way: row for way, row in sorted(rows.items()) if all(a < b for a, b in pairwise(row))}


def _parts(way: str, thing: object) -> Iterator[tuple[str, Any]]:
    match thing:
        case dict() | types.MappingProxyType():
            for key, value in list(thing.items()):
                yield f"{way}<>", key
                yield f"{way}[]", value
        case list() | tuple() | set() | frozenset() | deque():
            yield from ((f"{way}[]", one) for one in list(thing))
        case types.MethodType():
            yield f"{way}~", thing.__self__
        case partial():
            yield from ((f"{way}~", one) for one in (thing.func, *thing.args))
        case types.FunctionType():
            for cell in thing.__closure__ or ():
                try:
                    yield f"{way}~", cell.cell_contents
                except ValueError:  # not filled yet
                    continue
    if not isinstance(thing, types.FunctionType | np.ndarray):
        yield from ((f"{way}.{name}", value) for name, value in _attributes(thing))


def _attributes(thing: object) -> Iterator[tuple[str, Any]]:
    own = getattr(thing, "__dict__", None)
    if isinstance(own, dict):
        yield from list(own.items())
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            plain = f"_{kind.__name__.lstrip('_')}{name}" if name.startswith("__") else name
            if plain not in {"__dict__", "__weakref__"} and hasattr(thing, plain):
                yield plain, getattr(thing, plain)
