"""Settings into the outlets of the monitor: who is told, and by which way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from bot.journal.following import Following
from bot.monitor.newsroom import Say
from bot.monitor.outlet import Outlet
from config.schema import Settings

# What makes an outlet of the settings and the environment; None where they name nobody to tell.
Build: TypeAlias = Callable[[Settings, Mapping[str, str], Following, Say], Outlet | None]

BUILDS: Final[tuple[Build, ...]] = ()


def outlets(
    settings: Settings, environ: Mapping[str, str], following: Following, say: Say
) -> tuple[Outlet, ...]:
    """Return everyone that the settings name; ConfigError for a secret that cannot be used."""
    built = (build(settings, environ, following, say) for build in BUILDS)
    return tuple(one for one in built if one is not None)
