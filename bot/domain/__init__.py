"""Nouns of the trade: instruments, quotes, positions, orders, events, commands, reasons, states.

Everything here is a frozen value without behaviour beyond its own arithmetic. The room knows no
venue, no clock and no file; every other room of the bot stands on it.
"""

__all__: list[str] = []
