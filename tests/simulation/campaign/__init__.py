"""Fault-injected market hours: the bot's core, journal and restarts against our exchange.

One thread, modelled time, no event loop, one seed. The exchange outlives the bot, which is killed
and started again on its own journal; between the two lies a network that loses, repeats, delays and
forges. What must hold is judged at the exchange and on the journal's file, never by the bot.
"""
