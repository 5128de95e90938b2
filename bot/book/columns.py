"""The options of one coin's book as packed columns, ready for one kernel call.

The columns are rebuilt when holdings or instruments change, and take volatility and forward from
each chain batch. Between batches forwards move with the index (F/S is held). Volatility is stored
in variance time: vol_calendar * sqrt(T_calendar / T_variance), so that total variance equals the
venue's own and stays continuous when the settlement window opens, where the last volatility before
it is kept. A book that starts inside the window has none to keep: it takes the venue's as it stands
there, which is quoted for the time that is left of the average (bounded like any other by
`quality.MAX_VOL`); had it been calendar after all, it would be low by the square root of three.

What a row has not been told (no volatility yet) stays NaN: its delta is then only known to lie
between the bounds of its payoff, and `measure` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bot.book.numeraire import Fading
from bot.book.quality import usable_forwards, usable_rows
from bot.domain.instruments import Instrument
from bot.domain.quotes import BoolArray, Chain, FloatArray, IntArray
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from greeks import black76, settlement

PHI, FORWARD, STRIKE, YEARS, VOL, DISCOUNT = range(6)
CALENDAR_VEGA_S = 86_400.0
_NONE: IntArray = np.empty(0, dtype=np.int64)


def seconds_left(expiry_ns: IntArray, now_ns: int) -> FloatArray:
    """Return the seconds to each expiry."""
    left: FloatArray = np.multiply(expiry_ns - now_ns, 1.0 / NS_PER_S)
    return left


def calendar_scale(left_s: FloatArray, averaging_s: FloatArray) -> FloatArray:
    """Return sqrt(T_calendar / T_variance): volatility in variance time per calendar volatility.

    It grows from 1 to the square root of three where the window opens and stays there; 0 past
    expiry.
    """
    variance_s = settlement.variance_years(left_s, averaging_s) * SECONDS_PER_YEAR
    scale: FloatArray = np.sqrt(np.maximum(left_s, 0.0) / np.maximum(variance_s, 1e-9))
    return scale


@dataclass(slots=True, eq=False)
class Told:
    """A figure that somebody tells of each row: 0 and a time of 0 where nobody has."""

    value: FloatArray
    ts_ns: IntArray

    @classmethod
    def nothing(cls, count: int) -> Told:
        """Return figures of so many rows that nobody has told."""
        return cls(np.zeros(count), np.zeros(count, dtype=np.int64))

    def take(self, row: int, value: float, ts_ns: int) -> None:
        """Keep a row's figure."""
        self.value[row], self.ts_ns[row] = value, ts_ns


