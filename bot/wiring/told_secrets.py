"""What those who tell others need and keep to themselves: passwords, keys, addresses, a word.

Read from files and the environment alone, so that a run can say at once that nobody would be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from urllib.parse import urlsplit

from config import secrets
from config.errors import ConfigError
from config.schema import Settings
from config.schema.telling import on_loopback
from config.secrets import Secret


def addresses(settings: Settings) -> tuple[Secret, ...]:
    """Return the addresses of a file that people are told by; ConfigError for an unusable one."""
    path = settings.alerts.urls_file
    return () if path is None else secrets.lines(path, "alerts.urls_file")


def command_keys(settings: Settings) -> dict[str, Secret]:
    """Return the keys that sign commands by their ids; ConfigError for an unusable file."""
    path = settings.mqtt.command_key_file
    return {} if path is None else secrets.command_keys(path)


def known_secrets(settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what no line of a log may hold; ConfigError for a file that cannot be used."""
    kept = [*addresses(settings), *broker_secrets(settings, environ), *secrets.exposed(environ)]
    return tuple(secret.reveal() for secret in kept)


def broker_secrets(settings: Settings, environ: Mapping[str, str]) -> tuple[Secret, ...]:
    """Return the password for the broker and the keys; ConfigError for a file of no use."""
    if settings.mqtt.url is None:
        return ()
    password = secrets.mqtt_password(environ)
    return (*command_keys(settings).values(), *([] if password is None else [password]))


def untellable(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """Say what keeps a monitor, or a page for others, from starting, and what strangers can read.

    A line each.
    """
    yield from _unstartable(settings, environ)
    yield from unwise(settings, environ)


def unwise(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """Say what others are told that they should not be, or are not told; a line each."""
    mqtt, parts = settings.mqtt, urlsplit(settings.mqtt.url or "")
    if parts.scheme == "mqtt" and not on_loopback(parts.hostname or ""):
        found = f"mqtt://{parts.hostname}: whoever listens on the way reads all of it"
        yield f"mqtt.url: expected mqtts:// beyond this machine, found {found}"
    with suppress(ConfigError):  # told above
        if mqtt.url and mqtt.username is not None and secrets.mqtt_password(environ) is None:
            yield "mqtt.username: expected its password in DELTABAND_MQTT_PASSWORD, found none"
    path = settings.alerts.urls_file
    with suppress(ConfigError):  # told above
        if path is not None and not addresses(settings):
            found = f"none in {path}: nobody is told by it"
            yield f"alerts.urls_file: expected an address, found {found}"


def _unstartable(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    token, certificate = settings.dashboard.token_file, settings.mqtt.cert_file
    needed: list[Callable[[], object]] = [
        partial(addresses, settings),
        partial(broker_secrets, settings, environ),
    ]
    if certificate is not None:
        needed.append(partial(secrets.check_certificate, certificate))
    if token is not None:
        needed.append(partial(secrets.dashboard_token, token))
    for read in needed:
        try:
            read()
        except ConfigError as fault:
            yield from (f"{problem}: what needs it does not start" for problem in fault.problems)
