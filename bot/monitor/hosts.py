"""By which names this machine may be called over HTTP.

A page of another site that makes a browser resolve its own name to this machine (DNS rebinding) is
known by that name: addresses and this machine's own names pass, others do not.
"""

from __future__ import annotations

from collections.abc import Container
from ipaddress import ip_address
from typing import Final

LOCAL: Final = "localhost"


def names_us(host: str | None, names: Container[str] = (LOCAL,)) -> bool:
    """Tell whether a Host header is an address, or one of these names (in lower case)."""
    name = _bare(host or "").lower().rstrip(".")
    try:
        ip_address(name)
    except ValueError:
        return name in names
    return True


def _bare(host: str) -> str:
    """Return a Host header's name without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]
