"""The mathematics: arrays in, arrays out, and no knowledge of any bot, venue or clock.

`black76` prices on the forward with every Greek, `inverse` restates them for coin-settled
options, `implied` inverts the price, `settlement` prices options that settle on an average,
`surface` fits volatility surfaces to chains, `scenario` revalues a book over a grid, `bates` prices
with stochastic variance and jumps, `paths` simulates that and Black's model. Greeks are raw and per
one coin of underlying: vega per 1.00 of volatility, theta per year; scaling is presentation.
`arithmetic` says which kernels are in use, numpy's or compiled ones.
"""

from greeks import (
    arithmetic,
    bates,
    black76,
    implied,
    inverse,
    paths,
    scenario,
    settlement,
    surface,
)

__all__ = [
    "arithmetic",
    "bates",
    "black76",
    "implied",
    "inverse",
    "paths",
    "scenario",
    "settlement",
    "surface",
]
