"""Settings into the outlets of the monitor: who is told, and by which way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from bot.journal.following import Following
from bot.monitor.hosts import LOCAL
from bot.monitor.newsroom import Say
from bot.monitor.outlet import Outlet
from bot.monitor.reach import Reach
from bot.wiring import mqtt
from bot.wiring.told_secrets import addresses
from config.errors import ConfigError, Origin, Problem
from config.schema import Settings
from config.schema.telling import listening, on_loopback

if TYPE_CHECKING:
    from bot.monitor.alerts.channels import Channel

# What makes an outlet of the settings and the environment; None where they name nobody to tell.
Build: TypeAlias = Callable[[Settings, Mapping[str, str], Following, Reach], Outlet | None]


def alert_channels(settings: Settings) -> list[Channel]:
    """Return the addresses that people are told by; ConfigError for one that cannot be used."""
    from bot.monitor.alerts.channels import UnknownAddressError, channels

    try:
        listed = (*settings.alerts.urls, *(one.reveal() for one in addresses(settings)))
        return channels(listed, f"deltaband {settings.instance}")
    except UnknownAddressError as error:
        expected, _, found = str(error).removeprefix("expected ").partition(", found ")
        problem = Problem("alerts", expected, found, Origin("file", "alerts.urls_file"))
        raise ConfigError((problem,)) from None


def _alerts(
    settings: Settings, _environ: Mapping[str, str], following: Following, reach: Reach
) -> Outlet | None:
    to = alert_channels(settings)
    if not to:
        return None
    from bot.monitor.alerts import Alerts, Days

    mine = settings.alerts
    habits = {"cooldown_s": mine.cooldown_s, "remind_s": mine.remind_s}
    days = Days(settings.state_dir / settings.instance)
    return Alerts(to, following, reach, days, **habits, report=mine.report)


def _metrics(
    settings: Settings, _environ: Mapping[str, str], following: Following, reach: Reach
) -> Outlet | None:
    """Return who answers Prometheus, where the settings say on which address."""
    if settings.metrics.listen is None:
        return None
    from bot.monitor.metrics import Metrics

    whole, listen = settings.scaled(), listening(settings.metrics.listen)
    return Metrics(
        listen,
        settings.state_dir / settings.instance,
        following.reader,
        reach,
        gammas={c: (one.gamma.lower, one.gamma.upper) for c, one in whole.underlying.items()},
        names=(LOCAL,) if on_loopback(listen[0]) else None,  # beyond it they are the owner's
        unreached=reach.unreached,
    )


BUILDS: Final[tuple[Build, ...]] = (mqtt.build, _alerts, _metrics)


def outlets(
    settings: Settings, environ: Mapping[str, str], following: Following, say: Say
) -> tuple[Outlet, ...]:
    """Return everyone that the settings name; ConfigError for a secret that cannot be used."""
    reach = Reach(settings.state_dir / settings.instance, say)
    built = (build(settings, environ, following, reach) for build in BUILDS)
    return tuple(one for one in built if one is not None)
