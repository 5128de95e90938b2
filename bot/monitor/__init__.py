"""Who is told: logs for machines, a screen for people. A voice that fails never reaches trading."""

from bot.journal.equity import Pnl, TwinPnl
from bot.monitor.console import Screen
from bot.monitor.logfile import LogFile
from bot.monitor.logs import Logs
from bot.monitor.redact import Redactor
from bot.monitor.telling import Banner, Item, Scope, Voice
from bot.monitor.voices import Voices

__all__ = [
    "Banner",
    "Item",
    "LogFile",
    "Logs",
    "Pnl",
    "Redactor",
    "Scope",
    "Screen",
    "TwinPnl",
    "Voice",
    "Voices",
]
