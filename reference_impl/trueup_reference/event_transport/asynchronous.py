"""The same for event loops. Needs a loop that can watch descriptors: every one but Windows' default.

A `recv` that is cancelled loses nothing: between taking a message and handing it out it never waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self, Unpack

from trueup_reference.event_transport import exiting
from trueup_reference.event_transport.batch_queue import Ticket
from trueup_reference.event_transport.core import SubscriberCore, SubscriberSettings
from trueup_reference.event_transport.errors import ClosedError
from trueup_reference.event_transport.messages import Format, Message
from trueup_reference.event_transport.metrics import Role
from trueup_reference.event_transport.publisher import LINGER_MS, Publisher
from trueup_reference.event_transport.publisher_settings import PublisherSettings
from trueup_reference.event_transport.replay_client import ReplayClient
from trueup_reference.event_transport.settings import TIMEOUT_ENV
from trueup_reference.event_transport.settings import recv_timeout_ms as checked_timeout_ms


class AsyncManaged(ABC):
    """Closes at the end of an `async with`."""

    @abstractmethod
    async def close(self) -> None:
        """Ends it. A second call does nothing."""

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it."""
        await self.close()


class AsyncSubscriber(AsyncManaged):
    """`Subscriber`, with coroutines. All of its tasks are of one loop."""

    role: Role = "subscriber"
    timeout_env = TIMEOUT_ENV

    def __init__(
        self,
        endpoints: str | Sequence[str],
        topic: str = "",
        recv_timeout_ms: int | None = None,
        format: Format = "A",
        *,
        name: str = "subscriber",
        **settings: Unpack[SubscriberSettings],
    ) -> None:
        """As `Subscriber`."""
        self.name = name
        self._timeout_s = checked_timeout_ms(recv_timeout_ms) / 1000
        self._core = SubscriberCore(endpoints, topic, format, **settings)
        self._turn = asyncio.Lock()
        self._closing = False
        exiting.opened(self._core)
        weakref.finalize(self, self._core.close).atexit = False

    async def recv(self) -> Message | None:
        """The next message, or None where none came within the timeout, or another task closed meanwhile."""
        async with self._turn:
            if self._closing:
                raise ClosedError("the subscriber is closed")
            message = self._core.take()
            deadline = time.monotonic() + self._timeout_s
            while message is None:
                left_s = deadline - time.monotonic()
                if self._core.is_behind:
                    await asyncio.sleep(0)
                elif left_s > 0:
                    await self._readable(left_s)
                if self._closing:
                    return None
                self._core.poll(0)
                message = self._core.take()
                if message is None and time.monotonic() >= deadline:
                    return None
            return message

    async def forever(self) -> AsyncIterator[Message]:
        """Every message, waiting for ever in between: ends when another task calls `close`."""
        while not self._closing:
            try:
                message = await self.recv()
            except ClosedError:
                return
            if message is not None:
                yield message

    async def close(self) -> None:
        """Ends a `recv` that waits. A second call does nothing."""
        self._closing = True
        self._core.wake()
        async with self._turn:
            self._core.close()
        exiting.closed(self._core)

    @property
    def connected(self) -> dict[str, bool]:
        """Each endpoint, and whether a publisher is there, as far as the last `recv` saw."""
        return self._core.connected()

    def stats(self) -> dict[str, int]:
        """As `Subscriber.stats`."""
        return self._core.counts.mapping()

    def numbers(self) -> dict[str, float]:
        """For `TransportCollector`."""
        return self._core.numbers()

    async def _readable(self, seconds: float) -> None:
        """Waits until a socket has something to tell, but no longer. They are watched only while somebody waits."""
        loop = asyncio.get_running_loop()
        told = loop.create_future()

        def tell() -> None:
            if not told.done():
                told.set_result(None)

        watched = [self._core.wake_fileno(), *(socket.fileno() for socket in self._core.sockets())]
        for descriptor in watched:
            loop.add_reader(descriptor, tell)
        timer = loop.call_later(min([seconds, *self._core.due_s()]), tell)
        try:
            await told
        finally:
            timer.cancel()
            for descriptor in watched:
                loop.remove_reader(descriptor)


class AsyncPublisher(AsyncManaged):
    """`Publisher`, with coroutines: where its policy is to wait, the loop goes on."""

    role: Role = "publisher"

    def __init__(
        self,
        endpoint: str | Sequence[str],
        topic: str = "",
        format: Format = "A",
        **settings: Unpack[PublisherSettings],
    ) -> None:
        """As `Publisher`."""
        self.publisher = Publisher(endpoint, topic, format, **settings)
        self.name = self.publisher.name
        self.endpoint = self.publisher.endpoint
        self.replay_endpoint = self.publisher.replay_endpoint
        self.publisher_id = self.publisher.publisher_id

    async def publish(self, batch: Any) -> int | None:
        """As `Publisher.publish`. Cancelled while it waits for room, the batch is refused, unless it just got in."""
        loop = asyncio.get_running_loop()
        room = asyncio.Event()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(room.set)

        number, found = self.publisher.offer(batch, tell)
        if isinstance(found, Ticket):
            try:
                async with asyncio.timeout(self.publisher.block_s):
                    await room.wait()
            except TimeoutError:
                pass
            finally:
                found = self.publisher.give_up(found)
        return number if found else None

    async def wait_for_subscribers(self, count: int = 1, timeout_ms: int = 5_000) -> bool:
        """As `Publisher.wait_for_subscribers`."""
        return await asyncio.to_thread(self.publisher.wait_for_subscribers, count, timeout_ms)

    def hold(self) -> None:
        """As `Publisher.hold`."""
        self.publisher.hold()

    def release(self) -> None:
        """As `Publisher.release`."""
        self.publisher.release()

    async def flush(self, timeout_ms: int = LINGER_MS) -> bool:
        """As `Publisher.flush`."""
        return await asyncio.to_thread(self.publisher.flush, timeout_ms)

    async def close(self, linger_ms: int = LINGER_MS) -> None:
        """As `Publisher.close`."""
        await asyncio.to_thread(self.publisher.close, linger_ms)

    def stats(self) -> dict[str, int]:
        """As `Publisher.stats`."""
        return self.publisher.stats()

    def numbers(self) -> dict[str, float]:
        """For `TransportCollector`."""
        return self.publisher.numbers()


class AsyncReplayClient(AsyncManaged):
    """`ReplayClient`, with coroutines."""

    def __init__(self, *, server_key: str | None = None, client_secret_key: str | None = None) -> None:
        self._keys = (server_key, client_secret_key)
        self._running: set[ReplayClient] = set()
        self._closed = False

    async def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[tuple[int, str | None, bytes]]:
        """As `ReplayClient.replay`. Cancelled, it ends its thread too."""
        if self._closed:
            raise ClosedError("the replay client is closed")
        client = ReplayClient(server_key=self._keys[0], client_secret_key=self._keys[1])
        self._running.add(client)
        try:
            return await asyncio.to_thread(client.replay, endpoint, start, timeout_ms)
        finally:
            self._running.discard(client)
            client.close()

    async def close(self) -> None:
        """Ends what waits."""
        self._closed = True
        for client in list(self._running):
            await asyncio.to_thread(client.close)
