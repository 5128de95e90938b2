"""Which channels we listen to, and how long each has been silent.

Age is judged by receive time and by the venue's own time, because a stream can stay alive with old
data. A channel past its limit is stale at once; it is subscribed anew after that, and when that did
not help either, the connection is given up.

A venue refuses a whole request for one channel that it does not know, such as that of an option
which expired a moment ago: the request is then halved until only that channel is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.domain.errors import DeltabandError
from bot.domain.units import NS_PER_S
from bot.venues.deribit.flaws import Flaw, Flaws, shown
from bot.venues.deribit.requests import RefusedError, Requests

# The venue limits a message to 32 KB; names stay below 60 characters.
BATCH: Final = 200
INVALID: Final = "-32602"
ASK_S: Final = 5.0
RESUBSCRIBE_AFTER: Final = 2.0
RECONNECT_AFTER: Final = 6.0


@dataclass(slots=True)
class Channel:
    """One subscription. `limit_s` None: silence means nothing (books, changes of the account)."""

    name: str
    limit_s: float | None
    since_ns: int
    received_ns: int
    made_ns: int
    flagged: bool = False
    again_ns: int = 0

    def age_s(self, now_ns: int) -> float:
        """Return the older of two ages: since we heard, and since the venue made it (our time)."""
        return (now_ns - min(self.received_ns, self.made_ns)) / NS_PER_S

    def stale(self, now_ns: int) -> bool:
        """Tell whether the channel is past its limit."""
        return self.limit_s is not None and self.age_s(now_ns) > self.limit_s


class Channels:
    """The subscriptions of one connection; `scope` is public or private."""

    def __init__(
        self, requests: Requests, clock: Callable[[], int], flaws: Flaws, scope: str = "public"
    ) -> None:
        self._requests, self._clock, self._flaws, self._scope = requests, clock, flaws, scope
        self.wanted: dict[str, float | None] = {}
        self.live: dict[str, Channel] = {}

    async def want(self, wanted: Mapping[str, float | None]) -> None:
        """Subscribe to what is new and unsubscribe from what is no longer wanted.

        Raises as `Requests.call` does; channels that the venue leaves out are noted.
        """
        self.wanted = dict(wanted)
        over = [name for name in self.live if name not in wanted]
        if over:
            for name in over:
                del self.live[name]
            await self._ask("unsubscribe", over)
        await self.subscribe([name for name in wanted if name not in self.live])

    async def restore(self) -> None:
        """Subscribe to everything that is wanted on a new connection."""
        self.live.clear()
        await self.subscribe(list(self.wanted))

    async def subscribe(self, names: list[str]) -> None:
        """Subscribe; note what the venue did not accept."""
        now_ns = self._clock()
        for name in names:
            # Heard from the moment of asking: the first message may overtake the reply.
            self.live[name] = Channel(name, self.wanted.get(name), now_ns, now_ns, now_ns)
        await self._take_up(names)

    async def again(self, names: Iterable[str]) -> None:
        """Unsubscribe and subscribe: a book then starts from a new snapshot."""
        known = [name for name in names if name in self.live]
        await self._ask("unsubscribe", known)
        await self._take_up(known)

    async def _take_up(self, names: list[str]) -> None:
        accepted = await self._ask("subscribe", names)
        for name in names:
            if name.lower() not in accepted:
                self.live.pop(name, None)
                sentence = "expected a subscription, found it left out of the reply or refused"
                self._flaws.note(self._clock(), Flaw.CHANNEL_REFUSED, name, sentence)

    async def _ask(self, verb: str, names: list[str]) -> set[str]:
        accepted: set[str] = set()
        for start in range(0, len(names), BATCH):
            accepted |= await self._ask_some(verb, names[start : start + BATCH])
        return accepted

    async def _ask_some(self, verb: str, names: list[str]) -> set[str]:
        """Ask once, and in halves where the venue refuses a channel; return what it accepted."""
        try:
            reply = await self._requests.call(f"{self._scope}/{verb}", {"channels": names}, ASK_S)
        except RefusedError as error:
            if error.code != INVALID:
                raise
            if len(names) == 1:
                return set()
            middle = len(names) // 2
            first = await self._ask_some(verb, names[:middle])
            return first | await self._ask_some(verb, names[middle:])
        if not isinstance(reply, list):
            return set()
        return {name.lower() for name in reply if isinstance(name, str)}

    def heard(self, name: str, received_ns: int, made_ns: int) -> None:
        """Note good data of a channel, and when the venue made it (in our time)."""
        channel = self.live.get(name)
        if channel is not None:
            channel.received_ns = received_ns
            channel.made_ns = made_ns
            channel.flagged = channel.flagged and channel.stale(received_ns)

    def stale(self) -> list[Channel]:
        """Return the channels past their limit."""
        now_ns = self._clock()
        return [channel for channel in self.live.values() if channel.stale(now_ns)]

    async def watch(self) -> Exception | None:
        """Look once: flag, subscribe anew; return why the connection should be given up, if so."""
        now_ns = self._clock()
        again: list[str] = []
        for channel in self.stale():
            limit_s, age_s = channel.limit_s or 0.0, channel.age_s(now_ns)
            sentence = f"expected data within {limit_s:g} s, found {age_s:.1f} s of silence"
            if not channel.flagged:
                channel.flagged = True
                self._flaws.note(now_ns, Flaw.STALE_CHANNEL, channel.name, sentence)
            if age_s > RECONNECT_AFTER * limit_s:
                return TimeoutError(f"{channel.name}: {sentence}")
            waited_s = (now_ns - channel.again_ns) / NS_PER_S
            if age_s > RESUBSCRIBE_AFTER * limit_s and waited_s > limit_s:
                channel.again_ns = now_ns
                again.append(channel.name)
        if again:
            try:
                await self.again(again)
            except DeltabandError as error:
                self._flaws.note(self._clock(), Flaw.REQUEST_FAILED, "again", shown(error))
        return None
