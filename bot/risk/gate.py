"""The gate: every order passes the same named checks, each of which returns a reason or nothing.

`examine` cuts an order to the caps and asks each check; the refusals are the verdict. A proven
reduction of worst-case |delta| (see `reduces`) passes where caution alone would stop it: reduced
state, spent budgets, loss and fee limits, thin margin. Nothing passes on bad data, on an operator's
pause or halt, or while another order on the same instrument is unresolved.

What adds risk, and every option order, needs the venue's own word on the margin after it
(`Verdict.asks`). A reducing hedge never waits for that: it is cut to what the funds carry.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from bot.book.exposure import Exposure
from bot.domain.instruments import Instrument
from bot.domain.positions import Balance
from bot.domain.reasons import Because, Reason
from bot.domain.states import SENDING, State
from bot.domain.units import seconds_between
from bot.risk.limits import NOTHING_SPENT, Caps, Cost, LimitRules
from bot.risk.twin import Twin

INSIDE = frozenset({"unwind", "edge"})
"""Purposes of orders that need not reduce delta, as long as the owner's band holds with them."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An order that execution would send: signed quantity in the instrument's unit.

    `delta_coin` is the signed change of delta that a full fill brings; `limit` and `reference` (the
    mark) are prices in the instrument's unit. `tolerance`, for options: how far the limit may be
    from the reference on the worse side, in the price unit.
    """

    instrument: Instrument
    quantity: float
    delta_coin: float
    limit: float
    reference: float
    notional_usd: float
    purpose: str
    tolerance: float = math.inf


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Everything else that the checks look at, as of now.

    `lower` and `upper` are the owner's band, `barred` is why no order can leave at all. The futures
    position (coin) is an interval over what may still fill. `unknown_s` is how long the oldest
    UNKNOWN order has been that, `unknown_limit_s` how long it alone stops others. `delta_in` is the
    delta by numeraire (coin). `balance` is in the order's currency, `after` as the venue says that
    it would be, None before it was asked; the rooms are what the funds carry (coin). `twin` was
    sent on the instrument just before, without a fill or refusal since.
    """

    exposure: Exposure
    target: float
    lower: float
    upper: float
    state: State
    caps: Caps
    rules: LimitRules
    position_low: float
    position_high: float
    unresolved: bool
    unknown_s: float | None
    unknown_limit_s: float
    fees_day_usd: float
    loss_day_usd: float
    balance: Balance | None
    barred: str = ""
    confirmed: bool = True
    delta_in: Mapping[str, float] = field(default_factory=dict)
    after: Balance | None = None
    room_buy: float = math.inf
    room_sell: float = math.inf
    twin: Twin | None = None
    cost_day: Cost = NOTHING_SPENT


