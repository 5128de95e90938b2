"""An exchange: which one, under which account, and where it answers if not at its usual place.

Owns the rule that another address is a loopback one: a bot that can be pointed anywhere can be
pointed at somebody else's machine, with a key in its hand.
"""

import re
from ipaddress import ip_address
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, model_validator

from config.schema.fields import STRICT, NamedPath, refuse, shown, unit

MOST_ACCOUNTS: Final = 8
WATCHDOG: Final = "watchdog"
"""What stands in the variables of the watchdog's own key where an account's name may stand."""


def _loopback(url: str, schemes: tuple[str, ...]) -> str:
    """Return the address if it names this machine and one of these schemes."""
    expected = f"{' or '.join(f'{scheme}://' for scheme in schemes)} on a loopback address"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        near = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        near, port, parts = False, None, urlsplit("")
    strange = parts.username or parts.password or parts.query or parts.fragment
    if not near or port is None or strange or parts.scheme not in schemes:
        msg = f"expected {expected} with a port, found {shown(url)}"
        raise ValueError(msg)
    return url


def _rest(url: str) -> str:
    return _loopback(url, ("http", "https"))


def _ws(url: str) -> str:
    return _loopback(url, ("ws", "wss"))


ACCOUNT: Final = r"^[A-Za-z0-9_.@-]{1,64}$"


def in_capitals(account: str) -> str:
    """Return an account's name as the variables of its key spell it."""
    return re.sub("[^A-Z0-9]", "_", account.upper())


class Venue(BaseModel):
    """One exchange and the accounts on it: one to trade in, and others that are only read."""

    model_config = STRICT

    exchange: Literal["deribit"] = Field(
        "deribit",
        description="The exchange's name in ccxt.",
    )
    account: str = Field(
        "main",
        pattern=ACCOUNT,
        description="What the account that is traded in is called in scopes and journals.",
    )
    also: tuple[str, ...] = Field(
        (),
        strict=False,
        description="Accounts or sub-accounts that are only read and belong to the same book; each "
        "has a key of its own, DELTABAND_<VENUE>_<NAME>_KEY and _SECRET or the same with _FILE.",
    )
    rest_url: Annotated[str, AfterValidator(_rest)] | None = Field(
        None,
        description="Another address of the exchange, on this machine only and never in live.",
        json_schema_extra=unit("", example="http://127.0.0.1:8080"),
    )
    ws_url: Annotated[str, AfterValidator(_ws)] | None = Field(
        None,
        description="The same for its WebSocket.",
        json_schema_extra=unit("", example="ws://127.0.0.1:8080/ws/api/v2"),
    )
    margin_model: Literal["segregated_sm", "segregated_pm", "cross_sm", "cross_pm"] | None = Field(
        None,
        description="The margin model that the account is meant to have; under another one only "
        "delta is reduced. Absent: any that is known.",
        json_schema_extra=unit("", example="segregated_pm"),
    )
    ca_file: NamedPath | None = Field(
        None,
        description="Certificate that signs that other address.",
        json_schema_extra=unit("", example="exchange.pem"),
    )

    @model_validator(mode="after")
    def _several(self) -> Self:
        """Refuse names that cannot be told apart, in the book or in the environment."""
        if len(self.also) > MOST_ACCOUNTS:
            refuse("also", f"at most {MOST_ACCOUNTS} accounts", self.also)
        for name in self.also:
            if re.fullmatch(ACCOUNT.strip("^$"), name) is None:
                refuse("also", f"names like {ACCOUNT}", name)
        if self.account in self.also:
            refuse("also", "accounts beside the one that is traded in", self.account)
        spelt: dict[str, str] = {WATCHDOG.upper(): "the watchdog's own key"}
        for name in self.also:
            before = spelt.setdefault(in_capitals(name), name)
            if before is not name or self.also.count(name) > 1:
                expected = "names that differ in the variables of their keys"
                refuse("also", expected, f"{before}, {name}")
        return self
