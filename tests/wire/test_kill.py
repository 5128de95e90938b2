"""The kill ladder over loopback: real processes, an order that rests, and who cancels it."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from bot.journal import Reader
from bot.journal.pulse import PulseReader
from bot.sim.wire.auth import OWNER, READER, TRADER, Key
from tests.struck import struck
from tests.wire.resting import RestingBot, Watchdog, comes, opening, rests, says
from tests.wire.test_run import TOP

SECOND = Key(
    "deltaband-watchdog", "secret-of-a-watchdog", TRADER.scopes, "a second key of the same account"
)


class CancelAll(RestingBot):
    """`deltaband cancel-all` on the same settings."""

    verb = "cancel-all"


@pytest.fixture
async def killing(serve, tmp_path):
    """Return an exchange, a bot whose order rests there, and its process; all end with the test."""
    server = await serve(opening())
    bot = RestingBot(server, tmp_path)
    process = await bot.start()
    await comes(lambda: rests(server))
    yield server, bot, process
    for one in bot.started:
        if one.returncode is None:
            for number in (signal.SIGCONT, signal.SIGKILL):
                _signal(bot, one, number)
            await one.communicate()


def _signal(bot, process, number):
    """Signal the bot itself: what was started may only be its launcher."""
    _kill(_pid(bot), number)
    if process.returncode is None:
        process.send_signal(number)


def _pid(bot):
    reader = Reader.open(bot.folder, "sand")
    try:
        return reader.run()["pid"]
    finally:
        reader.close()


def _kill(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def halts(bot):
    """Return the halts that the journal knows: who and why."""
    import sqlite3

    db = sqlite3.connect(bot.folder / "sand" / "journal.sqlite")
    rows = db.execute("SELECT who, why FROM commands WHERE verb = 'halt'").fetchall()
    db.close()
    return rows


def state(bot):
    """Return the state in the journal."""
    reader = Reader.open(bot.folder, "sand")
    try:
        return reader.status()["state"]
    finally:
        reader.close()


async def test_a_stopped_bots_order_is_cancelled_and_it_wakes_up_halted(killing, tmp_path):
    """SIGSTOP: nothing of the bot acts, and nothing is sent when it goes on."""
    struck("F69")
    server, bot, process = killing
    dog = Watchdog(server, tmp_path)
    watching = await dog.start()
    await says(watching.stdout, "watchdog.started")
    _signal(bot, process, signal.SIGSTOP)
    took_s = await comes(lambda: not server.hub.exchange.working)
    assert took_s < 15.0  # what it takes is measured in tests/bench
    silent = await says(watching.stdout, "watchdog.silent")
    assert silent["alive"] is True
    assert (await says(watching.stdout, "watchdog.cancelled"))["left"] == []
    assert "watchdog: no decision for 3." in bot.halt_file.read_text()
    sent = len(server.hub.exchange.tickets)
    _signal(bot, process, signal.SIGCONT)
    await comes(lambda: state(bot) == "HALTED")
    await says(watching.stdout, "watchdog.heard_again")
    ((who, why),) = halts(bot)
    assert who == "HALT file"
    assert "watchdog: no decision" in why
    assert len(server.hub.exchange.tickets) == sent
    assert (await dog.stop(watching))[0] == 0
    assert (await bot.stop(process))[0] == 0


async def test_a_bot_whose_loop_hangs_for_ever_is_stopped_as_well(serve, tmp_path):
    """Its process lives and its connection stands: only its decisions have stopped."""
    struck("F68")
    server = await serve(opening())
    bot = HangingBot(server, tmp_path)
    process = await bot.start()
    await comes(lambda: rests(server))
    dog = Watchdog(server, tmp_path)
    watching = await dog.start()
    await says(watching.stdout, "watchdog.started")
    (tmp_path / "hang").touch()
    await comes(lambda: not server.hub.exchange.working)
    assert (await says(watching.stdout, "watchdog.silent"))["alive"] is True
    assert bot.halt_file.exists()
    assert process.returncode is None
    _kill(_pid(bot), signal.SIGKILL)
    await process.communicate()
    assert (await dog.stop(watching))[0] == 0


class HangingBot(RestingBot):
    """A bot whose loop hangs as soon as the file `hang` is there."""

    async def start(self, *more: str, **environ: str) -> asyncio.subprocess.Process:
        """Start it."""
        script = str(Path(__file__).with_name("hanging_command.py"))
        own = {
            "PYTHONPATH": str(TOP),
            "DELTABAND_DERIBIT_KEY": self.key.client_id,
            "DELTABAND_DERIBIT_SECRET": self.key.secret,
        }
        command = (script, str(self.folder / "hang"), self.verb, "-c", str(self.settings))
        process = await asyncio.create_subprocess_exec(
            *(*self.python(), *command, "--json", *more),
            env=os.environ | own | environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.started.append(process)
        return process


async def test_a_killed_bots_orders_are_looked_for_and_its_next_run_is_not_halted(
    killing, tmp_path
):
    """Who is gone cannot wake up: what is started next reconciles, and hedges."""
    server, bot, process = killing
    watching = await Watchdog(server, tmp_path).start()
    await says(watching.stdout, "watchdog.started")
    _signal(bot, process, signal.SIGKILL)
    await process.communicate()
    assert (await says(watching.stdout, "watchdog.silent"))["alive"] is False
    assert not bot.halt_file.exists()
    again = await bot.start()
    await says(watching.stdout, "watchdog.heard_again")
    await comes(lambda: rests(server))
    assert (await bot.stop(again))[0] == 0
    assert (await bot.stop(watching))[0] == 0


async def test_a_bot_that_is_stopped_in_order_is_no_silence(killing, tmp_path):
    """Nothing is told, no file is left, and the watchdog goes on watching."""
    server, bot, process = killing
    dog = Watchdog(server, tmp_path)
    watching = await dog.start()
    await says(watching.stdout, "watchdog.started")
    assert (await bot.stop(process))[0] == 0
    await asyncio.sleep(3.6)
    code, out, _ = await dog.stop(watching)
    assert (code, [json.loads(line)["event"] for line in out.splitlines()]) == (
        0,
        ["watchdog.stopped"],
    )
    assert not bot.halt_file.exists()


async def test_the_halt_file_is_obeyed_by_the_watchdog_too_with_a_key_of_its_own(
    killing, tmp_path, monkeypatch
):
    """Also where the bot cannot see it; orders that are not the bot's stand."""
    server, bot, process = killing
    server.hub.auth.keys[SECOND.client_id] = SECOND
    monkeypatch.setenv("DELTABAND_DERIBIT_WATCHDOG_KEY", SECOND.client_id)
    monkeypatch.setenv("DELTABAND_DERIBIT_WATCHDOG_SECRET", SECOND.secret)
    dog = Watchdog(server, tmp_path)
    watching = await dog.start(DELTABAND_DERIBIT_SECRET="wrong")
    assert (await says(watching.stdout, "watchdog.started"))["own_key"] is True
    _signal(bot, process, signal.SIGSTOP)
    bot.halt_file.write_text("ann: fire drill")
    found = await says(watching.stdout, "watchdog.halt_file")
    assert found["says"] == "ann: fire drill"
    await comes(lambda: not server.hub.exchange.working)
    assert (await dog.stop(watching))[0] == 0