@dataclass(slots=True)
class OptionColumns:
    """One entry per held option.

    `price_at` fills `first` with price, delta, gamma, vega and theta per coin. `slopes` are v'(k)
    at each strike, `offsets` how far the venue's delta of a coin lies above ours (see `kinds`).
    """

    names: tuple[str, ...]
    quantity: FloatArray
    inverse: BoolArray
    expiry_ns: IntArray
    averaging_s: FloatArray
    ratio: FloatArray
    seen_ns: IntArray
    inputs: FloatArray
    first: FloatArray
    soonest_ns: int
    longest_window_s: float
    slopes: Told
    offsets: Told
    fading: Fading | None = None

    @property
    def payout(self) -> FloatArray:
        """Return the price (USD) that a coin payoff is divided by: the forward, or the average."""
        return self.inputs[FORWARD] if self.fading is None else self.fading.payout

    @classmethod
    def build(cls, held: Mapping[Instrument, float], old: OptionColumns | None) -> OptionColumns:
        """Pack holdings (instrument → signed coins), keeping what the old columns had learnt."""
        options = list(held)
        n = len(options)
        inputs = np.empty((6, n))
        inputs[PHI] = [1.0 if o.is_call else -1.0 for o in options]
        inputs[STRIKE] = [o.strike for o in options]
        inputs[DISCOUNT] = 1.0
        inputs[[FORWARD, YEARS, VOL]] = np.nan
        columns = cls(
            names=tuple(o.name for o in options),
            quantity=np.array([held[o] for o in options], dtype=np.float64),
            inverse=np.array([o.is_inverse for o in options], dtype=np.bool_),
            expiry_ns=np.array([o.expiry_ns for o in options], dtype=np.int64),
            averaging_s=np.array([o.averaging_s for o in options], dtype=np.float64),
            ratio=np.full(n, np.nan),
            seen_ns=np.zeros(n, dtype=np.int64),
            inputs=inputs,
            first=np.empty((5, n)),
            soonest_ns=min((o.expiry_ns or 0 for o in options), default=0),
            longest_window_s=max((o.averaging_s for o in options), default=0.0),
            slopes=Told.nothing(n),
            offsets=Told.nothing(n),
        )
        if old is not None:
            columns._inherit(old)
        return columns

    def see(self, chain: Chain) -> None:
        """Take believable volatilities and forwards of the held options from a batch."""
        row = chain.listing.row
        found = [(i, row[name]) for i, name in enumerate(self.names) if name in row]
        if not found:
            return
        mine, theirs = (np.array(part, dtype=np.intp) for part in zip(*found, strict=True))
        left_s = (self.expiry_ns[mine] - chain.ts_venue_ns) / NS_PER_S
        # Inside the window the venue's volatility no longer describes one Black-76 option: keep the
        # last.
        before = left_s > self.averaging_s[mine]
        good = usable_rows(chain)[theirs]
        scale = np.where(before, calendar_scale(left_s, self.averaging_s[mine]), 1.0)
        keep = good & (before | np.isnan(self.inputs[VOL, mine]))
        self.inputs[VOL, mine[keep]] = chain.vol[theirs[keep]] * scale[keep]
        # A kept volatility needs no new one: minutes before the end the venue's may be absurd.
        kept = ~before & np.isfinite(self.inputs[VOL, mine]) & usable_forwards(chain)[theirs]
        fresh = good | kept
        self.ratio[mine[fresh]] = chain.forward[theirs[fresh]] / chain.index
        self.seen_ns[mine[fresh]] = chain.ts_venue_ns

    def any_ends_within(self, now_ns: int, seconds: float) -> bool:
        """Tell whether some option expires within so many seconds, or has expired."""
        return self.names != () and self.soonest_ns - now_ns < seconds * NS_PER_S

    def inside_window(self, now_ns: int) -> IntArray:
        """Return the distinct expiries whose settlement average is being taken now."""
        if not self.any_ends_within(now_ns, self.longest_window_s):
            return _NONE
        left_s = seconds_left(self.expiry_ns, now_ns)
        inside = (left_s < self.averaging_s) & (left_s > 0.0)
        return np.unique(self.expiry_ns[inside]) if inside.any() else _NONE

    def price_at(self, index: float, now_ns: int, averages: Mapping[int, float]) -> FloatArray:
        """Value every row at an index (USD per coin) and return `first`, (5, n) per coin.

        Vega is per unit of the venue's own (calendar) volatility, exact as soon as something ends
        within a day; with more time left the two volatilities differ by less than 1 %.
        `averages` holds the known part of the settlement average of each expiry inside its window.
        """
        left_s = seconds_left(self.expiry_ns, now_ns)
        np.multiply(self.ratio, index, out=self.inputs[FORWARD])
        variance_s = left_s - self.averaging_s * (2.0 / 3.0)
        np.multiply(variance_s, 1.0 / SECONDS_PER_YEAR, out=self.inputs[YEARS])
        if averages:
            np.maximum(self.inputs[YEARS], 0.0, out=self.inputs[YEARS])
        black76.packed(self.inputs, self.first)
        self.fading = None
        if averages:
            self._price_averaged(index, left_s, averages)
        if self.any_ends_within(now_ns, CALENDAR_VEGA_S):
            if averages:
                self.first[3] *= calendar_scale(left_s, self.averaging_s)
            else:  # the same, with the variance time that is at hand
                self.first[3] *= np.sqrt(left_s / (self.inputs[YEARS] * SECONDS_PER_YEAR))
        return self.first

    def coin_shares(self) -> tuple[FloatArray, FloatArray]:
        """Return what open windows have decided in coin per coin, and what is still to come.

        Both refer to the last `price_at`; before a window nothing is decided. Linear rows pay no
        coin and are zero in both.
        """
        coins = np.where(self.inverse, self.first[0] / self.payout, 0.0)
        weight = 1.0 if self.fading is None else self.fading.weight
        return coins * (1.0 - weight), coins * weight

    def _price_averaged(
        self, index: float, left_s: FloatArray, averages: Mapping[int, float]
    ) -> None:
        weight, payout = np.ones(len(self.names)), self.inputs[FORWARD].copy()
        for expiry_ns, average in averages.items():
            rows = np.flatnonzero(self.expiry_ns == expiry_ns)
            window = (
                self.inputs[PHI, rows] > 0.0,
                index,
                self.inputs[STRIKE, rows],
                left_s[rows],
                self.inputs[VOL, rows],
                average,
                self.averaging_s[rows],
            )
            self.first[:, rows] = settlement.first(*window)
            option = settlement.effective(*window)
            weight[rows], payout[rows] = option.weight, option.projected
            # Inside the window the index itself is what is being averaged.
            self.inputs[FORWARD, rows] = index
        self.fading = Fading(weight, payout)

    def _inherit(self, old: OptionColumns) -> None:
        places = {name: i for i, name in enumerate(old.names)}
        for i, name in enumerate(self.names):
            j = places.get(name)
            if j is not None:
                self.inputs[VOL, i] = old.inputs[VOL, j]
                self.ratio[i] = old.ratio[j]
                self.seen_ns[i] = old.seen_ns[j]
                for mine, theirs in ((self.slopes, old.slopes), (self.offsets, old.offsets)):
                    mine.take(i, float(theirs.value[j]), int(theirs.ts_ns[j]))
