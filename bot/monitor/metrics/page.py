"""One answer to a scrape, sample by sample: what is not known is left out, never zero or NaN."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from bot.monitor.metrics.catalogue import BOT, BY_NAME


class Page:
    """The samples of one bot."""

    def __init__(self, bot: str) -> None:
        self._bot = bot
        self._families: dict[str, Any] = {}

    def tell(self, name: str, value: float | None, *labels: str) -> None:
        """Add a gauge's or a counter's sample with the values of its labels, in their order."""
        if value is not None and math.isfinite(value):
            self._family(name, labels).add_metric([self._bot, *labels], float(value))

    def spread(
        self,
        name: str,
        bounds: Sequence[float],
        counts: Sequence[int],
        total: float | None,
        *labels: str,
    ) -> None:
        """Add a histogram: `counts` are of each step between two bounds, the last of what is more.

        `total` None: what is counted may be negative, so that its sum says nothing.
        """
        ends = [*map(_le, bounds), "+Inf"]
        buckets = list(zip(ends, accumulate(counts), strict=True))
        family = self._family(name, labels)
        family.add_metric([self._bot, *labels], buckets, sum_value=total)

    def info(self, name: str, **said: str) -> None:
        """Add what a bot is."""
        self._family(name, tuple(said)).add_metric([self._bot], said)

    def has(self, name: str) -> bool:
        """Tell whether there is a sample of a metric."""
        return name in self._families

    def families(self) -> Iterable[Metric]:
        """Return everything, family by family."""
        return self._families.values()

    def _family(self, name: str, labels: Sequence[str]) -> Any:  # noqa: ANN401  one of four
        found = self._families.get(name)
        if found is None:
            metric = BY_NAME[name]
            if len(labels) != len(metric.labels):
                raise ValueError(f"expected {metric.labels} beside {name}, found {labels}")
            named = [BOT, *metric.labels]
            match metric.kind:
                case "gauge":
                    found = GaugeMetricFamily(metric.full, metric.help, labels=named)
                case "counter":
                    found = CounterMetricFamily(metric.full, metric.help, labels=named)
                case "histogram":
                    found = HistogramMetricFamily(metric.full, metric.help, labels=named)
                case "info":
                    bare = metric.full.removesuffix("_info")
                    found = InfoMetricFamily(bare, metric.help, labels=[BOT])
            self._families[name] = found
        return found


def _le(bound: float) -> str:
    return repr(float(bound))
