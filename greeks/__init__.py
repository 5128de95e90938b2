"""The mathematics: arrays in, arrays out, and no knowledge of any bot, venue or clock.

`black76` prices on the forward with every Greek, `inverse` restates them for coin-settled
options, `implied` inverts the price, `settlement` prices options that settle on an average,
`scenario` revalues a book over a grid. Greeks are raw and per one coin of underlying: vega per
1.00 of volatility, theta per year; scaling is presentation. `path` says which kernels are in use,
numpy's or compiled ones.

`bates` prices with stochastic variance and jumps, `calibration` fits that model to a chain, and
`paths` simulates it, or Black's; `parameters`, `fourier` and `quadratic` are what they share.
"""

from greeks import (
    bates,
    black76,
    calibration,
    implied,
    inverse,
    parameters,
    path,
    paths,
    scenario,
    settlement,
)

__all__ = [
    "bates",
    "black76",
    "calibration",
    "implied",
    "inverse",
    "parameters",
    "path",
    "paths",
    "scenario",
    "settlement",
]
