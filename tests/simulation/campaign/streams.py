"""One seed, many independent streams of chance, each with a name."""

from __future__ import annotations

import random


def stream(seed: int, name: str) -> random.Random:
    """Return the stream of a name: adding another one changes none."""
    return random.Random(f"{seed}/{name}")
