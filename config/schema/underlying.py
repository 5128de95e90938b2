"""What one underlying's owner promises: its numeraire, its bands and how they are kept.

Owns `[underlying.<COIN>]` and its tables `delta`, `delta.policy`, `shock` and `scope`. Refuses a
threshold on the wrong side of its target, a policy band wider than the owner's, and a book
without a hedge instrument. Bands are levels of delta in coin; gamma is coin of delta per 1 %.
"""

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    JsonValue,
    PlainValidator,
    model_validator,
)

from config.schema.fields import LARGEST, NARROWEST, STRICT, Finite, refuse, shown, unit
from config.schema.gamma import Gamma, Vega
from config.schema.hedge import Hedge
from config.schema.instrument import VenueName
from config.schema.kinds import DeltaKinds
from config.schema.policy import DeltaPolicy, Event

WIDTH_FRACTION = 0.35
"""Half width of the policy band, as a share of the owner's narrower side, when none is set."""

EVENT: JsonValue = {"name": "release", "at": "2026-12-10T13:30:00Z", "width_factor": 0.5}
"""An event as an example."""

HedgeKind = Literal["perpetual", "future", "spot"]


def _collateral(value: object) -> Literal["include", "exclude"] | float:
    if value == "include":
        return "include"
    if value == "exclude":
        return "exclude"
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST:
        return float(value)
    msg = f"expected include, exclude or a number of coins, found {shown(value)}"
    raise ValueError(msg)


def _instruments(kinds: tuple[HedgeKind, ...]) -> tuple[HedgeKind, ...]:
    if not kinds or len(set(kinds)) < len(kinds):
        msg = (
            "expected at least one of perpetual, future, spot, each once (a book without a hedge "
            f"instrument cannot be kept in its band), found {shown(kinds)}"
        )
        raise ValueError(msg)
    return kinds


class Delta(DeltaKinds):
    """The owner's delta band, which is the promise, whose delta it is of, and the pace."""

    model_config = STRICT

    target: Finite = Field(
        0.0,
        ge=-LARGEST,
        le=LARGEST,
        description="The delta that the book should have.",
        json_schema_extra=unit("coin", scales=True),
    )
    upper: Finite = Field(
        ge=-LARGEST,
        le=LARGEST,
        description="The owner's band: the highest delta that is allowed; above the target.",
        json_schema_extra=unit("coin", example=0.1, scales=True),
    )
    lower: Finite = Field(
        ge=-LARGEST,
        le=LARGEST,
        description="The owner's band: the lowest delta that is allowed; below the target.",
        json_schema_extra=unit("coin", example=-0.1, scales=True),
    )
    ratio: Finite = Field(
        1.0,
        gt=0,
        le=1.5,
        description="Share of the way to its destination that one hedge goes; 1 goes all of it. "
        "From outside the owner's band it goes at least back inside.",
    )
    min_move_bps: Finite = Field(
        0.0,
        ge=0,
        le=1_000,
        description="Do not hedge again before the price has moved by this much; yields to a "
        "breach of the owner's band.",
        json_schema_extra=unit("bps"),
    )
    cooldown_s: Finite = Field(
        2.0,
        ge=0,
        le=3_600,
        description="Least time between two hedges; yields to a breach of the owner's band.",
        json_schema_extra=unit("s"),
    )
    poll_s: Finite = Field(
        0.25,
        ge=0.01,
        le=60,
        description="Least market time between two looks at the band that quotes alone ask for; "
        "fills and ended orders always ask.",
        json_schema_extra=unit("s"),
    )
    settle_s: Finite = Field(
        2.0,
        ge=0,
        le=600,
        description="How long a breach that the price does not explain (volatility's noise) must "
        "stand before it is hedged; yields to a breach of the owner's band.",
        json_schema_extra=unit("s"),
    )
    policy: DeltaPolicy = Field(default_factory=DeltaPolicy)
    event: tuple[Event, ...] = Field(
        (),
        strict=False,
        description="Scheduled times around which the policy band is wider or narrower.",
        json_schema_extra=unit("", example=[EVENT]),
    )

    @property
    def narrower_coin(self) -> float:
        """The distance in coin from the target to the owner's nearer threshold."""
        return min(self.upper - self.target, self.target - self.lower)

    @property
    def width_coin(self) -> float:
        """The half width in coin of a policy band of kind fixed, derived where none is set."""
        set_width = self.policy.width_coin
        return WIDTH_FRACTION * self.narrower_coin if set_width is None else set_width

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.upper > self.target:
            refuse("upper", f"a level above the target {self.target}", self.upper)
        if not self.lower < self.target:
            refuse("lower", f"a level below the target {self.target}", self.lower)
        for side, level in (("upper", self.upper), ("lower", self.lower)):
            if abs(level - self.target) < NARROWEST:
                expected = f"a level at least {NARROWEST:g} coin from the target {self.target}"
                refuse(side, f"{expected} (no order is that small)", level)
        if self.policy.kind == "fixed" and self.width_coin > self.narrower_coin:
            expected = (
                f"at most {self.narrower_coin} coin (the policy band lies inside the owner's band "
                f"{self.lower} to {self.upper} around the target {self.target})"
            )
            refuse("policy.width_coin", expected, self.width_coin)
        return self


