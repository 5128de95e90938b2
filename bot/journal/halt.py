"""The HALT file: the stop that needs no journal, no signal and no bot that answers.

As long as it lies beside a journal its bot is halted, also one that is started later, and no
`resume` is obeyed. Whoever puts it there may write in it who they are and why; what it says is
journalled with the halt.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from bot.domain.units import iso

NAME: Final = "HALT"
_LONGEST: Final = 400


def raise_halt(file: Path, at_ns: int, who: str, why: str) -> bool:
    """Put the file there, or a line more into it; return whether it is new."""
    new = not file.exists()
    with file.open("a", encoding="utf-8") as out:
        said = ": ".join(filter(None, (who, why)))
        out.write(f"{iso(at_ns)} {said}\n")
    return new


def said(file: Path) -> str:
    """Return what the file says, in one line; empty for one that says nothing or is gone."""
    with suppress(OSError), file.open("rb") as found:
        words = found.read(_LONGEST).decode(errors="replace").split()
        return "".join(c for c in " ".join(words) if c.isprintable())
    return ""
