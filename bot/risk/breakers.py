"""Breakers: small rules that look at what became of orders and stop what should not go on.

Each is folded from what happens (an order, a fill, a reject, a look) and answers with a reason, or
with nothing. `BREAKERS` names all of them, what each does and who may reset it:

    REDUCE   a doubt: the coin goes REDUCE_DELTA_ONLY while it stands
    REFUSE   orders that are not proven to reduce delta are refused
    HALT     no order at all. This is for orders that have no effect: to go on makes it worse
    PAGE     nothing is stopped, somebody is called

Every threshold in coins grows with the owner's band and with what gamma and price explain, so that
a crash is no breach. Nothing here knows a desk or a clock.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bot.domain.reasons import Because, Reason
from bot.domain.units import NS_PER_S, seconds_between


class Does(StrEnum):
    """What a breaker does while it stands."""

    HALT = "halt"
    REDUCE = "reduce"
    REFUSE = "refuse"
    PAGE = "page"


class Reset(StrEnum):
    """Who ends it: nobody (it ends by itself), or a person with the second key."""

    AUTOMATIC = "A"
    REVIEW = "R"


@dataclass(frozen=True, slots=True)
class Breaker:
    """What one breaker does, and who resets it."""

    does: Does
    reset: Reset


BREAKERS: Final[Mapping[Reason, Breaker]] = {
    Reason.RUNAWAY: Breaker(Does.HALT, Reset.REVIEW),
    Reason.REPEATED_ORDERS: Breaker(Does.REDUCE, Reset.REVIEW),
    Reason.REPEATED_REJECTS: Breaker(Does.REDUCE, Reset.AUTOMATIC),
    Reason.RATE_LIMITED: Breaker(Does.REDUCE, Reset.AUTOMATIC),
    Reason.ORDERS_PER_FILL: Breaker(Does.REDUCE, Reset.AUTOMATIC),
    Reason.FILL_PRICE: Breaker(Does.REDUCE, Reset.AUTOMATIC),
    Reason.DECISION_LAG: Breaker(Does.REDUCE, Reset.AUTOMATIC),
    Reason.CLOCK_OFF: Breaker(Does.REDUCE, Reset.AUTOMATIC),
    Reason.SLIPPAGE_LIMIT: Breaker(Does.REFUSE, Reset.AUTOMATIC),
    Reason.UNHEDGED: Breaker(Does.PAGE, Reset.AUTOMATIC),
}


@dataclass(slots=True)
class Runaway:
    """Filled orders in a row that did not do what they were sent for.

    `judge` takes by what share an order's fills changed the measured delta as they should, and what
    share of them the position still holds when the next order is wanted. Both are free of the
    market: a price that runs away from a hedge is no strike.
    """

    most: int = 3
    least_share: float = 0.5
    strikes: int = 0

    def judge(self, measured: float, kept: float) -> None:
        """Take one order that has filled; NaN where nothing is known of a share."""
        known = [share for share in (measured, kept) if not math.isnan(share)]
        if known:
            self.strikes = 0 if min(known) >= self.least_share else self.strikes + 1

    def because(self, coin: str) -> Because | None:
        """Return that orders have no effect, or None."""
        if self.strikes < self.most:
            return None
        return Because(Reason.RUNAWAY, coin, {"orders": float(self.strikes)})


@dataclass(frozen=True, slots=True)
class Need:
    """What an order is wanted for, coins: how far delta is from its target and what moves it.

    `gamma` is coin per 1 % of the index, `width` that of the owner's band, `foreign` what others
    traded since the last order.
    """

    ts_ns: int
    index: float
    change: float
    distance: float
    gamma: float
    width: float
    foreign: float = 0.0


@dataclass(slots=True)
class Repeated:
    """Orders of one side that neither price nor others' trades explain.

    A streak is of one side and ends when the price has moved delta by the band. It is explained up
    to the distance that it began with and a band's width: slices of a large hedge are. More than
    `most` orders beyond that are a breach, and so is an hour in which one side traded `factor`
    times what distance, gamma and `most` widths explain.
    """

    most: int = 5
    factor: float = 3.0
    span_s: float = 3_600.0
    began: Need | None = None
    last: Need | None = None
    traded: float = 0.0
    beyond: int = 0
    hour: deque[tuple[int, float, float]] = field(default_factory=deque)
    found: Because | None = None

    def order(self, coin: str, need: Need) -> Because | None:
        """Take an order that is about to be sent; return the breach, which stands from then on."""
        explained = self._explained(need)
        self.hour.append((need.ts_ns, 0.0, explained))
        while seconds_between(self.hour[0][0], need.ts_ns) > self.span_s:
            self.hour.popleft()
        if self.began is None or self._moved(self.began, need):
            self.began, self.traded, self.beyond = need, 0.0, 0
        elif abs(self.traded) > self.began.distance + need.width:
            self.beyond += 1
        self.last = need
        if self.found is None:
            self.found = self._judge(coin, need)
        return self.found

    def filled(self, ts_ns: int, change: float) -> None:
        """Take a fill: the signed delta (coin) that it brings."""
        self.traded += change
        self.hour.append((ts_ns, change, 0.0))

    def wished(self, ts_ns: int, coins: float) -> None:
        """Take by how much an operator has moved the target: hedges go that far, and a new way."""
        self.hour.append((ts_ns, 0.0, coins))
        self.began = None

    def forget(self) -> None:
        """Start anew: a person has looked."""
        self.began = self.last = self.found = None
        self.traded, self.beyond = 0.0, 0
        self.hour.clear()

    def _explained(self, need: Need) -> float:
        last = self.last
        if last is None or seconds_between(last.ts_ns, need.ts_ns) > self.span_s:
            return need.distance
        gamma = max(abs(last.gamma), abs(need.gamma))
        return gamma * abs(need.index / last.index - 1.0) * 100.0 + need.foreign

    def _moved(self, began: Need, need: Need) -> bool:
        if began.change * need.change < 0.0 or need.foreign > 0.5 * need.width:
            return True
        gamma = max(abs(began.gamma), abs(need.gamma))
        return gamma * abs(need.index / began.index - 1.0) * 100.0 >= need.width

    def _judge(self, coin: str, need: Need) -> Because | None:
        if self.beyond > self.most:
            figures = {"orders": float(self.beyond), "traded_coin": self.traded}
            return Because(Reason.REPEATED_ORDERS, coin, figures)
        side = math.copysign(1.0, need.change)
        traded = sum(change for _, change, _ in self.hour if change * side > 0.0) * side
        explained = sum(part for _, _, part in self.hour) + self.most * need.width
        if traded <= self.factor * explained:
            return None
        figures = {"traded_coin": traded * side, "explained_coin": explained}
        return Because(Reason.REPEATED_ORDERS, f"{coin} in an hour", figures)


@dataclass(slots=True)
class Rejects:
    """Rejects of option orders: so many of one code within a minute.

    Those of hedges have a back-off of their own; an option order has none but its desk's rest.
    """

    most: int = 3
    span_s: float = 60.0
    by_code: dict[str, deque[int]] = field(default_factory=dict)

    def rejected(self, code: str, now_ns: int) -> None:
        """Take a reject."""
        self.by_code.setdefault(code, deque(maxlen=self.most)).append(now_ns)

    def because(self, coin: str, now_ns: int) -> Because | None:
        """Return the code that keeps coming, or None."""
        for code, times in self.by_code.items():
            if len(times) == self.most and seconds_between(times[0], now_ns) <= self.span_s:
                figures = {"within_s": self.span_s, "rejects": float(self.most)}
                return Because(Reason.REPEATED_REJECTS, f"{coin} options {code}".strip(), figures)
        return None


@dataclass(slots=True)
class RateLimit:
    """The venue said that it is asked too often: nothing but reducing orders for a minute."""

    codes: frozenset[str] = frozenset({"10028", "429"})
    for_s: float = 60.0
    hit_ns: int | None = None

    def rejected(self, code: str, now_ns: int) -> None:
        """Take a reject."""
        if code in self.codes:
            self.hit_ns = now_ns

    def because(self, coin: str, now_ns: int) -> Because | None:
        """Return that the venue wants fewer requests, or None."""
        if self.hit_ns is None or seconds_between(self.hit_ns, now_ns) >= self.for_s:
            return None
        return Because(Reason.RATE_LIMITED, coin, {"for_s": self.for_s})


@dataclass(slots=True)
class OrdersPerFill:
    """Orders against those that traded, within an hour: venues ration whoever only asks.

    Below `least` orders nothing is said; `most` orders for each that traded is four fifths of what
    the strictest venue takes.
    """

    least: int = 200
    most: float = 40.0
    span_s: float = 3_600.0
    ended: deque[tuple[int, bool]] = field(default_factory=deque)

    def over(self, now_ns: int, *, traded: bool) -> None:
        """Take an order that has ended."""
        self.ended.append((now_ns, traded))

    def because(self, coin: str, now_ns: int) -> Because | None:
        """Return that too few orders trade, or None."""
        while self.ended and seconds_between(self.ended[0][0], now_ns) > self.span_s:
            self.ended.popleft()
        orders, traded = len(self.ended), sum(traded for _, traded in self.ended)
        if orders < self.least or orders <= self.most * max(traded, 1):
            return None
        figures = {"orders": float(orders), "traded": float(traded)}
        return Because(Reason.ORDERS_PER_FILL, coin, figures)


@dataclass(slots=True)
class FillPrice:
    """Fills far from the mid that their order was decided on, either way.

    One beyond `limit_bps` is told for `told_s`: a thin book asks for that. Two orders in a row
    beyond `wrong_bps`, which no collar allows, are a doubt for `for_s`.
    """

    limit_bps: float = 30.0
    wrong_bps: float = 120.0
    told_s: float = 60.0
    for_s: float = 5.0
    in_a_row: int = 0
    far: tuple[int, str, float] | None = None

    def filled(self, name: str, away_bps: float, now_ns: int) -> None:
        """Take what one order's fills came to, bps from its mid, as soon as it has ended."""
        self.in_a_row = self.in_a_row + 1 if abs(away_bps) > self.wrong_bps else 0
        if abs(away_bps) > self.limit_bps:
            self.far = (now_ns, name, away_bps)

    def told(self, now_ns: int) -> Because | None:
        """Return what is to be told, or None."""
        return self._since(now_ns, self.told_s)

    def because(self, now_ns: int) -> Because | None:
        """Return the doubt that two in a row are, or None."""
        return self._since(now_ns, self.for_s) if self.in_a_row > 1 else None

    def _since(self, now_ns: int, span_s: float) -> Because | None:
        if self.far is None or seconds_between(self.far[0], now_ns) >= span_s:
            return None
        _, name, away_bps = self.far
        return Because(Reason.FILL_PRICE, name, {"bps": away_bps, "limit_bps": self.limit_bps})


