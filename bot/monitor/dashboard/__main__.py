"""`python -m bot.monitor.dashboard FOLDER INSTANCE SOCKET LEASH`: the page beside a run.

The descriptors are handed down by the run that starts it.
"""

import socket
import sys
from pathlib import Path

from bot.monitor.dashboard.access import Access
from bot.monitor.dashboard.serving import serve

if __name__ == "__main__":
    folder, instance, bound, leash = sys.argv[1:]
    serve(
        Path(folder), (instance,), socket.socket(fileno=int(bound)), Access(None), leash=int(leash)
    )
