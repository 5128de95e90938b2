"""A straddle through stormy days, drawn as plain SVG: the index above, the profit below."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from bot.domain.quotes import FloatArray, IntArray
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY
from bot.lab.stormy_days import Straddle

WIDTH: Final = 760
HEIGHT: Final = 420
LEFT: Final = 70
RIGHT: Final = 610
INK: Final = "#222222"
FAINT: Final = "#d9d9d9"
NS_PER_DAY: Final = int(SECONDS_PER_DAY) * NS_PER_S
LABEL_GAP: Final = 15.0


@dataclass(frozen=True, slots=True)
class Line:
    """One curve with its name at the right end."""

    name: str
    colour: str
    values: FloatArray


@dataclass(frozen=True, slots=True)
class Panel:
    """A frame between two heights, its grid lines and its curves."""

    title: str
    top: float
    bottom: float
    ticks: tuple[float, ...]
    form: str
    lines: tuple[Line, ...]

    def height(self, value: float) -> float:
        """Return where a value lies on the page."""
        low, high = self.ticks[0], self.ticks[-1]
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)


def draw(days: Straddle) -> str:
    """Return the picture as SVG text; needs at least two rows."""
    coin = days.coin
    money = (
        Line("unhedged", "#c0392b", days.unhedged_coin),
        Line("hedged", "#1a7f5a", days.hedged_coin),
    )
    index = Line(f"{coin} index", "#34495e", days.index)
    panels = (
        Panel("USD per coin", 62, 190, _ticks(days.index), ",.0f", (index,)),
        Panel(
            f"profit of the seller, {coin}",
            240,
            382,
            _ticks(np.concatenate([line.values for line in money])),
            "+.2f",
            money,
        ),
    )
    title = f"Short {coin}-{days.expiry} straddle at {days.strike:,.0f}, one coin"
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
                f'font-family="Helvetica, Arial, sans-serif" font-size="12" fill="{INK}">'
            ),
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="26" font-size="16" font-weight="bold">{title}</text>',
            *(part for panel in panels for part in _panel(panel, days.ts_ns)),
            "</svg>\n",
        ]
    )


def _panel(panel: Panel, times: IntArray) -> list[str]:
    """Return one panel's grid, days and curves."""
    across = LEFT + (times - times[0]) / (times[-1] - times[0]) * (RIGHT - LEFT)
    parts = [f'<text x="{LEFT}" y="{panel.top - 10:.0f}">{panel.title}</text>']
    for tick in panel.ticks:
        y = panel.height(tick)
        parts += [
            f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{FAINT}"/>',
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:{panel.form}}</text>',
        ]
    first_day = -(-int(times[0]) // NS_PER_DAY)
    for day in range(first_day, int(times[-1]) // NS_PER_DAY + 1):
        x = np.interp(day * NS_PER_DAY, times, across)
        name = datetime.fromtimestamp(day * SECONDS_PER_DAY, tz=UTC).strftime("%d %b")
        parts += [
            (
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{panel.top}" y2="{panel.bottom}" '
                f'stroke="{FAINT}"/>'
            ),
            f'<text x="{x:.1f}" y="{panel.bottom + 17:.0f}" text-anchor="middle">{name}</text>',
        ]
    return parts + _curves(panel, across)


def _curves(panel: Panel, across: FloatArray) -> list[str]:
    """Return the curves, each named at its end; names keep apart."""
    parts: list[str] = []
    above = -np.inf
    for line in sorted(panel.lines, key=lambda line: -line.values[-1]):
        heights = [panel.height(float(value)) for value in line.values]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, heights, strict=True))
        above = max(heights[-1] + 4.0, above + LABEL_GAP)
        parts += [
            f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="2.5"/>',
            (
                f'<text x="{RIGHT + 10}" y="{above:.1f}" fill="{line.colour}" '
                f'font-weight="bold">{line.name}</text>'
            ),
        ]
    return parts


def _ticks(values: FloatArray) -> tuple[float, ...]:
    """Return three to seven round numbers that span the values."""
    low, high = float(np.min(values)), float(np.max(values))
    rough = max(high - low, 1e-9) / 4.0
    unit = 10.0 ** np.floor(np.log10(rough))
    step = next(unit * m for m in (1.0, 2.0, 5.0, 10.0) if unit * m >= rough)
    first, last = int(np.floor(low / step)), int(np.ceil(high / step))
    return tuple(float(i * step) for i in range(first, last + 1))
