"""`deltaband flatten` on a real bot over loopback: asked for twice, typed, sliced, audited."""

import asyncio
import os
import pty
import sqlite3

from bot.sim.wire.hub import Opening
from tests import warm
from tests.wire.resting import comes
from tests.wire.test_kill import state
from tests.wire.test_run import TOP, Bot, booked, straddle

PERPETUAL = "BTC-PERPETUAL"


class Verb(Bot):
    """Any verb on the settings of the bot."""

    def __init__(self, bot, verb):
        """Take the bot's settings as they are."""
        self.folder, self.key, self.settings = bot.folder, bot.key, bot.settings
        self.started, self.verb = [], verb


def asked(bot):
    """Return what was asked of the bot about flattening: who, why, accepted, outcome."""
    db = sqlite3.connect(bot.folder / "sand" / "journal.sqlite")
    sql = "SELECT who, why, accepted, outcome FROM commands WHERE verb = 'flatten' ORDER BY seq"
    rows = db.execute(sql).fetchall()
    db.close()
    return rows


async def test_a_person_flattens_a_halted_bot(serve, tmp_path):
    """Refused while it trades, then by typed words alone; the options stay, and it is HALTED."""
    server = await serve(Opening(seed=3, compress=60, positions=straddle("-2")))
    bot = Bot(server, tmp_path)
    process = await bot.start()
    await comes(lambda: PERPETUAL in booked(server))
    code, _, err = await Verb(bot, "flatten").run("BTC", "--confirm", "flatten BTC")
    assert (code, "expected BTC PAUSED or HALTED" in err) == (1, True)
    assert (await Verb(bot, "halt").run("BTC"))[0] == 0
    await comes(lambda: not server.hub.exchange.working)
    code, _, err = await Verb(bot, "flatten").run("BTC")
    assert code == 2, err
    assert "expected a terminal to type 'flatten BTC " in err
    before = booked(server)
    code, shown = await typed(bot, "flatten BTC")
    assert (code, "nothing was done" in shown) == (1, True)
    assert booked(server) == before
    code, shown = await typed(bot, None)
    assert code == 0, shown
    await comes(lambda: PERPETUAL not in booked(server))
    options = {name: size for name, size in before.items() if name != PERPETUAL}
    assert booked(server) == options
    assert state(bot) == "RUNNING"
    assert {row[2] for row in asked(bot)} == {0, 1}
    who, why, _, outcome = asked(bot)[-1]
    assert "@" in who
    assert (why, outcome.startswith("closes ")) == ("the book is sold", True)
    assert (await bot.stop(process))[0] == 0


async def typed(bot, words):
    """Run flatten on a terminal and type words (None: those that it asks for)."""
    leader, follower = pty.openpty()
    own = {"PYTHONPATH": str(TOP)}
    process = await asyncio.create_subprocess_exec(
        *(*warm.python(), "-m", "bot", "flatten", "BTC", "-c", str(bot.settings)),
        *("--why", "the book is sold"),
        env=os.environ | own,
        stdin=follower,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(follower)
    said, errors = b"", process.stderr
    assert errors is not None
    async with asyncio.timeout(30):
        while b"Type the words" not in said and (line := await errors.readline()):
            said += line
    asks = said.decode().rpartition("Type the words")[2].strip()
    os.write(leader, f"{asks if words is None else words}\n".encode())
    out, err = await asyncio.wait_for(process.communicate(), 30)
    os.close(leader)
    return process.returncode, (said + out + err).decode()


async def test_the_halt_file_stops_a_flatten_and_bars_the_next(serve, tmp_path):
    """Nobody flattens what somebody else has stopped."""
    server = await serve(Opening(seed=3, regime="calm", positions=straddle("-2")[:1]))
    bot = Bot(server, tmp_path)
    process = await bot.start()
    await comes(lambda: abs(booked(server).get(PERPETUAL, 0.0)) > 60_000)
    assert (await Verb(bot, "halt").run())[0] == 0
    await comes(lambda: not server.hub.exchange.working)
    held = booked(server)[PERPETUAL]
    assert (await typed(bot, None))[0] == 0
    await comes(lambda: abs(booked(server)[PERPETUAL]) < abs(held))
    (tmp_path / "sand" / "HALT").touch()
    await asyncio.sleep(0.5)
    left = booked(server)[PERPETUAL]
    await asyncio.sleep(4.5)
    assert booked(server)[PERPETUAL] == left
    words = f"flatten BTC {left:+.0f} {PERPETUAL}"
    code, out, err = await Verb(bot, "flatten").run("BTC", "--confirm", words)
    assert (code, "must be removed first" in err) == (1, True), out + err
    assert (await bot.stop(process))[0] == 0
