"""An older copy of a journal under a bot on an exchange: its number of runs is that of then."""

import shutil

from bot.journal import Reader
from bot.sim.wire.hub import Opening
from tests.wire.test_by_hand import buy, hedged, started
from tests.wire.test_run import Bot
from tests.wire.test_two_bots import labels


async def hedge_once(server, dial, folder):
    """Let a bot run until it has hedged a trade by hand."""
    before = len(labels(server))
    bot, told = await started(server, folder)
    await told.running()
    await buy(dial, server)
    await hedged(server)
    await told.end()
    assert len(labels(server)) > before
    return bot


async def test_no_label_is_used_twice_after_a_journal_was_set_back(serve, dial, tmp_path):
    """The start is refused first; where it is meant all the same, the labels are others."""
    server = await serve(Opening(seed=3))
    bot: Bot = await hedge_once(server, dial, tmp_path)
    path = tmp_path / "sand" / "journal.sqlite"
    shutil.copy(path, tmp_path / "older")
    await hedge_once(server, dial, tmp_path)
    shutil.copy(tmp_path / "older", path)
    code, _, err = await bot.run("--for", "1s")
    assert code == 1
    assert "journal.head knows, found an older or another journal" in err
    (path.parent / "journal.head").unlink()
    await hedge_once(server, dial, tmp_path)
    reader = Reader.open(tmp_path, "sand")
    assert reader.run()["id"] == 2
    reader.close()
    stems = {label.rpartition("-")[0] for label in labels(server)}
    assert sorted(stem.rpartition(".")[2] for stem in stems) == ["1", "2", "2"]
    assert len(labels(server)) == len(set(labels(server)))
