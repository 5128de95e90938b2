"""Why: every plan, verdict, rejection and doubt carries reasons, an enum with its numbers.

The values are stable words for journals, logs and scripts; the numbers name their units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Reason(StrEnum):
    """A named cause."""

    # what we want
    INSIDE_BAND = "inside_band"
    DELTA_ABOVE_POLICY = "delta_above_policy"
    DELTA_BELOW_POLICY = "delta_below_policy"
    DELTA_ABOVE_OWNER = "delta_above_owner"
    DELTA_BELOW_OWNER = "delta_below_owner"
    DELTA_UNCERTAIN = "delta_uncertain"
    SETTLEMENT_UNWIND = "settlement_unwind"
    HEDGE_NOW = "hedge_now"
    EDGE_ORDER = "edge_order"
    COOLDOWN = "cooldown"
    SMALL_MOVE = "small_move"
    UNEXPLAINED = "unexplained"
    BELOW_FLOOR = "below_floor"
    GAMMA_PART_UNKNOWN = "gamma_part_unknown"
    ABOVE_OWNER = "above_owner"
    BELOW_ONE_LOT = "below_one_lot"
    GAMMA_BELOW = "gamma_below"
    GAMMA_ABOVE = "gamma_above"
    EXPIRING_GAMMA = "expiring_gamma"
    SHOCK_LIMIT = "shock_limit"
    VEGA_LIMIT = "vega_limit"
    NO_CANDIDATE = "no_candidate"
    PROPOSED_ONLY = "proposed_only"
    GAMMA_OFF = "gamma_off"
    BUDGET_SPENT = "budget_spent"
    CHEAPEST = "cheapest"
    DEARER = "dearer"
    NOT_WORTH_SWITCHING = "not_worth_switching"
    TURNOVER_SPENT = "turnover_spent"
    NOT_WORTH_IT = "not_worth_it"
    SOLVER_FAILED = "solver_failed"
    BOOK_CHANGED = "book_changed"
    # what we know
    STALE_QUOTE = "stale_quote"
    STALE_CHAIN = "stale_chain"
    CROSSED_QUOTE = "crossed_quote"
    ONE_SIDED_QUOTE = "one_sided_quote"
    BAD_NUMBER = "bad_number"
    NO_QUOTE = "no_quote"
    NO_VOLATILITY = "no_volatility"
    AGED_VOLATILITY = "aged_volatility"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    PAST_EXPIRY = "past_expiry"
    POSITION_JUMP = "position_jump"
    EMPTY_REPORT = "empty_report"
    LACKING_REPORT = "lacking_report"
    DELTA_DISAGREES = "delta_disagrees"
    DELTA_BY_MODEL = "delta_by_model"
    MARGIN_MODEL = "margin_model"
    ACCOUNT_UNSEEN = "account_unseen"
    NO_HEDGE_INSTRUMENT = "no_hedge_instrument"
    LAST_DAY = "last_day"
    ANOTHER_BOT = "another_bot"
    JOURNAL_BUSY = "journal_busy"
    # what we allow
    STATE_FORBIDS = "state_forbids"
    NO_LANE = "no_lane"
    UNRESOLVED_ORDER = "unresolved_order"
    UNKNOWN_ORDER = "unknown_order"
    ORDER_TOO_LARGE = "order_too_large"
    POSITION_LIMIT = "position_limit"
    BASIS_LIMIT = "basis_limit"
    ORDER_RATE = "order_rate"
    COLLAR = "collar"
    WRONG_SIDE = "wrong_side"
    NOT_REDUCING = "not_reducing"
    LOSS_LIMIT = "loss_limit"
    FEE_LIMIT = "fee_limit"
    MARGIN = "margin"
    MARGIN_UNASKED = "margin_unasked"
    MARGIN_UNANSWERED = "margin_unanswered"
    NO_FUNDS = "no_funds"
    REPEATED_REJECTS = "repeated_rejects"
    RUNAWAY = "runaway"
    REPEATED_ORDERS = "repeated_orders"
    DUPLICATE_ORDER = "duplicate_order"
    RATE_LIMITED = "rate_limited"
    ORDERS_PER_FILL = "orders_per_fill"
    FILL_PRICE = "fill_price"
    SLIPPAGE_LIMIT = "slippage_limit"
    DECISION_LAG = "decision_lag"
    CLOCK_OFF = "clock_off"
    NEEDS_CONFIRMATION = "needs_confirmation"
    BACKING_OFF = "backing_off"
    # what it comes to
    STILL_OUTSIDE = "still_outside"
    UNHEDGED = "unhedged"
    PNL_UNEXPLAINED = "pnl_unexplained"
    # who said so
    OPERATOR = "operator"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Because:
    """One reason with the numbers that made it true, and what it is about."""

    reason: Reason
    subject: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        """Print as `reason(subject: name=number, …)`."""
        figures = ", ".join(f"{name}={value:.6g}" for name, value in self.numbers.items())
        inside = ": ".join(part for part in (self.subject, figures) if part)
        return f"{self.reason}({inside})" if inside else str(self.reason)