@pytest.mark.parametrize("key", [READER, OWNER])
async def test_a_watchdog_whose_key_does_not_fit_ends_with_what_is_wrong(serve, tmp_path, key):
    """One that cannot cancel is no watchdog, and one that moves money is no use for one."""
    server = await serve(opening())
    code, _, err = await Watchdog(server, tmp_path, key=key).run()
    assert code == 2
    assert "expected a key" in err


async def test_cancel_all_halts_a_running_bot_and_leaves_a_persons_orders(killing, dial, tmp_path):
    """By the file, with who and why in the journal; `--all` takes the others as well."""
    server, bot, process = killing
    person = await dial(server)
    await person.login()
    terms = {"instrument_name": "BTC-PERPETUAL", "amount": 100, "price": 80_000}
    await person.call("private/buy", **terms, label="by-hand")
    await person.call("private/buy", **terms)
    code, out, err = await CancelAll(server, tmp_path).run("--why", "a drill")
    assert code == 0, err
    done = json.loads(out)
    assert [one["label"].startswith("db-sand-") for one in done["cancelled"]] in ([True], [])
    assert "the bot is HALTED" in done["outcome"]
    assert len(server.hub.exchange.working) == 2
    ((who, why),) = halts(bot)
    assert who == "HALT file"
    assert why.endswith("cancel-all: a drill")
    code, out, err = await CancelAll(server, tmp_path).run("--all")
    assert code == 2
    assert "expected a terminal to type 'cancel all BTC' on, or --yes" in err
    assert len(server.hub.exchange.working) == 2
    code, out, err = await CancelAll(server, tmp_path).run("--all", "--yes")
    assert code == 0, err
    assert [one["label"] for one in json.loads(out)["cancelled"]] == ["by-hand", ""]
    assert server.hub.exchange.working == ()
    assert (await bot.stop(process))[0] == 0


