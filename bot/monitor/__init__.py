"""Who is told: logs for machines, a screen for people. A voice that fails never reaches trading."""

from bot.journal.equity import Pnl, TwinPnl
from bot.monitor.console import Screen
from bot.monitor.logs import Logs
from bot.monitor.redact import Redactor
from bot.monitor.telling import Banner, Item, Scope, Voice

__all__ = ["Banner", "Item", "Logs", "Pnl", "Redactor", "Scope", "Screen", "TwinPnl", "Voice"]
