"""The whole of the settings, and what must hold between its sections.

Owns the top level: mode, market, instance, state folder, version. Refuses a version that is not
its own, real modes on a simulated market, paper positions outside paper, positions without an
underlying and automatic gamma trading without a budget where money is real.
"""

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from config.schema.dashboard import Dashboard
from config.schema.fields import STRICT, Coin, NamedPath, refuse, shown, unit
from config.schema.logs import Logs
from config.schema.scale import scaled
from config.schema.sections import Limits, Paper, Sim, Watchdog
from config.schema.telling import TOLD_BY, Alerts, Metrics, Mqtt
from config.schema.underlying import Underlying
from config.schema.venue import Venue

SCHEMA_VERSION = 1
REPLAY = "replay:"


def default_state_dir() -> Path:
    """Give the folder for journals where XDG_STATE_HOME says nothing else."""
    return Path.home() / ".local" / "state" / "deltaband"


def _market(value: str) -> str:
    if value in {"synthetic", "venue"} or (value.startswith(REPLAY) and len(value) > len(REPLAY)):
        return value
    msg = f"expected synthetic, replay:FOLDER or venue, found {shown(value)}"
    raise ValueError(msg)


def _version(value: int) -> int:
    if value == SCHEMA_VERSION:
        return value
    msg = f"expected {SCHEMA_VERSION}, the version of this program, found {value}"
    raise ValueError(msg)


def _with_auto(underlying: object) -> object:
    if not isinstance(underlying, dict):
        return underlying
    gamma = underlying.get("gamma", {})
    if not isinstance(gamma, dict):
        return underlying
    return underlying | {"gamma": {"action": "auto"} | gamma}


