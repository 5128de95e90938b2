"""Exchanges we talk to: the port that every driver has, and the simulated venue of paper trading.

`port` says what an engine asks of a venue. `paper` puts the simulated exchange behind it, with a
network whose delays are drawn from a seed. Pacing, journals and wall clocks belong to the engine.
"""

from bot.venues.paper import Latency, PaperVenue
from bot.venues.port import Request, Venue

__all__ = ["Latency", "PaperVenue", "Request", "Venue"]
