"""How wide a band of delta costs least: closed forms, for a book's own gamma and costs.

A book whose gamma is G (coin per USD) drifts by |G| S vol coins per root year. Trading whenever it
has drifted h coins, back to r, costs tickets F (USD) and c USD a coin, and leaves a variance:

    J(h, r) = (G S vol)² (F + c (h - r))/(h² - r²) + aversion (S vol)² (h² + r²)/12   USD a year

Volatility drops out of where J is least. F = 0 gives r = h and Whalley and Wilmott's (1997) width;
c = 0 gives r = 0 and (12 F G²/aversion)^(1/4). `bands.inner_share` is the same r for a given h.
Gammas, costs and aversions broadcast; an aversion is per USD.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from bot.domain.quotes import FloatArray

POLLED: Final = 0.5826
"""A band that is looked at every dt acts wider by this many deviations: -zeta(1/2)/sqrt(2 pi)."""

CENTRED: Final = float(np.cbrt(4.0))
"""How much wider a band is best that trades to its middle instead of its edge."""

HALVINGS: Final = 80
DAYS: Final = 365.0


def whalley_wilmott(
    cost_usd_per_coin: ArrayLike, gamma: ArrayLike, aversion: ArrayLike
) -> FloatArray:
    """Return the half-width in coin of the band that trades to its edge: (1.5 c G²/aversion)^⅓."""
    width: FloatArray = np.cbrt(1.5 * _wide(cost_usd_per_coin, gamma) / np.asarray(aversion))
    return width


def mixed(
    cost_usd_per_coin: float, ticket_usd: float, gamma: float, aversion: float
) -> tuple[float, float]:
    """Return h and r in coin where an order costs a ticket beside its size.

    With r = rho h both are least where ticket = c h (1 - rho)³/(4 rho) and h³ = 3 c G²/(aversion
    rho (1 + rho)); rho falls from 1 as the ticket grows.
    """
    bend = gamma * gamma / aversion
    if ticket_usd <= 0.0:
        width = float(whalley_wilmott(cost_usd_per_coin, gamma, aversion))
        return width, width
    if cost_usd_per_coin <= 0.0:
        return float((12.0 * ticket_usd * bend) ** 0.25), 0.0
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        rho = 0.5 * (low + high)
        width = float(np.cbrt(3.0 * cost_usd_per_coin * bend / (rho * (1.0 + rho))))
        if cost_usd_per_coin * width * (1.0 - rho) ** 3 > 4.0 * rho * ticket_usd:
            low = rho
        else:
            high = rho
    rho = 0.5 * (low + high)
    width = float(np.cbrt(3.0 * cost_usd_per_coin * bend / (rho * (1.0 + rho))))
    return width, rho * width


def centred(cost_usd_per_coin: float, ticket_usd: float, gamma: float, aversion: float) -> float:
    """Return h in coin of a band that trades to its middle: h⁴ = 6 G² (2 F + c h)/aversion."""
    bend = 6.0 * gamma * gamma / aversion
    low = float(max(np.cbrt(bend * cost_usd_per_coin), (2.0 * bend * ticket_usd) ** 0.25))
    high = 2.0 * low  # h⁴ - c h bend grows faster than either part alone
    for _ in range(HALVINGS):
        width = 0.5 * (low + high)
        if width**4 < bend * (2.0 * ticket_usd + cost_usd_per_coin * width):
            low = width
        else:
            high = width
    return 0.5 * (low + high)


def polling(gamma: ArrayLike, spot: ArrayLike, vol: ArrayLike, years: ArrayLike) -> FloatArray:
    """Return by how many coins a band acts wider that is looked at every so many years."""
    drift = np.abs(gamma) * np.asarray(spot) * np.asarray(vol)
    acts: FloatArray = POLLED * drift * np.sqrt(years)
    return acts


def cost_a_day(
    width: float, inner: float, cost_usd_per_coin: float, ticket_usd: float, drift: float
) -> float:
    """Return what a band costs on average, USD a day, that is traded from `width` to `inner`.

    `drift` is |G| S vol in coin per root year. At the edge itself (inner = width) there is no
    count of tickets, so they are left out.
    """
    cost = cost_usd_per_coin / (width + inner)
    if inner < width:
        cost += ticket_usd / (width * width - inner * inner)
    return drift * drift * cost / DAYS


def deviation_a_day(width: float, inner: float, spot: float, vol: float) -> float:
    """Return what a band leaves of a day's profit, standard deviation in USD.

    S vol √((h² + r²)/6): a delta that is traded from h to r has this mean square, h²/3 at the edge.
    """
    left = (width * width + inner * inner) / 6.0
    return spot * vol * float(np.sqrt(left / DAYS))


def aversion_of(width: ArrayLike, cost_usd_per_coin: ArrayLike, gamma: ArrayLike) -> FloatArray:
    """Return the aversion (per USD) whose Whalley-Wilmott band has this half-width."""
    found: FloatArray = 1.5 * _wide(cost_usd_per_coin, gamma) / _array(width) ** 3
    return found


def funding_shift(rate: float, width: float, spot: float, vol: float, aversion: float) -> float:
    """Return by how many coins funding (a year, paid by longs) moves the middle of a band.

    -rate/(aversion S vol²), at most half the width: the least of aversion S² vol² x²/2 + rate S x.
    """
    shift = -rate / (aversion * spot * vol * vol)
    return float(np.clip(shift, -0.5 * width, 0.5 * width))


def _array(value: ArrayLike) -> FloatArray:
    return np.asarray(value, dtype=np.float64)


def _wide(cost_usd_per_coin: ArrayLike, gamma: ArrayLike) -> FloatArray:
    """Return c G²."""
    return _array(cost_usd_per_coin) * _array(gamma) ** 2
