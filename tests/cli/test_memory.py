"""Large arrays have mappings of their own and leave at once, whatever was freed before."""

import subprocess
import sys

import pytest

MAPPED = """
import ctypes
import numpy as np
from bot.cli import memory

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
        "fordblks", "keepcost")]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
if {given}:
    memory.give_back()
del [np.ones(2_000_000)][0]  # 16 MB
before = libc.mallinfo2().hblks
kept = [np.ones(20_000) for _ in range(8)]  # 160 kB each
print(libc.mallinfo2().hblks - before)
"""


@pytest.mark.parametrize("given", [True, False])
def test_arrays_are_mapped_alone_also_after_a_larger_one_was_freed(given):
    """Without it they go to the heap: that is how it grows. One or two may fill holes there."""
    done = subprocess.run(
        [sys.executable, "-c", MAPPED.replace("{given}", str(given))],
        capture_output=True,
        text=True,
        check=False,
    )
    if "mallinfo2" in done.stderr:
        pytest.skip("no mallinfo2: not the GNU C library, or before its 2.33")
    assert done.stderr == ""
    assert (int(done.stdout) > 4) is given
