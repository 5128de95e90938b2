"""What a running outlet exposes: the names of series, of their labels, and the labels' values."""

import re
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bot.domain.reasons import Reason
from bot.domain.states import State
from tests.monitor.metrics.bots import begin, serving, stand, trade

TARGET = frozenset({"job", "instance"})  # given by Prometheus
SELECTOR = re.compile(r"\b(deltaband_\w+)\{([^}]*)\}")
MATCHER = re.compile(r"(\w+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"")
GROUP = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
OURS = re.compile(r"\bdeltaband_\w+")


@dataclass
class Exposed:
    """Series by name, with their labels by name."""

    series: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    @property
    def labels(self) -> set[str]:
        """Return the names of all labels."""
        return {name for labels in self.series.values() for name in labels}

    def wrong(self, expression: str) -> list[str]:
        """Return what an expression of PromQL names that is not there."""
        bare = MATCHER.sub(lambda one: f"{one[1]}~", expression)  # no names out of strings
        unknown = set(OURS.findall(bare)) - set(self.series)
        found = [f"no series {name}" for name in sorted(unknown)]
        for name, matchers in SELECTOR.findall(expression):
            for label, way, value in MATCHER.findall(matchers):
                if name not in unknown and label not in TARGET:
                    found += self._unfit(name, label, way, value)
        grouped = [one.strip() for names in GROUP.findall(expression) for one in names.split(",")]
        return found + [f"no label {one}" for one in grouped if one not in self.labels | TARGET]

    def _unfit(self, name: str, label: str, way: str, value: str) -> list[str]:
        """Return what of a label's matcher is not there; the dashboard's variables may be any."""
        values = self.series[name].get(label)
        if values is None:
            return [f"{name} has no label {label}"]
        pattern = value if way in {"=~", "!~"} else re.escape(value)
        if "$" in value or any(re.fullmatch(pattern, one) for one in values):
            return []
        return [f"{name} has no {label} like {value}"]


async def exposed(folder: Path) -> Exposed:
    """Return what an outlet exposes of a bot that says everything; reasons are all there are."""
    with closing(begin(folder)) as journal:
        trade(journal)
        stand(journal)
        async with serving(folder, unreached={"mqtt": 0}) as served:
            served.look()
            samples = await served.samples()
    found = Exposed()
    for name, rows in samples.items():
        known = found.series.setdefault(name, {"bot": set()})
        for labels in rows:
            for label, value in labels:
                known.setdefault(label, set()).add(value)
    for known in found.series.values():
        if "reason" in known:
            known["reason"] |= set(map(str, Reason)) | {"exchange", "other"}
        if "state" in known:
            assert known["state"] == set(map(str, State))
    return found
