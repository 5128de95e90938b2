"""What goes through the pipes between a loop and its solver: a length, then a pickle.

Both ends are this program's own.
"""

from __future__ import annotations

import pickle
import struct
from typing import Final

HEAD: Final = struct.Struct("!I")


def frame(value: object) -> bytes:
    """Return a value as bytes that say how long they are."""
    body = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return HEAD.pack(len(body)) + body


def opened(body: bytes) -> object:
    """Return the value of a frame's body; ValueError where it is none."""
    try:
        return pickle.loads(body)  # noqa: S301  from our own child or parent
    except Exception as error:  # whatever bytes may make of a pickle
        msg = f"expected a frame, found {type(error).__name__}"
        raise ValueError(msg) from error
