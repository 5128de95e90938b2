"""What was taken before: the last number of each key and the newest ids, over restarts.

`mqtt.seen` beside the journal, 0600, replaced as a whole and synced before a command goes on, so
that what was taken once is never taken again. A file that cannot be read is left as it is for a
person to look at: until it is gone only what stops is taken (see `door`).
"""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

from bot.monitor.keeping import replace_file
from bot.monitor.mqtt.envelope import Envelope

NAME: Final = "mqtt.seen"
VERSION: Final = 1
KEPT: Final = 500
"""Ids that are remembered; an older one is refused by its number."""
_LONGEST: Final = 1_000_000


class Seen:
    """The memory of one instance; `why` says why it cannot be trusted, empty where it can."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier monitor wrote; without a file nothing was taken yet."""
        self.why = ""
        self._path = path
        self._last: dict[str, int] = {}
        self._macs: OrderedDict[str, str] = OrderedDict()
        try:
            with path.open("rb") as file:
                self._take_over(json.loads(file.read(_LONGEST).decode()))
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError, TypeError, KeyError) as fault:
            self._last.clear()
            self._macs.clear()
            self.why = f"expected what was taken before in {path}, found {_found(fault)}"

    def last(self, key_id: str) -> int:
        """Return the number of the last command that was taken of a key; 0 if none was."""
        return self._last.get(key_id, 0)

    def mac_of(self, envelope: Envelope) -> str | None:
        """Return the mac that a command of this name was taken with; None if none was."""
        return self._macs.get(envelope.name)

    def take(self, envelope: Envelope) -> None:
        """Remember a command, on disk before this returns; OSError where that cannot be done."""
        self._last[envelope.key_id] = envelope.seq
        self._macs[envelope.name] = envelope.mac
        while len(self._macs) > KEPT:
            self._macs.popitem(last=False)
        if not self.why:
            self._write()

    def _take_over(self, body: Any) -> None:  # noqa: ANN401  JSON
        version, last, macs = body["v"], body["last"], body["macs"]
        if version != VERSION or type(last) is not dict or type(macs) is not list:
            raise ValueError("another shape")
        if not all(type(seq) is int for seq in last.values()):
            raise ValueError("another shape")
        if not all(type(name) is str and type(mac) is str for name, mac in macs):
            raise ValueError("another shape")
        self._last.update(last)
        self._macs.update(macs)

    def _write(self) -> None:
        body = {"v": VERSION, "last": self._last, "macs": list(self._macs.items())}
        replace_file(self._path, json.dumps(body).encode())


def _found(fault: Exception) -> str:
    return fault.strerror or "a fault" if isinstance(fault, OSError) else "something else"
