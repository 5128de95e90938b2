"""Bugs in the life of an order: retries, guesses about its end, more than one at a time."""

from __future__ import annotations

from dataclasses import replace

from bot.core import Core
from bot.desk import delta as delta_desk
from bot.desk import reconcile, resting, situation, ticket
from bot.desk.attempts import Attempts
from bot.domain.commands import Place, Query
from bot.domain.orders import TERMINAL, OrderState
from bot.execution import orders
from bot.execution.orders import OrderTable
from bot.execution.working import Patience, WorkingOrder
from bot.journal.writer import Journal
from bot.risk import gate
from bot.risk.budget import OrderBudget
from bot.stepper import Stepper
from bot.wiring import desks
from tests.simulation.campaign.planted.plant import Ground, Plant, breaks

SOON_NS = 400_000_000
# An order is wanted here while somebody holds the journal's file, which is seconds in an hour.
LOCKED = Ground((50, 151, 176, 183), 0.05)


@breaks("I2")
def resend_without_an_answer(plant: Plant) -> None:
    """An order without an answer for 0.4 s is sent again, under its own label."""
    again: set[str] = set()

    def tick(original, table, now_ns):
        commands = original(table, now_ns)
        for order in table:
            label, silent_ns = order.intent.label, now_ns - order.sent_ns
            if order.state is OrderState.SENT and silent_ns > SOON_NS and label not in again:
                again.add(label)
                commands.append(Place(order.intent))
        return commands

    def once(original, journal, intent):
        if intent.label not in again:
            original(journal, intent)

    plant.around(OrderTable, "tick", tick)
    plant.around(Journal, "intent", once)


def _guess(plant: Plant, end: OrderState) -> None:
    def tick_one(original, table, order, now_ns):
        commands = original(table, order, now_ns)
        if order.state is OrderState.UNKNOWN:
            commands.append(orders._move(order, end, now_ns, "no answer in time"))
            table._sweep(order)
        return commands

    plant.around(OrderTable, "_tick_one", tick_one)


@breaks("I4")
def unknown_is_rejected(plant: Plant) -> None:
    """An order without an answer is taken for one that was refused."""
    _guess(plant, OrderState.REJECTED)


@breaks("I4")
def unknown_is_filled(plant: Plant) -> None:
    """An order without an answer is taken for one that was filled."""
    _guess(plant, OrderState.FILLED)


@breaks("I4")
def cancel_is_the_end(plant: Plant) -> None:
    """What was cancelled is over as soon as the cancellation is sent; its last fill is not."""

    def cancel(original, order, now_ns):
        order.state, order.ended_ns = OrderState.CANCELLED, now_ns
        return original(order, now_ns)

    def cycle(original, desk, floor, exposure, now_ns):
        commands = original(desk, floor, exposure, now_ns)
        for order in list(floor.orders):
            if order.state is OrderState.CANCELLED and order.cancel_asked_ns == now_ns:
                order.state = OrderState.WORKING
                note = orders._move(order, OrderState.CANCELLED, now_ns, "asked to be cancelled")
                commands.append(note)
                floor.orders._sweep(order)
        return commands

    plant.around(resting, "_cancel", cancel)
    plant.around(delta_desk.DeltaDesk, "cycle", cycle)


@breaks("I4")
def denial_is_believed_at_once(plant: Plant) -> None:
    """The first answer that there is no such order ends it."""
    impatient = Patience(deny_count=1, deny_span_s=0.0, after_valid_s=-1e6)
    plant.swap(desks, "Patience", lambda: impatient)


@breaks("I4")
def denial_counts_while_the_order_may_arrive(plant: Plant) -> None:
    """Denials are counted before the order's validity has ended."""
    plant.swap(desks, "Patience", lambda: Patience(after_valid_s=-1e6, deny_span_s=3.0))


@breaks("I4")
def repeated_answer_is_another_denial(plant: Plant) -> None:
    """The answer to one query counts again each time that it is repeated."""

    def deny(original, table, label, now_ns):
        if label in table.orders:
            table.orders[label].asked = True
        return original(table, label, now_ns)

    plant.around(OrderTable, "deny", deny)
    plant.swap(desks, "Patience", lambda: Patience(deny_count=3, deny_span_s=0.0))


@breaks("I5", "I17")
def nobody_asks_about_the_unknown(plant: Plant) -> None:
    """An order is declared UNKNOWN and no query ever follows."""

    def tick_one(original, table, order, now_ns):
        return [c for c in original(table, order, now_ns) if not isinstance(c, Query)]

    plant.around(OrderTable, "_tick_one", tick_one)
    plant.around(
        reconcile.Reconciler,
        "begin",
        lambda original, mine, now_ns: [
            c for c in original(mine, now_ns) if not isinstance(c, Query)
        ],
    )


@breaks("I8")
def two_orders_at_once(plant: Plant) -> None:
    """Nothing waits for the order before it."""
    plant.swap(OrderTable, "busy", lambda *_: False)
    plant.swap(gate, "CHECKS", tuple(c for c in gate.CHECKS if c is not gate._check_unresolved))


@breaks("I8", "I11", "I12")
def own_orders_are_no_exposure(plant: Plant) -> None:
    """What orders may still fill is no part of the interval, nor a reason to wait."""
    plant.swap(WorkingOrder, "may_fill", property(lambda order: order.reported * 0))
    plant.around(
        situation,
        "circumstances",
        lambda original, *args: _without_orders(original(*args)),
    )
    plant.swap(ticket, "circumstances", situation.circumstances)


def _without_orders(now: gate.Circumstances) -> gate.Circumstances:
    return replace(now, unresolved=False, unknown_s=None)


@breaks("I11", "I12", "I18")
def missing_fills_are_not_waited_for(plant: Plant) -> None:
    """An order that has ended is forgotten, its fills told or not."""
    plant.swap(WorkingOrder, "done", property(lambda order: order.state in TERMINAL))


@breaks("I27")
def no_rate_and_no_back_off(plant: Plant) -> None:
    """A refusal is followed by the next order at once, and nobody counts orders."""
    plant.swap(OrderBudget, "take", lambda *_, **__: True)

    def learn(original, attempts, now_ns):
        original(attempts, now_ns)
        attempts.quiet_until_ns = 0

    plant.around(Attempts, "learn", learn)


@breaks("I1")
def commit_after_sending(plant: Plant) -> None:
    """Orders leave first; their intents are on disk with the next heartbeat."""
    plant.swap(Stepper, "_busy_journal", lambda _: "")


@breaks("I1", where=LOCKED)
def busy_journal_is_no_obstacle(plant: Plant) -> None:
    """Where another process holds the journal the order leaves all the same."""

    def busy(original, stepper):
        original(stepper)
        return ""

    plant.around(Stepper, "_busy_journal", busy)


@breaks("I3")
def intent_is_not_journalled(plant: Plant) -> None:
    """The row of an intent is never written."""
    plant.swap(Journal, "intent", lambda journal, intent: journal.digest.intent(intent))


@breaks("I7")
def barred_lane_is_no_obstacle(plant: Plant) -> None:
    """Orders are sent although the venue has said that none can leave."""
    plant.swap(gate, "CHECKS", tuple(c for c in gate.CHECKS if c is not gate._check_lane))


@breaks("I13")
def lane_stays_barred(plant: Plant) -> None:
    """The word that orders can leave again is not heard."""

    def fold(original, core, event):
        before = core.floor.barred
        answer = original(core, event)
        core.floor.barred = core.floor.barred or before
        return answer

    plant.around(Core, "_fold_order", fold)
