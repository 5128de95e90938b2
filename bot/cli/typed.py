"""What a person must type before something is done that cannot be undone by another word.

The words name what is going to happen, so that they cannot be typed by habit.
"""

import sys

from bot.cli.exits import Exit, VerbError


def must_type(words: str, instead: str) -> None:
    """Return once the words were typed on this terminal; VerbError otherwise.

    `instead` is how the words are given where nobody sits at a terminal.
    """
    if not sys.stdin.isatty():
        raise VerbError(f"expected a terminal to type {words!r} on, or {instead}", Exit.USAGE)
    sys.stderr.write(f"Type the words  {words}\n> ")
    sys.stderr.flush()
    found = sys.stdin.readline().strip()
    if found != words:
        raise VerbError(f"expected the words {words!r}, found {found[:80]!r}: nothing was done")
