"""What is wrong with the settings: every problem at once, each with its key and where it came from.

Owns `Problem` and `ConfigError`. A problem says the key, what was expected, what was found and
which layer said so. Values of keys that look like secrets never get here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from: the layer, and the file, variable or argument inside it."""

    layer: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.layer} {self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: `key` (dotted, empty for a whole file) and the two sides of it."""

    key: str
    expected: str
    found: str
    origin: Origin

    def __str__(self) -> str:
        where = f"{self.key}: " if self.key else ""
        return f"{where}expected {self.expected}, found {self.found} [{self.origin}]"


def unreadable(fault: OSError | ValueError) -> str:
    """Say why a text file could not be read."""
    if isinstance(fault, OSError):
        return fault.strerror or type(fault).__name__
    return "not UTF-8" if isinstance(fault, UnicodeDecodeError) else str(fault)


class ConfigError(Exception):
    """The settings cannot be used; `problems` says why, one line each."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
