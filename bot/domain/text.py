"""Texts of others (reasons, errors, names) as they may stand on a terminal."""

from __future__ import annotations

UNPRINTABLE = "?"


def printable(text: str) -> str:
    """Return a text whose lines hold nothing that moves a cursor, rings, or turns text around."""
    if text.isprintable():
        return text
    return "\n".join(
        "".join(letter if letter.isprintable() else UNPRINTABLE for letter in line)
        for line in text.split("\n")
    )
