"""A person who trades beside a running bot, on a connection of his own."""

import asyncio
import json
import signal
from collections.abc import Callable
from typing import Any

from bot.domain.units import iso
from bot.journal import Reader
from bot.sim.wire.hub import Opening
from tests.wire.test_run import Bot, booked

PERPETUAL = "BTC-PERPETUAL"
AMOUNT = 50_000
BAND_USD = 0.1 * 130_000
HOLD = "\n[underlying.BTC]\nhold_s = {hold_s}\n"
PATIENCE_S = 40.0


class Told:
    """What a bot's process says, line by line, and what the exchange had booked at each line."""

    def __init__(self, process: asyncio.subprocess.Process, server: Any) -> None:
        """Begin to listen."""
        self.process, self.server = process, server
        self.lines: list[dict[str, Any]] = []

    async def until(self, event: str, **fields: object) -> dict[str, Any]:
        """Return the next line of an event with these fields."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE_S):
            while raw := await self.process.stderr.readline():
                line: dict[str, Any] = json.loads(raw)
                line["booked"] = booked(self.server).get(PERPETUAL, 0.0)
                self.lines.append(line)
                if line["event"] == event and fields.items() <= line.items():
                    return line
        raise AssertionError(f"the bot ended before {event} {fields}: {self.lines[-3:]}")

    async def running(self) -> None:
        """Wait until BTC runs."""
        await self.until("state.changed", coin="BTC", after="RUNNING")

    async def end(self) -> None:
        """Stop the bot as a person does; it must end well."""
        self.process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(self.process.communicate(), PATIENCE_S)
        assert self.process.returncode == 0, err


async def started(server: Any, folder: Any, hold_s: float = 0.0) -> tuple[Bot, Told]:
    """Start a bot that leaves trades by hand alone for a while."""
    bot = Bot(server, folder)
    text = bot.settings.read_text(encoding="utf-8")
    text = text.replace("\n[underlying.BTC]\n", HOLD.format(hold_s=hold_s))
    bot.settings.write_text(text, encoding="utf-8")
    return bot, Told(await bot.start(), server)


async def buy(dial: Callable[..., Any], server: Any, amount: int = AMOUNT) -> None:
    """Buy on a second connection."""
    person = await dial(server)
    await person.login()
    params = {"instrument_name": PERPETUAL, "amount": amount, "type": "market"}
    done = await person.call("private/buy", **params, label="by-hand")
    assert done["order"]["filled_amount"] == amount


async def comes(true: Callable[[], bool]) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110  another process makes it true
            await asyncio.sleep(0.05)


async def hedged(server: Any, within_usd: float = BAND_USD) -> None:
    """Wait until delta is back in the band."""
    await comes(lambda: abs(booked(server).get(PERPETUAL, 0.0)) <= within_usd)


def first_order(server: Any) -> str:
    """Return when the bot's first order was executed, as the bot writes a time."""
    done = server.hub.exchange.executions
    return iso(min(one.fill.ts_ns for one in done if one.fill.label.startswith("db-")))


def say(bot: Bot, verb: str, **arguments: float) -> None:
    """Queue a command as the verbs do."""
    reader = Reader.open(bot.folder, "sand")
    try:
        reader.submit(verb, "BTC", who="ann", why="a test", arguments=arguments)
    finally:
        reader.close()


async def test_a_trade_by_hand_is_not_hedged_before_its_time_and_is_after_it(serve, dial, tmp_path):
    """Seen, parked, told until when; released then, and hedged at once."""
    server = await serve(Opening(seed=3))
    _, told = await started(server, tmp_path, hold_s=5.0)
    await told.running()
    await buy(dial, server)
    parked = await told.until("position.parked", instrument=PERPETUAL)
    assert (parked["quantity"], parked["booked"]) == (AMOUNT, AMOUNT)
    released = await told.until("position.released", instrument=PERPETUAL)
    assert released["market_time"] >= parked["until"]
    await hedged(server)
    assert first_order(server) >= parked["until"]
    await told.end()


async def test_what_is_parked_outlives_a_kill(serve, dial, tmp_path):
    """The next process parks it again until the same time, and hedges it then."""
    server = await serve(Opening(seed=3))
    bot, told = await started(server, tmp_path, hold_s=14.0)
    await told.running()
    await buy(dial, server)
    parked = await told.until("position.parked", instrument=PERPETUAL)
    await asyncio.sleep(1.2)  # what was said is on disk within a second
    told.process.send_signal(signal.SIGKILL)
    await told.process.communicate()
    again = Told(await bot.start(), server)
    await again.running()
    assert booked(server) == {PERPETUAL: AMOUNT}
    released = await again.until("position.released", instrument=PERPETUAL)
    assert released["market_time"] >= parked["until"]
    await hedged(server)
    assert first_order(server) >= parked["until"]
    await again.end()


async def test_a_snooze_ends_by_itself_and_the_book_is_hedged_then(serve, dial, tmp_path):
    """PAUSED in the meantime, whatever is traded; then reconciled and RUNNING."""
    server = await serve(Opening(seed=3))
    bot, told = await started(server, tmp_path)
    await told.running()
    say(bot, "snooze", for_s=6.0)
    begun = await told.until("off.begun", coin="BTC")
    await buy(dial, server)
    ended = await told.until("off.ended", coin="BTC")
    assert ended["market_time"] >= begun["until"]
    await hedged(server)
    assert first_order(server) >= begun["until"]
    await told.end()


async def test_hedge_is_answered_and_done_over_the_wire(serve, dial, tmp_path):
    """A delta inside its band is brought to nothing because somebody asked."""
    server = await serve(Opening(seed=3))
    bot, told = await started(server, tmp_path)
    await told.running()
    await buy(dial, server, 2_000)
    await comes(lambda: bot.held() == {PERPETUAL: 2_000})
    say(bot, "hedge")
    answer = await told.until("command.done")
    assert answer["accepted"] is True
    assert answer["outcome"].startswith("trades -0.0")
    await hedged(server, within_usd=20)
    await told.end()
