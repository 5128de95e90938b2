"""What "delta" means: the two numeraires, and how every leg is brought to the index once.

S is the index, F the price of the leg's own future or forward (F/S is held while S moves), V the
option value in USD per coin, D and G its Black-76 delta and gamma on F. Figures are in coins of
delta and in coins of delta per 1 % move; section numbers of the mathematics are in
docs/mathematics.md.

USD book: value is dollars. An inverse option is worth S*V/F dollars, so its index delta is D and
its gamma G*F/S: the F/S of the leg and that of its discounting cancel. A linear option has D*F/S
and G*(F/S)^2. N dollars of an inverse future are N/F coins, and linear in S; q coins of a linear
one are q*F/S.

Coin book: value is coins. An inverse option is V/F coins: delta D - V/F (the net or
premium-adjusted delta), gamma G*F/S - delta/S. A linear one is V/S coins: D*F/S - V/S. N dollars of
an inverse future are N/F coins of delta with gamma -N/(F*S), since the coin profit is concave; so
is a linear future's and what dollars are worth in coin. Inside a settlement window the payoff is
divided by the average P = uA + (1-u)S, so that c = V/P and the net delta is (S/P)(D - (1-u) V/P),
which ends at zero (see greeks.settlement).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bot.domain.instruments import Instrument
from bot.domain.quotes import BoolArray, FloatArray
from bot.domain.units import USD


class Numeraire(StrEnum):
    """In what an account is neutral."""

    USD = "usd"
    COIN = "coin"


@dataclass(frozen=True, slots=True)
class LegFigures:
    """Arrays over option legs, per coin of quantity: delta (coin) and gamma (coin per 1 %)."""

    delta: FloatArray
    gamma: FloatArray


@dataclass(frozen=True, slots=True)
class Fading:
    """Option legs of which some are inside their settlement window.

    `weight` w is the share of the average that is still to come, `payout` P (USD) the average as it
    stands; everywhere else they are 1 and the forward.
    """

    weight: FloatArray
    payout: FloatArray


def option_figures(
    numeraire: Numeraire,
    first: FloatArray,
    forward: FloatArray,
    index: float,
    inverse: BoolArray,
    fading: Fading | None = None,
) -> LegFigures:
    """Return index delta and gamma of option legs from `first` (price, delta, gamma, … rows)."""
    price, delta, gamma = first[0], first[1], first[2]
    factor = np.where(inverse, 1.0, forward / index)
    index_delta = delta * factor
    index_gamma = gamma * forward * factor / 100.0
    if numeraire is Numeraire.USD:
        return LegFigures(index_delta, index_gamma)
    if fading is None:
        net = index_delta - price / np.where(inverse, forward, index)
        return LegFigures(net, index_gamma - net / 100.0)
    # c = V/P with dP/dF = w: the slope and the bend of the coin price on the forward.
    payout, weight = fading.payout, fading.weight
    slope = (delta - weight * price / payout) / payout
    bend = (gamma - 2.0 * weight * slope) / payout
    net_linear = index_delta - price / index
    return LegFigures(
        np.where(inverse, forward * slope, net_linear),
        np.where(
            inverse,
            forward * (slope + forward * bend) / 100.0,
            index_gamma - net_linear / 100.0,
        ),
    )


def future_delta(instrument: Instrument, quantity: float, price: float, index: float) -> float:
    """Return the index delta (coin) of a future, perpetual or spot quantity in its own unit."""
    if instrument.unit is USD:
        return quantity / price
    return quantity * price / index


def future_gamma(numeraire: Numeraire, delta_coin: float) -> float:
    """Return a future's gamma in coin per 1 %: none in USD, -delta/100 seen from a coin book."""
    return 0.0 if numeraire is Numeraire.USD else -delta_coin / 100.0


def collateral_delta(
    numeraire: Numeraire, rule: str | float, *, cash_coin: float, equity_usd: float, index: float
) -> float:
    """Return what counts as delta of the collateral, in coins.

    `rule` is include, exclude or a number of coins. In a USD book coin cash is long the coin; in a
    coin book coin cash has no delta and only stablecoin equity counts, -E/S.
    """
    if isinstance(rule, str):
        if rule == "exclude":
            return 0.0
        return cash_coin if numeraire is Numeraire.USD else -equity_usd / index
    return float(rule)