async def test_cancel_all_needs_no_bot(serve, dial, tmp_path):
    """What a bot left behind is cancelled, another instance's stands; the next start is halted."""
    server = await serve(opening())
    person = await dial(server)
    await person.login()
    terms = {"instrument_name": "BTC-PERPETUAL", "amount": 100, "price": 80_000}
    await person.call("private/buy", **terms, label="db-sand-abc.1-4")
    await person.call("private/buy", **terms, label="db-sand-b-abc.1-4")
    code, out, err = await CancelAll(server, tmp_path).run()
    assert code == 0, err
    done = json.loads(out)
    assert [one["label"] for one in done["cancelled"]] == ["db-sand-abc.1-4"]
    assert "no bot has run there" in done["outcome"]
    assert [order.intent.label for order in server.hub.exchange.working] == ["db-sand-b-abc.1-4"]
    bot = RestingBot(server, tmp_path)
    process = await bot.start()
    await says(process.stderr, "state.changed")
    await comes(lambda: state(bot) == "HALTED")
    assert (await bot.stop(process))[0] == 0


async def test_cancel_all_without_an_exchange_halts_and_says_so(serve, tmp_path):
    """Exit code 3, with what is done and what is not."""
    server = await serve(opening())
    verb = CancelAll(server, tmp_path)
    await server.stop()
    code, _, err = await verb.run()
    assert code == 3
    assert "halts the bot, nothing is known to be cancelled" in err
    assert verb.halt_file.exists()


@pytest.mark.parametrize("verb,said", [(CancelAll, "`halt` cancels"), (Watchdog, "nothing at an")])
async def test_on_paper_there_is_nothing_at_an_exchange(serve, tmp_path, verb, said):
    """Said clearly, exit code 2, and no file is left."""
    bot = verb(await serve(opening()), tmp_path)
    text = bot.settings.read_text().replace('"sandbox"', '"paper"')
    bot.settings.write_text(text)
    code, _, err = await bot.run()
    assert (code, said in err) == (2, True)
    assert not bot.halt_file.exists()


async def test_a_stop_that_nobody_answered_is_no_clean_end(killing):
    """What became of the order is not known: the run says so, and a watchdog goes on from there."""
    server, bot, process = killing
    (session,) = [s for s in server.sessions.values() if s.cancel_on_disconnect]
    session.faults.stalled = True
    (label,) = [o.intent.label for o in server.hub.exchange.working]
    code, out, err = await bot.stop(process)
    assert code == 1, err
    assert json.loads(out)["left_open"] == [label]
    said = [json.loads(line) for line in err.splitlines()]
    (left,) = [line for line in said if line["event"] == "run.left_open"]
    assert (left["level"], left["orders"]) == ("error", label)
    pulse = PulseReader(bot.folder, "sand").feel()
    assert pulse is not None
    assert not pulse.ended
