"""One writer per instance: an advisory lock on a file beside the journal.

The kernel lets go of it when its process ends, however it ends. The file names the holder, for
the message that a second bot gets. Readers ask whether it is held; that is how they know that a
bot is running.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from pathlib import Path
from typing import Final

from bot.domain.errors import JournalError

NAME: Final = "journal.lock"
# A reader's question takes the lock for an instant: a starting bot asks again before it gives up.
_TRIES: Final = 5
_PAUSE_S: Final = 0.02


class WriterLock:
    """The right to write one journal, held until `release` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Take the lock in `folder`, or raise JournalError naming the process that has it."""
        self._fd = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _take(self._fd):
            who = (
                os.pread(self._fd, 200, 0).decode(errors="replace").strip() or "an unknown process"
            )
            os.close(self._fd)
            raise JournalError(
                f"expected to be the only bot on instance {folder.name!r}, found it held by {who}:"
                " stop that one first or choose another instance"
            )
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)

    def release(self) -> None:
        """Let another bot write; harmless when repeated."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def held(folder: Path) -> bool:
    """Tell whether a bot holds the lock of `folder` now; False where there was never one."""
    try:
        fd = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def _take(fd: int) -> bool:
    for _ in range(_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(_PAUSE_S)
        else:
            return True
    return False
