"""The connection by aiomqtt 2: the only file that knows it, imported when a broker is to be met.

MQTT 5, a session that ends with its connection, every message at least once. The broker is asked
to keep the retained flag of what it passes on (so that a command that was published retained is
known for one) and to send no packet of more than 64 KiB. What ends in a fault is dropped without a
farewell, so that the broker publishes the last will; aiomqtt would say goodbye, or leave the socket
of a failed attempt open.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from aiomqtt import Client, Message, MqttError, ProtocolVersion, Will
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from bot.monitor.mqtt.link import Arrived, Broker, Link, LinkError

KEEPALIVE_S: Final = 15
ANSWER_S: Final = 5.0
CONNECT_S: Final = 3.0
LARGEST_PACKET: Final = 64 * 1024
ROOM: Final = 1_000
AT_LEAST_ONCE: Final = 1
_LOGIN: Final = ("not authorized", "bad user name or password")
_REFUSED: Final = 128  # and above: what a reason code says no with


@asynccontextmanager
async def connected(broker: Broker) -> AsyncIterator[Link]:
    """Connect; what the block raises, LinkError among it, drops the connection."""
    link = _Link(broker)
    try:
        await link.open()
        yield link
    except BaseException:
        link.drop()
        raise
    await link.close()


class _Link:
    """One connection; see `link.Link`."""

    def __init__(self, broker: Broker) -> None:
        self._heard = _Heard()
        limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        limits.MaximumPacketSize = LARGEST_PACKET
        topic, payload = broker.last_will
        self._client = Client(
            broker.host,
            broker.port,
            identifier=broker.identifier,
            username=broker.username,
            password=broker.password,
            protocol=ProtocolVersion.V5,
            will=Will(topic, payload, qos=AT_LEAST_ONCE, retain=True),
            clean_start=True,
            properties=limits,
            keepalive=KEEPALIVE_S,
            timeout=ANSWER_S,
            tls_context=broker.tls,
            queue_type=_Newest,
            max_queued_incoming_messages=ROOM,
            logger=self._heard.logger,
        )
        self._client.pending_calls_threshold = ROOM
        self._paho: Any = self._client._client  # noqa: SLF001  aiomqtt hides what is needed here
        self._paho.connect_timeout = CONNECT_S
        # A fault that nobody waits for any more is none: the next connection tells.
        self._lost: asyncio.Future[None] = self._client._disconnected  # noqa: SLF001  see above
        self._lost.add_done_callback(lambda lost: lost.cancelled() or lost.exception())
        self._told: Any = self._paho.on_publish
        self._paho.on_publish = self._on_publish
        self._paho.on_socket_open = self._on_open
        self._paho.on_socket_register_write = self._on_register_write
        self._connect: Callable[[], None] = self._client._client_connect  # noqa: SLF001  see above
        self._client._client_connect = self._connect_in_thread  # type: ignore[method-assign] # noqa: SLF001
        self._dropped = False
        self.refused = ""

    async def open(self) -> None:
        """Connect, or raise LinkError with the reason."""
        try:
            await self._client.__aenter__()
        except MqttError as fault:
            raise LinkError(self._reason(fault)) from None

    async def close(self) -> None:
        """Say goodbye."""
        with suppress(MqttError):
            await self._client.__aexit__(None, None, None)

    def drop(self) -> None:
        """Let go without a word: the broker then publishes the last will."""
        self._dropped = True
        self._paho._sock_close()  # noqa: SLF001  see above

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool, for_s: int | None = None
    ) -> None:
        """Publish; returns once the broker has answered."""
        limits = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if for_s is not None:
            limits.MessageExpiryInterval = for_s
        try:
            await self._client.publish(topic, payload, AT_LEAST_ONCE, retain, properties=limits)
        except MqttError as fault:
            raise LinkError(self._reason(fault)) from None

    async def subscribe(self, topics: str) -> None:
        """Ask for topics; returns once the broker has answered."""
        as_published = SubscribeOptions(qos=AT_LEAST_ONCE, retainAsPublished=True)
        try:
            codes = await self._client.subscribe(topics, options=as_published)
        except MqttError as fault:
            raise LinkError(self._reason(fault)) from None
        for code in codes:
            self._judged(code)

    async def messages(self) -> AsyncIterator[Arrived]:
        """Yield what arrives."""
        queue = self._client._queue  # noqa: SLF001  see above
        try:
            async for message in self._client.messages:
                lost = queue.take_lost() if isinstance(queue, _Newest) else 0
                yield Arrived(str(message.topic), bytes(message.payload), message.retain, lost)
        except MqttError as fault:
            raise LinkError(self._reason(fault)) from None

    def _on_publish(self, *answer: Any) -> None:  # noqa: ANN401  paho's callback
        self._judged(answer[3])  # aiomqtt does not look at it
        self._told(*answer)

    def _connect_in_thread(self) -> None:
        """Connect as aiomqtt does, in its thread; whom nobody waits for any more is let go.

        Else the socket stands until the process ends, and speaks to a loop that has.
        """
        self._connect()
        if self._dropped:
            self._lost.get_loop().call_soon_threadsafe(self.drop)

    def _on_open(self, paho: Any, _userdata: object, sock: Any) -> None:  # noqa: ANN401
        """Have the loop read a new socket; aiomqtt's own forgets that it may close before."""
        loop = self._lost.get_loop()

        def read() -> None:
            try:
                paho.loop_read()
                while hasattr(sock, "pending") and sock.fileno() >= 0 and sock.pending() > 0:
                    paho.loop_read()  # what TLS has read already wakes nobody
            except Exception as fault:  # noqa: BLE001  as aiomqtt does
                if not self._lost.done():
                    self._lost.set_exception(fault)

        def register() -> None:
            if sock.fileno() >= 0 and not self._dropped:
                loop.add_reader(sock.fileno(), read)
                beats = loop.create_task(self._client._misc_loop())  # noqa: SLF001  see above
                self._client._misc_task = beats  # noqa: SLF001  see above

        loop.call_soon_threadsafe(register)  # paho connects in a thread

    def _on_register_write(self, paho: Any, _userdata: object, sock: Any) -> None:  # noqa: ANN401
        """Have the loop write when the socket takes more; aiomqtt's own forgets that it may close.

        Its number would then be nobody's, or soon that of another connection.
        """
        loop = self._lost.get_loop()

        def write() -> None:
            try:
                paho.loop_write()
            except Exception as fault:  # noqa: BLE001  as aiomqtt does
                if not self._lost.done():
                    self._lost.set_exception(fault)

        def register() -> None:
            if sock.fileno() >= 0:
                loop.add_writer(sock.fileno(), write)

        loop.call_soon_threadsafe(register)  # paho connects in a thread

    def _judged(self, code: object) -> None:
        if isinstance(code, ReasonCode) and code.value >= _REFUSED:
            self.refused = str(code)

    def _reason(self, fault: MqttError) -> str:
        """Return why it failed; where only silence was noticed, what was heard before it."""
        inner = fault.__cause__
        said = " ".join(filter(None, [str(fault), str(inner) if inner is not None else ""]))
        if any(word in said.lower() for word in _LOGIN):
            said += " (mqtt.username, DELTABAND_MQTT_PASSWORD)"
        return f"{said}: {self._heard.last}" if self._heard.last else said


class _Newest(asyncio.Queue[Message]):
    """Keeps the newest messages: behind a flood of old ones there may be a halt."""

    lost = 0

    def put_nowait(self, item: Message) -> None:
        """Put a message in; where there is no room, in the place of the oldest."""
        if self.full():
            self.get_nowait()
            self.lost += 1
        super().put_nowait(item)

    def take_lost(self) -> int:
        """Return how many found no room since this was asked."""
        lost, self.lost = self.lost, 0
        return lost


class _Heard(logging.Handler):
    """Keeps the last complaint of the library in the place of a line for each."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""
        self.logger = logging.Logger("mqtt", logging.WARNING)  # noqa: LOG001  not one of a tree
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.last = record.getMessage()[:200]
