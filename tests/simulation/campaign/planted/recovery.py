"""Bugs in what outlives the process: labels, open orders, states, what was filled before."""

from __future__ import annotations

from bot.book.holdings import Holdings
from bot.core import Core
from bot.desk import witness
from bot.desk.floor import Names
from bot.domain.orders import OrderState
from bot.execution import orders
from bot.execution.orders import OrderTable
from bot.journal import memory, queue, rows, writer
from bot.journal.writer import Journal
from tests.simulation.campaign.planted.plant import Ground, Plant, breaks

# The bot is stopped here, dies and comes back with something to hedge before it is resumed.
STOPPED = Ground((24, 48, 92, 120, 159, 194), 0.12)


@breaks("I2")
def labels_begin_again_after_a_restart(plant: Plant) -> None:
    """The epoch is not raised, so that a new run's labels are those of the run before."""

    def label(original, names):
        names.epoch = 1
        return original(names)

    plant.around(Names, "label", label)
    again = rows.INSERT_INTENT.replace("INSERT INTO", "INSERT OR IGNORE INTO")
    plant.swap(writer, "INSERT_INTENT", again)


@breaks("I5", "I17")
def only_the_last_run_is_asked_about(plant: Plant) -> None:
    """Open orders are looked for in the run before alone: a death amid recovery loses them."""
    last = "i.ledger = ? AND i.run = (SELECT max(id) FROM runs)"
    plant.swap(memory, "_OPEN", memory._OPEN.replace("i.ledger = ? AND", f"{last} AND", 1))


@breaks("I5", "I17", "I8")
def open_orders_are_forgotten(plant: Plant) -> None:
    """What an earlier run left open is not taken over."""
    plant.swap(Core, "restore", lambda *_: ())


@breaks("I4")
def open_orders_are_taken_for_lost(plant: Plant) -> None:
    """What an earlier run left open is taken for not sent."""

    def restore(original, table, intent, coin, now_ns, **more):
        notes = original(table, intent, coin, now_ns, **more)
        order = table.orders[intent.label]
        notes.append(orders._move(order, OrderState.REJECTED, now_ns, "left open: not sent"))
        table._sweep(order)
        return notes

    plant.around(OrderTable, "restore", restore)


@breaks("I20", where=STOPPED)
def stop_is_forgotten_on_restart(plant: Plant) -> None:
    """A pause or halt ends with the process."""
    plant.swap(Journal, "last_states", lambda _: {})


@breaks("I20", "I22", "I7")
def stop_dies_with_the_bot(plant: Plant) -> None:
    """A stop that was taken by a bot that died before it was on disk is lost."""
    plant.swap(queue, "give_back", lambda _: None)


@breaks("I11", "I12", "I16", "I18")
def late_trades_count_again(plant: Plant) -> None:
    """A trade of an earlier run's order that is told again is added to the positions it is in."""

    def fold(original, core, event):
        holdings = core.floor.book.holdings
        kept, holdings.closed = holdings.closed, _Unmoved(holdings.closed)
        try:
            return original(core, event)
        finally:
            holdings.closed = kept

    plant.around(Core, "_fold_fill", fold)
    plant.around(
        Holdings,
        "restore_hedges",
        lambda original, holdings, hedges, _fills: original(holdings, hedges, ()),
    )


class _Unmoved(set[str]):
    def add(self, label: str) -> None:
        """Stay as it is."""


@breaks("I19")
def journal_is_tidied_up(plant: Plant) -> None:
    """A new run deletes states that orders have left, and the guards that would not let it."""

    def begin(original, journal, start):
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in journal._db.execute(names).fetchall():
            journal._db.execute(f"DROP TRIGGER {name}")
        journal._db.execute("DELETE FROM transitions WHERE after IN ('sent', 'working')")
        return original(journal, start)

    plant.around(Journal, "begin_run", begin)


@breaks("I11", "I16", "I21", where=Ground((75,), 0.3))
def a_start_counts_lists_alone(plant: Plant) -> None:
    """The second list that says the same is begun with, whatever the account says."""
    plant.swap(witness, "unsettled", lambda *_: frozenset())


@breaks("I11", "I16", "I21", where=Ground((47,), 0.3))
def delta_of_the_account_is_not_heard(plant: Plant) -> None:
    """Only the worth of options speaks against a list."""
    plant.swap(witness, "_deltas", lambda *_: {})
    plant.swap(witness, "_has_delta", lambda *_: True)
