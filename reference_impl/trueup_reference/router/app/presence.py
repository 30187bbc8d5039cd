"""Whether the client is still there, and still takes what it gets: the work for it ends with that."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Message, Receive, Send

STALL_S = 60.0  # a client that takes nothing for so long counts as gone


class WhileThere:
    """`async with WhileThere(receive) as client:` cancels what runs in it when the client goes, and then says so.

    Only behind the whole body: what `receive` still tells then is that the connection is closed.
    """

    def __init__(self, receive: Receive) -> None:
        """Watches nothing yet."""
        self._receive = receive
        self.has_gone = False

    async def __aenter__(self) -> Self:
        """Watches."""
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._watching = asyncio.get_running_loop().create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Nothing is raised where the client has gone, unless somebody else has cancelled too."""
        self._watching.cancel()
        if not self.has_gone:
            return False
        is_ours_alone = self._task.uncancel() == 0
        return is_ours_alone and kind is asyncio.CancelledError

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_gone = True
        self._task.cancel()


class ClientStalled(Exception):
    """The client is there, and takes nothing."""


class Sending:
    """`send` of one request, for clients that may take nothing any more: `ClientStalled` then.

    One timer a request, and none a message: a stream has thousands of them.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._since_s: float | None = None  # of the message that is being sent
        self._is_stalled = False
        self.has_begun = False
        self.has_ended = False

    async def __call__(self, message: Message) -> None:
        """Sends it."""
        self.has_begun = True
        self.has_ended = message["type"] == "http.response.body" and not message.get("more_body", False)
        if self._timer is None:
            task = asyncio.current_task()
            assert task is not None
            self._task = task
            self._timer = self._loop.call_later(STALL_S, self._look)
        self._since_s = self._loop.time()
        try:
            await self._send(message)
        except asyncio.CancelledError:
            if self._is_stalled and self._task.uncancel() == 0:
                raise ClientStalled from None
            raise
        finally:
            self._since_s = None

    def close(self) -> None:
        """Watches no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now_s = self._loop.time()
        since_s = now_s if self._since_s is None else self._since_s
        if now_s - since_s >= STALL_S:
            self._is_stalled = True
            self._task.cancel()
        else:
            self._timer = self._loop.call_at(since_s + STALL_S, self._look)
