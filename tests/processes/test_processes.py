"""A small, fixed part of the campaigns with real processes; `make kills` and others run more."""

import random
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.processes.disk import NotPermittedError, fill_up, small_disk
from tests.processes.freeze import freeze
from tests.processes.judge import Judge
from tests.processes.kills import kill
from tests.processes.sandbox import sandbox


@pytest.mark.slow
async def test_a_bot_that_is_killed_again_and_again_doubles_and_forgets_nothing(tmp_path):
    """At a start, after it, at an order: each label once, each known, the same positions."""
    async with sandbox(tmp_path, 1) as box:
        tally = await kill(box, 6, random.Random(4), signal.SIGKILL)
        assert len(box.judge.booked()) > 6
    assert tally.broken == []
    assert sum(tally.kills.values()) == 6
    assert tally.checks > 1
    assert tally.found_s or tally.denied_s


async def test_a_bot_that_is_asked_to_stop_amid_its_hedges_leaves_nothing_behind(tmp_path):
    """Nothing rests at the exchange after SIGTERM, and the next life goes on."""
    async with sandbox(tmp_path, 2) as box:
        tally = await kill(box, 2, random.Random(2), signal.SIGTERM)
    assert tally.broken == []


async def test_a_bot_that_was_frozen_trades_on_no_price_from_before(tmp_path):
    """Stopped amid its hedges for seconds; what it does after that rests on new prices."""
    async with sandbox(tmp_path, 3) as box:
        frozen = await freeze(box, 1, random.Random(3), 5.0)
    assert frozen.tally.broken == []
    assert frozen.orders_after > 0


@pytest.mark.slow
async def test_a_full_disk_lets_no_order_leave_and_room_lets_the_next_run_go_on(tmp_path):
    """The run ends with what was found; what the exchange has is on the disk."""
    try:
        with small_disk(tmp_path) as folder:
            async with sandbox(folder, 4) as box:
                tally = await fill_up(box, 1, random.Random(4))
    except NotPermittedError as error:
        pytest.skip(f"a small disk cannot be mounted here: {error}")
    assert tally.broken == []


async def test_the_judge_finds_what_is_wrong(tmp_path):
    """A label twice, one that nobody knows, another position: none of them passes."""
    async with sandbox(tmp_path, 6) as box:
        life = await box.start()
        await life.ready()
        await box.booked_more(life)
        assert await box.judge.agree()
        await life.end(signal.SIGINT)
        judge, exchange = box.judge, box.server.hub.exchange
        assert (judge.duplicates(), judge.orphans(), judge.untold_fills()) == ([], [], [])
        label, ticket = next((one.label, one) for one in exchange.tickets.values())
        exchange.tickets["again"] = ticket
        assert judge.duplicates() == [label]
        del exchange.tickets["again"]
        del exchange.tickets[ticket.id]
        assert judge.contradictions() == [label]  # filled, and booked nowhere
        exchange.tickets[ticket.id] = ticket
        assert judge.contradictions() == []
        with closing(sqlite3.connect(judge.path)) as journal, journal:
            journal.execute("DROP TRIGGER transitions_no_update")
            journal.execute("UPDATE transitions SET after = 'rejected' WHERE label = ?", [label])
        assert judge.contradictions() == [label]
        exchange.holdings["BTC-PERPETUAL"].quantity += 10
        assert not judge.agrees()
        assert "BTC-PERPETUAL" in judge.difference()
        nobody = Judge(tmp_path / "nobody", box.server)
        assert set(nobody.orphans()) == set(judge.booked())
        assert nobody.untold_fills()
