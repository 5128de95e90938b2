"""The verbs of `deltaband`: what a person or a script types, and what comes back.

Owns the command line, its exit codes (`exits`), its two ways of speaking (tables for people, JSON
for programs) and the checks of `doctor`. Everything heavy is imported by the verb that needs it, so
that `--help` is instant and a broken library does not keep `halt` from working.
"""

from bot.cli.app import main

__all__ = ["main"]
