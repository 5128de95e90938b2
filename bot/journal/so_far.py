"""What the trading day has made so far, and what people were told to look at and is not over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bot.domain.reasons import Reason
from bot.domain.records import PROFIT_LINES
from bot.journal.reader import Reader
from bot.journal.rows import from_json

SUMS: Final = (*PROFIT_LINES, "total", "hedges")
TOLD: Final = (Reason.PNL_UNEXPLAINED, Reason.JOURNAL_BUSY)
"""What is told when it begins and when it is over, and stands in no sample meanwhile."""
_OF_LEDGER: Final = (
    "run IN (SELECT id FROM runs WHERE ledger = (SELECT ledger FROM runs ORDER BY id DESC LIMIT 1))"
)


def pnl_since(
    reader: Reader, coins: Iterable[str], since_ns: int
) -> dict[str, Mapping[str, float | None]]:
    """Return by coin the sum of each line of this ledger since a market time, USD.

    None where a part of it could not be measured: the rest would pass for the whole.
    """
    sums = ", ".join(
        f"CASE WHEN count({name}) = count(*) THEN sum({name}) END AS {name}" for name in SUMS
    )
    found: dict[str, Mapping[str, float | None]] = {}
    for coin in coins:  # one by one: the index begins with the coin
        (row,) = reader.rows(
            f"SELECT count(*) AS steps, {sums} FROM attribution"  # noqa: S608  names of this package
            f" WHERE coin = ? AND start_ns >= ? AND {_OF_LEDGER}",
            *(coin, since_ns),
        )
        if row["steps"]:
            found[coin] = {name: row[name] for name in SUMS}
    return found


def still_told(reader: Reader) -> dict[tuple[str, str], bool]:
    """Return by (coin, reason) whether what the newest run told of `TOLD` stands."""
    likely = " OR ".join("because LIKE ?" for _ in TOLD)
    rows = reader.rows(
        "SELECT coin, because, active FROM doubts WHERE run = (SELECT max(id) FROM runs)"  # noqa: S608  of marks alone
        f" AND ({likely}) ORDER BY seq DESC LIMIT 200",
        *(f"%{reason}%" for reason in TOLD),
    )
    found: dict[tuple[str, str], bool] = {}
    for row in reversed(rows):
        because: Mapping[str, Any] = from_json(row["because"])
        found[row["coin"], str(because["reason"])] = bool(row["active"])
    return found
