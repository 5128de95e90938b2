"""Orders at the band's edge: whether one may rest now, and whether one that rests must go.

Only while the underlying runs freely, nothing is in doubt and no option fades; each is settled with
a report of positions before the next, because while it rests nobody can tell a trade by hand from
its fill. One that was refused or rejected is not tried again for a while.
"""

from __future__ import annotations

from dataclasses import replace

from bot.book.exposure import Exposure
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.desk.ticket import Want, chosen
from bot.domain.states import State
from bot.domain.units import seconds_between
from bot.execution.working import WorkingOrder
from bot.strategy.edge_order import holds, plan_edge
from bot.strategy.patience import patience_s

LONGEST_S = 300.0
QUIET_S = 60.0


def edge_want(floor: Floor, rules: DeskRules, exposure: Exposure, wanted: Want) -> Want | None:
    """Return what should rest at the band's edge; None where nothing may."""
    hedge = wanted.hedge
    if hedge is None or not _free(floor, rules, exposure):
        return None
    if hedge.instrument.name in floor.skipped:
        return None
    plan = plan_edge(exposure, rules.delta, wanted.levels, hedge.quote, wanted.smallest)
    if plan is None:
        return None
    # What it would trade may fit another instrument than what is missing to the target.
    task = replace(wanted.task, change=plan.change)
    fits = chosen(floor, rules, exposure, task)[0]
    if fits is None or fits.instrument.name != hedge.instrument.name:
        return None
    return replace(wanted, plan=plan, hedge=fits)


def left_edge(
    order: WorkingOrder, floor: Floor, rules: DeskRules, exposure: Exposure, wanted: Want
) -> bool:
    """Tell whether an order at the band's edge is in the way, or no longer at the edge."""
    hedge, band = wanted.hedge, wanted.levels.band
    if hedge is None or wanted.plan.wanted or hedge.instrument.name != order.intent.instrument:
        return True
    if not _free(floor, rules, exposure):
        return True
    if seconds_between(order.sent_ns, exposure.ts_ns) >= LONGEST_S:
        return True
    # The interval holds its fill, so that the plan alone would wait, even outside the owner's band.
    outside = not band.holds(exposure.delta)
    now, owner = wanted.levels.conditions, rules.delta.owner
    waits_s = patience_s(owner, exposure.delta, exposure, now)
    if outside and waits_s < rules.tactics.least_rest_s:
        return True
    price, buy = float(order.intent.price), order.intent.is_buy
    return not holds(price, exposure, band, hedge.quote, buy=buy)


def _free(floor: Floor, rules: DeskRules, exposure: Exposure) -> bool:
    """Tell whether orders that reduce nothing may be in the market."""
    running = floor.machine.at(rules.coin) is State.RUNNING
    return running and exposure.trusted and not exposure.doubts and exposure.window_left_s <= 0.0
