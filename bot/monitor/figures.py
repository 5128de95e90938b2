"""Figures as people read them: signs shown, no more digits than matter, a minus that is one."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

from bot.domain.units import NS_PER_S

_THOUSAND: Final = 1_000.0
_MILLION: Final = 1_000_000.0
_TEN: Final = 10.0


def clock(ts_ns: int) -> str:
    """Return the UTC time of day."""
    return datetime.fromtimestamp(ts_ns // NS_PER_S, tz=UTC).strftime("%H:%M:%S")


def day(ts_ns: int) -> str:
    """Return the UTC date."""
    return datetime.fromtimestamp(ts_ns // NS_PER_S, tz=UTC).strftime("%Y-%m-%d")


def coin(amount: float) -> str:
    """Return a signed amount of coins, to the tenth of a thousandth while it is small."""
    if not math.isfinite(amount):
        return "?"
    digits = 4 if abs(amount) < _TEN else 2
    return _signed(amount, f"{{:+,.{digits}f}}")


def usd(amount: float) -> str:
    """Return signed whole dollars."""
    return _signed(amount, "{:+,.0f}").replace("+", "+$").replace("−", "−$")


def cost(amount: float) -> str:
    """Return dollars and cents, with a sign only where it was a gain."""
    return "?" if not math.isfinite(amount) else f"{'−' if amount < 0 else ''}${abs(amount):,.2f}"


def short(amount: float, *, dollar: bool = False) -> str:
    """Return signed dollars in few characters: +7, −1.2k, +12k, +3.4M."""
    if not math.isfinite(amount):
        return "?"
    size, letter = abs(amount), ""
    if size >= _MILLION - _THOUSAND / 2:
        amount, letter = amount / _MILLION, "M"
    elif size >= _THOUSAND - 0.5:
        amount, letter = amount / _THOUSAND, "k"
    tenths = letter and abs(amount) < _TEN - 0.05
    text = _signed(amount, "{:+.1f}" if tenths else "{:+.0f}") + letter
    return text.replace("+", "+$").replace("−", "−$") if dollar else text


def quantity(amount: float, unit: str) -> str:
    """Return a signed trade size in its unit."""
    return f"{_signed(amount, '{:+,.0f}' if unit == 'usd' else '{:+,.4g}')} {unit}"


def level(amount: float) -> str:
    """Return the edge of a band."""
    return _signed(amount, "{:+.4g}") if amount else "0"


def percent(fraction: float) -> str:
    """Return a share of one as per cent."""
    return "?" if not math.isfinite(fraction) else f"{fraction * 100:.2f} %".replace("-", "−")


def _signed(amount: float, form: str) -> str:
    if not math.isfinite(amount):
        return "?"
    text = form.format(amount)
    # A rounded zero has no sign.
    bare = text.lstrip("+-")
    return bare if not bare.strip("0.,") else text.replace("-", "−")
