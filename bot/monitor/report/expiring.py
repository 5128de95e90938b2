"""What rolls off at the next 08:00 UTC, and what the hedge will do about it.

Read from the Greeks that the bot shows of each leg. Until its settlement window opens an option is
hedged like any other; then its delta fades to nothing over the half hour, and what was held against
it is traded away in equal steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.deribit import parse
from bot.domain.errors import UnknownInstrumentError
from bot.domain.units import DAY_NS, day_start


@dataclass(frozen=True, slots=True)
class Leg:
    """One option that expires: coins, strike (USD), its delta (coin) and gamma (coin per 1 %).

    `distance` is how far the index is above the strike, as a part of it.
    """

    instrument: str
    quantity: float
    strike: float
    distance: float
    delta_coin: float
    gamma_coin_per_pct: float


@dataclass(frozen=True, slots=True)
class Expiring:
    """What of a coin expires at `expiry_ns`; `gamma_after` is the gamma of all that stays.

    `unwind_coin` is about what will be traded while the average is taken, if the index stands
    still: the delta that the options lose.
    """

    coin: str
    expiry_ns: int
    legs: tuple[Leg, ...]
    unwind_coin: float
    gamma_after: float


def expiring(
    coin: str, greeks: Sequence[Mapping[str, Any]], index: float | None, now_ns: int
) -> Expiring:
    """Return what of a coin's legs expires at the end of the trading day of `now_ns`."""
    expiry_ns = day_start(now_ns) + DAY_NS
    legs, stays = [], 0.0
    for row in greeks:
        try:
            option = parse(row["instrument"])
        except UnknownInstrumentError:
            continue
        if option.coin != coin:
            continue
        gamma = row["gamma_coin_per_pct"] or 0.0
        if not option.is_option or option.expiry_ns != expiry_ns:
            stays += gamma
            continue
        distance = index / option.strike - 1.0 if index else float("nan")
        size = (row["quantity"], option.strike, distance)
        legs.append(Leg(option.name, *size, row["delta_coin"] or 0.0, gamma))
    legs.sort(key=lambda leg: (leg.strike, leg.instrument))
    return Expiring(coin, expiry_ns, tuple(legs), sum(leg.delta_coin for leg in legs), stays)
