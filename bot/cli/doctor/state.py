"""What the bot keeps: its folder, its journal, the disk below them, and keys to exchanges.

Nothing is created that stays. Secrets are named, never read out.
"""

import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from bot.cli.doctor.finding import Finding, fail, graded, ok, warn

if TYPE_CHECKING:
    from config import Settings

_OTHERS: Final = 0o077
_OTHERS_WRITE: Final = 0o022
_ROOMY_BYTES: Final = 1_000_000_000
_WRITES: Final = 21
_BLOCK: Final = b"\0" * 4096
_QUICK_MS: Final = 20.0
_KEYS: Final = re.compile(r"DELTABAND_([A-Z0-9_]+?)_(KEY|SECRET)(_FILE)?")


def folder(state_dir: Path) -> Iterator[Finding]:
    """Say whether journals can be written there and are private."""
    there = _nearest(state_dir)
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as fault:
        yield fail("state_dir", f"{there}: {fault.strerror}", "a folder that can be written")
        return
    if there != state_dir:
        yield ok("state_dir", f"{state_dir} (not there yet; {there} can be written)")
        return
    mode = stat.S_IMODE(there.stat().st_mode)
    yield graded(
        "state_dir",
        f"{there}, mode {mode:04o}",
        "a folder that only its owner may write to",
        bad=bool(mode & _OTHERS_WRITE and not mode & stat.S_ISVTX),
        odd=False,
    )
    for path in (*there.glob("*/"), *there.glob("*/journal.*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _OTHERS:
            expected = "nothing for group and others (0700 folders, 0600 files)"
            yield warn("state_dir", f"{path}, mode {mode:04o}", expected)


def room(state_dir: Path) -> Iterator[Finding]:
    """Say how much room the disk of the journals has."""
    from bot.journal.database import MIN_FREE_BYTES

    about = os.statvfs(_nearest(state_dir))
    free = about.f_bavail * about.f_frsize
    yield graded(
        "disk",
        f"{free / 1e9:,.2f} GB free",
        f"at least {_ROOMY_BYTES / 1e9:g} GB ({MIN_FREE_BYTES / 1e6:.0f} MB to start at all)",
        bad=free < MIN_FREE_BYTES,
        odd=free < _ROOMY_BYTES,
    )


def latency(state_dir: Path) -> Iterator[Finding]:
    """Say how long the disk takes to keep a write: every live order waits for one."""
    with tempfile.TemporaryFile(dir=_nearest(state_dir)) as file:
        took_ms = [_synced_ms(file.fileno()) for _ in range(_WRITES)]
    middle, worst = median(took_ms), max(took_ms)
    yield graded(
        "write latency",
        f"p50 {middle:.2f} ms, worst {worst:.2f} ms of {_WRITES}",
        f"p50 of at most {_QUICK_MS:g} ms",
        bad=False,
        odd=middle > _QUICK_MS,
    )


def journal(state_dir: Path, instance: str | None) -> Iterator[Finding]:
    """Say whether the journal is whole, and whether the bot that writes it lives."""
    from bot.domain.errors import JournalError
    from bot.journal import Reader, instances
    from bot.journal.database import connect
    from bot.journal.opening import sound

    known = instances(state_dir)
    chosen = instance or next(iter(known), None)
    if chosen is None or chosen not in known:
        yield ok("journal", f"none yet in {state_dir / (chosen or '')}")
        return
    try:
        reader = Reader.open(state_dir, chosen)
        with closing(reader):
            with closing(connect(reader.path)) as db:
                sound(db, reader.path, chosen)
            parts = reader.path.parent.glob(f"{reader.path.name}*")
            size = sum(part.stat().st_size for part in parts) / 1e6
            yield ok("journal", f"instance {chosen}, {size:.1f} MB, sound")
            yield _liveness(reader)
    except JournalError as fault:
        yield fail("journal", str(fault), "a sound journal of this version")


def secrets(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Say for which venues there are keys, and whether they are kept as they should be."""
    from config import ConfigError
    from config.secrets import credentials, on_read_only_mount

    named = [found for name in environ if (found := _KEYS.fullmatch(name))]
    for venue in sorted({found[1] for found in named}):
        try:
            credentials(venue.lower(), environ)
        except ConfigError as fault:
            expected = "a key and a secret that only their owner can read"
            yield from (fail("secrets", str(one), expected) for one in fault.problems)
            continue
        open_ones = [found for found in named if found[1] == venue and not found[3]]
        files = [Path(environ[found[0]]) for found in named if found[1] == venue and found[3]]
        mounted = files and all(map(on_read_only_mount, files))
        kept = "in files on a read-only mount" if mounted else "in files"
        where = "in the environment" if open_ones else kept
        yield graded(
            "secrets",
            f"{venue.lower()}: key and secret {where}",
            f"files (DELTABAND_{venue}_KEY_FILE): other processes can read an environment",
            bad=False,
            odd=bool(open_ones),
        )
    if not named:
        yield ok("secrets", "none found, and paper needs none")


def told(settings: "Settings", environ: Mapping[str, str]) -> Iterator[Finding]:
    """Say whether all whom the settings name can be told, and a page be guarded; tells nobody."""
    from bot.journal.following import Following
    from bot.monitor.reach import Reach
    from bot.wiring.monitoring import BUILDS
    from bot.wiring.told_secrets import unwise
    from config import ConfigError
    from config.secrets import dashboard_token

    following = Following(settings.state_dir, settings.instance)
    token = settings.dashboard.token_file
    attempts: list[Callable[[], object]] = [
        partial(build, settings, environ, following, Reach(None, _unheard)) for build in BUILDS
    ]
    if token is not None:
        attempts.append(partial(dashboard_token, token))
    names, problems = list[str](), list[str]()
    for attempt in attempts:
        try:
            names.append(getattr(attempt(), "name", ""))
        except ConfigError as fault:
            problems += map(str, fault.problems)
    expected = "what the monitor and the dashboard need, or nobody is told"
    yield from (fail("told", one, expected) for one in problems)
    odd = list(unwise(settings, environ))
    yield from (warn("told", one, "what is meant") for one in odd)
    if not problems and not odd:
        yield ok("told", ", ".join(filter(None, names)) or "nobody: the settings name none")


def _unheard(event: str, level: str = "", **fields: object) -> None:
    """Leave to the monitor what it has to say when it is built."""


def _liveness(reader: object) -> Finding:
    from bot.journal.reader import STALE_AFTER_S, Reader

    if not isinstance(reader, Reader):
        raise TypeError(f"expected a reader of a journal, found {type(reader).__name__}")
    age = reader.heartbeat_age_s()
    said = "no heartbeat yet" if age is None else f"heartbeat {age:.1f} s ago"
    if reader.running():
        late = age is None or age > STALE_AFTER_S
        expected = f"a heartbeat within {STALE_AFTER_S:g} s"
        return graded("bot", f"running, {said}", expected, bad=late, odd=False)
    outcome = reader.run()["outcome"]
    if outcome is None:
        return warn("bot", f"gone without a word, {said}", "a run that was closed")
    said = f"not running; the last run: {outcome}"
    return graded("bot", said, "a run that ended well", bad=False, odd=outcome != "stopped")


def _synced_ms(fd: int) -> float:
    begun = time.perf_counter()
    os.write(fd, _BLOCK)
    os.fsync(fd)
    return (time.perf_counter() - begun) * 1e3


def _nearest(path: Path) -> Path:
    """Return the folder itself, or the nearest one above it that exists."""
    return next(above for above in (path, *path.absolute().parents) if above.exists())
