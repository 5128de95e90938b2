"""Every key that exists, with what it expects, and the nearest one to a key that does not.

Owns the walk over the schema. A key is a tuple of parts; the coin of an underlying and the
currency of collateral stand as `*` in a pattern, an entry of a list as `[]`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from pathlib import Path as FilePath
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from config.schema import Settings
from config.schema.policy import MOMENT

Path = tuple[str, ...]

ANY = "*"
ENTRY = "[]"


@dataclass(frozen=True, slots=True)
class Key:
    """A setting: where it stands (with `*` and `[]`) and the field that describes it."""

    path: Path
    field: FieldInfo

    @property
    def unit(self) -> str:
        """The unit, empty where the value has none."""
        return str(self._extra("unit") or "")

    @property
    def example(self) -> object:
        """A value that can be set, for settings without a default."""
        return self._extra("example")

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that are allowed, empty where the value is not one of a few."""
        return tuple(_words(self.field.annotation))

    @property
    def bounds(self) -> str:
        """The allowed range or words, as a listing shows them; empty where there are none."""
        if not self.choices:
            return " and ".join(_range(self.field))
        words = ", ".join(self.choices)
        return f"{words} or a number" if _holds(self.field.annotation, float) else words

    @property
    def is_list(self) -> bool:
        """Whether the value is a list."""
        return _holds(self.field.annotation, tuple)

    @property
    def of(self) -> str:
        """What the entries of a list are."""
        return "text" if _model_in(self.field.annotation) is None else "a table"

    @property
    def is_text(self) -> bool:
        """Whether the value is a word, a name or a path, and never a number."""
        if self.is_list or _holds(self.field.annotation, float):
            return False
        return bool(self.choices) or self._kind in {"text", "a path"}

    @property
    def expected(self) -> str:
        """What an error message says that this setting expects."""
        if self.choices:
            return f"{'a list of' if self.is_list else 'one of'} {self.bounds}"
        measure = f"in {self.unit}" if self.unit else ""
        sort = " ".join(part for part in (self._kind, measure) if part)
        return ", ".join(part for part in (sort, self.bounds) if part)

    @property
    def _kind(self) -> str:
        return next((text for of, text in _KINDS if _holds(self.field.annotation, of)), "a table")

    def _extra(self, name: str) -> object:
        extra = self.field.json_schema_extra
        return extra.get(name) if isinstance(extra, dict) else None


_KINDS = (
    (tuple, "a list"),
    (bool, "true or false"),
    (AwareDatetime, MOMENT),
    (int, "a whole number"),
    (float, "a finite number"),
    (Decimal, "a finite number"),
    (FilePath, "a path"),
    (str, "text"),
)


@cache
def known() -> tuple[Key, ...]:
    """Give every key of the schema, in the order of the sections."""
    return tuple(_walk(Settings, ()))


def find(path: Path) -> Key | None:
    """Give the key at `path`, which names real coins and list entries such as `[2]`."""
    return next((key for key in known() if _fits(key.path, path)), None)


def dotted(path: Path) -> str:
    """Write a key as a user does: `paper.position[0].quantity`."""
    return ".".join(path).replace(".[", "[")


def nearest(path: Path) -> str:
    """Name the real key that an unknown one most likely means, its coin kept.

    `path` ends with the part that is unknown. A sibling with a similar name comes first, then the
    same name in another section, then whatever is written most alike.
    """
    above, wrong = path[:-1], path[-1]
    keys = [_filled(key.path, path) for key in known()]
    siblings = [
        key[len(above)] for key in keys if len(key) > len(above) and key[: len(above)] == above
    ]
    close = get_close_matches(wrong, siblings, n=1, cutoff=0.6)
    if close:
        return dotted((*above, close[0]))
    same = [key for key in keys if key[-1] == wrong]
    text = dotted(path)
    best = max(same or keys, key=lambda key: SequenceMatcher(None, text, dotted(key)).ratio())
    return dotted(best)


def _walk(model: type[BaseModel], above: Path) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        path = (*above, name)
        inner = _model_in(field.annotation)
        container = get_origin(field.annotation)
        if inner is None and container is dict:
            yield Key((*path, ANY), _entry_of(field))
        elif inner is None:
            yield Key(path, field)
        elif container is dict:
            yield from _walk(inner, (*path, ANY))
        elif container is tuple:
            yield Key(path, field)
            yield from _walk(inner, (*path, ENTRY))
        else:
            yield from _walk(inner, path)


def _entry_of(table: FieldInfo) -> FieldInfo:
    """Describe one entry of a table of plain values by the table's own words."""
    entry = FieldInfo.from_annotation(get_args(table.annotation)[1])
    entry.description = table.description
    entry.json_schema_extra = table.json_schema_extra
    return entry


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)


def _holds(annotation: Any, kind: type) -> bool:  # noqa: ANN401 - any annotation
    if annotation is kind or get_origin(annotation) is kind:
        return True
    if get_origin(annotation) is Annotated:
        return _holds(get_args(annotation)[0], kind)
    if get_origin(annotation) in {Union, UnionType}:
        return any(_holds(arg, kind) for arg in get_args(annotation))
    return False


def _words(annotation: Any) -> Iterator[str]:  # noqa: ANN401 - any annotation
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_origin(annotation) is not dict:
        for arg in get_args(annotation):
            yield from _words(arg)


def _range(field: FieldInfo) -> Iterator[str]:
    for mark in field.metadata:
        match mark:
            case Ge(ge=bound):
                yield f">= {_short(bound)}"
            case Gt(gt=bound):
                yield f"> {_short(bound)}"
            case Le(le=bound):
                yield f"<= {_short(bound)}"
            case Lt(lt=bound):
                yield f"< {_short(bound)}"
            case _:
                pattern = getattr(mark, "pattern", None)
                if pattern is not None:
                    yield f"like {pattern}"


def _short(bound: object) -> str:
    return f"{bound:g}" if isinstance(bound, (int, float)) else str(bound)


def _fits(pattern: Path, path: Path) -> bool:
    if len(pattern) != len(path):
        return False
    return all(
        want in {got, ANY} or (want == ENTRY and got.startswith("["))
        for want, got in zip(pattern, path, strict=True)
    )


def _filled(pattern: Path, path: Path) -> Path:
    """Put the coin and the list entry that `path` names in place of the pattern's wildcards."""
    named = dict(enumerate(path)) if path[:1] == pattern[:1] else {}
    blank = {ANY: "<NAME>" if pattern[0] == "venue" else "<COIN>", ENTRY: "[0]"}
    return tuple(
        named.get(place, blank[part]) if part in blank else part
        for place, part in enumerate(pattern)
    )
