"""Live messages that wait for a replay: bounded in number and in bytes."""

from __future__ import annotations

from collections import deque

from trueup_reference.event_transport.messages import Live


class Held:
    """In the order in which they came."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._messages: deque[Live] = deque()

    def __len__(self) -> int:
        """How many."""
        return len(self._messages)

    @property
    def first(self) -> int:
        """The number of the first one."""
        return self._messages[0].sequence

    @property
    def last(self) -> int:
        """The number of the last one."""
        return self._messages[-1].sequence

    @property
    def topic(self) -> str:
        """That of the first one."""
        return self._messages[0].topic

    @property
    def is_full(self) -> bool:
        """No more can be held."""
        return len(self._messages) >= self._most or self._bytes >= self._most_bytes

    def add(self, live: Live) -> None:
        """One more."""
        self._messages.append(live)
        self._bytes += len(live.payload)

    def pop(self) -> Live:
        """The first one."""
        live = self._messages.popleft()
        self._bytes -= len(live.payload)
        return live

    def take_all(self) -> deque[Live]:
        """All, and none is left."""
        taken, self._messages, self._bytes = self._messages, deque(), 0
        return taken
