"""The outlet: what the monitor hears and sees, told to a broker; commands from there taken in.

Nothing waits for the broker: the newest state replaces the one before, events wait in a queue that
drops its oldest and says how many, and a connection that fails is made again. `online` means that a
bot is known to live and to decide; else, and where this process is gone, it is `offline`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from bot.journal.rows import to_json
from bot.journal.tail import News
from bot.monitor.mqtt.backlog import Backlog
from bot.monitor.mqtt.commands import Commands, Reply
from bot.monitor.mqtt.events import encoded, event
from bot.monitor.mqtt.link import Broker, Connect, Link, LinkError, by_library
from bot.monitor.mqtt.outages import Outages
from bot.monitor.mqtt.state import Profits, online, state
from bot.monitor.mqtt.topics import Topics
from bot.monitor.newsroom import Say
from bot.monitor.outlet import Sight
from bot.monitor.redact import Redactor

ROOM: Final = 1_000
"""Events that wait for the broker."""
REPLIES: Final = 200
AT_ONCE: Final = 20  # messages that wait for the broker's answer together
CHANGED_S: Final = 0.9
AGAIN_S: Final = 5.0
KEPT_S: Final = 30
"""A state that nobody has renewed for so long is of nobody: the broker forgets it."""
TICK_S: Final = 0.1
WAKE_S: Final = 0.5
CLOSE_S: Final = 4.0
ONLINE: Final = b"online"
OFFLINE: Final = b"offline"

Message = tuple[str, bytes]


class MqttOutlet:
    """Tells one broker; see `Outlet`."""

    name = "mqtt"

    def __init__(
        self,
        broker: Broker,
        topics: Topics,
        say: Say,
        redactor: Redactor,
        commands: Callable[[Reply], Commands],
        *,
        taking: str = "off",
        connect: Connect = by_library,
    ) -> None:
        """Tell a broker, and take commands by what `commands` makes of our way to reply.

        `taking` says which of them there can be.
        """
        self._broker, self._topics, self._say, self._redactor = broker, topics, say, redactor
        self._commands, self._taking = commands(self._reply), taking
        self._connect = connect
        where = f"{broker.host}:{broker.port}"
        self._outages = Outages(where, say, time.monotonic, random.random)
        self._events: Backlog[News] = Backlog(ROOM)
        self._replies: Backlog[Message] = Backlog(REPLIES)
        self._sight: Sight | None = None
        self._profits = Profits()
        self._connected = self._closing = self._said_all = self._not_allowed = False
        self._wake, self._done = asyncio.Event(), asyncio.Event()

    def hear(self, news: Sequence[News]) -> None:
        """Take what is new; what finds no room pushes out the oldest."""
        for one in news:
            self._profits.hear(one)
        self._events.add(one for one in news if event(one) is not None)
        self._wake.set()

    def see(self, sight: Sight) -> None:
        """Take how things stand, in the place of what was taken before."""
        self._sight = sight
        self._wake.set()

    async def run(self) -> None:
        """Be connected for as long as there is a broker, and try again where there is none."""
        await _first(self._tick(), self._stay())

    async def close(self) -> None:
        """Say `offline` and what waits, for a few seconds at most."""
        self._commands.tick()
        self._commands.close()
        self._closing = True
        self._wake.set()
        if self._connected:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._done.wait()

    def _reply(self, command_id: str, told: Mapping[str, Any]) -> None:
        self._replies.add([(self._topics.reply(command_id), to_json(told).encode())])
        self._wake.set()

    async def _tick(self) -> None:
        while True:
            self._commands.tick()
            await asyncio.sleep(TICK_S)

    async def _stay(self) -> None:
        while not self._said_all:
            try:
                await self._session()
            except LinkError as fault:
                await asyncio.sleep(self._outages.went(str(fault)))
            finally:
                self._connected = False
        self._done.set()
        await asyncio.Event().wait()

    async def _session(self) -> None:
        async with self._connect(self._broker) as link:
            self._connected = True
            await link.subscribe(self._topics.commands)
            await _first(self._listen(link), self._tell(link))

    async def _listen(self, link: Link) -> None:
        async for arrived in link.messages():
            self._commands.take(self._topics.verb(arrived.topic), arrived)

    async def _tell(self, link: Link) -> None:
        """Tell all that is new, and how things stand, until it is the last word."""
        kept = _Kept(self._topics, link)
        while True:
            await self._stand(kept)
            await self._flush(link)
            self._look(link)
            if self._closing and not self._events and not self._replies:
                self._said_all = True
                return
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(WAKE_S):
                    await self._wake.wait()

    async def _stand(self, kept: _Kept) -> None:
        sight = self._sight
        lives = online(sight) and not self._closing
        if sight is not None or self._closing:
            await kept.availability(ONLINE if lives else OFFLINE)
        if sight is not None:
            taking = self._taking
            if taking == "on" and self._commands.door.seen.why:
                taking = "stops"
            told = state(sight, self._profits.book(), commands=taking, dropped=self._events.dropped)
            told["online"] = lives
            await kept.state(told, self._redactor, last=self._closing)

    async def _flush(self, link: Link) -> None:
        """Send what waits, replies first; what the broker has not answered waits again."""
        while replies := self._replies.take(AT_ONCE):
            await _sent(link, replies, lambda: self._replies.put_back(replies))
        if news := self._events.take(AT_ONCE):
            made = [(self._topics.event(one.kind), self._encoded(one)) for one in news]
            await _sent(link, made, lambda: self._events.put_back(news))
        if self._events:
            self._wake.set()

    def _encoded(self, news: News) -> bytes:
        return self._redactor.exact(encoded(event(news) or {}).decode()).encode()

    def _look(self, link: Link) -> None:
        self._outages.came(self._events.dropped)
        if link.refused and not self._not_allowed:
            self._not_allowed = True
            self._say("mqtt.not_allowed", "error", found=link.refused)


class _Kept:
    """What one connection has put where the broker keeps it."""

    def __init__(self, topics: Topics, link: Link) -> None:
        self._topics, self._link = topics, link
        self._available: bytes | None = None
        self._state: Mapping[str, Any] = {}
        self._at_s = float("-inf")

    async def availability(self, word: bytes) -> None:
        """Keep a word, if it is another."""
        if word != self._available:
            await self._link.publish(self._topics.availability, word, retain=True)
            self._available = word

    async def state(self, told: Mapping[str, Any], redactor: Redactor, *, last: bool) -> None:
        """Keep a state: soon if it says something new, else now and then; the last for ever."""
        content = {name: value for name, value in told.items() if name not in {"ts", "market_ts"}}
        changed, age_s = content != self._state, time.monotonic() - self._at_s
        if age_s < (CHANGED_S if changed else AGAIN_S) and not (last and changed):
            return
        text = redactor.exact(to_json(told)).encode()
        for_s = None if last else KEPT_S
        await self._link.publish(self._topics.state, text, retain=True, for_s=for_s)
        self._state, self._at_s = content, time.monotonic()


async def _sent(link: Link, messages: Sequence[Message], failed: Callable[[], None]) -> None:
    """Send messages in their order and wait for all the answers."""
    answered = False
    try:
        await asyncio.gather(*(link.publish(topic, text, retain=False) for topic, text in messages))
        answered = True
    finally:
        if not answered:
            failed()


async def _first(*running: Coroutine[Any, Any, None]) -> None:
    """Run until one of them ends, and end the others; raises what that one raised."""
    tasks = [asyncio.create_task(one) for one in running]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        while left := [task for task in tasks if not task.done()]:
            for task in left:
                task.cancel()
            # Again: wait_for of Python 3.11, which aiomqtt uses, can swallow it.
            await asyncio.wait(left, timeout=TICK_S)
    for task in done:
        task.result()
