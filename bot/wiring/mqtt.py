"""`[mqtt]` into an outlet: the broker, how it is spoken to, and whose commands are taken."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bot.journal.following import Following
from bot.monitor.mqtt import Broker, Key, MqttOutlet, Topics
from bot.monitor.mqtt.audit import Audit
from bot.monitor.mqtt.commands import Commands, Reply
from bot.monitor.mqtt.door import Door
from bot.monitor.mqtt.outlet import OFFLINE
from bot.monitor.mqtt.seen import NAME, Seen
from bot.monitor.newsroom import CommandQueue, Say
from bot.monitor.outlet import Outlet
from bot.monitor.redact import Redactor
from bot.wiring.told_secrets import broker_secrets, command_keys
from config.errors import ConfigError, Origin, Problem
from config.schema import Settings
from config.schema.telling import on_loopback
from config.secrets import Secret, check_certificate, mqtt_password

PORT: Final = 1883
TLS_PORT: Final = 8883
NS_PER_MS: Final = 1_000_000


def build(
    settings: Settings, environ: Mapping[str, str], following: Following, say: Say
) -> Outlet | None:
    """Return who tells the broker that the settings name; ConfigError for unusable secrets."""
    if settings.mqtt.url is None:
        return None
    topics = Topics(settings.instance)
    password = mqtt_password(environ)
    keys = command_keys(settings)
    seen = Seen(settings.state_dir / settings.instance / NAME)
    if seen.why:
        say("mqtt.forgetful", "error", found=seen.why)
    broker = _broker(settings, topics, password)
    if broker.tls is None and not on_loopback(broker.host):
        say("mqtt.not_encrypted", "warning", broker=broker.host)
    queue = CommandQueue(following)

    def commands(reply: Reply) -> Commands:
        door = Door(
            {name: Key(secret.reveal()) for name, secret in keys.items()},
            seen,
            now_ms=lambda: time.time_ns() // NS_PER_MS,
            clock_s=time.monotonic,
        )
        audit = Audit(queue, say, time.monotonic)
        return Commands(door, queue, audit, say, reply, time.monotonic)

    redactor = Redactor(one.reveal() for one in broker_secrets(settings, environ))
    taking = "on" if keys else "off"
    return MqttOutlet(broker, topics, say, redactor, commands, taking=taking)


def _broker(settings: Settings, topics: Topics, password: Secret | None) -> Broker:
    mqtt, parts = settings.mqtt, urlsplit(str(settings.mqtt.url))
    encrypted = parts.scheme == "mqtts"
    return Broker(
        host=parts.hostname or "",
        port=parts.port or (TLS_PORT if encrypted else PORT),
        identifier=f"deltaband-{settings.instance}",
        last_will=(topics.availability, OFFLINE),
        tls=_tls(mqtt.ca_file, mqtt.cert_file) if encrypted else None,
        username=mqtt.username,
        password=None if password is None else password.reveal(),
    )


def _tls(ca_file: Path | None, cert_file: Path | None) -> ssl.SSLContext:
    """Return what checks the broker's name and certificate: by one authority alone if it is named.

    Certificate and key of this bot are one file for its owner alone.
    """
    name = "mqtt.ca_file"
    try:
        context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if cert_file is not None:
            name = "mqtt.cert_file"
            check_certificate(cert_file)
            context.load_cert_chain(cert_file, password=_nobody_to_ask)
    except (OSError, ValueError) as fault:  # ssl's own faults are OSErrors
        path = ca_file if name == "mqtt.ca_file" else cert_file
        found = f"{path}: {getattr(fault, 'strerror', None) or 'another content'}"
        expected = "certificates as PEM, a key of ours without a password"
        raise ConfigError((Problem(name, expected, found, Origin("file", str(path))),)) from fault
    return context


def _nobody_to_ask() -> str:
    raise ValueError("expected a key that is not encrypted, found one that is")
