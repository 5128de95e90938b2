"""How an underlying's gamma and vega are limited and what an option plan may do.

Owns `[underlying.<COIN>.gamma]` with its table `expiring`, and `[underlying.<COIN>.vega]`. Gamma is
coin of delta per 1 % move of the underlying; either side may be absent. Vega is USD per volatility
point. Refuses a lower limit that is not below the upper, and an empty tenor range.
"""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from config.schema.fields import LARGEST, STRICT, Finite, refuse, unit


class GammaLimits(BaseModel):
    """Limits on the gamma of what expires within 24 hours; either side may be absent."""

    model_config = STRICT

    upper: Finite | None = Field(
        None,
        ge=-LARGEST,
        le=LARGEST,
        description="Highest gamma of options that expire within 24 h; absent: no limit.",
        json_schema_extra=unit("coin per 1 %", example=0.5, scales=True),
    )
    lower: Finite | None = Field(
        None,
        ge=-LARGEST,
        le=LARGEST,
        description="Lowest gamma of options that expire within 24 h; absent: no limit.",
        json_schema_extra=unit("coin per 1 %", example=-0.5, scales=True),
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _sides(self.lower, self.upper)
        return self


class Gamma(BaseModel):
    """Limits on the gamma of the book and the plan that brings it back inside them."""

    model_config = STRICT

    upper: Finite | None = Field(
        None,
        ge=-LARGEST,
        le=LARGEST,
        description="Highest gamma of the book; absent: no limit.",
        json_schema_extra=unit("coin per 1 %", example=0.25, scales=True),
    )
    lower: Finite | None = Field(
        None,
        ge=-LARGEST,
        le=LARGEST,
        description="Lowest gamma of the book; absent: no limit.",
        json_schema_extra=unit("coin per 1 %", example=-0.25, scales=True),
    )
    action: Literal["propose", "auto", "off"] = Field(
        "propose",
        description="What a plan may do: wait for approval, trade within the budget, or nothing. "
        "Absent: auto in paper, propose elsewhere.",
        json_schema_extra=unit("", example="propose"),
    )
    budget_usd_per_day: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Most that the plans of one day may cost (fees and spread); absent: no cap, "
        "which auto allows in paper only.",
        json_schema_extra=unit("usd per day", example=500.0, scales=True),
    )
    aim_share: Finite = Field(
        0.65,
        gt=0,
        le=1,
        description="A plan brings gamma to this share of the limit that was broken: at 0.65, "
        "-0.25 is corrected to -0.1625. A lower limit above zero is passed inwards by the same "
        "part: 0.25 to 0.3375. Never beyond the middle of two limits.",
    )
    max_legs: int = Field(
        4,
        ge=1,
        le=12,
        description="Most options that one plan may trade.",
        json_schema_extra=unit("options"),
    )
    min_days: Finite = Field(
        5.0,
        ge=0,
        le=1_000,
        description="Plans open nothing that expires sooner; closing what is held may.",
        json_schema_extra=unit("days"),
    )
    max_days: Finite = Field(
        45.0,
        gt=0,
        le=1_000,
        description="Plans buy nothing that expires later.",
        json_schema_extra=unit("days"),
    )
    min_hold_s: Finite = Field(
        14_400.0,
        ge=0,
        le=604_800,
        description="No option is turned around sooner after a plan has traded it, unless a limit "
        "would not be passed without it.",
        json_schema_extra=unit("s"),
    )
    benefit_factor: Finite = Field(
        1.5,
        ge=0,
        le=100,
        description="A plan must be worth this many times its round trip; 0: never asked. A shock "
        "limit, and one that is passed by more than a plan would bring it inside, is not asked.",
    )
    aversion: Finite | None = Field(
        None,
        gt=0,
        le=1_000,
        description="The risk aversion that a plan's worth is measured with, as in delta.policy: 1 "
        "weighs the variance of a dollar by 100/(options' notional); absent: the one that the "
        "delta band reveals.",
        json_schema_extra=unit("", example=1.0),
    )
    model_vol: Finite | None = Field(
        None,
        gt=0,
        le=5,
        description="Your own view of the volatility that the price will realise over the next "
        "day: among options that do, one that is cheaper than it earns an edge, a dearer one pays "
        "it; absent: no edge.",
        json_schema_extra=unit("per root of a year", example=0.55),
    )
    turnover_coin_per_day: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Most options that the plans of one day may trade; absent: no cap.",
        json_schema_extra=unit("coin per day", example=100.0, scales=True),
    )
    rfq_usd: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="A proposal of this notional or more is also shown as a ticket for a block "
        "trade or a request for quotes; absent: none is.",
        json_schema_extra=unit("usd", example=1_000_000.0),
    )
    expiring: GammaLimits = Field(default_factory=GammaLimits)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _sides(self.lower, self.upper)
        if not self.max_days > self.min_days:
            refuse("max_days", f"more than min_days, which is {self.min_days}", self.max_days)
        return self


class Vega(BaseModel):
    """Limits on the size of the book's vega by time to expiry; each may be absent."""

    model_config = STRICT

    under_7d: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Largest |vega| of what expires within 7 days; absent: no limit.",
        json_schema_extra=unit("usd per point", example=1_000.0, scales=True),
    )
    from_7d: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Largest |vega| of what expires in 7 to 30 days; absent: no limit.",
        json_schema_extra=unit("usd per point", example=2_000.0, scales=True),
    )
    from_30d: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Largest |vega| of what expires in 30 to 90 days; absent: no limit.",
        json_schema_extra=unit("usd per point", example=2_000.0, scales=True),
    )
    from_90d: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Largest |vega| of what expires later; absent: no limit.",
        json_schema_extra=unit("usd per point", example=2_000.0, scales=True),
    )


def _sides(lower: float | None, upper: float | None) -> None:
    if lower is not None and upper is not None and not upper > lower:
        refuse("upper", f"a gamma above lower, which is {lower}", upper)
