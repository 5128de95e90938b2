"""Options that settle on the index's average over the last minutes before expiry (Deribit: 30).

With W the window, u its elapsed share and A the average of the elapsed part, the payoff is
max(phi (u A + (1 - u) X - K), 0), X the average still to come: a Black-76 option on X with strike
(K - u A)/(1 - u), total variance vol² (1 - u) W/3 and weight 1 - u. Before the window the average
takes two thirds of W off the variance time. X is taken as lognormal (half an hour cannot tell).

Forward means the index inside the window, the expiry's forward before it; nothing is discounted.
Arguments broadcast; one bad element raises nothing and comes out as NaN.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks import black76
from greeks.black76 import First
from greeks.inverse import CoinGreeks

__all__ = [
    "WINDOW_S",
    "Effective",
    "coin",
    "effective",
    "first",
    "variance_years",
    "window_fraction",
]

Array = NDArray[np.float64]

WINDOW_S: Final = 1800.0
YEAR_S: Final = 365.0 * 86400.0

FAR_BELOW: Final = 1e-250  # of the forward: a strike that is exercised whatever happens

SETTLED_BELOW: Final = 1e-12
"""A weight under this (two nanoseconds of Deribit's window) has nothing left to average."""


class Effective(NamedTuple):
    """The Black-76 option that stands for an averaged one, so that any pricer can value it.

    Value is weight * price(is_call, forward, strike, years, vol) + certain_usd; delta, gamma and
    vega are weight times the pricer's. A coin-settled option is paid in coin at the average, so its
    net delta is not the pricer's: take `coin`. `years` is variance time: the pricer's theta holds
    before the window only; inside take `first`.
    """

    forward: Array  # USD per coin
    strike: Array  # USD per coin, > 0
    years: Array  # variance time
    vol: Array
    weight: Array  # 1 - u: the share of the average that is still to come
    certain_usd: Array  # per coin of underlying; 0 until the outcome is decided
    projected: Array  # USD per coin: u A + (1 - u) F, the average if the index stands still


def variance_years(seconds_to_expiry: ArrayLike, window_s: ArrayLike = WINDOW_S) -> Array:
    """Return variance time in years: T - 2W/3 before the window, T/3 inside, 0 from expiry on."""
    left = np.asarray(seconds_to_expiry, dtype=np.float64)
    window = np.asarray(window_s, dtype=np.float64)
    variance_s = np.where(left < window, left / 3.0, left - window * (2.0 / 3.0))
    return np.maximum(variance_s, 0.0) / YEAR_S


def window_fraction(seconds_to_expiry: ArrayLike, window_s: ArrayLike = WINDOW_S) -> Array:
    """Return the elapsed share u of the window: 0 before it, 1 from expiry on."""
    return np.asarray(1.0 - _remaining(seconds_to_expiry, window_s))


def _remaining(seconds_to_expiry: ArrayLike, window_s: ArrayLike) -> Array:
    """Return 1 - u, exact where little is left; without a window the whole until expiry."""
    left = np.asarray(seconds_to_expiry, dtype=np.float64)
    window = np.asarray(window_s, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip(left / window, 0.0, 1.0)
    return np.where((window == 0.0) & (left <= 0.0), 0.0, np.where(window >= 0.0, share, np.nan))


def effective(
    is_call: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    seconds_to_expiry: ArrayLike,
    vol: ArrayLike,
    known_average: ArrayLike,
    window_s: ArrayLike = WINDOW_S,
) -> Effective:
    """Return the option on the part of the average that is still to come.

    ``known_average`` is the index's average over the elapsed part of the window, USD per coin; it
    is not looked at before the window. Where it decides the outcome (nothing left, or the strike
    already passed by the elapsed part alone), ``certain_usd`` holds the decided money and
    ``strike`` stays positive, so that a pricer answers with certain exercise or none.
    """
    call, index, asked, volatility, average, remaining, years = np.broadcast_arrays(
        np.asarray(is_call, dtype=np.float64),
        np.asarray(forward, dtype=np.float64),
        np.asarray(strike, dtype=np.float64),
        np.asarray(vol, dtype=np.float64),
        np.asarray(known_average, dtype=np.float64),
        _remaining(seconds_to_expiry, window_s),
        variance_years(seconds_to_expiry, window_s),
    )
    with np.errstate(all="ignore"):
        elapsed = 1.0 - remaining
        known = np.where(average > 0.0, elapsed * average, np.nan)
        known = np.where(elapsed > 0.0, known, 0.0)
        missing = asked - known  # what the rest must bring, weighted
        settled = remaining < SETTLED_BELOW
        decided = settled | (missing <= 0.0)
        certain = np.where(decided, np.maximum((1.0 - 2.0 * call) * missing, 0.0), 0.0)
        stand_in = np.where(settled, index, index * FAR_BELOW)
        left_strike = np.where(decided, stand_in, missing / remaining)
        projected = known + np.where(settled, 0.0, remaining * index)
    return Effective(
        index,
        np.where(asked > 0.0, left_strike, np.nan),
        years,
        volatility,
        np.where(settled, 0.0, remaining),
        certain,
        projected,
    )


def first(
    is_call: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    seconds_to_expiry: ArrayLike,
    vol: ArrayLike,
    known_average: ArrayLike,
    window_s: ArrayLike = WINDOW_S,
) -> First:
    """Return price, delta, gamma, vega and theta of the averaged option, in `black76` units.

    Theta is what a still index costs per year while the average fills up: -vol² F² gamma / 2 on
    both sides of the window's edge.
    """
    option = effective(is_call, forward, strike, seconds_to_expiry, vol, known_average, window_s)
    plain = black76.first(is_call, option.forward, option.strike, option.years, option.vol)
    with np.errstate(all="ignore"):
        gamma = option.weight * plain.gamma
        return First(
            option.weight * plain.price + option.certain_usd,
            option.weight * plain.delta,
            gamma,
            option.weight * plain.vega,
            -0.5 * (option.vol * option.forward) ** 2 * gamma,
        )


def coin(
    is_call: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    seconds_to_expiry: ArrayLike,
    vol: ArrayLike,
    known_average: ArrayLike,
    window_s: ArrayLike = WINDOW_S,
) -> CoinGreeks:
    """Return the coin-settled averaged option: price, net delta and gamma, vega, theta in coin.

    The coin paid is the payoff divided by the average P, so c = V/P and the net delta F dc/dF is
    (1 - u) (F/P) (delta - c), delta the remaining option's: Deribit's linear fade where P = F.
    """
    option = effective(is_call, forward, strike, seconds_to_expiry, vol, known_average, window_s)
    plain = first(is_call, forward, strike, seconds_to_expiry, vol, known_average, window_s)
    with np.errstate(all="ignore"):
        share = option.weight / option.projected
        price = plain.price / option.projected
        slope = plain.delta / option.projected - share * price  # dc/dF
        bend = plain.gamma / option.projected - 2.0 * share * slope
        return CoinGreeks(
            price,
            option.forward * slope,
            slope + option.forward * bend,
            plain.vega / option.projected,
            plain.theta / option.projected,
        )
