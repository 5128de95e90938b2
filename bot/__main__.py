"""The command `deltaband`, also `python -m bot`; a Ctrl-C while it is loading is quiet as well."""

import sys


def command() -> int:
    """Load the verbs, do what the command line asks, and return the exit code."""
    try:
        from bot.cli import main
    except KeyboardInterrupt:
        return 130
    return main()


if __name__ == "__main__":
    sys.exit(command())