class Shock(BaseModel):
    """Limits on what a sudden move would do; each may be absent."""

    model_config = STRICT

    delta_2pct_coin: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Largest |delta - target| after a move of 2 % either way; absent: no limit.",
        json_schema_extra=unit("coin", example=1.0, scales=True),
    )
    loss_5pct_usd: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Largest loss after a move of 5 % either way; absent: no limit.",
        json_schema_extra=unit("usd", example=5_000.0, scales=True),
    )
    loss_10pct_usd: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Largest loss after a move of 10 % either way; absent: no limit.",
        json_schema_extra=unit("usd", example=15_000.0, scales=True),
    )


class Scope(BaseModel):
    """Which positions of the underlying belong to the hedged book."""

    model_config = STRICT

    accounts: tuple[str, ...] = Field(
        (),
        strict=False,
        description="Only positions of these accounts; empty: of every account.",
    )
    tags: tuple[str, ...] = Field(
        (),
        strict=False,
        description="Only positions that carry one of these tags; empty: all.",
    )
    exclude: tuple[VenueName, ...] = Field(
        (),
        strict=False,
        description="Instruments, by any name of the venue's, that are neither counted nor traded.",
    )


class Underlying(BaseModel):
    """One underlying: what its book is neutral in, what hedges it and within which limits."""

    model_config = STRICT

    numeraire: Literal["usd", "coin"] = Field(
        description="What the book is neutral in. For coin-settled options usd and coin are "
        "different hedges, so there is no default.",
        json_schema_extra=unit("", example="usd"),
    )
    collateral_delta: Annotated[
        Literal["include", "exclude"] | float, PlainValidator(_collateral)
    ] = Field(
        description="The coin cash that counts as delta: all of it, none, or this many coins. "
        "No default. (In a coin book only stablecoin equity may count.)",
        json_schema_extra=unit("coin", example="exclude", scales=True),
    )
    hedge_with: Annotated[tuple[HedgeKind, ...], AfterValidator(_instruments)] = Field(
        ("perpetual",),
        strict=False,
        description="Kinds of instruments that hedge delta; of those that cost the same the first.",
    )
    hold_s: Finite = Field(
        0.0,
        ge=0,
        le=3_600,
        description="How long a trade made by hand is left alone before it is hedged, so that its "
        "other legs can follow; the rest of the book is hedged meanwhile.",
        json_schema_extra=unit("s"),
    )
    delta: Delta
    gamma: Gamma = Field(default_factory=Gamma)
    hedge: Hedge = Field(default_factory=Hedge)
    vega: Vega = Field(default_factory=Vega)
    shock: Shock = Field(default_factory=Shock)
    scope: Scope = Field(default_factory=Scope)
