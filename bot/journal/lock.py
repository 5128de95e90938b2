"""One bot at a time: advisory locks on files, of a journal and of what is hedged in an account.

The kernel lets go of a lock when its process ends, however it ends. The file names the holder, for
the message that a second bot gets. Readers ask whether a journal's is held; that is how they know
that a bot is running. A process that hangs holds its lock still: one that must be known to live
touches the file, which needs no room on a disk.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from bot.domain.errors import JournalError

NAME: Final = "journal.lock"
MONITOR: Final = "monitor.lock"
"""Held by the process that tells others how the bot stands, which shows there that it lives."""
SILENT_S: Final = 15.0
"""Who should show that it lives (`Lock.show`) and has not for so long hangs."""
ACCOUNTS: Final = ".accounts"
_UNKNOWN: Final = "an unknown process"
# A reader's question takes the lock for an instant: a starting bot asks again before it gives up.
_TRIES: Final = 5
_PAUSE_S: Final = 0.02


class Lock:
    """A file that one process holds until `release` or its end."""

    def __init__(self, file: Path, only: str, instead: str, holder: str = "") -> None:
        """Take it, or raise JournalError: `only` is what was expected, `instead` what to do.

        `holder` is what others are told beside the process.
        """
        self._fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _take(self._fd):
            who = _named(self._fd)
            os.close(self._fd)
            raise JournalError(f"expected {only}, found it held by {who}: {instead}")
        os.ftruncate(self._fd, 0)
        mine = f"{holder} pid {os.getpid()} on {socket.gethostname()}".strip()
        os.pwrite(self._fd, f"{mine}\n".encode(), 0)

    def show(self) -> None:
        """Show that the holder lives: the time of the file is now, by this machine's wall clock."""
        now_ns = time.time_ns()
        with suppress(OSError):
            os.utime(self._fd, ns=(now_ns, now_ns))

    def release(self) -> None:
        """Let another bot have it; harmless when repeated."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class WriterLock(Lock):
    """The right to write one journal."""

    def __init__(self, folder: Path) -> None:
        """Take the lock in `folder`, or raise JournalError naming the process that has it."""
        only = f"to be the only bot on instance {folder.name!r}"
        super().__init__(folder / NAME, only, "stop that one first or choose another instance")


class AccountLock:
    """The right to hedge some underlyings of an account, among the bots of one state folder.

    Bots elsewhere do not see it: they find each other by the labels of their orders.
    """

    def __init__(self, locks: list[Lock]) -> None:
        self._locks = locks

    @classmethod
    def take(cls, state_dir: Path, account: str, coins: Iterable[str], instance: str) -> Self:
        """Take every coin, or raise JournalError naming who has one of them.

        `account` is what tells accounts apart, over keys and exchanges.
        """
        folder = state_dir / ACCOUNTS
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken = cls([])
        for coin in coins:
            file = folder / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', account)}-{coin}.lock"
            only = f"to be the only bot that hedges {coin} in account {account}"
            try:
                taken._locks.append(Lock(file, only, "stop that one first", f"{instance!r},"))
            except BaseException:
                taken.release()
                raise
        return taken

    def release(self) -> None:
        """Let other bots hedge the account; harmless when repeated."""
        for lock in self._locks:
            lock.release()


def held(folder: Path, name: str = NAME) -> bool:
    """Tell whether a process holds a lock of `folder` now; False where there was never one."""
    try:
        fd = os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def silence_s(folder: Path, name: str) -> float | None:
    """Return for how long a lock's holder has not shown that it lives; None: nobody holds it.

    A wall clock that was set back since counts as silence, until the holder shows itself again.
    """
    if not held(folder, name):
        return None
    try:
        return abs(time.time() - (folder / name).stat().st_mtime)
    except OSError:
        return None


def lives(folder: Path, name: str) -> bool:
    """Tell whether a lock is held by a process that shows that it lives."""
    silent_s = silence_s(folder, name)
    return silent_s is not None and silent_s <= SILENT_S


def holder(folder: Path, name: str) -> str:
    """Return whom a lock's file names: who has it, or had it last."""
    try:
        fd = os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return _UNKNOWN
    try:
        return _named(fd)
    finally:
        os.close(fd)


def _named(fd: int) -> str:
    return os.pread(fd, 200, 0).decode(errors="replace").strip() or _UNKNOWN


def _take(fd: int) -> bool:
    for _ in range(_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(_PAUSE_S)
        else:
            return True
    return False
