"""The files of the page, read once: ours, and the chart library from its own Python package."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from typing import Final

KINDS: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
CHARTS: Final = "charts.js"
INDEX: Final = "index.html"
# The chart library brings a style for maps, unless something of this id is there already. Inline
# styles are forbidden here and there are no maps: the page has something of that id.
_STYLE_OF_MAPS: Final = re.compile(rb'getElementById\("([0-9a-f]{64})"\)')
_PLACE: Final = b"style-of-maps"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes plain and packed, its kind, and the mark by which a browser knows it."""

    kind: str
    body: bytes
    packed: bytes
    mark: str


def load() -> dict[str, Asset]:
    """Return every file by the path that it is served under, without the leading slash."""
    found: dict[str, Asset] = {}
    page = resources.files("bot.monitor.dashboard") / "page"
    folders = [("", page)]
    while folders:
        prefix, folder = folders.pop()
        for item in folder.iterdir():
            if item.is_dir():
                folders.append((f"{prefix}{item.name}/", item))
            elif "." in item.name and f".{item.name.rpartition('.')[2]}" in KINDS:
                found[f"{prefix}{item.name}"] = _asset(item.name, item.read_bytes())
    charts = resources.files("plotly") / "package_data" / "plotly.min.js"
    library = charts.read_bytes()
    found[CHARTS] = _asset(CHARTS, library)
    if (named := _STYLE_OF_MAPS.search(library)) is not None:
        found[INDEX] = _asset(INDEX, found[INDEX].body.replace(_PLACE, named[1]))
    return found


def _asset(name: str, body: bytes) -> Asset:
    packed = gzip.compress(body, 6, mtime=0)
    mark = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    return Asset(KINDS[f".{name.rpartition('.')[2]}"], body, packed, mark)
