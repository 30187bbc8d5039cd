"""Keeps an index up to date with what a subscriber receives, and says of which workers it is exact."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Protocol

from trueup_reference.event_transport import ClosedError as TransportClosedError
from trueup_reference.event_transport import MalformedError, decode_batch
from trueup_reference.kv_index.errors import InvalidEventError, OtherBlockSizeError
from trueup_reference.kv_index.following import State
from trueup_reference.kv_index.index import KvIndex, Worker
from trueup_reference.kv_index.normalising import Normalised, Source, normalise
from trueup_reference.kv_index.sharded import ShardedIndex


class Message(Protocol):
    """What a subscriber receives."""

    @property
    def endpoint(self) -> str:
        """As it was given to the subscriber."""

    @property
    def sequence(self) -> int:
        """Counts the batches of a publisher."""

    @property
    def payload(self) -> bytes:
        """A batch of format A."""

    @property
    def before(self) -> Mapping[str, Any] | None:
        """What happened since the message before, where it could not be mended by a replay."""


class Subscriber(Protocol):
    """Receives messages, each endpoint's in order; what was missed it asks for itself, and delivers in its place."""

    def recv(self) -> Message | None:
        """None where nothing came in time."""


class Indexer:
    """Feeds an index with the events of many workers, each of which publishes at an endpoint of its own.

    A worker is `exact` from its first event on, or from *cleared*, while nothing is missing; a batch that is lost and
    was not replayed, or that cannot be decoded, makes it `degraded`; and a worker that began anew loses its blocks.
    """

    def __init__(
        self,
        index: KvIndex | ShardedIndex,
        subscriber: Subscriber,
        sources: Mapping[str, Source],
        *,
        name: str = "default",
    ) -> None:
        """`sources`: who publishes at which endpoint. `name` tells indexers apart in metrics."""
        self.index = index
        self.name = name
        self._subscriber = subscriber
        self._sources = dict(sources)
        self._newest: dict[str, int] = {}  # by endpoint: the sequence of the last batch
        self._degraded: set[str] = set()
        self._ranks: dict[str, set[Worker]] = {endpoint: set() for endpoint in sources}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._counts = dict.fromkeys(
            ("messages", "malformed_messages", "unknown_publishers", "refused_events", "other_block_size", "gaps",
             "restarts"),
            0,
        )  # fmt: skip

    def run(self) -> None:
        """Takes messages in until `stop`, or until the subscriber is closed."""
        while not self._stop.is_set():
            try:
                self.step()
            except TransportClosedError:
                return

    def stop(self) -> None:
        """Ends `run`, once the `recv` that it waits in is back."""
        self._stop.set()

    def step(self) -> bool:
        """Takes one message in; False where none came in time."""
        message = self._subscriber.recv()
        if message is not None:
            self.take(message)
        return message is not None

    def take(self, message: Message) -> None:
        """One message."""
        with self._lock:
            self._counts["messages"] += 1
            source = self._sources.get(message.endpoint)
            if source is None:
                self._counts["unknown_publishers"] += 1
                return
            if not self._follow(message):
                return
            try:
                batch = decode_batch(message.payload)
            except MalformedError:
                self._counts["malformed_messages"] += 1
                self._degraded.add(message.endpoint)
                return
            for one in normalise(batch, source, message.sequence):
                if isinstance(one, InvalidEventError):
                    self._refused(message.endpoint)
                else:
                    self._apply(one, message.endpoint)

    def state(self, worker_id: int, dp_rank: int) -> State:
        """Of a worker: `unknown` before its first event."""
        with self._lock:
            for endpoint, ranks in self._ranks.items():
                if (worker_id, dp_rank) in ranks:
                    return "degraded" if endpoint in self._degraded else "exact"
        return "unknown"

    def add(self, endpoint: str, source: Source) -> None:
        """A worker that came later; the subscriber has to know its endpoint."""
        with self._lock:
            self._sources[endpoint] = source
            self._ranks.setdefault(endpoint, set())

    def remove(self, endpoint: str) -> None:
        """Who publishes there is gone, with all its blocks; the worker's ranks that publish elsewhere keep theirs."""
        with self._lock:
            self._sources.pop(endpoint, None)
            for worker in self._ranks.pop(endpoint, set()):
                self.index.clear_worker(*worker)
            self._newest.pop(endpoint, None)
            self._degraded.discard(endpoint)

    def snapshot(self) -> dict[str, Any]:
        """The index's `dump`, and where each endpoint of an exact worker stands: for `load` of another router's."""
        with self._lock:
            exact = {endpoint: last for endpoint, last in self._newest.items() if endpoint not in self._degraded}
            ranks = {endpoint: sorted(self._ranks[endpoint]) for endpoint in exact}
            return {"events": self.index.dump(), "newest": exact, "ranks": ranks}

    def load(self, snapshot: Mapping[str, Any]) -> None:
        """A peer's `snapshot`, before the first message. What it holds of workers that are not exact is left out.

        The subscriber has to be connected before the snapshot is taken, or to ask for a replay: then nothing is lost
        in between, and what comes twice is skipped. `ValueError` after the first message.
        """
        with self._lock:
            if self._newest:
                raise ValueError("messages were taken in already: a snapshot comes before the first")
            known = {endpoint: last for endpoint, last in snapshot["newest"].items() if endpoint in self._sources}
            workers = {tuple(worker) for endpoint in known for worker in snapshot["ranks"][endpoint]}
            for event in snapshot["events"]:
                if (event["worker_id"], event["event"]["dp_rank"]) in workers:
                    self.index.apply(event)
            self._newest = known
            for endpoint in known:
                self._ranks[endpoint] = {tuple(worker) for worker in snapshot["ranks"][endpoint]}

    def stats(self) -> dict[str, int]:
        """Counts from the start, and how many workers are degraded."""
        with self._lock:
            degraded = sum(len(self._ranks[endpoint]) for endpoint in self._degraded if endpoint in self._ranks)
            return {**self._counts, "degraded_workers": degraded}

    def _follow(self, message: Message) -> bool:
        """Whether the message is new; what its number and its `before` say about what is missing."""
        endpoint, newest = message.endpoint, self._newest.get(message.endpoint)
        kind = None if message.before is None else message.before["kind"]
        if kind == "restart":
            self._counts["restarts"] += 1
            for worker in self._ranks[endpoint]:
                self.index.clear_worker(*worker)
            self._degraded.discard(endpoint)
            newest = None
        elif newest is not None and message.sequence <= newest:
            return False
        due = 0 if newest is None else newest + 1
        if message.sequence > due or kind == "uncertain":
            self._counts["gaps"] += 1
            self._degraded.add(endpoint)
        self._newest[endpoint] = message.sequence
        return True

    def _apply(self, one: Normalised, endpoint: str) -> None:
        try:
            if one.removal is not None:
                self.index.discard(one.worker, *one.removal)
            elif one.event is not None:
                if one.event["event"]["data"] == "cleared" and self._ranks[endpoint] <= {one.worker}:
                    self._degraded.discard(endpoint)
                self.index.apply(one.event)
        except OtherBlockSizeError:
            self._counts["other_block_size"] += 1
            self._refused(endpoint)
        except InvalidEventError:
            self._refused(endpoint)
        self._ranks[endpoint].add(one.worker)

    def _refused(self, endpoint: str) -> None:
        """An event of which nothing was taken in is missing like a lost one."""
        self._counts["refused_events"] += 1
        self._degraded.add(endpoint)
