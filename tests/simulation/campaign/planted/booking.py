"""Bugs in what is held: fills counted twice or not at all, reports believed too soon."""

from __future__ import annotations

from decimal import Decimal

from bot.book.holdings import Holdings
from bot.desk.evidence import Disagreement
from bot.desk.reconcile import Reconciler
from bot.domain.units import Quantity
from bot.execution.orders import OrderTable
from tests.simulation.campaign.planted.plant import Plant, breaks


@breaks("I11", "I12", "I16", "I18")
def fills_are_counted_again(plant: Plant) -> None:
    """A fill that is told twice is two fills."""
    plant.swap(Holdings, "knows", lambda *_: False)


@breaks("I11", "I12", "I16", "I18")
def fills_count_in_report_and_trades(plant: Plant) -> None:
    """What an order's report says was filled is added to what its trades say."""

    def report(original, table, told, now_ns):
        order = table.orders.get(told.label)
        before = Decimal(0) if order is None else order.reported
        notes = original(table, told, now_ns)
        more = told.filled.value - before
        if order is not None and abs(told.filled.value) > abs(before):
            HELD[-1]._hedge(told.instrument, Quantity(more, told.filled.unit))
        return notes

    plant.around(OrderTable, "report", report)
    _watch(plant)


@breaks("I11", "I12", "I16", "I18")
def event_is_lost_in_an_exception(plant: Plant) -> None:
    """A fill whose booking fails is logged and forgotten; its order counts as complete."""
    count = [0]

    def fold(original, holdings, fill):
        count[0] += 1
        if count[0] % 5 == 0:
            holdings.trades.add(fill)
            return False
        return original(holdings, fill)

    plant.around(Holdings, "fold", fold)


@breaks("I11", "I12", "I16", "I18")
def sells_are_booked_as_buys(plant: Plant) -> None:
    """A fill's quantity is booked without its sign."""

    def hedge(original, holdings, instrument, quantity):
        return original(holdings, instrument, abs(quantity))

    plant.around(Holdings, "_hedge", hedge)


@breaks("I11", "I21")
def jump_is_believed_at_once(plant: Plant) -> None:
    """The first report that differs is adopted and traded on."""
    plant.swap(Disagreement, "confirms", lambda *_: True)


@breaks("I11", "I21")
def empty_report_is_believed_at_once(plant: Plant) -> None:
    """A list of positions without any is taken for a flat account."""

    def report(original, reconciler, event):
        if not event.positions and reconciler.adopted:
            reconciler._adopt(event, set(reconciler.floor.book.holdings.held()))
        return original(reconciler, event)

    plant.around(Reconciler, "report", report)


@breaks("I11", "I12", "I18")
def report_is_adopted_amid_orders(plant: Plant) -> None:
    """A report is compared and adopted while an order on its instrument is open."""
    plant.swap(Reconciler, "_in_flight", lambda *_: set())
    plant.swap(Reconciler, "_lags", lambda *_: False)
    plant.swap(Disagreement, "confirms", lambda *_: True)


@breaks("I16")
def reports_are_never_adopted(plant: Plant) -> None:
    """After the first report positions follow our own fills alone."""

    def adopt(original, reconciler, event, instruments):
        if not reconciler.adopted:
            return original(reconciler, event, instruments)
        return reconciler.hold.owners(instruments)

    plant.around(Reconciler, "_adopt", adopt)


HELD: list[Holdings] = []


def _watch(plant: Plant) -> None:
    def begin(original, holdings, *args, **more):
        original(holdings, *args, **more)
        HELD.append(holdings)

    plant.around(Holdings, "__init__", begin)
