"""What a user may set, where each value came from, and the keys that are never settings.

Owns the schema (`config.schema`), the layers and their provenance (`config.load`), the taught
file and the listing of `deltaband config` (`config.teach`), secrets (`config.secrets`) and the
shipped profiles. Imports nothing of the bot or of the mathematics; only the wiring and the
command line import it.
"""

from config.errors import ConfigError, Origin, Problem
from config.load import Loaded, load
from config.schema import SCHEMA_VERSION, Settings

__all__ = ["SCHEMA_VERSION", "ConfigError", "Loaded", "Origin", "Problem", "Settings", "load"]
