"""One step of Heston's model by Andersen's quadratic-exponential scheme with martingale correction.

Variance after a step is drawn from a distribution with its exact conditional mean and variance:
a squared normal where that can have both, else a mass at 0 with an exponential tail (psi, the
squared coefficient of variation, above 1.5). The log-price then follows from both variances
(gamma1 = gamma2 = 1/2), shifted so that the price is a martingale exactly (QE-M).

Source: Andersen (2008), "Simple and efficient simulation of the Heston stochastic volatility
model", sections 3.2 and 4.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from greeks.bates.model import Bates

__all__ = ["Scheme"]

Array = NDArray[np.float64]

PSI: Final = 1.5  # where the branches change; both can do it from 1 to 2
XI_FLOOR: Final = 1e-6  # under it variance is deterministic, but the formulas divide by xi


class Scheme:
    """The constants of one step of one length, and work rows for a fixed number of paths."""

    def __init__(self, model: Bates, dt_years: float, paths: int) -> None:
        """Raise ValueError where the step is too long for the correction to exist."""
        xi = max(model.xi, XI_FLOOR)
        gone = -np.expm1(-model.kappa * dt_years)  # the share of v - theta that reverts
        self.kept = 1.0 - gone
        self.pull = model.theta * gone
        self.from_now = xi**2 * self.kept * gone / model.kappa
        self.from_mean = 0.5 * xi**2 * model.theta * gone**2 / model.kappa
        self.noise = 0.5 * dt_years * (1.0 - model.rho**2)  # K3 = K4
        self.follow = 0.5 * dt_years * (model.kappa * model.rho / xi - 0.5) + model.rho / xi  # K2
        self.tilt = self.follow + 0.5 * self.noise  # A
        # xi² gone / kappa is the most that variance over mean can be, and so bounds both branches.
        strain = self.tilt * xi**2 * gone / model.kappa
        if strain >= 1.0:
            raise ValueError(
                f"expected a step short enough for xi and rho, found {dt_years} years (the"
                f" exponential moment of variance is at {strain:.2f} of its limit)"
            )
        self._mean, self._ratio, self._scale, self._root = np.empty((4, paths))

    def step(self, variance: Array, normal: Array, noise: Array, after: Array, move: Array) -> None:
        """Fill ``after`` with variance one step on, ``move`` with the log-price's change.

        ``normal`` moves variance and ``noise`` what of the price does not follow it; both are
        overwritten.
        """
        n = variance.size
        mean, ratio, scale, root = (
            row[:n] for row in (self._mean, self._ratio, self._scale, self._root)
        )
        np.multiply(variance, self.kept, out=mean)
        mean += self.pull
        np.multiply(variance, self.from_now, out=scale)
        scale += self.from_mean
        np.multiply(mean, mean, out=ratio)
        ratio /= scale
        ratio *= 2.0  # 2 / psi
        rare = np.flatnonzero(ratio < 2.0 / PSI)
        tail = self._tail(mean[rare], 2.0 / ratio[rare], normal[rare])
        np.maximum(ratio, 2.0 / PSI, out=ratio)
        np.subtract(ratio, 1.0, out=root)
        np.multiply(root, ratio, out=scale)
        np.sqrt(scale, out=scale)
        root += scale  # b²
        np.add(root, 1.0, out=scale)
        np.divide(mean, scale, out=scale)  # a
        np.sqrt(root, out=ratio)
        normal += ratio
        np.multiply(normal, normal, out=after)
        after *= scale
        # ln E[exp(A v')] = A a b² / (1 - 2 A a) - ln(1 - 2 A a) / 2
        scale *= self.tilt
        root *= scale
        scale *= -2.0
        np.add(scale, 1.0, out=mean)
        root /= mean
        np.log1p(scale, out=scale)
        scale *= 0.5
        np.subtract(scale, root, out=move)
        after[rare], move[rare] = tail
        self._finish(variance, after, noise, move)

    def _tail(self, mean: Array, psi: Array, normal: Array) -> tuple[Array, Array]:
        """Return variance one step on and -ln E[exp(A v')] in the exponential branch."""
        mass = (psi - 1.0) / (psi + 1.0)
        rate = (1.0 - mass) / mean
        over = ndtr(-normal)  # of a uniform number, exact where it is near 1
        after = np.maximum(np.log((1.0 - mass) / over), 0.0) / rate
        moment = mass + rate * (1.0 - mass) / (rate - self.tilt)
        return after, -np.log(moment)

    def _finish(self, variance: Array, after: Array, noise: Array, move: Array) -> None:
        """Add to ``move`` what follows variance and what does not."""
        n = variance.size
        spread, follow = self._mean[:n], self._root[:n]
        np.multiply(after, self.follow, out=follow)
        move += follow
        np.add(variance, after, out=spread)
        spread *= self.noise
        np.sqrt(spread, out=spread)
        spread *= noise
        move += spread
        np.multiply(variance, -0.5 * self.noise, out=follow)
        move += follow
