"""A file of log lines that never grows past its size: `bot.jsonl`, then `bot.jsonl.1`, `.2`, ….

Owns rotation, and what may be written to: a regular file of this user, alone under its name,
readable by nobody else, reached by no symbolic link, and by one process at a time. A file that was
moved away (logrotate) or removed is begun anew under its name; one that was cut short is gone on
with. A line is in the file whole or not at all.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_END: Final = b"\n"
_PRIVATE: Final = 0o600


class LogFile:
    """One file and the `keep` older ones beside it, each of at most `max_bytes`."""

    def __init__(self, path: Path, *, max_bytes: int, keep: int) -> None:
        """Name the file; it is opened with the first line, and again after whatever befell it."""
        self.path = path
        self._max_bytes, self._keep = max_bytes, keep
        self._fd = -1
        self._open_as = (0, 0)  # device and inode
        self._torn = False

    def put(self, line: str) -> None:
        """Write a line and its end, or raise OSError and leave nothing of it behind."""
        text = line.encode(errors="backslashreplace") + _END
        if len(text) > self._max_bytes:
            message = f"expected a line of at most {self._max_bytes} bytes, found {len(text)}"
            raise OSError(errno.EFBIG, message)
        size = self._size()
        if size and size + len(text) > self._max_bytes:
            self._rotate()
            size = self._size()
        self._write(_END + text if self._torn else text, size)
        self._torn = False

    def close(self) -> None:
        """Let go of the file; the next line opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def _size(self) -> int:
        """Return how long the file is that bears the name now, opened where it is another one."""
        with suppress(FileNotFoundError):
            there = self.path.lstat()
            if self._fd >= 0 and (there.st_dev, there.st_ino) == self._open_as:
                return there.st_size
        self.close()
        return self._open()

    def _open(self) -> int:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self.path, _FLAGS, _PRIVATE)
        try:
            found = os.fstat(fd)
            _must_be_ours(self.path, found)
            _claim(self.path, fd)
            if stat.S_IMODE(found.st_mode) != _PRIVATE:
                os.fchmod(fd, _PRIVATE)
            self._torn = found.st_size > 0 and os.pread(fd, 1, found.st_size - 1) != _END
        except OSError:
            os.close(fd)
            raise
        self._fd, self._open_as = fd, (found.st_dev, found.st_ino)
        return found.st_size

    def _rotate(self) -> None:
        """Move each file one number up; what has no number any more goes."""
        number = max(self._keep, 1)
        while (old := self._numbered(number)).exists():
            old.unlink()
            number += 1
        for number in range(self._keep - 1, 0, -1):
            with suppress(FileNotFoundError):
                self._numbered(number).rename(self._numbered(number + 1))
        if self._keep:
            self.path.rename(self._numbered(1))
        else:
            self.path.unlink()
        self.close()

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _write(self, text: bytes, size: int) -> None:
        rest = memoryview(text)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            if len(rest) < len(text):
                self._torn = True
                with suppress(OSError):
                    os.ftruncate(self._fd, size)
                    self._torn = False
            raise


def _must_be_ours(path: Path, found: os.stat_result) -> None:
    wrong = ""
    if not stat.S_ISREG(found.st_mode):
        wrong = "a regular file, found something else"
    elif found.st_uid != os.geteuid():
        wrong = f"a file of user {os.geteuid()}, found one of user {found.st_uid}"
    elif found.st_nlink != 1:
        wrong = f"a file with one name, found {found.st_nlink}"
    if wrong:
        raise OSError(errno.EPERM, f"{path}: expected {wrong}")


def _claim(path: Path, fd: int) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        message = f"{path}: expected to be the only process that writes to it, found another"
        raise OSError(errno.EBUSY, message) from error
