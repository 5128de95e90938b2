"""The truth tables beside the tests, read once as columns."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "truth"
TEXT = ("tag", "expect", "iv_25digits")


def columns(name: str) -> dict[str, NDArray[np.float64]]:
    """Return the numeric columns of a table; an empty cell is NaN."""
    rows = _rows(name)
    return {
        key: np.array([float(row[key] or "nan") for row in rows])
        for key in rows[0]
        if key not in TEXT
    }


def words(name: str, key: str) -> list[str]:
    """Return a column of text."""
    return [row[key] for row in _rows(name)]


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