@dataclass(slots=True)
class Unhedged:
    """Delta outside the owner's band although orders may be sent."""

    after_s: float = 60.0
    since_ns: int | None = None

    def look(self, now_ns: int, *, outside: bool) -> None:
        """Take one look at a trusted delta; what is not sure is no look."""
        if not outside:
            self.since_ns = None
        elif self.since_ns is None:
            self.since_ns = now_ns

    def because(self, coin: str, now_ns: int) -> Because | None:
        """Return that the book is unhedged, or None."""
        if self.since_ns is None:
            return None
        for_s = seconds_between(self.since_ns, now_ns)
        return Because(Reason.UNHEDGED, coin, {"for_s": for_s}) if for_s >= self.after_s else None


@dataclass(slots=True)
class Pager:
    """Says that something began, again with doubled gaps while it stands, and that it ended."""

    first_s: float = 60.0
    longest_s: float = 1_800.0
    open: dict[Reason, tuple[Because, int, float]] = field(default_factory=dict)

    def say(self, standing: Mapping[Reason, Because], now_ns: int) -> list[tuple[Because, bool]]:
        """Return what is to be recorded now: the reason and whether it stands."""
        over = [reason for reason in self.open if reason not in standing]
        said = [(self.open.pop(reason)[0], False) for reason in over]
        for reason, because in standing.items():
            _, next_ns, gap_s = self.open.get(reason, (because, now_ns, self.first_s))
            if now_ns >= next_ns:
                next_ns = now_ns + round(gap_s * NS_PER_S)
                gap_s = min(2.0 * gap_s, self.longest_s)
                said.append((because, True))
            self.open[reason] = (because, next_ns, gap_s)
        return said
