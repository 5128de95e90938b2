"""Another program holds the journal of a running bot for some seconds: no order, and no end."""

import sqlite3
from contextlib import closing

from bot.journal import Reader
from bot.sim.wire.hub import Opening
from tests.wire.test_by_hand import buy, hedged, started
from tests.wire.test_two_bots import labels


async def test_nothing_is_sent_until_the_journal_is_free_and_then_it_is(serve, dial, tmp_path):
    """What was held back was never sent; the hedge comes when it can be written down first."""
    server = await serve(Opening(seed=3))
    bot, told = await started(server, tmp_path)
    await told.running()
    path = bot.folder / "sand" / "journal.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await buy(dial, server)
        held = await told.until("doubt.raised", reason="journal_busy")
        assert (held["level"], held["coin"]) == ("error", "")
        refused = await told.until("order.rejected")
        assert refused["evidence"].startswith("not sent (journal_busy ")
        assert labels(server) == []
        other.execute("ROLLBACK")
    await told.until("doubt.cleared", reason="journal_busy")
    await hedged(server)
    await told.end()
    sent = set(labels(server))
    assert sent
    assert refused["label"] not in sent
    with closing(sqlite3.connect(path)) as db:
        intents = {label for (label,) in db.execute("SELECT label FROM intents")}
        rejected = db.execute(
            "SELECT label FROM transitions WHERE after = 'rejected' AND evidence LIKE ?",
            ("%journal_busy%",),
        ).fetchall()
    assert intents == sent | {label for (label,) in rejected}
    reader = Reader.open(tmp_path, "sand")
    assert reader.run()["outcome"] == "stopped"
    reader.close()
