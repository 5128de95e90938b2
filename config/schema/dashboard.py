"""Settings of the dashboard: where its page is served, and to whom.

Owns `[dashboard]`. Refuses an address that is none, and one beyond this machine without a token.
"""

from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from config.schema.fields import STRICT, NamedPath, refuse, shown, unit

LARGEST_PORT = 65_535


def split_address(text: str) -> tuple[str, int]:
    """Take HOST:PORT apart; ValueError for what is no address. An IPv6 host stands in brackets."""
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    good = colon and bare and port.isascii() and port.isdigit() and int(port) <= LARGEST_PORT
    if not good or (":" in bare and bare == host) or bare.split() != [bare]:
        msg = f"expected an address such as 127.0.0.1:8787, found {shown(text)}"
        raise ValueError(msg)
    return bare, int(port)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(text: str) -> str:
    split_address(text)
    return text


class Dashboard(BaseModel):
    """The page of `deltaband dashboard`."""

    model_config = STRICT

    listen: Annotated[str, AfterValidator(_address)] = Field(
        "127.0.0.1:8787",
        description="Where the page is served; port 0 is a free one. Beyond loopback only with "
        "dashboard.token_file.",
    )
    token_file: NamedPath | None = Field(
        None,
        description="File (0600) with the word, at least 16 characters, that a browser is asked "
        "for once.",
        json_schema_extra=unit("", example="~/.config/deltaband/dashboard.token"),
    )
    hosts: tuple[str, ...] = Field(
        (),
        strict=False,
        description="Names besides the address by which browsers may reach the page.",
        json_schema_extra=unit("", example=["desk.example"]),
    )

    @model_validator(mode="after")
    def _known_readers(self) -> Self:
        host, _ = split_address(self.listen)
        if self.token_file is None and not is_loopback(host):
            refuse("token_file", f"a file, because {self.listen} is not loopback", None)
        return self
