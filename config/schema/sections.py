"""Settings of the instance as a whole: hard limits, the simulated market, the paper book.

Owns `[limits]`, `[watchdog]`, `[sim]` and `[paper]` with `[[paper.position]]`. Refuses a position
named twice, a quantity of zero and sizes that are not finite. An absent limit is derived from the
book by the core; a limit that is set is a hard cap.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from config.schema.fields import LARGEST, STRICT, Coin, Exact, Finite, NamedPath, refuse, unit
from config.schema.instrument import InstrumentName, coin_of

MAX_SEED = 2**63 - 1
HEDGE_TAG = "hedge"
LARGEST_QUANTITY = int(LARGEST)


class Limits(BaseModel):
    """Hard caps. Each may be absent, which means derived from what the book can need."""

    model_config = STRICT

    order_usd: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Largest single order; absent: derived from the book's gamma.",
        json_schema_extra=unit("usd", example=25_000.0, scales=True),
    )
    position_coin: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Largest hedge position of an underlying, either way; absent: derived.",
        json_schema_extra=unit("coin", example=5.0, scales=True),
    )
    orders_per_min: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Most orders in any minute; absent: derived from the band. Orders proven to "
        "reduce delta do not wait for it: they have four a second of their own.",
        json_schema_extra=unit("orders per min", example=30),
    )
    loss_day_usd: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Loss from one 08:00 UTC to the next after which only delta is reduced; "
        "absent: derived.",
        json_schema_extra=unit("usd", example=10_000.0, scales=True),
    )
    fees_day_usd: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Fees from one 08:00 UTC to the next after which only delta is reduced; "
        "absent: derived.",
        json_schema_extra=unit("usd", example=1_000.0, scales=True),
    )
    shock_loss_usd: Finite | None = Field(
        None,
        gt=0,
        le=LARGEST,
        description="Largest loss of an underlying after a move of 5 % or 10 % either way; absent: "
        "no limit.",
        json_schema_extra=unit("usd", example=50_000.0, scales=True),
    )
    initial_margin_share: Finite = Field(
        0.6,
        gt=0,
        le=1,
        description="Largest initial margin, as a share of what it is held against, that an order "
        "which adds risk may leave behind; the exchange is asked before it is sent.",
    )
    maintenance_margin_share: Finite = Field(
        0.5,
        gt=0,
        le=1,
        description="The same for maintenance margin; at 1 the exchange liquidates.",
    )
    collar_bps: Finite = Field(
        50.0,
        gt=0,
        le=500,
        description="Farthest an order's price may be from the mark; twice that when it reduces "
        "delta.",
        json_schema_extra=unit("bps"),
    )
    confirm_usd: Finite = Field(
        25_000.0,
        ge=0,
        le=LARGEST,
        description="The first live hedge above this size waits for a typed confirmation.",
        json_schema_extra=unit("usd"),
    )


class Watchdog(BaseModel):
    """The process beside a bot that stops it from outside when its decisions stop."""

    model_config = STRICT

    after_s: Finite = Field(
        3.0,
        ge=2,
        le=60,
        description="Silence of the bot's decisions, which are told once a second, after which "
        "`deltaband watchdog` cancels its orders and halts it.",
        json_schema_extra=unit("s"),
    )


class Sim(BaseModel):
    """The simulated exchange and the synthetic or replayed market."""

    model_config = STRICT

    regime: Literal["calm", "normal", "crash", "demo"] = Field(
        "normal",
        description="What the synthetic market does; demo is scripted.",
    )
    perpetual: NamedPath | None = Field(
        None,
        description="Hourly file of the perpetual, for market = replay:FOLDER only; absent: the "
        "recording's own.",
        json_schema_extra=unit("", example="perp_1h.csv"),
    )
    seed: int = Field(
        1,
        ge=0,
        le=MAX_SEED,
        description="Same seed, version and settings: same market, same decisions.",
    )
    latency_ms: Finite = Field(
        60.0,
        ge=0,
        le=10_000,
        description="From an order's dispatch to the exchange's matching, and back again.",
        json_schema_extra=unit("ms"),
    )


class PaperPosition(BaseModel):
    """One position that the paper account holds at the start."""

    model_config = STRICT

    instrument: InstrumentName = Field(
        description="The venue's own name.",
        json_schema_extra=unit("", example="BTC-30JAN26-90000-C"),
    )
    quantity: Exact = Field(
        ge=-LARGEST_QUANTITY,
        le=LARGEST_QUANTITY,
        description="Signed, long > 0: coins for options and linear contracts, USD for inverse "
        "futures and perpetuals.",
        json_schema_extra=unit("coin, or usd if inverse", example=-1.0, scales=True),
    )
    tag: str = Field(
        "book",
        pattern=r"^[A-Za-z0-9_.-]{1,32}$",
        description=f"A word of the owner's, for scope.tags; {HEDGE_TAG} marks the bot's own "
        "trades and cannot be given.",
    )
    account: str = Field(
        "main",
        pattern=r"^[A-Za-z0-9_.-]{1,32}$",
        description="The account that holds it, for scope.accounts.",
    )

    @property
    def coin(self) -> str:
        """The underlying of the instrument."""
        return coin_of(self.instrument)

    @model_validator(mode="after")
    def _an_owners_position(self) -> Self:
        if not self.quantity:
            refuse("quantity", "a quantity other than zero", self.quantity)
        if self.tag == HEDGE_TAG:
            refuse("tag", "a word other than the one that marks the bot's own trades", self.tag)
        return self


class Paper(BaseModel):
    """The paper account: its positions and its collateral."""

    model_config = STRICT

    scale: Finite = Field(
        1.0,
        gt=0,
        le=1e6,
        description="Multiplies positions, collateral, bands, limits and budgets.",
    )
    position: tuple[PaperPosition, ...] = Field(
        (),
        strict=False,
        description="What the account holds at the start, as [[paper.position]] tables.",
    )
    collateral: dict[Coin, Annotated[Finite, Field(ge=0, le=LARGEST)]] = Field(
        default_factory=dict,
        description="Coins of cash in the account, by currency; a currency that is absent here "
        "gets what the book's margin needs.",
        json_schema_extra=unit("coin", example=5.0, scales=True),
    )
    positions_csv: NamedPath | None = Field(
        None,
        description="The positions as a file with columns instrument,quantity[,tag[,account]], "
        "instead of [[paper.position]].",
        json_schema_extra=unit("", example="book.csv"),
    )

    @model_validator(mode="after")
    def _no_twins(self) -> Self:
        # An exchange nets one instrument: parts of it under other accounts could not be told apart.
        seen: dict[str, int] = {}
        for index, row in enumerate(self.position):
            first = seen.setdefault(row.instrument, index)
            if first != index:
                expected = f"each instrument once (the first is paper.position[{first}])"
                refuse(f"position[{index}].instrument", expected, row.instrument)
        return self
