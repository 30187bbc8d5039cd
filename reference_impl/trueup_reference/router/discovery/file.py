"""A discovery file: read at the start, and again whenever another one lies in its place."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from trueup_reference.router.discovery.entries import MOST_BYTES, DiscoveryError, read_file
from trueup_reference.router.discovery.interface import Discovery, logger
from trueup_reference.router.looking import Look, look

POLL_S = 0.1


class FileDiscovery(Discovery):
    """Workers of a file. A wrong file, or none, in its place keeps the ones before, and is the problem that is told.

    It is looked at every `poll_s` seconds, which finds a rename, a symbolic link that points elsewhere and a file that
    is written to in place, on every file system.
    """

    def __init__(self, path: Path | str, *, poll_s: float = POLL_S) -> None:
        """Nothing is read yet."""
        super().__init__()
        self.path = Path(path)
        self._poll_s = poll_s
        self._last: Look | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """`DiscoveryError` for a file that is missing or wrong at the start: nothing is known that could be kept."""
        try:
            self._last = await asyncio.to_thread(look, self.path, None, MOST_BYTES)
            assert self._last is not None
            self._tell(read_file(self._last.text, str(self.path)), None)
        except OSError as error:
            raise DiscoveryError(f"{self.path}: {error.strerror or error}") from error
        self._task = asyncio.create_task(self._watch(), name=f"discovery {self.path}")

    async def close(self) -> None:
        """Watches no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                found = await asyncio.to_thread(look, self.path, self._last, MOST_BYTES)
            except OSError as error:
                # What comes next is read anew, even if it is what was there before.
                self._last = None
                self._keep(f"{self.path}: {error.strerror or error}")
                continue
            if found is None:
                continue
            is_new = self._last is None or found.text != self._last.text
            self._last = found
            if is_new:
                self._take(found.text)

    def _take(self, text: bytes) -> None:
        try:
            entries = read_file(text, str(self.path))
        except DiscoveryError as error:
            self._keep(str(error))
            return
        logger.info("discovery_read path=%s workers=%d", self.path, len(entries))
        self._tell(entries, None)

    def _keep(self, why: str) -> None:
        problem = f"{why}; what was known before is kept"
        if problem != self.problem:
            logger.warning("discovery_kept %s", problem)
            self._tell((one for each in self.workers.values() for one in each), problem)
