"""The recorded study as a page: two markdown tables or one JSON object, for the command line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from bot.domain.quotes import FloatArray
from bot.domain.units import NS_PER_S, iso
from bot.lab import pages, tables
from bot.lab.picture import draw
from bot.lab.recorded_study import StudyResult, study
from bot.lab.recording import read
from bot.lab.stormy_days import Straddle, straddle
from bot.lab.tables import Column
from bot.sim.recorded import Recording

DVOL_COLUMNS: Final = {"timestamp": Column.TIME, "iv": Column.NUMBER}


def main(argv: Sequence[str] | None = None) -> int:
    """Print the study of a folder; return 0, or 1 with the reason on stderr."""
    arguments = _arguments(argv)
    return pages.show(lambda: _page(arguments))


def _page(arguments: argparse.Namespace) -> str:
    """Return the page; the picture goes where it was asked for."""
    recording = read(arguments.folder, coins=arguments.coin)
    result = study(recording)
    days = _days(recording, arguments)
    dvol = None if days is None or arguments.dvol is None else _dvol(arguments.dvol, days)
    if arguments.svg is not None and days is not None:
        arguments.svg.write_text(draw(days), encoding="utf-8")
    return as_json(result, days, dvol) if arguments.json else as_markdown(result, days, dvol)


def as_markdown(result: StudyResult, days: Straddle | None, dvol: FloatArray | None) -> str:
    """Return both tables."""
    coins = pages.table(
        "coin | options | premium | unhedged | hedged | left | hedged with N(d1) | factor",
        (
            f"{c.coin} | {c.options} | {c.premium_coin:.4f} | {c.unhedged_coin:.4f} "
            f"| {c.hedged_coin:.4f} | {c.left:.1%} | {c.plain_coin:.4f} | {c.plain_factor:.2f}"
            for c in result.coins
        ),
    )
    return coins if days is None else f"{coins}\n\n{_straddle(days, dvol)}"


def as_json(result: StudyResult, days: Straddle | None, dvol: FloatArray | None) -> str:
    """Return everything as one JSON object."""
    page: dict[str, object] = {
        "coins": [
            {**asdict(c), "left": c.left, "plain_factor": c.plain_factor} for c in result.coins
        ]
    }
    if days is not None:
        page["straddle"] = {
            "coin": days.coin,
            "expiry": days.expiry,
            "strike": days.strike,
            "time": [iso(at) for at in days.ts_ns.tolist()],
            "index": days.index.tolist(),
            "vol": days.vol.tolist(),
            "dvol": None if dvol is None else dvol.tolist(),
            "unhedged_coin": days.unhedged_coin.tolist(),
            "hedged_coin": days.hedged_coin.tolist(),
            "plain_coin": days.plain_coin.tolist(),
        }
    return json.dumps(page, indent=2)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = pages.command(
        "study_page", "What hedging at recorded snapshots leaves of a short option's risk."
    )
    parser.add_argument("--sold", type=_day, default=_day("2026-02-03"), help="straddle sold on")
    parser.add_argument("--from", dest="begin", type=_day, default=_day("2026-02-04"))
    parser.add_argument("--until", type=_day, default=_day("2026-02-07"), help="excluded")
    parser.add_argument("--dvol", type=Path, help="hourly DVOL (CSV: timestamp, iv)")
    parser.add_argument("--svg", type=Path, help="also draw the straddle into this file")
    return parser.parse_args(argv)


def _day(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS_PER_S


def _days(recording: Recording, arguments: argparse.Namespace) -> Straddle | None:
    """Return the straddle of the first coin, or None where those days were not recorded."""
    record = next(iter(recording.coins.values()))
    times = [shot.ts_ns for shot in record.snapshots]
    if times[0] > arguments.sold or times[-1] < arguments.until:
        return None
    return straddle(record, arguments.sold).between(arguments.begin, arguments.until)


def _dvol(path: Path, days: Straddle) -> FloatArray:
    """Return the volatility index at each row: its last value before."""
    rows = tables.csv(path, DVOL_COLUMNS).sort("timestamp")
    place = np.searchsorted(rows["timestamp"].to_numpy(), days.ts_ns, side="right") - 1
    values: FloatArray = np.where(place >= 0, rows["iv"].to_numpy()[place], np.nan)
    return values


def _straddle(days: Straddle, dvol: FloatArray | None) -> str:
    index_vol = np.full(len(days.ts_ns), np.nan) if dvol is None else dvol
    sold = f"Short {days.coin}-{days.expiry} straddle at {days.strike:,.0f}"
    table = pages.table(
        "UTC | index | DVOL | its volatility | unhedged | hedged | hedged with N(d1)",
        (
            f"{iso(at)[:16].replace('T', ' ')} | {index:,.0f} | {_percent(gauge)} "
            f"| {_percent(vol)} | {unhedged:+.4f} | {hedged:+.4f} | {plain:+.4f}"
            for at, index, gauge, vol, unhedged, hedged, plain in zip(
                days.ts_ns.tolist(),
                days.index,
                index_vol,
                days.vol,
                days.unhedged_coin,
                days.hedged_coin,
                days.plain_coin,
                strict=True,
            )
        ),
    )
    return f"{sold}; profit in {days.coin}:\n\n{table}"


def _percent(share: float) -> str:
    return f"{share:.1%}" if np.isfinite(share) else "–"


if __name__ == "__main__":
    sys.exit(main())
