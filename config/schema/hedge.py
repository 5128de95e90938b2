"""Which of an owner's hedge instruments is used: how their costs are compared.

Owns `[underlying.<COIN>.hedge]`. With one instrument to choose from none of it matters, except that
`maker_share` lowers the cost that the band is held against.
"""

from pydantic import BaseModel, Field

from config.schema.fields import LARGEST, STRICT, Finite, unit


class Hedge(BaseModel):
    """How perpetuals, dated futures and spot pairs are compared, and how far futures may go."""

    model_config = STRICT

    hold_h: Finite = Field(
        8.0,
        gt=0,
        le=8_760,
        description="For how long a hedge is expected to be held, and so carry and margin paid.",
        json_schema_extra=unit("h"),
    )
    maker_share: Finite = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of a hedge that is expected to be filled as a maker: it pays the "
        "maker's fee and no spread.",
    )
    funding_half_life_h: Finite = Field(
        8.0,
        ge=0.1,
        le=720,
        description="In this time a quoted funding rate loses half its weight in the average.",
        json_schema_extra=unit("h"),
    )
    carry_cap_usd_day: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Most that funding or basis is believed to cost or earn one hedge in a day; "
        "absent: all of it is believed.",
        json_schema_extra=unit("usd per day", example=500.0, scales=True),
    )
    financing_rate: Finite = Field(
        0.0,
        ge=0,
        le=1,
        description="What the initial margin of a hedge costs a year; 0.05 is 5 %.",
        json_schema_extra=unit("per year"),
    )
    switch_bps: Finite = Field(
        1.0,
        ge=0,
        le=1_000,
        description="Another instrument than that of the last hedge must be cheaper by this share "
        "of the price.",
        json_schema_extra=unit("bps"),
    )
    basis_coin: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Largest position in the dated futures of one expiry; absent: no limit.",
        json_schema_extra=unit("coin", example=2.0, scales=True),
    )
