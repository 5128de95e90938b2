"""docs/processes.md: the runs in which connections failed, and how often each kind has struck.

A run that is kept adds its row and its counts; the page itself is the memory.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "processes.md"
HEADING = "## Connection faults"
HEAD = "| commit | seed | seconds | faults | orders | positions equal | violations |"
KINDS_HEAD = "| kind | struck |"


@dataclass(frozen=True, slots=True)
class Run:
    """What a while of failing connections came to."""

    commit: str
    seed: int
    seconds: int
    faults: int
    orders: int
    equal: str
    broken: int

    def row(self) -> str:
        """Return it as a row of the page."""
        return f"| {' | '.join(map(str, astuple(self)))} |"


def runs(text: str) -> list[Run]:
    """Return the runs of a page."""
    found = re.findall(
        r"^\| (\S+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+ of \d+) \| (\d+) \|$",
        _section(text),
        re.MULTILINE,
    )
    return [Run(c[0], int(c[1]), int(c[2]), int(c[3]), int(c[4]), c[5], int(c[6])) for c in found]


def counts(text: str) -> Counter[str]:
    """Return how often each kind has struck so far."""
    found = re.findall(r"^\| ([^|]+) \| (\d+) \|$", _section(text), re.MULTILINE)
    return Counter({kind: int(count) for kind, count in found})


def written(text: str, run: Run, struck: Mapping[str, int]) -> str:
    """Return the page with a run more."""
    kept = [*runs(text), run]
    total = counts(text) + Counter(struck)
    total.update(dict.fromkeys(struck, 0))
    rarest = min(total, key=lambda kind: total[kind])
    before, after = text, ""
    if HEADING in text:
        before, _, rest = text.partition(HEADING)
        after = rest.partition("\n## ")[2]
    words = (
        f"{sum(one.faults for one in kept)} of {len(total)} kinds in"
        f" {sum(one.seconds for one in kept)} s, of the rarest ({rarest}) {total[rarest]},"
        f" {sum(one.broken for one in kept)} violations. `make faults ARGS=--keep` adds to it."
    )
    body = [
        before.rstrip(),
        "",
        HEADING,
        "",
        words,
        "",
        HEAD,
        "|" + "---|" * 7,
        *(one.row() for one in kept),
        "",
        KINDS_HEAD,
        "|---|---|",
        *(f"| {kind} | {total[kind]} |" for kind in sorted(total, key=lambda k: (-total[k], k))),
        "",
    ]
    return "\n".join([*body, *([f"## {after}"] if after else [])])


def _section(text: str) -> str:
    return text.partition(HEADING)[2].partition("\n## ")[0]
