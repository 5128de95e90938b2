"""The mathematics: which numeric path is in use, and that it gives known prices at speed.

Runs of one seed have one digest only on one numeric path, so its parts are named here.
"""

import platform
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from bot.cli.doctor.finding import Finding, graded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CALL: Final = 7.965567455405804  # F = K = 100, one year, volatility 0.20, no interest
_TOLERANCE: Final = 1e-10
_OPTIONS: Final = 800  # an exchange's whole chain
_ROUNDS: Final = 20
_SLOW_MS: Final = 10.0


def mathematics() -> Iterator[Finding]:
    """Price a known option, then a whole chain against the clock."""
    import numpy as np
    import scipy

    from greeks import arithmetic, black76

    compiled = arithmetic.COMPILED in arithmetic.available()
    kernels = "compiled at a start" if compiled else "numpy's (numba is not installed)"
    apart = abs(float(black76.price(1, 100.0, 100.0, 1.0, 0.2)) / _CALL - 1.0)
    made_of = f"numpy {np.__version__}, scipy {scipy.__version__}, float64 on {platform.machine()}"
    yield graded(
        "mathematics",
        f"{made_of}, kernels {kernels}; {apart:.1e} from a known price",
        f"at most {_TOLERANCE:g} apart",
        bad=not apart <= _TOLERANCE,
        odd=False,
    )
    strikes = np.linspace(50_000.0, 150_000.0, _OPTIONS)
    best = min(_timed_ms(strikes) for _ in range(_ROUNDS))
    yield graded(
        "speed",
        f"{best:.2f} ms for the first Greeks of {_OPTIONS} options",
        f"at most {_SLOW_MS:g} ms",
        bad=False,
        odd=best > _SLOW_MS,
    )


def _timed_ms(strikes: "NDArray[np.float64]") -> float:
    from greeks import black76

    begun = time.perf_counter()
    black76.first(1, 90_000.0, strikes, 0.05, 0.6)
    return (time.perf_counter() - begun) * 1e3
