"""A connection that stays lost for a while: readers see it, and since when."""

import pytest

from bot.domain.units import NS_PER_S
from bot.journal import Reader
from bot.sim.wire.auth import TRADER
from bot.sim.wire.hub import Opening
from tests.wire.switchboard import Switchboard
from tests.wire.test_by_hand import Told, comes
from tests.wire.test_run import Bot


@pytest.fixture
async def board(serve):
    """Return an exchange behind an address that can keep a key out."""
    made = Switchboard({TRADER.client_id: await serve(Opening(seed=3))})
    await made.start()
    yield made
    await made.stop()


async def test_status_says_which_connection_is_lost_and_since_when(board, tmp_path):
    """The account's alone, from the moment of its loss until it is back."""
    server = board.servers[TRADER.client_id]
    told = Told(await Bot(board, tmp_path).start(), server)
    await told.running()
    reader = Reader.open(tmp_path, "sand")
    assert reader.status()["disconnected"] == {}
    board.bar(TRADER.client_id)
    await told.until("venue.connection_lost")
    await comes(lambda: reader.status()["disconnected"] != {})
    found = reader.status()
    assert list(found["disconnected"]) == ["account"]
    assert abs(found["disconnected"]["account"] - found["ts_ns"]) < 60 * NS_PER_S
    board.barred.clear()
    back = await told.until("venue.reconnected")
    assert back["failed_tries"] >= 0
    assert not [line for line in told.lines if line["event"] == "venue.connection_lost"][1:]
    await comes(lambda: reader.status()["disconnected"] == {})
    reader.close()
    await told.end()
