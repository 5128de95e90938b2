"""Exchanges we talk to: the port that every driver has, and the simulated venue of paper trading.

`port` says what an engine asks of a venue. `paper` puts the simulated exchange behind it, with a
network whose delays are drawn from a seed. `deribit` is the connection to a real protocol; it is
imported only where it is used. `steady` is the clock that it is handed: the wall's time,
which never goes back. Pacing and journals belong to the engine.
"""

from bot.venues.paper import Latency, PaperVenue
from bot.venues.port import LiveVenue, Request, Venue

__all__ = ["Latency", "LiveVenue", "PaperVenue", "Request", "Venue"]
