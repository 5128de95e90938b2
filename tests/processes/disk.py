"""`python -m tests.processes.disk N [SEED]`: the disk of the journal fills up N times.

A small file system of its own (tmpfs) holds the state folder; a second file takes all its room but
a few pages while the bot hedges. What is on the disk must be all that has left.
"""

import asyncio
import errno
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.cli.exits import Exit
from bot.journal.database import MIN_FREE_BYTES
from tests.processes.kills import Tally, say
from tests.processes.sandbox import Sandbox, sandbox

SIZE = MIN_FREE_BYTES + (24 << 20)
FULL = "expected room on the disk, found it full"
REFUSED = "MB free for"
PAGE = 4_096


class NotPermittedError(Exception):
    """This machine does not let us mount a file system."""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a small file system on a folder; NotPermittedError where that is refused."""
    with tiny_disk(folder, SIZE):
        yield folder


@contextmanager
def tiny_disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a file system of so many bytes on a folder."""
    words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder)]
    try:
        made = subprocess.run(words, check=False, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NotPermittedError(str(error)) from error
    if made.returncode:
        raise NotPermittedError(made.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(ballast: Path, left: int) -> None:
    """Take all the room of a disk but `left` bytes, while somebody else takes from it as well."""
    with ballast.open("wb") as file:
        while True:
            free = os.statvfs(ballast.parent)
            size = os.fstat(file.fileno()).st_size + free.f_bavail * free.f_frsize - left
            try:
                os.posix_fallocate(file.fileno(), 0, max(PAGE, size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            else:
                return


async def fill_up(box: Sandbox, times: int, luck: random.Random) -> Tally:
    """Let the disk fill up so many times, make room and start again, and judge."""
    tally, ballast = Tally(), box.bot.folder / "ballast"
    for number in range(1, times + 1):
        life = await box.start()
        await life.ready()
        await box.booked_more(life)
        fill(ballast, luck.randint(0, 64) * PAGE)
        code, err = await life.ended()
        tally.kills["full"] += 1
        if code != Exit.ERROR or FULL not in err:
            tally.broken.append(f"{number}: exit code {code}: {err[-300:]}")
        if left := box.server.hub.exchange.working:
            tally.broken.append(f"{number}: left working {left}")
        if found := box.judge.orphans():
            tally.broken.append(f"{number}: not on disk {found}")
        code, err = await (await box.start()).ended()
        if code != Exit.ERROR or REFUSED not in err:
            tally.broken.append(f"{number}: started without room, exit code {code}: {err[-300:]}")
        ballast.unlink()
    life = await box.start()
    await life.ready()
    await tally.compare(box, "with room again")
    await life.end(signal.SIGINT)
    tally.sum_up(box)
    return tally


async def main(times: int, seed: int) -> int:
    """Run what is asked for, print what it came to, and return the exit code."""
    with TemporaryDirectory() as name, small_disk(Path(name)) as folder:
        async with sandbox(folder, seed) as box:
            tally = await fill_up(box, times, random.Random(seed))
            judge = box.judge
            for words in tally.broken:
                say(f"BROKEN {words}")
            say(
                f"{times} full disks, {len(judge.booked())} orders,"
                f" {len(judge.duplicates())} duplicates, {len(judge.orphans())} orphans,"
                f" positions equal {tally.equal}/{tally.checks}; load {os.getloadavg()[0]:.1f}"
            )
    return 1 if tally.broken else 0


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(asyncio.run(main(numbers[0], numbers[1] if len(numbers) > 1 else 1)))
