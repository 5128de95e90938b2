"""What this process uses of its machine, as the kernel says; what it does not say is left out."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

_STATM: Final = Path("/proc/self/statm")
_OPEN: Final = Path("/proc/self/fd")


def used() -> dict[str, float]:
    """Return memory (bytes), open descriptors and their limit, and the processor's seconds."""
    found: dict[str, float] = {"cpu_seconds": time.process_time()}
    with suppress(OSError, ValueError, IndexError):
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
        found["rss_bytes"] = pages * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError):
        found["open_fds"] = sum(1 for _ in _OPEN.iterdir()) - 1  # but for the one that lists
    with suppress(OSError, ValueError):
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if limit != resource.RLIM_INFINITY:
            found["max_fds"] = limit
    return found
