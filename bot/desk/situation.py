"""What the gate looks at on one underlying, and the one way through it: caps, position, the day.

Nothing here remembers anything, so that a preview asks exactly what a desk asks and changes
nothing by asking; what is to be remembered (caps in force, budgets spent) is handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.book.exposure import Exposure
from bot.book.margin import STANDARD, room
from bot.book.measure import delta_in
from bot.book.numeraire import Numeraire, future_delta
from bot.book.shocks import shocks
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.domain.instruments import Instrument
from bot.domain.positions import Balance
from bot.domain.reasons import Because, Reason
from bot.domain.units import seconds_between
from bot.risk.budget import OrderBudget
from bot.risk.gate import Circumstances, Proposal, Verdict, examine
from bot.risk.limits import Caps, Cost, derive_caps

CAPS_S = 60.0

# The balance as it would be with an order, by the venue; None where it has not said.
Answers = Callable[[Proposal], Balance | None]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What orders may use up: the caps in force, the order budget, the venue's word on margin."""

    caps: Caps
    budget: OrderBudget
    answers: Answers


@dataclass(frozen=True, slots=True)
class CapsInForce:
    """Caps, when they were derived, and the book's size (gross option coins) then."""

    caps: Caps
    since_ns: int
    gross_coin: float


def caps_in_force(
    floor: Floor, rules: DeskRules, exposure: Exposure, last: CapsInForce | None
) -> CapsInForce:
    """Return the caps, derived anew once a minute or when the book has changed size."""
    now_ns, gross = exposure.ts_ns, exposure.gross_option_coin
    if last is not None:
        fresh = seconds_between(last.since_ns, now_ns) < CAPS_S
        if fresh and last.gross_coin == gross:
            return last
    owner, band = rules.delta.owner, floor.band(rules.coin, rules.delta.owner)
    caps = derive_caps(
        rules.limits,
        exposure,
        shocks(floor.book, rules.coin, now_ns),
        owner_width_coin=owner.upper - owner.lower,
        policy_width_coin=0.5 * (band.upper - band.lower),
        extra_coin=abs(exposure.collateral) + abs(owner.target),
        target=owner.target,
    )
    return CapsInForce(caps, now_ns, gross)


def circumstances(
    floor: Floor,
    rules: DeskRules,
    exposure: Exposure,
    caps: Caps,
    instrument: Instrument,
) -> Circumstances:
    """Return what the gate looks at when an order on an instrument is to be sent now."""
    coin, now_ns = rules.coin, exposure.ts_ns
    book, day, unconfirmed = floor.book, floor.day(coin, now_ns), coin in floor.unconfirmed
    balances = book.holdings.balances
    balance = balances.get(instrument.currency)
    buy, sell = hedge_rooms(floor, instrument, balance, exposure.index)
    unknown = floor.orders.unknown(coin)
    since_ns = min((o.unknown_since_ns for o in unknown), default=0)
    low, high = futures_position(floor, exposure)
    return Circumstances(
        exposure=exposure,
        target=rules.delta.owner.target,
        lower=rules.delta.owner.lower,
        upper=rules.delta.owner.upper,
        state=floor.machine.at(coin),
        barred=floor.barred,
        caps=caps,
        rules=rules.limits,
        position_low=low,
        position_high=high,
        unresolved=floor.orders.unresolved(instrument.name) is not None,
        unknown_s=seconds_between(since_ns, now_ns) if unknown else None,
        unknown_limit_s=floor.orders.patience.unknown_s,
        fees_day_usd=day.fees_usd,
        loss_day_usd=day.loss_usd(balances.get(coin), exposure.index),
        cost_day=Cost(day.cost_usd, day.model_usd, caps.slippage_day_usd),
        balance=balance,
        confirmed=not unconfirmed,
        delta_in={str(n): delta_in(book, coin, now_ns, n) for n in Numeraire if unconfirmed},
        room_buy=buy,
        room_sell=sell,
        twin=floor.control(coin).twin(instrument.name, now_ns),
    )


def hedge_rooms(
    floor: Floor, instrument: Instrument, balance: Balance | None, index: float
) -> tuple[float, float]:
    """Return how many coins of a future may be bought and sold by the local formula of margin.

    Infinite where it does not apply: under portfolio margin a hedge frees margin.
    """
    if instrument.is_option or balance is None or balance.model not in STANDARD:
        return math.inf, math.inf
    held = future_delta(instrument, float(floor.book.holdings.total(instrument.name)), index, index)
    free = balance.funds - balance.initial_margin
    return (
        room(instrument, held, free, index, buy=True),
        room(instrument, held, free, index, buy=False),
    )


def admit(proposal: Proposal, now: Circumstances, allowance: Allowance) -> Verdict:
    """Return the gate's verdict; what passes has spent its part of the order budget."""
    verdict, budget = examine(proposal, now), allowance.budget
    if verdict.asks is not None and (after := allowance.answers(verdict.asks)) is not None:
        verdict = examine(proposal, replace(now, after=after))
    budget.refill(now.caps.orders_per_min, now.caps.reserve_per_min, now.exposure.ts_ns)
    if verdict.proposal is None or budget.take(reducing=verdict.reducing):
        return verdict
    figures = {"per_min": now.caps.orders_per_min}
    because = Because(Reason.ORDER_RATE, proposal.instrument.name, figures)
    return Verdict(None, verdict.reducing, (because,))


def futures_position(floor: Floor, exposure: Exposure) -> tuple[float, float]:
    """Return the interval of the futures position (coin) over all that may still fill."""
    book, index = floor.book, exposure.index
    held = book.packed(exposure.coin).futures.items()
    low = high = sum(future_delta(i, quantity, index, index) for i, quantity in held)
    for name, quantity in floor.orders.pending(exposure.coin):
        instrument = book.instruments.get(name)
        if instrument is not None and not instrument.is_option:
            change = future_delta(instrument, quantity, index, index)
            low, high = low + min(change, 0.0), high + max(change, 0.0)
    return low, high
