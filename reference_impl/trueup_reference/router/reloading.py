"""A new grid while the router runs: when its file changes, or on SIGHUP, which reads the tokens again too.

A grid is judged before anything changes, and then taken as a whole: each request goes by the old one or by the new
one. What is wrong changes nothing. Either way a record of the log and a metric say so.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from trueup.grid_config.check import LARGEST_FILE_BYTES
from trueup_reference.router.grid_file import GridError, warnings
from trueup_reference.router.looking import Look, look
from trueup_reference.router.plan import Plan

logger = logging.getLogger("trueup_reference.router.reloading")
POLL_S = 0.1


class GridWatch:
    """Reads the grid's file, at the start and whenever there is another one."""

    def __init__(
        self,
        path: Path,
        read: Callable[[bytes], Plan],
        count: Callable[[str], None],
        *,
        poll_s: float = POLL_S,
    ) -> None:
        """`read` raises `GridError`; `count` is told the outcome of each reload: taken, refused or unchanged."""
        self.path = path
        self._read, self._count = read, count
        self._poll_s = poll_s
        self._asked = asyncio.Event()
        self._last: Look | None = None
        self._in_force = b""

    def first(self) -> Plan:
        """The plan to start with. `GridError` where there is none."""
        try:
            found = look(self.path, None, LARGEST_FILE_BYTES)
        except OSError as error:
            raise GridError(f"{self.path}: {error.strerror or error}") from error
        assert found is not None
        plan = self._read(found.text)
        self._last, self._in_force = found, found.text
        for warning in warnings(self.path, found.text):
            logger.warning("%s: %s", self.path, warning)
        return plan

    def ask(self) -> None:
        """Reads it again, whether or not it seems to have changed."""
        self._asked.set()

    async def run(self, swap: Callable[[Plan], None]) -> None:
        """Gives each new plan to `swap`, until it is cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._poll_s):
                    await self._asked.wait()
            except TimeoutError:
                pass
            is_asked = self._asked.is_set()
            self._asked.clear()
            text = await self._look(is_asked=is_asked)
            if text is not None:
                await self._take(text, swap)

    async def _look(self, *, is_asked: bool) -> bytes | None:
        was_there = self._last is not None
        try:
            found = await asyncio.to_thread(look, self.path, None if is_asked else self._last, LARGEST_FILE_BYTES)
        except OSError as error:
            self._last = None
            if was_there or is_asked:  # told once, not at every look
                self._refuse(f"{self.path}: {error.strerror or error}")
            return None
        if found is None:
            return None
        is_new = self._last is None or found.text != self._last.text
        self._last = found
        return found.text if is_new or is_asked else None

    async def _take(self, text: bytes, swap: Callable[[Plan], None]) -> None:
        if text == self._in_force:
            self._count("unchanged")
            logger.info("the grid is the one in force", extra=self._about(text))
            return
        try:
            plan = await asyncio.to_thread(self._read, text)
        except GridError as error:
            self._refuse(str(error))
            return
        swap(plan)
        self._in_force = text
        self._count("taken")
        logger.info("a new grid is in force", extra={**self._about(text), "doubts": warnings(self.path, text)})

    def _refuse(self, why: str) -> None:
        self._count("refused")
        logger.error("the new grid is refused, the one before stays in force:\n%s", why, extra=self._about(b""))

    def _about(self, text: bytes) -> dict[str, str]:
        in_force = hashlib.sha256(text or self._in_force).hexdigest()[:16]
        return {"path": str(self.path), "in_force_sha256": in_force}
