"""The command `deltaband` on a machine where the real system's name leads to a loopback server.

    live_command.py HOST:PORT CERTIFICATE [ARGUMENT]...

What is replaced is what a resolver and a certificate store would say, in this process alone: the
name of the host, and who signs for it. Settings, flags, keys and the whole program are the user's.
"""

import sys

import certifi

from bot.cli import main
from bot.wiring import live


def command() -> int:
    """Run the arguments as the command would."""
    host, certificate, *arguments = sys.argv[1:]
    live.HOSTS["live"] = host  # the one seam, and only a test can reach it
    certifi.where = lambda: certificate
    return main(arguments)


if __name__ == "__main__":
    sys.exit(command())
