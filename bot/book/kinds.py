"""Which delta is traded: the model's, one that leans with the smile, or the venue's own.

All three are the book's numeraire delta of `numeraire`, moved leg by leg:

    model   nothing is added
    smile   vega * (R - 1) * v'(k) / F a coin (F is S for a linear option), in either numeraire:
            when the price moves, a strike's volatility moves by (R - 1) v'(k) dF/F (docs/greeks.md)
    venue   what the venue last said of the leg, less what we said at that moment

A leg of which nothing was told within `OLD_NS` counts by the model, and so does what is inside its
settlement window: its volatility is kept as it was, and the venue's delta fades as ours does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bot.book.columns import FORWARD, OptionColumns
from bot.book.numeraire import Numeraire, option_figures
from bot.domain.events import PositionsReport
from bot.domain.instruments import coin_of
from bot.domain.quotes import FloatArray, IntArray, Listing
from bot.domain.units import NS_PER_S

OLD_NS = 600 * NS_PER_S


class DeltaKind(StrEnum):
    """Whose delta."""

    MODEL = "model"
    SMILE = "smile"
    VENUE = "venue"


@dataclass(frozen=True, slots=True)
class DeltaRule:
    """A delta: whose, and with a smile its skew-stickiness ratio R (1 leaves the model's)."""

    kind: DeltaKind = DeltaKind.MODEL
    stickiness: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """dv/dk of every row of a listing at one moment; NaN where it is not known."""

    listing: Listing
    ts_ns: int
    value: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class VenueLines:
    """The venue's delta of one coin of each option held, and the index (USD) at that moment."""

    ts_ns: int
    index: float
    per_coin: Mapping[str, float]


def read_lines(event: PositionsReport, coin: str, index: float) -> VenueLines | None:
    """Return what a complete answer says of a coin's options; None where it says nothing."""
    held: dict[str, float] = {}
    for position in event.positions:
        name = position.instrument
        if coin_of(name) == coin:
            held[name] = held.get(name, 0.0) + float(position.quantity)
    told = {name: line / held[name] for name, line in event.deltas if held.get(name)}
    return VenueLines(event.ts_ns, index, told) if told and index > 0.0 else None


def hear_slopes(columns: OptionColumns, slopes: Slopes) -> None:
    """Take the slopes of the held options; one that is not known leaves the last."""
    row = slopes.listing.row
    for i, name in enumerate(columns.names):
        j = row.get(name)
        if j is not None and np.isfinite(slopes.value[j]):
            columns.slopes.take(i, float(slopes.value[j]), slopes.ts_ns)


def hear_lines(columns: OptionColumns, lines: VenueLines) -> None:
    """Take how far the venue's deltas lie from ours, per coin and on the index.

    All lines are N(d1) or all are net of the premium (see `venue_delta`): as together they are
    nearer to ours.
    """
    if not columns.names:
        return
    said = np.array([lines.per_coin.get(name, np.nan) for name in columns.names])
    first = columns.price_at(lines.index, lines.ts_ns, {})
    forward, inverse = columns.inputs[FORWARD], columns.inverse
    net = option_figures(Numeraire.COIN, first, forward, lines.index, inverse).delta
    off = min(
        (said - first[1], said - np.where(inverse, net, first[1])),
        key=lambda one: float(np.nansum(np.abs(one))),
    )
    off *= np.where(inverse, 1.0, forward / lines.index)
    for i in np.flatnonzero(np.isfinite(off) & (columns.offsets.ts_ns != lines.ts_ns)):
        columns.offsets.take(int(i), float(off[i]), lines.ts_ns)


def leg_shifts(
    rule: DeltaRule, columns: OptionColumns, vega_usd: FloatArray, index: float, now_ns: int
) -> tuple[FloatArray, int]:
    """Return what each leg's delta is above the model's (coin), and of how many it is not known.

    `vega_usd` is the legs' vega with their quantity, per 1.00 of volatility, as `price_at` left it
    at this index.
    """
    if rule.kind is DeltaKind.MODEL:
        return np.zeros_like(vega_usd), 0
    smile = rule.kind is DeltaKind.SMILE
    size = vega_usd * ((rule.stickiness - 1.0) / index) if smile else columns.quantity
    value, by_model = _told(rule.kind, columns, now_ns)
    return np.where(value != 0.0, size * value, 0.0), by_model


def _told(kind: DeltaKind, columns: OptionColumns, now_ns: int) -> tuple[FloatArray, int]:
    """Return what counts of what was told of each leg, else 0; and of how many too little was."""
    told = columns.slopes if kind is DeltaKind.SMILE else columns.offsets
    known = told.ts_ns > now_ns - OLD_NS
    counted = known
    if columns.fading is not None:
        before = columns.fading.weight >= 1.0
        counted, known = known & before, known | ~before
    return np.where(counted, told.value, 0.0), int(known.size - np.count_nonzero(known))


def listed_shift(
    rule: DeltaRule,
    columns: OptionColumns,
    slopes: Slopes | None,
    rows: IntArray,
    names: Sequence[str],
    vega_usd: FloatArray,
    index: float,
    now_ns: int,
) -> FloatArray:
    """Return what the delta of listed options is above the model's, per coin.

    `rows` are theirs in the newest listing, `vega_usd` theirs per coin and 1.00 of volatility. What
    is held counts as it does in the book (see `leg_shifts`), so that what closes it takes away what
    is there; of what is not held the venue says nothing.
    """
    value = np.zeros_like(vega_usd)
    if rule.kind is DeltaKind.MODEL:
        return value
    smile = rule.kind is DeltaKind.SMILE
    if smile and slopes is not None and slopes.ts_ns > now_ns - OLD_NS:
        listed = slopes.value[rows]
        value = np.where(np.isfinite(listed), listed, 0.0)
    held = dict(zip(columns.names, _told(rule.kind, columns, now_ns)[0].tolist(), strict=True))
    for k, name in enumerate(names):
        value[k] = held.get(name, value[k])
    size = vega_usd * ((rule.stickiness - 1.0) / index) if smile else 1.0
    return np.where(value != 0.0, size * value, 0.0)
