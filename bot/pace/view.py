"""The `loop` view: what a bot says of its own pace, about once a second (docs/metrics.md)."""

from __future__ import annotations

import time
from collections.abc import Mapping

from bot.core import Core
from bot.journal import Journal
from bot.pace import Pace
from bot.pace.feeds import feeds, outside
from bot.pace.process import used


def loop_view(
    pace: Pace, core: Core, journal: Journal, now_ns: int, about: Mapping[str, object]
) -> dict[str, object]:
    """Return the view at a market time; `about` is what the driver alone knows of."""
    return {
        "wall_ns": time.time_ns(),
        **pace.shown(),
        "feeds": feeds(core, now_ns, pace.reported_ns),
        "outside": outside(core, now_ns),
        "journal": journal.work(),
        "process": used(),
        **about,
    }
