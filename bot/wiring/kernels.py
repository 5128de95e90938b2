"""The mathematics for a daemon: its kernels chosen once, before anything is priced.

Compiled kernels are kept in a private folder of the user's caches, which is named after their
source: a new release compiles its own. Where there is no such folder (a read-only system, nobody's
home) every start compiles anew. A one-shot verb stays with numpy, which is there at once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Final

from bot.domain.errors import BadInputError
from greeks import arithmetic

TICK: Final = ("first",)  # what each quote asks for; the rest is asked for now and then
LOOSE: Final = 0o022  # others may write


def choose(wanted: str, tell: Callable[[str], None] | None = None) -> str:
    """Change over to the kernels that settings ask for (auto: the fastest) and name them.

    `tell` hears why that takes a while, where it does. Raises BadInputError where what is asked for
    cannot be had.
    """
    chosen = arithmetic.available()[0] if wanted == "auto" else wanted
    folder = _folder() if chosen == arithmetic.COMPILED else None
    kept = folder is not None and any(Path(folder).iterdir())
    if tell is not None and chosen == arithmetic.COMPILED and not kept:
        tell("compiling the arithmetic, which takes some seconds, once for each release")
    try:
        return arithmetic.use(chosen, only=TICK, cache=folder)
    except (ImportError, ValueError) as error:
        raise BadInputError(f"kernels: {error}") from error


def _folder() -> str | None:
    """Return a folder that is ours alone, None where there can be none."""
    try:
        base = os.environ.get("XDG_CACHE_HOME")
        parent = (Path(base) if base else Path.home() / ".cache") / "deltaband"
        folder = parent / f"kernels-{_source()}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        private = all(_ours(place) for place in (parent, folder))
        return str(folder) if private and os.access(folder, os.W_OK) else None
    except (OSError, RuntimeError):  # RuntimeError: nobody's home
        return None


def _ours(place: Path) -> bool:
    """Tell whether nobody else can put compiled code there."""
    found = place.stat()
    return found.st_uid == os.getuid() and not found.st_mode & LOOSE


def _source() -> str:
    """Return what tells these kernels from those of another release or another compiler."""
    digest = hashlib.sha256(metadata.version("numba").encode())
    for file in sorted(files("greeks").joinpath("compiled").iterdir(), key=lambda one: one.name):
        if file.name.endswith(".py"):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
