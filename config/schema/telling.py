"""Who is told how a bot stands, from a process beside it: a broker, a metrics server, people.

Owns `[mqtt]`, `[metrics]` and `[alerts]`. Nobody is told unless their section names an address.
Refuses addresses that carry a user, a password or a token: settings are journalled and shown, so a
secret has a file or a variable of its own.
"""

import ipaddress
import re
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, model_validator

from config.schema.fields import STRICT, Finite, NamedPath, refuse, shown, unit

WEBHOOKS: Final = ("json", "jsons", "form", "forms", "xml", "xmls")
TOLD_BY: Final = (
    ("mqtt", "url"),
    ("metrics", "listen"),
    ("alerts", "urls"),
    ("alerts", "urls_file"),
)
"""Section and key of each setting by which somebody is told."""
_PORTS: Final = 65_535


def _bare(url: str, schemes: tuple[str, ...]) -> bool:
    """Tell whether an address has one of the schemes, a host, and nothing that may be secret."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return known and not (parts.username or parts.password or parts.query or parts.fragment)


def _kind(url: str) -> str:
    """Return what kind of address something is, without what may be secret in it."""
    scheme, there, _ = url.partition("://")
    known = there and re.fullmatch(r"[a-z][a-z0-9+.-]{0,19}", scheme, re.IGNORECASE)
    return f"another {scheme}:// address" if known else "something else"


def _broker(url: str) -> str:
    if _bare(url, ("mqtt", "mqtts")) and urlsplit(url).path in {"", "/"}:
        return url
    msg = (
        "expected mqtt://HOST[:PORT] or mqtts://HOST[:PORT] without a user (see mqtt.username),"
        f" found {_kind(url)}"
    )
    raise ValueError(msg)


def _webhook(url: str) -> str:
    if _bare(url, WEBHOOKS):
        return url
    msg = (
        "expected a webhook such as jsons://HOST/PATH without a user or a token (any other address"
        f" belongs into urls_file), found {_kind(url)}"
    )
    raise ValueError(msg)


def listening(value: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT or [HOST]:PORT; ValueError for anything else."""
    found = re.fullmatch(
        r"\[(?P<six>[0-9a-fA-F:]+)\]:(?P<sport>\d+)|(?P<host>[^:\s]+):(?P<port>\d+)", value
    )
    host = (found["six"] or found["host"]) if found else ""
    port = int(found["sport"] or found["port"]) if found else -1
    if not found or port > _PORTS:
        msg = f"expected HOST:PORT, found {shown(value)}"
        raise ValueError(msg)
    return host, port


def on_loopback(host: str) -> bool:
    """Tell whether a host is this machine, seen from itself alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(value: str) -> str:
    listening(value)
    return value


Listen = Annotated[str, AfterValidator(_listen)]


class Mqtt(BaseModel):
    """A broker that hears how the bot stands, and through which it can be steered."""

    model_config = STRICT

    url: Annotated[str, AfterValidator(_broker)] | None = Field(
        None,
        description="The broker; absent: nobody is told by MQTT. mqtts:// is encrypted. The "
        "password for `username` is DELTABAND_MQTT_PASSWORD, or the same with _FILE.",
        json_schema_extra=unit("", example="mqtts://broker.example:8883"),
    )
    username: str | None = Field(
        None,
        pattern=r"^[^\s#+/]{1,64}$",
        description="The name that the broker knows this bot by.",
        json_schema_extra=unit("", example="deltaband-main"),
    )
    ca_file: NamedPath | None = Field(
        None,
        description="Certificate that signs the broker's; absent: the public ones.",
        json_schema_extra=unit("", example="broker-ca.pem"),
    )
    cert_file: NamedPath | None = Field(
        None,
        description="Certificate of this bot with its private key (0600), for a broker that asks "
        "for one.",
        json_schema_extra=unit("", example="bot.pem"),
    )
    command_key_file: NamedPath | None = Field(
        None,
        description="Files (0600) of the keys that sign commands, one `key_id secret` a line; "
        "absent: commands are refused.",
        json_schema_extra=unit("", example="~/.config/deltaband/mqtt-commands.keys"),
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        encrypted = self.url is not None and self.url.startswith("mqtts:")
        for name in ("ca_file", "cert_file"):
            if self.url is not None and not encrypted and getattr(self, name) is not None:
                refuse(name, "an mqtts:// url beside it", self.url)
        return self


class Metrics(BaseModel):
    """Figures for Prometheus, and the bot's health."""

    model_config = STRICT

    listen: Listen | None = Field(
        None,
        description="Where /metrics, /healthz and /readyz are served; absent: nowhere. They show "
        "the book to whoever asks.",
        json_schema_extra=unit("", example="127.0.0.1:9464"),
    )
    beyond_loopback: bool = Field(
        default=False,
        description="Serve them beyond this machine, too. There is no password and no encryption: "
        "say so only where a firewall, or a container's own network, lets nobody but your "
        "Prometheus in.",
    )

    @model_validator(mode="after")
    def _to_this_machine(self) -> Self:
        """Refuse an address that others can reach, unless it is said to be meant."""
        if self.listen is None or self.beyond_loopback:
            return self
        if not on_loopback(listening(self.listen)[0]):
            expected = "an address of this machine alone, such as 127.0.0.1:9464 or [::1]:9464"
            refuse("listen", f"{expected}, or beyond_loopback = true beside it", self.listen)
        return self


class Alerts(BaseModel):
    """People who are told what somebody has to look at, and a report each day."""

    model_config = STRICT

    urls: tuple[Annotated[str, AfterValidator(_webhook)], ...] = Field(
        (),
        strict=False,
        description="Webhooks that carry no secret.",
        json_schema_extra=unit("", example=["jsons://desk.example/deltaband"]),
    )
    urls_file: NamedPath | None = Field(
        None,
        description="File (0600) with an address of apprise a line (Telegram, Discord, mail, …); "
        "these carry tokens.",
        json_schema_extra=unit("", example="~/.config/deltaband/alerts.urls"),
    )
    cooldown_s: Finite = Field(
        900.0,
        ge=0,
        le=86_400,
        description="The same kind of alert about the same coin is told once in this time; "
        "critical ones always.",
        json_schema_extra=unit("s"),
    )
    remind_s: Finite = Field(
        300.0,
        ge=30,
        le=86_400,
        description="What lasts (delta outside its owner's band, a dead bot, a lost connection, …) "
        "is told again this often; what a person or a control wanted (a halt, off, …), twelve "
        "times as seldom.",
        json_schema_extra=unit("s"),
    )
    report: bool = Field(
        default=True,
        description="Send the report of the day after 08:00 UTC.",
    )
