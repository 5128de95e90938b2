"""The machine: Python and libraries, memory, and whether its clock can be believed."""

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from bot.cli.doctor.finding import Finding, fail, graded, ok, warn

_OLDEST: Final = (3, 11)
_NEEDED: Final = (
    *("numpy", "scipy", "pydantic", "orjson", "structlog", "typer", "rich"),
    *("uvloop", "aiohttp", "ccxt", "aiomqtt"),
)
_ON_PAPER: Final = frozenset({"ccxt", "aiomqtt", "aiohttp", "uvloop"})  # a paper run does without
_OPTIONAL: Final = ("polars",)
_LEAST_MB: Final = 250.0  # what a running bot takes
_EASY_MB: Final = 500.0
_WATCH_S: Final = 0.2
_STEP_MS: Final = 5.0
_MORNING_NS: Final = 1_774_771_200_000_000_000  # 2026-03-29T08:00Z, clocks change in Europe
_BORN: Final = datetime(2025, 1, 1, tzinfo=UTC)


def python() -> Iterator[Finding]:
    """Say which Python this is."""
    found = f"{platform.python_implementation()} {platform.python_version()}"
    where = f"{found} on {platform.system()} {platform.machine()}"
    oldest = ".".join(map(str, _OLDEST))
    yield graded(
        "python", where, f"Python {oldest} or newer", bad=sys.version_info < _OLDEST, odd=False
    )


def libraries() -> Iterator[Finding]:
    """Say which versions are installed, without importing any of them."""
    there: list[str] = []
    for name in (*_NEEDED, *_OPTIONAL):
        try:
            there.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            if name in _OPTIONAL:
                yield ok("libraries", f"no {name} (only replays need it: deltaband[data])")
            elif name in _ON_PAPER:
                yield warn("libraries", f"no {name}", f"{name}, which every mode but paper needs")
            else:
                yield fail("libraries", f"no {name}", f"{name} installed")
    yield ok("libraries", ", ".join(there))


def memory() -> Iterator[Finding]:
    """Say how much memory is free here, within the limit of a container."""
    free = _available_mb()
    if free is None:
        yield ok("memory", "not known on this system")
        return
    yield graded(
        "memory",
        f"{free:,.0f} MB free",
        f"at least {_EASY_MB:.0f} MB",
        bad=free < _LEAST_MB,
        odd=free < _EASY_MB,
    )


def clock() -> Iterator[Finding]:
    """Say whether the wall clock is of this age and runs beside the steady clock."""
    year = datetime.now(UTC)
    if year < _BORN:
        yield fail("clock", f"{year:%Y-%m-%d}", f"a date after {_BORN:%Y-%m-%d}")
    wall, steady = time.time_ns(), time.monotonic_ns()
    time.sleep(_WATCH_S)
    apart_ms = abs((time.time_ns() - wall) - (time.monotonic_ns() - steady)) / 1e6
    yield graded(
        "clock",
        f"{year:%Y-%m-%dT%H:%M:%SZ}, {apart_ms:.3f} ms apart from the steady clock"
        f" after {_WATCH_S:g} s",
        f"wall and steady clock within {_STEP_MS:g} ms",
        bad=False,
        odd=apart_ms > _STEP_MS,
    )


def synchronised() -> Iterator[Finding]:
    """Say whether the system keeps the clock in step with the world's."""
    tool = shutil.which("timedatectl")
    if tool is None:
        yield ok("clock sync", "not known: no timedatectl here")
        return
    ask = [tool, "show", "--property=NTPSynchronized", "--value"]
    try:
        done = subprocess.run(  # noqa: S603  a fixed command
            ask,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=3,
        )
    except subprocess.TimeoutExpired:
        yield ok("clock sync", "not known: timedatectl does not answer")
        return
    said = done.stdout.strip()
    if said not in {"yes", "no"}:
        yield ok("clock sync", "not known: timedatectl has no service to ask")
        return
    yield graded(
        "clock sync", f"synchronised: {said}", "a synchronised clock", bad=False, odd=said == "no"
    )


def time_zone() -> Iterator[Finding]:
    """Prove that times here do not depend on the time zone of the machine."""
    from bot.domain.units import iso, utc_ns

    settled = utc_ns(2026, 3, 29, 8)
    zone = os.environ.get("TZ") or time.tzname[0]
    sound = settled == _MORNING_NS and iso(settled) == "2026-03-29T08:00:00.000Z"
    yield graded(
        "time zone",
        f"{zone}; 08:00 UTC is {iso(settled)}",
        "the same instant in every zone",
        bad=not sound,
        odd=False,
    )


def _available_mb() -> float | None:
    """Return free memory in MB: the system's, or a container's if that is less."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        kilobytes = next(int(text.split()[1]) for text in lines if text.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None
    free = kilobytes / 1e3
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        used = int((group / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return free
    return free if limit == "max" else min(free, (int(limit) - used) / 1e6)
