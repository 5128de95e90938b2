"""One order of ours: what is proven about it, and how long its answers are waited for."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from bot.domain.orders import TERMINAL, Intent, OrderState
from bot.domain.units import NS_PER_S


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds of event time.

    `quarantine_s` is for venues without `valid_until`: how long after sending denials say nothing.
    `looks` counts the reports of positions that must show nothing of a denied order; after
    `denied_s` of being unknown denials alone decide, as others may have traded meanwhile.
    """

    ack_s: float = 2.0
    first_query_s: float = 0.5
    longest_query_s: float = 2.5
    deny_count: int = 3
    deny_span_s: float = 5.0
    after_valid_s: float = 2.0
    quarantine_s: float = 0.0
    missing_fill_s: float = 1.0
    unknown_s: float = 10.0
    looks: int = 2
    denied_s: float = 30.0


@dataclass(slots=True)
class WorkingOrder:
    """One order of ours and all that is proven about it.

    `asked` tells that the venue was asked about it and has not denied it since; `looks` counts the
    reports of positions in a row that show nothing of it. An order that an earlier run left is
    `inherited`: no positions from before it are known. One that the venue once had was `booked`.
    """

    intent: Intent
    coin: str
    state: OrderState = OrderState.INTENDED
    sent_ns: int = 0
    heard_ns: int = 0
    ended_ns: int = 0
    code: str = ""
    reported: Decimal = Decimal(0)
    folded: Decimal = Decimal(0)
    trades: set[str] = field(default_factory=set)
    cancel_asked_ns: int = 0
    unknown_since_ns: int = 0
    next_query_ns: int = 0
    query_gap_s: float = 0.0
    asked: bool = False
    denials: list[int] = field(default_factory=list)
    looks: int = 0
    inherited: bool = False
    booked: bool = False

    @property
    def done(self) -> bool:
        """Tell whether the order is over and all its fills have been folded."""
        return self.state in TERMINAL and self.folded == self.reported

    @property
    def may_fill(self) -> Decimal:
        """Return the signed quantity that may still reach the holdings."""
        if self.state in TERMINAL:
            return self.reported - self.folded
        # What a venue says to have filled beyond the order is its fault, and still to come.
        return max(self.intent.quantity.value, self.reported, key=abs) - self.folded

    def late_ns(self, patience: Patience) -> int:
        """Return until when a venue that has not booked the order yet still may."""
        valid_ns = self.intent.valid_until_ns - self.intent.created_ns
        over_ns = self.sent_ns + valid_ns + round(patience.after_valid_s * NS_PER_S)
        return max(over_ns, self.sent_ns + round(patience.quarantine_s * NS_PER_S))

    def ask(self, patience: Patience, now_ns: int) -> None:
        """Note that the venue is asked about it, and when that is due again.

        The first denial that counts is asked for as soon as one can, the last as soon as they span
        the time that they must; in between as ever, so that no two lies far apart will do.
        """
        gap_s = self.query_gap_s or patience.first_query_s
        self.query_gap_s = min(2.0 * gap_s, patience.longest_query_s)
        self.next_query_ns = now_ns + round(gap_s * NS_PER_S)
        late_ns = self.late_ns(patience)
        if now_ns <= late_ns:
            self.next_query_ns = min(self.next_query_ns, late_ns + 1)
        elif self.denials and not self.asked:
            over_ns = self.denials[0] + round(patience.deny_span_s * NS_PER_S)
            if now_ns < over_ns:
                self.next_query_ns = min(self.next_query_ns, over_ns)
        self.asked = True