@dataclass(frozen=True, slots=True)
class Case:
    """What one check sees; `reducing` tells that worst-case |delta| provably shrinks.

    `whole_usd` is the notional before any cut.
    """

    order: Proposal
    now: Circumstances
    reducing: bool
    whole_usd: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be sent: `proposal` cut to the caps, or None; `reducing` spends the reserve.

    `asks` is the order, cut, where nothing but the venue's word on margin is missing.
    """

    proposal: Proposal | None
    reducing: bool
    reasons: tuple[Because, ...]
    asks: Proposal | None = None


def reduces(exposure: Exposure, target: float, delta_coin: float) -> bool:
    """Tell whether any part of a fill is proven to shrink the worst-case distance from the target.

    The worst case is the farther end of the interval. A full fill must bring both ends nearer than
    that; since the worst case is convex in the fill, every part of it then does no harm either.
    """
    low, high = exposure.low - target, exposure.high - target
    before = max(abs(low), abs(high))
    after = max(abs(low + delta_coin), abs(high + delta_coin))
    if not (math.isfinite(before) and delta_coin):
        return False
    return after < before and (high + low) * delta_coin < 0.0


def examine(proposal: Proposal, now: Circumstances) -> Verdict:
    """Return the verdict on one order."""
    cut, notes = _cut(proposal, now)
    if cut is None:
        return Verdict(None, reducing=False, reasons=notes)
    reducing = reduces(now.exposure, now.target, cut.delta_coin)
    case = Case(cut, now, reducing=reducing, whole_usd=proposal.notional_usd)
    refusals = tuple(because for check in CHECKS if (because := check(case)) is not None)
    unasked = {because.reason for because in refusals} == {Reason.MARGIN_UNASKED}
    return Verdict(
        None if refusals else cut, reducing, refusals or notes, asks=cut if unasked else None
    )


def examine_flatten(proposal: Proposal, now: Circumstances) -> Verdict:
    """Return the verdict on a slice of a flatten, which a person asked for while all else is still.

    State, side, losses and band are not asked; margin is the venue's to judge.
    """
    cut, notes = _cut(proposal, replace(now, room_buy=math.inf, room_sell=math.inf))
    if cut is None:
        return Verdict(None, reducing=False, reasons=notes)
    case = Case(cut, now, reducing=False, whole_usd=proposal.notional_usd)
    checks = (_check_lane, _check_unresolved, _check_collar)
    refusals = tuple(because for check in checks if (because := check(case)) is not None)
    return Verdict(None if refusals else cut, reducing=False, reasons=refusals or notes)


def _cut(proposal: Proposal, now: Circumstances) -> tuple[Proposal | None, tuple[Because, ...]]:
    """Cut an order to the order and position caps, in whole lots."""
    if proposal.instrument.is_option:
        return _cut_option(proposal, now)
    allowed, notes = abs(proposal.delta_coin), []
    largest = now.caps.order_coin
    if now.rules.order_usd is not None:
        # The owner's cap is in dollars: prices may have moved since the caps were derived.
        largest = now.rules.order_usd / max(now.exposure.index, proposal.reference)
    if allowed > largest:
        notes.append(_over(Reason.ORDER_TOO_LARGE, allowed, largest))
        allowed = largest
    reached = now.position_high if proposal.delta_coin > 0.0 else -now.position_low
    room = max(now.caps.position_coin - reached, 0.0)
    # A cap that nobody set is a guess about need: it must not leave a book unhedged.
    guessed = now.rules.position_coin is None
    if allowed > room and not (guessed and reduces(now.exposure, now.target, proposal.delta_coin)):
        notes.append(_over(Reason.POSITION_LIMIT, allowed, room))
        allowed = room
    funded = now.room_buy if proposal.delta_coin > 0.0 else now.room_sell
    if allowed > funded:
        notes.append(_over(Reason.NO_FUNDS, allowed, funded))
        allowed = funded
    if not notes:
        return proposal, ()
    return _scaled(proposal, allowed / abs(proposal.delta_coin)), tuple(notes)


def _cut_option(
    proposal: Proposal, now: Circumstances
) -> tuple[Proposal | None, tuple[Because, ...]]:
    """Cut an option order to the owner's hard cap; what is derived is for hedges alone."""
    limit = now.rules.order_usd
    if limit is None or proposal.notional_usd <= limit:
        return proposal, ()
    figures = {"wanted_usd": proposal.notional_usd, "cap_usd": limit}
    note = Because(Reason.ORDER_TOO_LARGE, proposal.instrument.name, figures)
    return _scaled(proposal, limit / proposal.notional_usd), (note,)


def _scaled(proposal: Proposal, share: float) -> Proposal | None:
    """Return a share of an order in whole lots; None when it is below the smallest order."""
    lot = float(proposal.instrument.lot)
    lots = math.floor(abs(proposal.quantity) * share / lot + 1e-9)
    size = float(lots * proposal.instrument.lot)
    if size < float(proposal.instrument.min_quantity):
        return None
    scale = size / abs(proposal.quantity)
    return replace(
        proposal,
        quantity=math.copysign(size, proposal.quantity),
        delta_coin=proposal.delta_coin * scale,
        notional_usd=proposal.notional_usd * scale,
    )


def _over(reason: Reason, found: float, limit: float) -> Because:
    return Because(reason, "", {"wanted_coin": found, "cap_coin": limit})


def _check_state(case: Case) -> Because | None:
    order, now = case.order, case.now
    if now.state not in SENDING:
        return Because(Reason.STATE_FORBIDS, str(now.state))
    if now.state is State.REDUCE_DELTA_ONLY and not case.reducing:
        figures = {"delta_coin": order.delta_coin}
        return Because(Reason.NOT_REDUCING, order.instrument.name, figures)
    return None


def _check_lane(case: Case) -> Because | None:
    """Nothing is wanted of a venue that no order can reach."""
    barred = case.now.barred
    return Because(Reason.NO_LANE, barred) if barred else None


def _check_trust(case: Case) -> Because | None:
    exposure = case.now.exposure
    if exposure.trusted and math.isfinite(exposure.low + exposure.high):
        return None
    return next(iter(exposure.doubts), Because(Reason.NO_QUOTE, case.order.instrument.name))


