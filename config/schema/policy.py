"""When delta is traded inside the owner's band: what measures the policy's band, and the calendar.

Owns `[underlying.<COIN>.delta.policy]` and `[[underlying.<COIN>.delta.event]]`. Refuses a parameter
of another kind, and two knobs at once.
"""

from datetime import datetime
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, field_validator, model_validator

from config.schema.fields import LARGEST, STRICT, Finite, refuse, shown, unit

PARAMETERS = {
    "width_coin": "fixed",
    "width_bps": "bps",
    "aversion": "whalley_wilmott",
    "cost_usd_day": "whalley_wilmott",
    "deviation_usd_day": "whalley_wilmott",
    "most_share": "whalley_wilmott",
    "follow_funding": "whalley_wilmott",
}
"""Each parameter's kind."""

MOMENT = "an ISO date and time with its zone, such as 2026-12-10T13:30:00Z"
"""What an error message says that a moment is."""

KNOBS = ("aversion", "cost_usd_day", "deviation_usd_day")
AVERSION = 1.0
"""The knob of whalley_wilmott when none is set."""
MOST_SHARE = 0.5
"""The widest that whalley_wilmott may choose when nothing else is set."""
FOLLOW_FUNDING = True
"""Whether its band leans when nothing else is set."""


class DeltaPolicy(BaseModel):
    """When to act: the band inside the owner's, and how far a hedge goes."""

    model_config = STRICT

    kind: Literal["whalley_wilmott", "fixed", "bps"] = Field(
        "whalley_wilmott",
        description="How the policy band is measured: the cheapest for the book's gamma and costs "
        "of now, a fixed width, or a share of the book.",
    )
    aversion: Finite | None = Field(
        None,
        gt=0,
        le=1_000,
        description="Knob of whalley_wilmott: what a variance counts beside costs; 0.3 is thrifty, "
        f"3 cautious. {AVERSION:g} where no knob is set.",
        json_schema_extra=unit("", example=AVERSION),
    )
    cost_usd_day: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Knob of whalley_wilmott: what hedging delta may cost on an average day, "
        "instead of an aversion.",
        json_schema_extra=unit("usd", example=50.0, scales=True),
    )
    deviation_usd_day: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Knob of whalley_wilmott: the deviation of a day's profit that delta and gamma "
        "may leave, instead of an aversion.",
        json_schema_extra=unit("usd", example=200.0, scales=True),
    )
    width_coin: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Half width of the policy band around the target; absent: a share of the "
        "owner's narrower side. Only with kind = fixed.",
        json_schema_extra=unit("coin", example=0.03, scales=True),
    )
    width_bps: Finite | None = Field(
        None,
        gt=0,
        le=10_000,
        description="Half width as a share of the options' notional, never beyond the owner's "
        "band. Needed by, and only with, kind = bps.",
        json_schema_extra=unit("bps", example=50.0),
    )
    most_share: Finite | None = Field(
        None,
        gt=0,
        le=1,
        description="The widest that whalley_wilmott may choose, as a share of the owner's "
        "narrower side: the rest is for what a price does before an order is filled. "
        f"{MOST_SHARE:g} where it is not set.",
        json_schema_extra=unit("", example=MOST_SHARE),
    )
    follow_funding: bool | None = Field(
        default=None,
        description="Whether the band of whalley_wilmott leans to the side that funding pays, by "
        "at most half its width and never beyond most_share; "
        f"{shown(FOLLOW_FUNDING)} where it is not set.",
        json_schema_extra=unit("", example=FOLLOW_FUNDING),
    )
    trend_most: Finite = Field(
        1.0,
        ge=1,
        le=5,
        description="How many times as wide the band of a book that is long gamma may become while "
        "the price goes one way: it sells later into the rise. 1: it never does.",
    )
    rest_at_edges: bool = Field(
        default=False,
        description="Whether the next hedge of a book that is long gamma rests in the market, "
        "post-only, where the price will bring delta to the band's edge.",
    )
    trade_to: Literal["edge", "target", "inner"] = Field(
        "inner",
        description="Where a hedge ends: the policy band's edge, the target, or the point between "
        "that the ticket cost chooses.",
    )
    ticket_usd: Finite = Field(
        1.0,
        ge=0,
        le=10_000,
        description="What one more order costs beyond its fees; with trade_to = inner a dearer "
        "ticket means fewer, larger hedges.",
        json_schema_extra=unit("usd"),
    )

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        if self.kind == "bps" and self.width_bps is None:
            refuse("width_bps", "a width because kind is bps", None)
        for name, kind in PARAMETERS.items():
            found = getattr(self, name)
            if found is not None and kind != self.kind:
                refuse(name, f"none because kind is {self.kind} and this is {kind}'s", found)
        turned = [name for name in KNOBS if getattr(self, name) is not None]
        if len(turned) > 1:
            refuse(turned[1], f"one knob, and {turned[0]} is set", getattr(self, turned[1]))
        return self


class Event(BaseModel):
    """A scheduled time around which the policy band is wider or narrower."""

    model_config = STRICT

    name: str = Field(min_length=1, max_length=64, description="What is scheduled.")
    at: AwareDatetime = Field(
        strict=False, description="When, with its zone, for example 2026-12-10T13:30:00Z."
    )
    before_min: Finite = Field(
        30.0,
        ge=0,
        le=10_080,
        description="From how long before it on.",
        json_schema_extra=unit("min"),
    )
    after_min: Finite = Field(
        30.0,
        ge=0,
        le=10_080,
        description="Until how long after it.",
        json_schema_extra=unit("min"),
    )
    width_factor: Finite = Field(
        gt=0,
        le=10,
        description="How many times as wide the policy band is meanwhile, inside the owner's; "
        "below 1 it is narrower. The narrowest of several wins.",
        json_schema_extra=unit("", example=0.5),
    )
    every: Literal["once", "day", "week"] = Field(
        "once", description="Whether it comes again at the same time."
    )

    @field_validator("at", mode="before")
    @classmethod
    def _moment(cls, value: object) -> object:
        # A number would be read as seconds since 1970, which nobody means.
        if not isinstance(value, (datetime, str)):
            msg = f"expected {MOMENT}, found {shown(value)}"
            raise ValueError(msg)  # noqa: TRY004 - pydantic collects ValueError, not TypeError
        return value

    @model_validator(mode="after")
    def _once_at_a_time(self) -> Self:
        period = {"once": None, "day": 1_440.0, "week": 10_080.0}[self.every]
        if period is not None and self.before_min + self.after_min >= period:
            expected = f"a span shorter than the {period:g} minutes until it comes again"
            refuse("after_min", expected, self.after_min)
        return self
