"""What a page is told, in named parts, each with a version; a reader gets what is newer than his.

Nothing is queued for anybody: a slow reader's next message is made of what is true by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from bot.monitor.dashboard.series import Series


@dataclass(slots=True)
class Seen:
    """What one reader has: the versions of parts and the counts of series."""

    epoch: int = -1
    versions: dict[str, int] = field(default_factory=dict)


class Parts:
    """Named JSON documents and named series. A new `epoch` makes every reader begin anew."""

    def __init__(self) -> None:
        self.epoch = 0
        self.version = 0
        self._bodies: dict[str, tuple[int, bytes]] = {}
        self.series: dict[str, Series] = {}

    def begin_anew(self) -> None:
        """Forget everything: it is about another book now."""
        self.epoch += 1
        self.version += 1
        self._bodies.clear()
        self.series.clear()

    def put(self, name: str, body: object) -> bool:
        """Replace a part and tell whether it is another one than before."""
        text = _json(body)
        if name in self._bodies and self._bodies[name][1] == text:
            return False
        self.version += 1
        self._bodies[name] = (self.version, text)
        return True

    def body(self, name: str) -> Any:  # noqa: ANN401  JSON
        """Return a part as it stands; None where there is none."""
        return orjson.loads(self._bodies[name][1]) if name in self._bodies else None

    def news(self, seen: Seen) -> bytes | None:
        """Return one JSON object of what a reader lacks, and note that he has it; None if nothing.

        `reset` in it says that nothing of what he had is of this book.
        """
        fresh: list[bytes] = []
        if seen.epoch != self.epoch:
            seen.epoch, seen.versions = self.epoch, {}
            fresh.append(b'"reset":true')
        for name, (version, body) in self._bodies.items():
            if seen.versions.get(name) != version:
                seen.versions[name] = version
                fresh.append(b'"%s":%s' % (name.encode(), body))
        for name, series in self.series.items():
            key = f"series {name}"
            had = seen.versions.get(key)
            if had != series.count:
                fresh.append(b'"%s":%s' % (name.encode(), series.told(had)))
                seen.versions[key] = series.count
        return b"{" + b",".join(fresh) + b"}" if fresh else None


def _json(body: object) -> bytes:
    return orjson.dumps(body, default=_nested, option=orjson.OPT_SERIALIZE_NUMPY)


def _nested(item: object) -> object:
    if isinstance(item, Mapping):
        return dict(item)
    raise TypeError(f"expected a value that JSON can hold, found {type(item).__name__}")
