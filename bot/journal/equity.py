"""Profit and loss beside its twins: the same path hedged, not hedged at all, and hedged naively.

All figures are USD since the start of the run. `gamma`, `theta` and `vega` explain the options,
`fees` is what was paid (negative when paid), and what they leave unexplained is in the total
alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pnl:
    """A profit and loss with its parts, USD."""

    total_usd: float
    gamma_usd: float = 0.0
    theta_usd: float = 0.0
    vega_usd: float = 0.0
    fees_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class TwinPnl:
    """The three twins of one underlying, or (`coin` empty) of the whole book."""

    ts_ns: int
    coin: str
    hedged: Pnl
    unhedged: Pnl
    naive: Pnl
