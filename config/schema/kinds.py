"""Which delta an underlying trades, and which one runs beside it in the shadow.

Owns the four settings of `[underlying.<COIN>.delta]` that say so.
"""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from config.schema.fields import STRICT, Finite, refuse

LEAST_RATIO, MOST_RATIO = -2.0, 5.0

Kind = Literal["model", "smile", "venue"]


class DeltaKinds(BaseModel):
    """Whose delta is traded, whose is only looked at."""

    model_config = STRICT

    greeks: Kind = Field(
        "model",
        description="Whose delta is traded: the model's in the book's numeraire, the same leaning "
        "with the smile (skew_stickiness), or the venue's own. A leg of which nothing is known "
        "counts by the model.",
    )
    skew_stickiness: Finite = Field(
        1.0,
        ge=LEAST_RATIO,
        le=MOST_RATIO,
        description="With greeks = smile: how the volatility at the money follows the smile as "
        "the price moves. 0 keeps each volatility with its moneyness, 1 with its strike (as "
        "model); BTC has been measured at 1.6 to 2.2.",
    )
    shadow: Literal["none", "model", "smile", "venue"] = Field(
        "none",
        description="A second delta that hedges in the journal only: what it would have traded, "
        "and whether it would have been calmer. It costs one more look at the book a second.",
    )
    shadow_skew_stickiness: Finite = Field(
        1.8,
        ge=LEAST_RATIO,
        le=MOST_RATIO,
        description="With shadow = smile: the skew-stickiness ratio of the second delta.",
    )

    @model_validator(mode="after")
    def _two(self) -> Self:
        leans_alike = self.shadow != "smile" or self.shadow_skew_stickiness == self.skew_stickiness
        if self.shadow == self.greeks and leans_alike:
            refuse("shadow", "another delta than greeks, which is the same", self.shadow)
        return self
