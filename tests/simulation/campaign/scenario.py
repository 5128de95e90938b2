"""What a seed is made of: a book, a market, a time of day, and the weather between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.domain.units import NS_PER_S, utc_ns
from config.schema import Settings
from tests.simulation.campaign import data_faults as data
from tests.simulation.campaign import faults as wire
from tests.simulation.campaign import mishaps
from tests.simulation.campaign import position_faults as lists
from tests.simulation.campaign.faults import Fault
from tests.simulation.campaign.mishaps import Mishap
from tests.simulation.campaign.streams import stream
from tests.simulation.drive import book

STRADDLE = (("BTC-12JAN26-92000-C", -10.0), ("BTC-12JAN26-92000-P", -10.0))
LONG = (("BTC-12JAN26-92000-C", 8.0), ("BTC-30JAN26-90000-P", 8.0))
SETTLING = (("BTC-5JAN26-92000-C", -5.0), ("BTC-30JAN26-90000-P", 4.0))
ORDER_USD = (399_995.0, 49_995.0)
POSITION_COIN = 4.0
TARGET = -2.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One seed: `settings` of the bot, where its market is joined, how often the process dies."""

    name: str
    settings: Settings
    start_ns: int
    kills_per_hour: float
    words_per_hour: float
    order_usd: float | None
    position_coin: float | None


def scenario(seed: int) -> Scenario:
    """Return the scenario of a seed."""
    chance = stream(seed, "scenario")
    name = chance.choice(("straddle", "long", "settling", "settling", "crash"))
    order_usd = chance.choice((None, *ORDER_USD))
    band = chance.choice((0.1, 0.3, 1.0))
    taste = stream(seed, "limits")
    position_coin = taste.choice((None, None, POSITION_COIN))
    target = taste.choice((0.0, 0.0, TARGET))
    kinds = taste.choice((("perpetual",), ("perpetual", "future")))
    caps = {"order_usd": order_usd, "position_coin": position_coin}
    limits = {name: cap for name, cap in caps.items() if cap is not None}
    rows = {"straddle": STRADDLE, "long": LONG, "settling": SETTLING, "crash": STRADDLE}[name]
    regime = "crash" if name == "crash" else chance.choice(("normal", "normal", "calm"))
    settings = book(
        *rows,
        regime=regime,
        collateral=60.0,
        limits=limits,
        delta={"target": target, "lower": target - band, "upper": target + band},
        hedge_with=list(kinds),
    )
    early = utc_ns(2026, 1, 5, 7, 20) if name == "settling" else utc_ns(2026, 1, 5, 8, 30)
    spread_s = 2_000 if name == "settling" else 80_000
    return Scenario(
        name,
        settings,
        early + round(chance.random() * spread_s) * NS_PER_S,
        chance.choice((0.0, 4.0, 20.0)),
        chance.choice((0.0, 20.0, 40.0)),
        order_usd,
        position_coin,
    )


def weather(seed: int) -> list[Fault]:
    """Return the faults of a seed; each seed has some more often than others, and some hardly."""
    chance = stream(seed, "weather")

    def often(usual: float) -> float:
        return usual * chance.choice((0.2, 1.0, 1.0, 4.0))

    def of(kind: type[Fault], code: str, usual: float, **more: Any) -> Fault:
        return kind(code, often(usual), stream(seed, f"{code}/{kind.__name__}"), **more)

    return [
        of(wire.LostRequest, "F06", 6.0),
        of(wire.LostReply, "F01", 8.0),
        of(wire.Unseen, "F07", 4.0),
        of(wire.Blind, "F05", 4.0),
        of(wire.Dropped, "F64", 6.0),
        of(wire.LostFill, "F17", 6.0),
        of(wire.Repeated, "F19", 12.0),
        of(wire.Overtaken, "F20", 12.0),
        of(wire.Slow, "F66", 3.0),
        of(wire.Refused, "F57", 1.5),
        of(wire.Refused, "F53", 0.3, answer=("11051", "system_maintenance"), longest_s=120.0),
        of(wire.Refused, "F86", 0.7, answer=("10009", "not_enough_funds")),
        of(wire.Partition, "F32", 1.5),
        of(lists.Flat, "F24", 3.0),
        of(lists.OldPositions, "F25", 60.0),
        of(data.Frozen, "F31", 2.0),
        of(data.NoQuotes, "F31", 2.0, longest_s=90.0),
        of(data.Stuck, "F33", 2.0, longest_s=60.0),
        of(data.SameAgain, "F36", 1.0),
        of(data.Crossed, "F38", 4.0, longest_s=20.0),
        of(data.OneSided, "F39", 2.0, longest_s=6.0),
        of(data.NotNumbers, "F40", 3.0, longest_s=4.0),
        of(data.AbsurdVols, "F41", 1.0),
        of(data.Outlier, "F42", 20.0),
        of(data.Swapped, "F43", 1.0, longest_s=4.0),
        of(data.AbsurdForwards, "F44", 1.0),
        of(data.NoChain, "F34", 1.0, longest_s=90.0),
        of(mishaps.Delisted, "F50", 6.0),
        of(lists.LatePositions, "F30", 4.0),
        of(lists.Lacking, "F24", 2.0),
    ]


def misfortunes(seed: int) -> list[Mishap]:
    """Return what befalls account and machine in a seed."""
    chance = stream(seed, "misfortunes")

    def of(kind: type[Mishap], code: str, per_hour: float, **more: Any) -> Mishap:
        often = per_hour * chance.choice((0.2, 1.0, 1.0, 4.0))
        return kind(code, often, stream(seed, f"{code}/{kind.__name__}"), **more)

    return [
        of(mishaps.ByHand, "F26", 0.5),
        of(mishaps.ByHand, "F28", 0.3, legs=2),
        of(mishaps.Liquidated, "F27", 0.3),
        of(mishaps.Barred, "F65", 3.0),
        of(mishaps.DiskFull, "F71", 0.5),
        of(mishaps.Locked, "F72", 2.0),
    ]