def _check_side(case: Case) -> Because | None:
    order = case.order
    if case.reducing or order.purpose not in {"delta", *INSIDE}:
        return None
    figures = {"delta_coin": order.delta_coin}
    exposure, now = case.now.exposure, case.now
    low, high = exposure.low + order.delta_coin, exposure.high + order.delta_coin
    if order.purpose in INSIDE and now.lower <= low and high <= now.upper:
        return None
    return Because(Reason.WRONG_SIDE, order.instrument.name, figures)


def _check_unresolved(case: Case) -> Because | None:
    instrument, now, unknown_s = case.order.instrument, case.now, case.now.unknown_s
    if now.unresolved:
        return Because(Reason.UNRESOLVED_ORDER, instrument.name)
    if unknown_s is not None and not (case.reducing and unknown_s > now.unknown_limit_s):
        return Because(Reason.UNKNOWN_ORDER, instrument.coin, {"for_s": unknown_s})
    return None


def _check_duplicate(case: Case) -> Because | None:
    """Refuse what is the same in side, size and price, at the same mark."""
    order, twin = case.order, case.now.twin
    if twin is None or not twin.like(
        order.instrument.name, order.quantity, order.limit, order.reference
    ):
        return None
    age_s = seconds_between(twin.ts_ns, case.now.exposure.ts_ns)
    return Because(Reason.DUPLICATE_ORDER, twin.instrument, {"after_s": age_s})


def _check_collar(case: Case) -> Because | None:
    order, rules = case.order, case.now.rules
    side = math.copysign(1.0, order.quantity)
    if order.instrument.is_option:
        away = (order.limit - order.reference) * side
        # Negated so that a price that is not a number is refused too.
        if away <= order.tolerance + 1e-12 or math.isinf(order.tolerance):
            return None
        figures = {"away": away, "tolerance": order.tolerance}
        return Because(Reason.COLLAR, order.instrument.name, figures)
    away_bps = (order.limit / order.reference - 1.0) * 1e4 * side
    limit_bps = rules.hard_collar_bps if case.reducing else rules.collar_bps
    if away_bps > limit_bps * (1.0 + 1e-9):
        figures = {"bps": away_bps, "limit_bps": limit_bps}
        return Because(Reason.COLLAR, order.instrument.name, figures)
    return None


def _check_losses(case: Case) -> Because | None:
    now = case.now
    if case.reducing:
        return None
    if now.loss_day_usd > now.caps.loss_day_usd:
        figures = {"loss_usd": now.loss_day_usd, "limit_usd": now.caps.loss_day_usd}
        return Because(Reason.LOSS_LIMIT, "", figures)
    if now.fees_day_usd > now.caps.fees_day_usd:
        figures = {"fees_usd": now.fees_day_usd, "limit_usd": now.caps.fees_day_usd}
        return Because(Reason.FEE_LIMIT, "", figures)
    return now.cost_day.because(case.order.instrument.coin)


def _check_margin(case: Case) -> Because | None:
    order, now = case.order, case.now
    if case.reducing and not order.instrument.is_option:
        return None  # it was cut to what the funds carry
    if now.after is None:
        return Because(Reason.MARGIN_UNASKED, order.instrument.name)
    for name, limit in (
        ("initial_margin", now.rules.initial_share),
        ("maintenance_margin", now.rules.maintenance_share),
    ):
        before, after = _margin_share(now.balance, name), _margin_share(now.after, name)
        # Negated so that a share that is not a number is refused; what lowers it is no risk.
        if not (after <= limit or after <= before):
            figures = {"before": before, "after": after, "limit": limit}
            return Because(Reason.MARGIN, f"{now.after.coin} {name}", figures)
    return None


def _margin_share(balance: Balance | None, name: str) -> float:
    """Return a margin as a share of what it is held against; infinite where nothing is left."""
    if balance is None:
        return 0.0
    return float(getattr(balance, name)) / balance.funds if balance.funds > 0.0 else math.inf


def _check_confirmation(case: Case) -> Because | None:
    order, now = case.order, case.now
    limit = now.rules.confirm_usd
    if limit is None or now.confirmed or case.whole_usd <= limit:
        return None
    figures = {"order_usd": case.whole_usd, "limit_usd": limit}
    for numeraire, delta in now.delta_in.items():
        figures[f"before_in_{numeraire}_book"] = delta
        figures[f"after_in_{numeraire}_book"] = delta + order.delta_coin
    return Because(Reason.NEEDS_CONFIRMATION, order.instrument.name, figures)


Check = Callable[[Case], Because | None]
CHECKS: tuple[Check, ...] = (
    _check_state,
    _check_lane,
    _check_trust,
    _check_side,
    _check_unresolved,
    _check_duplicate,
    _check_collar,
    _check_losses,
    _check_margin,
    _check_confirmation,
)
