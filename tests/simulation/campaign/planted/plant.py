"""How a bug is planted: parts of the bot are replaced while it runs, and put back afterwards.

A planted bug is a function that is handed a `Plant` and swaps what it needs; its name is the
bug's, its docstring says what is wrong. No file is ever changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch


class Plant(ExitStack):
    """What is swapped, until this is closed."""

    def swap(self, owner: object, name: str, value: object) -> None:
        """Put a value in the place of an attribute of a class or module."""
        self.enter_context(patch.object(owner, name, value))

    def around(self, owner: object, name: str, bug: Callable[..., Any]) -> None:
        """Put `bug(original, *arguments)` in the place of a function or method."""
        original = getattr(owner, name)

        def planted(*args: Any, **more: Any) -> Any:
            return bug(original, *args, **more)

        self.swap(owner, name, planted)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a bug is hunted: in seeds, one after the other, for some market hours each.

    Most bugs show wherever there are orders. Some need a moment that few seeds bring: a position at
    its cap, an order wanted while prices are crossed. They name the seeds that do.
    """

    seeds: Sequence[int] = range(1, 25)
    hours: float = 0.3


ANYWHERE = Ground()


@dataclass(frozen=True, slots=True)
class Mutant:
    """A planted bug: its name, what it is, and the invariants of which one must be seen broken."""

    name: str
    words: str
    breaks: frozenset[str]
    plant: Callable[[Plant], None]
    where: Ground = ANYWHERE

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Have the bug in the bot for a while."""
        with Plant() as plant:
            self.plant(plant)
            yield

    def seen(self, broken: list[str]) -> str:
        """Return the first invariant of these that was broken; empty where none was."""
        codes = (words.partition(" ")[0] for words in broken)
        return next((code for code in codes if code in self.breaks), "")


CATALOGUE: dict[str, Mutant] = {}


def breaks(
    *codes: str, where: Ground = ANYWHERE
) -> Callable[[Callable[[Plant], None]], Callable[[Plant], None]]:
    """Put a bug into the catalogue under the invariants that it breaks, and where that is seen."""

    def keep(plant: Callable[[Plant], None]) -> Callable[[Plant], None]:
        name = name_of(plant)
        words = (plant.__doc__ or "").strip()
        CATALOGUE[name] = Mutant(name, words, frozenset(codes), plant, where)
        return plant

    return keep


def name_of(plant: Callable[[Plant], None]) -> str:
    """Return the name of a bug."""
    return plant.__name__.replace("_", "-")
