"""Ten deep calls into 08:00 UTC: what the unwind leaves of a frozen hedge's deviation."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from tests.bench import rows
from tests.bench.programs import cores
from tests.bench.rows import Row
from tests.simulation.test_settlement import LOT_COIN, Window, window

NUMERAIRES = ("coin", "usd")
SEEDS = range(1, 13)


def settlement() -> list[Row]:
    """Return ratios of deviations and the delta that is left, by numeraire."""
    with ProcessPoolExecutor(cores(), mp_context=get_context("spawn")) as pool:
        told = {name: [pool.submit(window, name, seed) for seed in SEEDS] for name in NUMERAIRES}
        found = {name: [one.result() for one in told[name]] for name in NUMERAIRES}
    report = [rows.plain("settlement.windows", len(SEEDS), "seeds in each numeraire")]
    for name, windows in found.items():
        ratio = _ratio(windows, f"index_{name}", f"frozen_{name}")
        left = max(abs(one.delta_after) for one in windows)
        hedge = max(abs(one.hedge_after) for one in windows)
        report += [
            rows.below(f"settlement.{name}_deviation", ratio, "of the frozen hedge's", 0.05),
            rows.most(f"settlement.{name}_delta_after", left, "coin", round(2.0 * LOT_COIN, 6)),
            rows.plain(f"settlement.{name}_hedge_after", hedge, "USD held at the exchange"),
        ]
    account = _ratio(found["coin"], "raw_coin", "raw_frozen_coin")
    report.append(rows.plain("settlement.coin_account", account, "with basis, spread and fees"))
    return report


def _ratio(windows: list[Window], ours: str, frozen: str) -> float:
    over, under = (np.std([getattr(w, name) for w in windows], ddof=1) for name in (ours, frozen))
    return float(over / under)
