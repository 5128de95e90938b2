"""How a daemon keeps its memory: small over weeks, and out of the way of a decision."""

from __future__ import annotations

import ctypes
import gc
from typing import Final

# mallopt(3) of the GNU C library.
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8
LARGE: Final = 65_536


def give_back() -> None:
    """Have what is large, and free, given back to the system at once; elsewhere than on glibc, not.

    glibc has mappings of their own for large arrays only until one is freed: it raises its limit to
    that one's size, for good. Arrays of all sizes then share one heap, whose holes grow for weeks.
    A limit that was set stays where it is. Nor have threads, of which there are few and idle ones,
    heaps of their own: what one of them frees another can use.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_ARENA_MAX, 1)
        libc.mallopt(M_MMAP_THRESHOLD, LARGE)
        libc.mallopt(M_TRIM_THRESHOLD, LARGE)


def settle() -> None:
    """Look for garbage less often and never among what was loaded at the start.

    A collection amid a decision costs it a part of a millisecond; what a run makes is nearly all
    freed by its counts of references.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
