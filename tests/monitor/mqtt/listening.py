"""What a client of a test hears, in the order of hearing."""

import asyncio
import json
from contextlib import asynccontextmanager


class Ear:
    """Hears until its client ends: (topic without its root, payload, retained)."""

    def __init__(self, client):
        """Begin to hear."""
        self.heard = []
        self._client = client
        self._task = asyncio.create_task(self._listen())

    async def _listen(self):
        async for message in self._client.messages:
            topic = str(message.topic).partition("/")[2].partition("/")[2]
            self.heard.append((topic, bytes(message.payload), message.retain))

    def on(self, topic):
        """Return what was heard on a topic: JSON, or words."""
        return [_read(payload) for where, payload, _ in self.heard if where == topic]

    async def until(self, condition, patience_s=20.0):
        """Wait until something holds, and return it."""
        async with asyncio.timeout(patience_s):
            while not (found := condition()):
                if self._task.done():
                    self._task.result()
                await asyncio.sleep(0.02)
        return found

    async def first(self, topic, fits=lambda _: True, **how):
        """Wait for something on a topic that fits, and return it."""
        found = await self.until(lambda: [one for one in self.on(topic) if fits(one)], **how)
        return found[0]

    def stop(self):
        """Hear nothing any more."""
        self._task.cancel()


def _read(payload):
    return payload.decode() if payload in {b"online", b"offline"} else json.loads(payload)


@asynccontextmanager
async def ear(broker, topics="deltaband/#", **how):
    """Listen at a broker."""
    async with broker.client(topics, **how) as client:
        listening = Ear(client)
        try:
            yield listening, client
        finally:
            listening.stop()
