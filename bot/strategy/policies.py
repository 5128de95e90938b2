"""How wide the policy's band is now: what the owner fixed, or what costs least for what it leaves.

`WhalleyWilmott` is the cheapest band for the book's **net gamma around the price** (its root mean
square within half a day's deviation: a book's gamma changes sign), with what an order costs beside
its size and a correction for the time between two looks (see `width`). Its knob is a risk aversion,
a budget in USD a day, or the deviation in USD a day that the band may leave.

An aversion is scale-free: 1 weighs the variance of a dollar's profit by 100/(options' notional in
USD), so that a book of ten times the size has a band of ten times the width. 0.3 is thrifty, 3 is
cautious. What the market asks for outside the room is told, and the nearest width inside is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from bot.domain.reasons import Because, Reason
from bot.domain.units import SECONDS_PER_YEAR
from bot.strategy import width
from bot.strategy.bands import Landing, TradeTo

FALLBACK_SHARE: Final = 0.5
"""Of the widest band, while neither gamma nor volatility is known."""

HALVINGS: Final = 60


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is true now, as far as a width depends on it.

    `gamma` is the net gamma around the price (see `shocks`), coin per 1 %; `vol` what the
    index realises, or the book's implied volatility; `look_s` the time between two looks;
    `funding` a year, paid by longs; `swing` the deviation of a day's sum of squared returns, and
    `vol_day` that of a day's change of volatility (NaN: not known). `factor` is what the calendar
    asks of the width; `step_coin` what one step of a settlement unwind trades; `stretch` how
    one-way the last hour was, for a book that is long gamma.
    """

    index: float
    gamma: float
    vol: float
    gross_coin: float
    cost_usd_per_coin: float
    smallest_coin: float = 0.0
    look_s: float = 0.0
    funding: float = 0.0
    factor: float = 1.0
    step_coin: float = 0.0
    stretch: float = 0.0
    vega_usd: float = 0.0
    swing: float = math.nan
    vol_day: float = math.nan
    ts_ns: int = 0

    @property
    def bend(self) -> float:
        """Return gamma in coin per USD."""
        return 100.0 * self.gamma / self.index

    @property
    def drift(self) -> float:
        """Return how delta diffuses, coin per root year."""
        return 100.0 * self.gamma * self.vol

    @property
    def known(self) -> bool:
        """Tell whether gamma, volatility and index are numbers to reckon with."""
        figures = (self.gamma, self.vol, self.index, self.cost_usd_per_coin)
        return all(map(math.isfinite, figures)) and self.vol > 0.0 and self.index > 0.0

    @property
    def polled(self) -> float:
        """Return by how many coins a band acts wider than it is that is looked at now and then."""
        years = self.look_s / SECONDS_PER_YEAR
        return float(width.polling(self.bend, self.index, self.vol, years))

    def cost_a_day(self, half: float, landing: Landing) -> float:
        """Return what a band of this half-width (coin) costs on average, USD a day."""
        inner = half * landing.share(self.cost_usd_per_coin, half)
        acts, ticket = half + self.polled, landing.ticket_usd
        return width.cost_a_day(acts, inner, self.cost_usd_per_coin, ticket, self.drift)

    def deviation_a_day(self, half: float, landing: Landing) -> float:
        """Return what a band of this half-width leaves of a day's profit, USD."""
        inner = half * landing.share(self.cost_usd_per_coin, half)
        return width.deviation_a_day(half + self.polled, inner, self.index, self.vol)


@dataclass(frozen=True, slots=True)
class Room:
    """The half-widths (coin) that the owner's band leaves to a policy."""

    least: float
    most: float

    def hold(self, half: float) -> float:
        """Return the nearest half-width inside."""
        return min(max(half, self.least), self.most)


@dataclass(frozen=True, slots=True)
class Sized:
    """A half-width (coin), how far its middle is shifted (coin), and what is to be said of it."""

    half: float
    shift: float = 0.0
    notes: tuple[Because, ...] = ()


class Width(Protocol):
    """A way to choose a half-width."""

    def size(self, now: Conditions, room: Room, landing: Landing) -> Sized:
        """Return the half-width for what is true now, inside the room."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same half-width, coin."""

    coin: float

    def size(self, now: Conditions, room: Room, landing: Landing) -> Sized:  # noqa: ARG002
        """Return what the owner fixed, wider than the room if they say so."""
        return Sized(self.coin)


@dataclass(frozen=True, slots=True)
class OfBook:
    """A share of the options' notional, in basis points: it grows and shrinks with the book."""

    bps: float

    def size(self, now: Conditions, room: Room, landing: Landing) -> Sized:  # noqa: ARG002
        """Return the share of now; a book that is nearly gone is not chased within a sliver."""
        return Sized(max(self.bps * 1e-4 * now.gross_coin, room.least))


