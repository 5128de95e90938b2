"""One coin's option batches: volatility, mark and quotes of every listed option at one moment.

Before the last half hour a mark is Black-76 on the forward over calendar time, in coin, at a
volatility whose total variance is what the path still has before it: variance time ends 20 minutes
before the expiry, because the settlement is an average (see greeks.settlement). Inside it the mark
is the averaged option's value and the volatility is per variance time. All that stays with a
listing is computed once.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bot.domain.deribit import AVERAGING_S, COINS
from bot.domain.quotes import Chain, FloatArray, Listing
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from bot.sim.market import params, quotes, surface
from bot.sim.market.surface import DAYS_PER_YEAR, Moment
from greeks import black76, settlement

LEAST_VARIANCE: Final = 0.05  # of at-the-money, far below what any smile reaches
MONTH_YEARS: Final = 30.0 / 365.0


class ChainPricer:
    """Prices one listing of one coin, whose calls and puts of a strike stand side by side."""

    def __init__(self, listing: Listing, luck: quotes.Luck) -> None:
        self._listing = listing
        self._luck = luck
        self._lot = float(COINS[listing.coin].option_lot)
        self._reference = params.SPREADS.reference_vol * params.COINS[listing.coin].vol_ratio
        self._expiries, slot = np.unique(listing.expiry_ns, return_inverse=True)
        self._slot = slot[::2]
        self._strike = listing.strike[::2].copy()
        self._log_strike = np.log(self._strike)
        self._inputs = np.ones((6, len(self._strike)))
        self._inputs[2] = self._strike
        self._outputs = np.empty((5, len(self._strike)))

    @property
    def listing(self) -> Listing:
        """Return the options that are priced."""
        return self._listing

    def chain(self, now_ns: int, moment: Moment, average: float, batch: int) -> Chain:
        """Return the batch at a time before every listed expiry.

        `average` is the index's average (USD) over the elapsed part of the settlement window, NaN
        outside it; `batch` numbers the batches and picks the rows' luck.
        """
        seconds = (self._expiries - now_ns) / NS_PER_S
        years = seconds / SECONDS_PER_YEAR
        closing = seconds < AVERAGING_S
        counted = settlement.variance_years(seconds, AVERAGING_S)
        variance = surface.atm_variance(moment, np.append(counted, MONTH_YEARS))
        month_vol = float(np.sqrt(variance[-1] / MONTH_YEARS))
        forwards = np.where(closing, moment.price, surface.forward(moment, years))
        per = np.where(closing, counted, years)
        strike_vol = self._volatility(moment, forwards, variance[:-1], years, per)
        mark, delta, vega = self._marks(forwards, years, strike_vol)
        forward, vol = np.repeat(self._inputs[1], 2), np.repeat(strike_vol, 2)
        if closing[0]:
            self._settle(float(seconds[0]), forward, vol, average, (mark, delta, vega))
        tense = 1.0 + moment.stress
        points = quotes.spread_points(years * DAYS_PER_YEAR)
        points *= self._widening(month_vol, moment)
        deep = quotes.deepness(delta)
        spread = quotes.spread_coin(np.repeat(points[self._slot], 2), vega, mark, deep * tense)
        found = quotes.quoted(mark, spread, deep, self._luck, batch, tense, self._lot)
        return Chain(
            listing=self._listing,
            ts_ns=now_ns,
            ts_venue_ns=now_ns,
            index=moment.price,
            forward=forward,
            vol=vol,
            mark=mark,
            bid=found.bid,
            ask=found.ask,
            bid_size=found.bid_size,
            ask_size=found.ask_size,
        )

    def _widening(self, month_vol: float, moment: Moment) -> float:
        """Return the factor on spreads for volatility, activity and stress."""
        level = (month_vol / self._reference) ** params.SPREADS.level_power
        busy = moment.busy**params.SPREADS.busy_power
        return float(level * busy * (1.0 + moment.stress))

    def _volatility(
        self,
        moment: Moment,
        forwards: FloatArray,
        variance: FloatArray,
        years: FloatArray,
        per: FloatArray,
    ) -> FloatArray:
        """Return each strike's volatility: its total variance over `per` years."""
        slot = self._slot
        scale = 1.0 / np.sqrt(variance)
        z = self._log_strike * scale[slot]
        z -= (np.log(forwards) * scale)[slot]
        skew = surface.skew_by_tenor(moment, years)[slot]
        relative = surface.relative_variance(z, skew, moment.curvature)
        np.maximum(relative, LEAST_VARIANCE, out=relative)
        result: FloatArray = np.sqrt(relative)
        result *= np.sqrt(variance / per)[slot]
        return result

    def _marks(
        self, forwards: FloatArray, years: FloatArray, strike_vol: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return marks (coin), deltas and coin vegas (per 1.00) of all options.

        Each strike's option out of the money is priced; the other follows from parity without loss.
        """
        inputs, out = self._inputs, self._outputs
        np.take(forwards, self._slot, out=inputs[1])
        np.take(years, self._slot, out=inputs[3])
        inputs[4] = strike_vol
        above = self._strike >= inputs[1]
        inputs[0] = np.where(above, 1.0, -1.0)
        black76.packed(inputs, out)
        mark, delta = np.empty((2, 2 * len(strike_vol)))
        time_value = out[0] / inputs[1]
        moneyness = 1.0 - self._strike / inputs[1]
        mark[::2] = time_value + np.maximum(moneyness, 0.0)
        mark[1::2] = time_value - np.minimum(moneyness, 0.0)
        delta[::2] = np.where(above, out[1], out[1] + 1.0)
        delta[1::2] = np.where(above, out[1] - 1.0, out[1])
        return mark, delta, np.repeat(out[3] / inputs[1], 2)

    def _settle(
        self,
        seconds: float,
        forward: FloatArray,
        vol: FloatArray,
        average: float,
        into: tuple[FloatArray, FloatArray, FloatArray],
    ) -> None:
        """Replace the figures of the settling options (the first rows) by the average's."""
        rows = 2 * int(np.searchsorted(self._slot, 1))
        found = settlement.first(
            self._listing.is_call[:rows],
            forward[:rows],
            self._listing.strike[:rows],
            seconds,
            vol[:rows],
            average,
            AVERAGING_S,
        )
        mark, delta, vega = into
        mark[:rows] = found.price / forward[:rows]
        delta[:rows] = found.delta
        vega[:rows] = found.vega / forward[:rows]
