"""Whether the client is still there: its going ends the work for it at once."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive


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
