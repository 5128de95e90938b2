"""Bugs in what is sent: side, size, price, caps, and the figures that they are made of."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

from bot.book import legs, measure
from bot.book.columns import OptionColumns
from bot.book.numeraire import Numeraire
from bot.desk import ticket
from bot.desk.ticket import Ticket
from bot.domain.orders import TimeInForce
from bot.domain.units import Quantity
from bot.risk import gate
from bot.strategy.bands import Band
from bot.strategy.delta import DeltaPolicy
from bot.wiring import desks
from tests.simulation.campaign.planted.plant import Ground, Plant, breaks

# The hedge of these books reaches the owner's cap of the position at once, short in all but one.
AT_THE_CAP = Ground((69, 85, 114, 21), 0.05)


def _sized(plant: Plant, factor: int) -> None:
    def intent(original, *args, **more):
        found = original(*args, **more)
        size = Quantity(found.quantity.value * factor, found.quantity.unit)
        return replace(found, quantity=size)

    plant.around(Ticket, "intent", intent)


@breaks("I11")
def hedge_of_the_wrong_sign(plant: Plant) -> None:
    """A hedge is sold where it should be bought."""
    _sized(plant, -1)


@breaks("I11", "I12", "I9")
def ten_times_the_size(plant: Plant) -> None:
    """Contracts of ten dollars are taken for contracts of one."""
    _sized(plant, 10)


@breaks("I11", "I12")
def hedge_goes_past_the_target(plant: Plant) -> None:
    """A hedge trades two and a half times what is missing to the target."""

    def landing(original, *args, **more):
        plan = original(*args, **more)
        return replace(plan, change=plan.change * 2.5)

    plant.around(ticket, "plan_delta", landing)
    plant.swap(gate, "CHECKS", tuple(c for c in gate.CHECKS if c is not gate._check_side))


@breaks("I9")
def order_cap_is_ignored(plant: Plant) -> None:
    """Orders are not cut to the owner's cap."""

    def cut(original, proposal, now):
        caps = replace(now.caps, order_coin=math.inf)
        rules = replace(now.rules, order_usd=None)
        return original(proposal, replace(now, caps=caps, rules=rules))

    plant.around(gate, "_cut", cut)


@breaks("I9", where=AT_THE_CAP)
def position_cap_is_ignored(plant: Plant) -> None:
    """Orders are not cut to the owner's cap of the position."""

    def cut(original, proposal, now):
        return original(proposal, replace(now, caps=replace(now.caps, position_coin=math.inf)))

    plant.around(gate, "_cut", cut)


@breaks("I9", where=AT_THE_CAP)
def position_is_weighed_one_sided(plant: Plant) -> None:
    """The cap of the position looks at what is bought only."""
    plant.around(ticket, "circumstances", lambda original, *args: _long_only(original(*args)))


def _long_only(now: gate.Circumstances) -> gate.Circumstances:
    return replace(now, position_low=max(now.position_low, 0.0))


@breaks("I9")
def cap_is_rounded_up(plant: Plant) -> None:
    """An order that is cut to its cap is rounded up to whole lots."""

    def scaled(original, proposal, share):
        lot = float(proposal.instrument.lot)
        lots = math.ceil(abs(proposal.quantity) * share / lot)
        whole = math.copysign(lots * lot, proposal.quantity)
        found = original(proposal, share)
        return None if found is None else replace(found, quantity=whole)

    plant.around(gate, "_scaled", scaled)


@breaks("I10")
def lots_are_not_rounded(plant: Plant) -> None:
    """Quantities are sent to the last contract, whole lots or not."""

    def intent(original, *args, **more):
        found = original(*args, **more)
        size = Quantity(found.quantity.value + Decimal(3), found.quantity.unit)
        return replace(found, quantity=size)

    plant.around(Ticket, "intent", intent)


@breaks("I10")
def prices_are_off_the_grid(plant: Plant) -> None:
    """Prices are rounded to cents, whatever the tick."""
    plant.swap(
        ticket,
        "to_tick",
        lambda _, price, *, buy: Decimal(round(price, 2)),  # noqa: ARG005
    )


@breaks("I10")
def price_beyond_the_collar(plant: Plant) -> None:
    """The limit is rounded to the aggressive side: what is at the collar goes beyond it."""

    def tick(original, instrument, price, *, buy):
        return original(instrument, price, buy=not buy)

    plant.around(ticket, "to_tick", tick)


@breaks("I10")
def collar_is_off(plant: Plant) -> None:
    """An order that crosses takes whatever price there is."""

    def price(original, rules, progress, now):
        found = original(rules, progress, now)
        if found.time_in_force is TimeInForce.GTC:
            return found
        return replace(found, limit=found.limit * (1.05 if now.buy else 0.95))

    plant.around(ticket, "price_hedge", price)
    plant.swap(gate, "CHECKS", tuple(c for c in gate.CHECKS if c is not gate._check_collar))


@breaks("I11", "I12", "I13")
def target_is_read_as_zero(plant: Plant) -> None:
    """The owner's band is taken around zero, not around the target."""
    plant.swap(desks, "Band", lambda low, mid, high: Band(low - mid, 0.0, high - mid))


@breaks("I11", "I12", "I13")
def band_is_mirrored(plant: Plant) -> None:
    """Lower and upper are those of the hedge, not of the book."""
    plant.swap(desks, "Band", lambda low, mid, high: Band(-high, -mid, -low))


@breaks("I11", "I12", "I13", "I9")
def contracts_are_counted_as_coins(plant: Plant) -> None:
    """A dollar of an inverse future is taken for a coin of it, a thousandth of that at least."""
    plant.around(
        legs,
        "future_delta",
        lambda original, i, quantity, price, index: original(i, quantity, price, index) * 1000.0,
    )


@breaks("I11", "I12", "I13")
def premium_is_taken_off(plant: Plant) -> None:
    """A dollar book's options have the coin book's delta, less their premium."""

    def figures(original, _, *args):
        return original(Numeraire.COIN, *args)

    plant.around(measure, "option_figures", figures)


@breaks("I11", "I12", "I13")
def delta_is_a_percentage(plant: Plant) -> None:
    """A leg's delta is divided by a hundred once too often."""

    def figures(original, *args):
        found = original(*args)
        return replace(found, delta=found.delta / 100.0)

    plant.around(measure, "option_figures", figures)


@breaks("I11")
def unwind_goes_the_wrong_way(plant: Plant) -> None:
    """The steps of a settlement unwind build the hedge up instead of taking it off."""

    def due(original, *args, **more):
        plan = original(*args, **more)
        return None if plan is None else replace(plan, change=-plan.change)

    plant.around(ticket, "due", due)


@breaks("I13")
def hedge_is_left_to_the_end(plant: Plant) -> None:
    """An option keeps all its delta until it settles, and then its hedge is left."""

    def build(original, *args):
        columns = original(*args)
        columns.averaging_s[:] = 0.0
        columns.longest_window_s = 0.0
        return columns

    built = OptionColumns.build
    plant.swap(OptionColumns, "build", staticmethod(lambda *args: build(built, *args)))
    plant.swap(measure, "settlement_averages", lambda *_: {})


@breaks("I14", "I13")
def band_of_no_width(plant: Plant) -> None:
    """The policy's band is as narrow as the smallest order."""

    def levels(original, policy, now):
        found = original(policy, now)
        half = max(now.smallest_coin, 1e-9)
        middle = found.band.target
        return replace(found, band=Band(middle - half, middle, middle + half), share=0.0)

    plant.around(DeltaPolicy, "levels", levels)
