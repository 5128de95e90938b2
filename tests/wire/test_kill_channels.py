"""Three ways to stop a run that do not depend on each other, and that each stop outlives it."""

import signal

import pytest

from tests.wire.resting import RestingBot, comes, opening, rests, says
from tests.wire.test_flatten import Verb
from tests.wire.test_kill import _kill, _pid, halts, state


@pytest.mark.parametrize("channel", ["command", "file", "signal"])
async def test_each_way_cancels_and_stays_after_a_restart(serve, tmp_path, channel):
    """HALTED with nothing resting; a new start sends nothing; `resume` alone ends it."""
    server = await serve(opening())
    bot = RestingBot(server, tmp_path)
    process = await bot.start()
    await comes(lambda: rests(server))
    if channel == "command":
        assert (await Verb(bot, "halt").run())[0] == 0
    elif channel == "file":
        bot.halt_file.touch()
    else:
        _kill(_pid(bot), signal.SIGUSR1)
    await comes(lambda: not server.hub.exchange.working)
    await comes(lambda: state(bot) == "HALTED")
    assert len(halts(bot)) == 1
    sent = len(server.hub.exchange.tickets)
    assert (await bot.stop(process))[0] == 0
    bot.halt_file.unlink(missing_ok=True)
    again = await bot.start()
    await says(again.stderr, "state.kept")
    await comes(lambda: bot.held() != {})
    assert (state(bot), len(server.hub.exchange.tickets)) == ("HALTED", sent)
    assert (await Verb(bot, "resume").run())[0] == 0
    await comes(lambda: rests(server))
    assert (await bot.stop(again))[0] == 0
