"""What happened: one SQLite file per instance, written by one bot and read by everyone else.

`Journal` writes, `Reader` reads and queues commands, `Digest` hashes what was decided. The tables
are in `schema`.
"""

from bot.journal.digest import Digest
from bot.journal.equity import Pnl, TwinPnl
from bot.journal.lock import AccountLock
from bot.journal.memory import OpenIntent, PastRun, SavedAccount
from bot.journal.queue import Answer, Command
from bot.journal.reader import Reader, instances
from bot.journal.runs import STOPPED, RunStart
from bot.journal.writer import Durability, Journal

__all__ = [
    "STOPPED",
    "AccountLock",
    "Answer",
    "Command",
    "Digest",
    "Durability",
    "Journal",
    "OpenIntent",
    "PastRun",
    "Pnl",
    "Reader",
    "RunStart",
    "SavedAccount",
    "TwinPnl",
    "instances",
]