class Knob(StrEnum):
    """What the owner turns."""

    AVERSION = "aversion"
    COST = "cost_usd_day"
    DEVIATION = "deviation_usd_day"


@dataclass(frozen=True, slots=True)
class WhalleyWilmott:
    """The cheapest band for what it leaves; `setting` is in the knob's own unit.

    `funding` tells whether the band's middle moves with funding.
    """

    knob: Knob = Knob.AVERSION
    setting: float = 1.0
    funding: bool = True

    def size(self, now: Conditions, room: Room, landing: Landing) -> Sized:
        """Return the half-width that is cheapest now.

        A band that is looked at now and then acts wider than it is: it is that much narrower.
        """
        if not now.known:
            return Sized(room.hold(FALLBACK_SHARE * room.most))
        half, notes = self._wanted(now, room, landing)
        return Sized(room.hold(half), self._shift(now, half + now.polled), notes)

    def _wanted(
        self, now: Conditions, room: Room, landing: Landing
    ) -> tuple[float, tuple[Because, ...]]:
        """Return the half-width that the knob asks for, and what could not be had."""
        match self.knob:
            case Knob.AVERSION:
                return self._least_cost(now, landing) - now.polled, ()
            case Knob.COST:
                return _fitted(
                    lambda half: -now.cost_a_day(half, landing),
                    -self.setting,
                    room,
                    Because(
                        Reason.BELOW_FLOOR,
                        "cost_usd_day",
                        {
                            "asked_usd_day": self.setting,
                            "floor_usd_day": now.cost_a_day(room.most, landing),
                        },
                    ),
                )
            case Knob.DEVIATION:
                return self._left(now, room, landing)

    def _left(
        self, now: Conditions, room: Room, landing: Landing
    ) -> tuple[float, tuple[Because, ...]]:
        """Return the band whose own part and gamma's make up the deviation together."""
        floor, notes = gamma_part(now), tuple[Because, ...]()
        if math.isnan(floor):
            floor, notes = 0.0, (Because(Reason.GAMMA_PART_UNKNOWN, "deviation_usd_day"),)
        rest = math.sqrt(max(self.setting**2 - floor**2, 0.0))
        least = now.deviation_a_day(room.least, landing)
        if rest >= least:
            half, _ = _fitted(lambda half: now.deviation_a_day(half, landing), rest, room, None)
            return half, notes
        figures = {"asked_usd_day": self.setting, "floor_usd_day": math.hypot(floor, least)}
        return room.least, (Because(Reason.BELOW_FLOOR, "deviation_usd_day", figures), *notes)

    def _least_cost(self, now: Conditions, landing: Landing) -> float:
        if now.gross_coin <= 0.0:
            return 0.0
        aversion = self.setting * 100.0 / (now.index * now.gross_coin)
        cost, ticket = now.cost_usd_per_coin, landing.ticket_usd
        match landing.to:
            case TradeTo.EDGE:
                return float(width.whalley_wilmott(cost, now.bend, aversion))
            case TradeTo.TARGET:
                return width.centred(cost, ticket, now.bend, aversion)
            case TradeTo.INNER:
                return width.mixed(cost, ticket, now.bend, aversion)[0]

    def _shift(self, now: Conditions, half: float) -> float:
        """Return where funding moves the middle of a band of this half-width, coin."""
        if not self.funding or not now.funding or half <= 0.0 or not math.isfinite(now.funding):
            return 0.0
        aversion = float(width.aversion_of(half, now.cost_usd_per_coin, now.bend))
        if aversion <= 0.0:
            return 0.0
        return width.funding_shift(now.funding, half, now.index, now.vol, aversion)


def gamma_part(now: Conditions) -> float:
    """Return what gamma leaves of a day's profit whatever is traded in the future, USD.

    S²G/2 times the deviation of a day's summed squared returns: the longer the tails and the larger
    the jumps, the more. No delta hedge takes it away, only options do.
    """
    return 50.0 * now.gamma * now.index * now.swing


def vega_part(now: Conditions) -> float:
    """Return what volatility's own moves leave of a day's profit, USD."""
    return abs(now.vega_usd) * 100.0 * now.vol_day


def _fitted(
    rises: Callable[[float], float], wanted: float, room: Room, short: Because | None
) -> tuple[float, tuple[Because, ...]]:
    """Return where in the room an increasing function reaches a value, by halving."""
    if rises(room.most) < wanted:
        return room.most, () if short is None else (short,)
    low, high = room.least, room.most
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if rises(middle) < wanted:
            low = middle
        else:
            high = middle
    return high, ()
