"""Two bots on one account, each in its process: on one machine, and on two."""

import re

from bot.sim.wire.hub import Opening
from tests.struck import struck
from tests.wire.test_by_hand import AMOUNT, Told, buy, hedged
from tests.wire.test_run import Bot


def labels(server):
    """Return the labels of every order of a bot, in the order of their booking."""
    told = [ticket.terms.label for ticket in server.hub.exchange.tickets.values()]
    return [label for label in told if label.startswith("db-")]


async def test_a_second_bot_on_this_machine_is_refused(serve, tmp_path):
    """By the account, whatever its instance is called; the first is not disturbed."""
    struck("F15")
    server = await serve(Opening(seed=3))
    bot = Bot(server, tmp_path)
    first = Told(await bot.start(), server)
    await first.running()
    code, _, err = await bot.run("--set", "instance=other")
    assert code == 1
    assert "expected to be the only bot that hedges BTC in account 127.0.0.1" in err
    assert re.search(r"found it held by 'sand', pid \d+ on .*: stop that one first", err)
    await first.end()
    code, _, err = await bot.run("--set", "instance=other", "--for", "2s")
    assert code == 0, err


WIDE = ("--set", "underlying.BTC.delta.upper=5", "--set", "underlying.BTC.delta.lower=-5")


async def machines(server, folder, *, waits):
    """Return the elder and the younger of two bots of one name; the one that waits has far bands.

    Otherwise both would hedge the same move at the same moment.
    """
    told = []
    for number, machine in enumerate(("elder", "younger")):
        (folder / machine).mkdir()
        bot = Bot(server, folder / machine)
        told.append(Told(await bot.start(*(WIDE if waits == number else ())), server))
        await told[-1].running()
    return told


async def test_of_two_machines_the_later_one_halts_itself(serve, dial, tmp_path):
    """As soon as it sees the other's order; what it would have hedged later it leaves alone."""
    struck("F15")
    server = await serve(Opening(seed=3))
    elder, younger = await machines(server, tmp_path, waits=1)
    await buy(dial, server)
    halted = await younger.until("state.changed", coin="BTC", after="HALTED")
    (why,) = halted["reasons"]
    assert why["reason"] == "another_bot"
    assert why["subject"] in labels(server)
    await hedged(server)
    assert {label.rpartition("-")[0] for label in labels(server)} == {
        why["subject"].rpartition("-")[0]
    }
    await elder.end()
    await younger.end()


async def test_of_two_machines_the_earlier_one_goes_on_and_warns(serve, dial, tmp_path):
    """It names the other's order, and still hedges what the other does not."""
    struck("F15")
    server = await serve(Opening(seed=3))
    elder, younger = await machines(server, tmp_path, waits=0)
    await buy(dial, server)
    warned = await elder.until("doubt.raised", reason="another_bot")
    assert (warned["level"], warned["coin"]) == ("error", "BTC")
    assert warned["subject"] in labels(server)
    await hedged(server)
    await younger.end()
    await buy(dial, server, 20 * AMOUNT)
    await hedged(server, 5.0 * 130_000)
    assert labels(server)[-1].rpartition("-")[0] != warned["subject"].rpartition("-")[0]
    await elder.end()
