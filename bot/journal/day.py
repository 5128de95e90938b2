"""One trading day of an account, read from its journal: what it made, and how well it was hedged.

A day runs from 08:00 UTC to the next. It has the steps, breaches and orders that began in it, of
every run of the newest ledger. Money is USD. Time in band leaves out the first two seconds of a
breach, at most once a minute, and counts what was watched: the steps' own time. What the account's
equity did while nobody watched, between two runs, is `unseen_usd`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from bot.domain.records import GROSS_LINES, PROFIT_LINES
from bot.domain.units import DAY_NS, NS_PER_S, SECONDS_PER_DAY
from bot.journal.reader import Reader

KINDS: Final = ("delta", "gamma", "gamma_expiring")
ALLOWANCE_S: Final = 2.0
MINUTE_S: Final = 60.0
DOLLARS: Final = "USD"
TRIFLE: Final = 1e-4
"""Part of the equity that a step may leave unexplained before it is no profit of trading."""
_ENOUGH: Final = 30

Row = Mapping[str, Any]


def day_figures(reader: Reader, day_ns: int) -> dict[str, Any]:
    """Return the figures of the day that began at `day_ns`, by coin; raises JournalError."""
    run = reader.run()
    read = _Reading(reader, run["ledger"], day_ns, day_ns + DAY_NS)
    steps, breaches = read.rows("attribution", "start_ns"), read.rows("breaches", "start_ns")
    hedges, paid = read.rows("hedges"), read.rows("paid")
    waits = _waits(read)
    coins = sorted({row["coin"] for row in (*steps, *hedges, *breaches)})
    watched = {coin: _watched_s(_of(steps, coin)) for coin in coins}
    # What settles in dollars alone has its steps there, and its bands under its coin.
    for coin in coins:
        watched[coin] = watched[coin] or max(watched.values())
    watched[DOLLARS] = 0.0
    return {
        "instance": reader.path.parent.name,
        "mode": run["mode"],
        "market": run["market"],
        "from_ns": day_ns,
        "to_ns": max((row["ts_ns"] for row in steps), default=day_ns),
        "coins": {
            coin: _coin(
                _of(steps, coin),
                _of(breaches, coin),
                _of(hedges, coin),
                _of(paid, coin),
                waits,
                watched[coin],
            )
            for coin in coins
        },
    }


def whole_breaches(parts: Iterable[Row]) -> list[dict[str, Any]]:
    """Return breaches as they were, a long one joined of the parts it is told in, by their begin.

    `parts` are oldest first. A joined one has the sum of their seconds, the worst of them, and the
    rest of the newest; not `over`, it lasted when its run told of it last.
    """
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    for part in parts:
        key = (part["coin"], part["kind"], part["since_ns"])
        had = found.get(key)
        if had is None:
            found[key] = dict(part)
            continue
        seconds, worst = had["seconds"] + part["seconds"], max(had["worst"], part["worst"], key=abs)
        had.update(part, seconds=seconds, worst=worst, start_ns=had["start_ns"])
    return sorted(found.values(), key=lambda one: one["since_ns"])


class _Reading:
    """The rows of one ledger and one day."""

    def __init__(self, reader: Reader, ledger: int, since_ns: int, until_ns: int) -> None:
        self._reader, self._span = reader, (ledger, since_ns, until_ns)

    def rows(self, table: str, when: str = "ts_ns") -> list[dict[str, Any]]:
        """Return the rows of a table whose time lies in the day, oldest first."""
        return self._reader.rows(
            f"SELECT * FROM {table} WHERE run IN (SELECT id FROM runs WHERE ledger = ?)"  # noqa: S608  names of this package
            f" AND {when} >= ? AND {when} < ? ORDER BY seq",
            *self._span,
        )


def _of(rows: Iterable[Row], coin: str) -> list[Row]:
    return [row for row in rows if row["coin"] == coin]


def _coin(
    steps: Sequence[Row],
    breaches: Sequence[Row],
    hedges: Sequence[Row],
    paid: Sequence[Row],
    waits: Mapping[str, float],
    banded_s: float,
) -> dict[str, Any]:
    return {
        "lines": {name: _sum(steps, name) for name in PROFIT_LINES},
        "total": _sum(steps, "total"),
        "gross": sum(abs(row[name] or 0.0) for row in steps for name in GROSS_LINES),
        "unseen_usd": sum(
            after["equity_before"] - before["equity"]
            for before, after in pairwise(steps)
            if None not in (after["equity_before"], before["equity"])
        ),
        "equity_before": steps[0]["equity_before"] if steps else None,
        "equity": steps[-1]["equity"] if steps else None,
        "index": steps[-1]["index"] if steps else None,
        "watched_s": _watched_s(steps),
        "hedging": _hedging(hedges, paid, waits),
        "band": {kind: _band(breaches, kind, banded_s) for kind in KINDS},
        "variance": _variance(steps),
    }


def _watched_s(steps: Iterable[Row]) -> float:
    return float(sum(row["ts_ns"] - row["start_ns"] for row in steps)) / NS_PER_S


def _is_trading(step: Row) -> bool:
    """Tell whether a step is known and is not, for the most part, a deposit or the like."""
    if step["total"] is None or step["hedges"] is None or step["unexplained"] is None:
        return False
    lines = sum(abs(step[name] or 0.0) for name in GROSS_LINES)
    trifle = TRIFLE * abs(step["equity_before"] or 0.0)
    return bool(abs(step["unexplained"]) <= max(0.5 * lines, trifle))


def _sum(rows: Iterable[Row], name: str) -> float:
    return float(sum(row[name] or 0.0 for row in rows))


def _hedging(
    hedges: Sequence[Row], paid: Sequence[Row], waits: Mapping[str, float]
) -> dict[str, Any]:
    """Return how much was traded, what it cost, and how long it took."""
    filled = [row for row in paid if row["filled"]]
    # Of an option's premium a basis point is another thing: only futures compare.
    futures = [row for row in filled if not row["instrument"].endswith(("-C", "-P"))]
    bps = [row["slippage_bps"] for row in futures if row["slippage_bps"] is not None]
    taken = sum(abs(row["filled"]) for row in filled)
    made = sum(abs(row["as_maker"] or 0.0) for row in filled)
    return {
        "hedges": len(hedges),
        "orders": len(paid),
        "orders_filled": len(filled),
        "turnover_usd": sum(
            abs(row["filled"] or 0.0) * (1.0 if row["unit"] == "usd" else row["index"] or 0.0)
            for row in hedges
        ),
        "fees_usd": _sum(paid, "fee_usd"),
        "slippage_usd": _sum(paid, "slippage_usd"),
        "maker_share": made / taken if taken else None,
        "slippage_bps": _spread(bps),
        "trigger_to_fill_s": _spread(
            [waits[row["decision"]] for row in hedges if row["decision"] in waits]
        ),
    }


def _band(breaches: Sequence[Row], kind: str, watched_s: float) -> dict[str, Any]:
    """Return how long a measure was outside, and the share of watched time that it was inside."""
    mine = [row for row in breaches if row["kind"] == kind]
    whole = whole_breaches(mine)
    outside, allowed_ns = 0.0, None
    for one in whole:
        since_ns, seconds, allowance = one["since_ns"], one["seconds"], 0.0
        if allowed_ns is None or since_ns - allowed_ns >= MINUTE_S * NS_PER_S:
            allowance, allowed_ns = ALLOWANCE_S, since_ns
        outside += max(seconds - allowance, 0.0)
    return {
        "breaches": len(whole),
        "outside_s": _sum(mine, "seconds"),
        "time_in_band": 1.0 - min(outside / watched_s, 1.0) if watched_s else None,
        "seconds": _spread([one["seconds"] for one in whole]),
        "worst": max((row["worst"] for row in mine), key=abs, default=None),
    }


def _variance(steps: Sequence[Row]) -> dict[str, Any] | None:
    """Return what hedging took off the deviation of a day's profit, and what that cost.

    Both are of steps' profit without the coin's own move on the collateral, scaled to a day.
    """
    known = [row for row in steps if _is_trading(row)]
    if len(known) < _ENOUGH:
        return None
    hedged = np.array([row["total"] - row["translation"] for row in known])
    unhedged = hedged - np.array([row["hedges"] for row in known])
    watched_s = _watched_s(known)
    a_day = len(known) * SECONDS_PER_DAY / watched_s
    with_, without = float(np.var(hedged)) * a_day, float(np.var(unhedged)) * a_day
    cost = -(_sum(known, "fees") + _sum(known, "slippage")) * SECONDS_PER_DAY / watched_s
    return {
        "hedged_usd_day": with_**0.5,
        "unhedged_usd_day": without**0.5,
        "effectiveness": 1.0 - with_ / without if without > 0.0 else None,
        "cost_usd_day": cost,
        "cost_per_variance": cost / (without - with_) if without > with_ else None,
    }


def _waits(read: _Reading) -> dict[str, float]:
    """Return the seconds from each decision to the first fill of an order of its."""
    decided = {row["id"]: row["ts_ns"] for row in read.rows("decisions")}
    of_label = {row["label"]: row["decision"] for row in read.rows("intents", "created_ns")}
    waits: dict[str, float] = {}
    for fill in read.rows("fills"):
        decision = of_label.get(fill["label"], "")
        if decision in decided and decision not in waits:
            waits[decision] = max(fill["ts_ns"] - decided[decision], 0) / NS_PER_S
    return waits


def _spread(values: Sequence[float]) -> dict[str, float | int] | None:
    """Return median, 99th percentile and largest of figures; None of none."""
    if not values:
        return None
    median, high = np.percentile(values, (50.0, 99.0))
    return {"n": len(values), "p50": float(median), "p99": float(high), "max": float(max(values))}
