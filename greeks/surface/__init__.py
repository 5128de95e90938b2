"""The volatility surface: SVI slices calibrated to a chain, and what lies between and around them.

`quoted` makes volatilities of books, `forward` finds the forward of an expiry, `chain` fits all
expiries of a moment and keeps what was good before, `surface` answers for any expiry and strike,
`smile` gives deltas that know how volatility moves. Below: `svi` is a slice with its checks,
`targets` is what slices are to meet, `calibration` fits them, `search` is how, `arbitrage` what
they may not leave, `clock` is variance time. Moments are handed in as seconds of the epoch.
"""

from greeks.surface import forward, quoted, smile, svi
from greeks.surface.chain import Chain, fit
from greeks.surface.clock import CALENDAR, Clock
from greeks.surface.surface import Surface, Verdict
from greeks.surface.svi import Svi

__all__ = [
    "CALENDAR",
    "Chain",
    "Clock",
    "Surface",
    "Svi",
    "Verdict",
    "fit",
    "forward",
    "quoted",
    "smile",
    "svi",
]
