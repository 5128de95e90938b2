"""What a seed came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(slots=True)
class Outcome:
    """What a seed came to: `hits` by fault, `kills` by where they struck, what was broken.

    `trace` is the digest of every order that reached the exchange.
    """

    seed: int
    name: str
    hours: float
    hits: Counter[str]
    kills: Counter[str]
    orders: int
    broken: list[str]
    trace: str
