"""What a router asks of a discovery, whatever is behind it."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

from trueup_reference.router.discovery.entries import WorkerEntry, by_namespace

logger = logging.getLogger("trueup_reference.router.discovery")


class Discovery(ABC):
    """Known workers by namespace; used from one event loop.

    `workers` is replaced as a whole, never changed: whoever holds one holds a moment. `problem` says in words why it
    may be out of date, and is None while it is not.
    """

    def __init__(self) -> None:
        """Knows nobody yet."""
        self.workers: Mapping[str, tuple[WorkerEntry, ...]] = by_namespace(())
        self.problem: str | None = None
        self._watchers: list[Callable[[], None]] = []

    @abstractmethod
    async def start(self) -> None:
        """Reads what there is and watches it from then on. `DiscoveryError` where it can never be read."""

    @abstractmethod
    async def close(self) -> None:
        """Watches no more. A second call does nothing."""

    def watch(self, told: Callable[[], None]) -> None:
        """`told` is called, in the event loop, behind every change of `workers` or `problem`."""
        self._watchers.append(told)

    async def __aenter__(self) -> Self:
        """Started."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closed."""
        await self.close()

    def _tell(self, entries: Iterable[WorkerEntry], problem: str | None) -> None:
        """What is known now; nobody is told of what has not changed."""
        workers = by_namespace(entries)
        if workers == self.workers and problem == self.problem:
            return
        self.workers, self.problem = workers, problem
        for told in list(self._watchers):
            try:
                told()
            except Exception:  # a watcher's fault must not end the watching
                logger.exception("a watcher of discovery failed")


class StaticDiscovery(Discovery):
    """These workers, until others are set: for tests, and for whoever knows them otherwise."""

    def __init__(self, entries: Iterable[WorkerEntry] = ()) -> None:
        """They are known at once."""
        super().__init__()
        self._tell(entries, None)

    def set(self, entries: Iterable[WorkerEntry], problem: str | None = None) -> None:
        """These in place of the ones before."""
        self._tell(entries, problem)

    async def start(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""