class Settings(BaseModel):
    """Everything that a user may set, valid as a whole."""

    model_config = STRICT

    schema_version: Annotated[int, AfterValidator(_version)] = Field(
        SCHEMA_VERSION,
        description="Version of these settings; another version is refused.",
    )
    mode: Literal["paper", "sandbox", "live"] = Field(
        "paper",
        description="Paper trades with nobody; sandbox on the exchange's test system; live for "
        "real, and only together with --live.",
    )
    market: Annotated[str, AfterValidator(_market)] = Field(
        "synthetic",
        description="Where prices come from: synthetic, replay:FOLDER (a recording) or venue.",
    )
    instance: str = Field(
        "main",
        pattern=r"^[a-z0-9][a-z0-9-]{0,15}$",
        description="Name of this bot: in order ids, and of its folder below state_dir.",
    )
    state_dir: NamedPath = Field(
        default_factory=default_state_dir,
        description="Folder of the journals.",
        json_schema_extra=unit("", example="~/.local/state/deltaband"),
    )
    second_key_file: NamedPath | None = Field(
        None,
        description="File (0600) with a secret beside the keys: without it nobody lifts a breaker "
        "that waits for a review.",
        json_schema_extra=unit("", example="~/.config/deltaband/second.key"),
    )
    kernels: Literal["auto", "compiled", "numpy"] = Field(
        "auto",
        description="Arithmetic of a daemon: compiled at its start (auto: if it can be) or numpy.",
    )
    monitor: Literal["beside", "apart"] = Field(
        "beside",
        description="Who tells others: a monitor that each run starts beside itself, or one apart "
        "from it, a service that somebody else starts.",
    )
    underlying: dict[Coin, Underlying] = Field(
        default_factory=dict,
        description="One table for each underlying.",
    )
    venue: dict[Annotated[str, Field(pattern=r"^[a-z0-9]+$")], Venue] = Field(
        default_factory=lambda: {"deribit": Venue()},
        description="One table for the exchange.",
    )
    limits: Limits = Field(default_factory=Limits)
    watchdog: Watchdog = Field(default_factory=Watchdog)
    mqtt: Mqtt = Field(default_factory=Mqtt)
    metrics: Metrics = Field(default_factory=Metrics)
    alerts: Alerts = Field(default_factory=Alerts)
    logs: Logs = Field(default_factory=Logs)
    dashboard: Dashboard = Field(default_factory=Dashboard)
    sim: Sim = Field(default_factory=Sim)
    paper: Paper = Field(default_factory=Paper)

    @property
    def replay(self) -> Path | None:
        """The folder of the recording, where the market is one."""
        return Path(self.market.removeprefix(REPLAY)) if self.market.startswith(REPLAY) else None

    @property
    def tells(self) -> bool:
        """Tell whether anybody is told how the bot stands by a process beside it."""
        return any(getattr(getattr(self, section), key) for section, key in TOLD_BY)

    def scaled(self) -> Self:
        """Apply `paper.scale` once: positions, collateral, bands, limits and budgets multiplied.

        The result has a scale of 1, so applying it again changes nothing. Thresholds are
        multiplied in decimal: 0.1 coin at scale 10 is exactly 1.0 coin.
        """
        factor = self.paper.scale
        if factor == 1.0:
            return self
        whole = scaled(self, factor)
        paper = whole.paper.model_copy(update={"scale": 1.0})
        return whole.model_copy(update={"paper": paper})

    @model_validator(mode="before")
    @classmethod
    def _paper_trades_gamma(cls, data: object) -> object:
        """Make auto the gamma action that is not set, where no money is at stake."""
        if not isinstance(data, dict) or data.get("mode", "paper") != "paper":
            return data
        coins = data.get("underlying", {})
        if not isinstance(coins, dict):
            return data
        return data | {"underlying": {coin: _with_auto(one) for coin, one in coins.items()}}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.underlying:
            refuse("underlying", "at least one table such as [underlying.BTC]", None)
        if self.sim.perpetual is not None and self.replay is None:
            refuse("sim.perpetual", "market = replay:FOLDER beside it", self.market)
        if self.mode == "paper":
            self._paper_book()
        else:
            self._real_money()
        self._exchange()
        self._scopes()
        self._dollars()
        return self

    def exchange(self) -> tuple[str, Venue]:
        """Return the exchange that this bot talks to: its name in settings and its table."""
        return next(iter(self.venue.items()))

    def _exchange(self) -> None:
        if len(self.venue) != 1:
            refuse("venue", "one exchange for one bot", ", ".join(self.venue) or None)
        for name, one in self.venue.items():
            if self.mode == "paper" and one.also:
                expected = "none because mode is paper, whose account is simulated"
                refuse(f"venue.{name}.also", expected, one.also)
            for key, url in (("rest_url", one.rest_url), ("ws_url", one.ws_url)):
                if self.mode == "live" and url is not None:
                    refuse(f"venue.{name}.{key}", "no other address because mode is live", url)
            if self.mode == "live" and one.ca_file is not None:
                expected = "no certificate but the public ones because mode is live"
                refuse(f"venue.{name}.ca_file", expected, str(one.ca_file))

    def _paper_book(self) -> None:
        for index, row in enumerate(self.paper.position):
            if row.coin not in self.underlying:
                expected = f"an instrument of {', '.join(self.underlying)}"
                expected += f" (or a table [underlying.{row.coin}])"
                refuse(f"paper.position[{index}].instrument", expected, row.instrument)

        for coin, one in self.underlying.items():
            if self.market != "venue" and set(one.hedge_with) == {"spot"}:
                expected = f"perpetual or future among them, because {self.market} lists no spot"
                refuse(f"underlying.{coin}.hedge_with", expected, list(one.hedge_with))

    def _real_money(self) -> None:
        if self.market != "venue":
            refuse("market", f'"venue" because mode is {self.mode}', self.market)
        if self.paper.position:
            refuse("paper.position", f"none because mode is {self.mode}", self.paper.position)
        if self.paper.scale != 1.0:
            refuse("paper.scale", f"1 because mode is {self.mode}", self.paper.scale)
        for coin, one in self.underlying.items():
            if one.gamma.action == "auto" and one.gamma.budget_usd_per_day is None:
                expected = f"a daily budget because gamma.action is auto and mode is {self.mode}"
                refuse(f"underlying.{coin}.gamma.budget_usd_per_day", expected, None)

    def _dollars(self) -> None:
        """Dollars can stand against one coin only; counted in two books they are hedged twice."""
        counting = [
            coin
            for coin, one in self.underlying.items()
            if one.numeraire == "coin" and one.collateral_delta == "include"
        ]
        if len(counting) > 1:
            expected = "include in one coin book at most, because the account's dollars are one sum"
            refuse(f"underlying.{counting[1]}.collateral_delta", expected, "include")

    def _scopes(self) -> None:
        """Refuse to leave a book unhedged for a misspelt name."""
        _, venue = self.exchange()
        known = (venue.account, *venue.also)
        for coin, one in self.underlying.items():
            strange = [name for name in one.scope.accounts if name not in known]
            if strange and self.mode != "paper":
                near = get_close_matches(strange[0], known, n=1)
                expected = f"accounts among {', '.join(known)}"
                expected += f" (the nearest is {near[0]})" if near else ""
                refuse(f"underlying.{coin}.scope.accounts", expected, strange[0])
            for name in one.scope.exclude:
                if re.split("[-_]", name)[0] != coin:
                    expected = f"instruments of {coin}"
                    refuse(f"underlying.{coin}.scope.exclude", expected, name)
