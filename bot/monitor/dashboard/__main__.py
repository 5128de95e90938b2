"""`python -m bot.monitor.dashboard FOLDER INSTANCE SOCKET`: the page beside a run.

The socket is handed down by the run that starts it; its standard input is the run's leash.
"""

import socket
import sys
from pathlib import Path

from bot.monitor.dashboard.access import Access
from bot.monitor.dashboard.serving import serve

if __name__ == "__main__":
    folder, instance, bound = sys.argv[1:]
    leash = sys.stdin.fileno()
    serve(Path(folder), (instance,), socket.socket(fileno=int(bound)), Access(None), leash=leash)
