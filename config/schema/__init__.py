"""What a user may set: one frozen, strict model for each section; units and bounds as metadata.

Owns types, bounds, defaults and what must hold between settings. Where values come from is
`config.load`.
"""

from config.schema.dashboard import Dashboard
from config.schema.gamma import Gamma, GammaLimits
from config.schema.hedge import Hedge
from config.schema.logs import Logs
from config.schema.policy import DeltaPolicy, Event
from config.schema.sections import Limits, Paper, PaperPosition, Sim, Watchdog
from config.schema.settings import SCHEMA_VERSION, Settings
from config.schema.underlying import Delta, HedgeKind, Scope, Shock, Underlying
from config.schema.venue import Venue

__all__ = [
    "SCHEMA_VERSION",
    "Dashboard",
    "Delta",
    "DeltaPolicy",
    "Event",
    "Gamma",
    "GammaLimits",
    "Hedge",
    "HedgeKind",
    "Limits",
    "Logs",
    "Paper",
    "PaperPosition",
    "Scope",
    "Settings",
    "Shock",
    "Sim",
    "Underlying",
    "Venue",
    "Watchdog",
]
