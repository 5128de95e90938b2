"""Named streams of chance from one seed: adding a stream leaves every other as it was."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the generator of a name (words and numbers) under a seed (>= 0)."""
    if seed < 0:
        msg = f"expected a seed of 0 or more, found {seed}"
        raise ValueError(msg)
    key = tuple(crc32(name.encode()) if isinstance(name, str) else name for name in names)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
