"""docs/simulation.md: the runs by ranges of seeds, and every fault with how often it struck.

A run that is kept adds its row and its counts; the page itself is the memory. So are the planted
bugs, of which the newest whole list is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.campaign.catalogue import CATALOGUE, Reached

PAGE = Path(__file__).parents[3] / "docs" / "simulation.md"
RUNS, FAULTS, PLANTED = "## Runs", "## Faults", "## Planted bugs"
HEAD = "| seeds | hours each | hours | faults | crash points | orders | violations | commit |"
COLUMNS = 8


@dataclass(frozen=True, slots=True)
class Run:
    """What a range of seeds came to."""

    seeds: str
    each: float
    hours: float
    faults: int
    kills: int
    orders: int
    broken: int
    commit: str

    def row(self) -> str:
        """Return it as a row of the page."""
        figures = (
            *(self.seeds, f"{self.each:g}", f"{self.hours:g}", self.faults),
            *(self.kills, self.orders, self.broken, self.commit),
        )
        return f"| {' | '.join(map(str, figures))} |"


@dataclass(frozen=True, slots=True)
class Caught:
    """A planted bug: what is wrong, the invariant that was seen broken, and where."""

    name: str
    words: str
    code: str
    where: str


def runs(text: str) -> list[Run]:
    """Return the runs of a page."""
    part = text.partition(RUNS)[2].partition("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in part.splitlines()
        if re.match(r"\| \d+:\d+ ", line)
    ]
    return [
        Run(c[0], float(c[1]), float(c[2]), int(c[3]), int(c[4]), int(c[5]), int(c[6]), c[7])
        for c in cells
    ]


def counts(text: str) -> Counter[str]:
    """Return how often each fault has struck so far."""
    found = re.findall(r"^\| (F\d\d) \| [^|]+ \| simulation \| (\d+)", text, re.MULTILINE)
    return Counter({code: int(count) for code, count in found})


def in_tests(text: str) -> Counter[str]:
    """Return how often each other fault struck in the newest run that counted them."""
    found = re.findall(r"^\| (F\d\d) \| .+ \((\d+) in a run\) \|$", text, re.MULTILINE)
    return Counter({code: int(count) for code, count in found})


def total(kept: Sequence[Run]) -> str:
    """Return the sum of all runs in a line."""
    hours = sum(run.hours for run in kept)
    return (
        f"{hours:g} hours, {sum(run.faults for run in kept)} faults,"
        f" {sum(run.kills for run in kept)} crash points,"
        f" {sum(run.broken for run in kept)} violations"
    )


def faults(struck: Mapping[str, int], tests: Mapping[str, int]) -> list[str]:
    """Return the table of faults: those that the simulation counts, and those that tests count."""
    rows = ["| fault | what happens | reached | how often, or where |", "|---|---|---|---|"]
    for one in CATALOGUE:
        told = one.by
        if one.reached is Reached.SIMULATION:
            told = one.by or str(struck.get(one.code, 0))
        elif tests.get(one.code):
            told = f"{one.by} ({tests[one.code]} in a run)"
        rows.append(f"| {one.code} | {one.what} | {one.reached} | {told} |")
    return rows


def written(text: str, run: Run | None, struck: Mapping[str, int]) -> str:
    """Return the page with a run more; its planted bugs stay as they are."""
    kept = [*runs(text), *([run] if run is not None else [])]
    body = [
        text.partition(RUNS)[0].rstrip(),
        "",
        RUNS,
        "",
        total(kept),
        "",
        HEAD,
        "|" + "---|" * COLUMNS,
        *(one.row() for one in kept),
        "",
        FAULTS,
        "",
        *faults(counts(text) + Counter(struck), in_tests(text)),
        "",
    ]
    bugs = text.partition(f"\n{PLANTED}\n")[2]
    return "\n".join([*body, *([PLANTED, bugs] if bugs else [])])


def recounted(text: str, tests: Mapping[str, int]) -> str:
    """Return the page with what one run of the tests has counted in place of an earlier one."""
    old, new = (faults(counts(text), found) for found in (in_tests(text), tests))
    return text.replace("\n".join(old), "\n".join(new))


def replanted(text: str, caught: Sequence[Caught], commit: str) -> str:
    """Return the page with the bugs that were caught at a commit, all of them."""
    by: dict[str, int] = Counter(one.code for one in caught)
    body = [
        text.partition(f"\n{PLANTED}\n")[0].rstrip(),
        "",
        PLANTED,
        "",
        f"{len(caught)} of {len(caught)} caught at {commit}, each by an invariant that it breaks.",
        "",
        "| invariant | bugs caught by it |",
        "|---|---|",
        *(f"| {code} | {by[code]} |" for code in sorted(by, key=lambda code: int(code[1:]))),
        "",
        "| bug | what is wrong | caught by | where |",
        "|---|---|---|---|",
        *(f"| {one.name} | {one.words} | {one.code} | {one.where} |" for one in caught),
        "",
    ]
    return "\n".join(body)


def planted(text: str) -> dict[str, str]:
    """Return the invariants by which the bugs of a page were caught, by their names."""
    part = text.partition(f"\n{PLANTED}\n")[2]
    return dict(re.findall(r"^\| ([a-z][a-z-]+) \| .+ \| (I\d+) \| [^|]+ \|$", part, re.MULTILINE))
