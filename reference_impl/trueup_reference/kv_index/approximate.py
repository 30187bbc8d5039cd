"""The index without events: a worker is assumed to hold what was routed to it, for a while."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn

from trueup_reference.kv_index import reading
from trueup_reference.kv_index.errors import InvalidEventError
from trueup_reference.kv_index.hashing import local_hashes, sequence_hashes
from trueup_reference.kv_index.index import DEFAULT_TIER, KvIndex, Worker
from trueup_reference.kv_index.segments import Segment

TTL_S: Final = 120.0
MAX_BLOCKS: Final = 1 << 20
KEPT: Final = 0.8  # of the bound, after pruning
BY_ROUTE: Final = "this index has a time to live: it is fed by route, not by events"
SPARE: Final = 1024  # routes that may be there without a block of their own, beside two for each block


class Route(NamedTuple):
    """A routed prompt, known by its last block: the blocks above it were routed with it or later."""

    serial: int
    expires_s: float
    worker: Worker
    last: int


class ApproximateIndex(KvIndex):
    """An index that `route` feeds.

    A prompt's blocks are assumed to be there for `ttl_s`; routing it again renews all of them. So no block expires
    after one that stands below it, and expiring and pruning go from the last blocks up: what is kept can be reached.
    Beyond `max_blocks` (of all workers together) what expires first is dropped, down to 80 % of the bound.
    """

    def __init__(
        self,
        block_size: int,
        *,
        ttl_s: float = TTL_S,
        max_blocks: int = MAX_BLOCKS,
        clock: Callable[[], float] = time.monotonic,
        name: str = "default",
    ) -> None:
        """`ValueError` or `TypeError` for a bound that is none. `clock` gives seconds."""
        super().__init__(block_size, name=name)
        if isinstance(ttl_s, bool) or not isinstance(ttl_s, (int, float)):
            raise TypeError(f"ttl_s is {ttl_s!r}: a number of seconds is due")
        if not 0 < ttl_s < float("inf"):
            raise ValueError(f"ttl_s is {ttl_s}: a positive number of seconds is due")
        if isinstance(max_blocks, bool) or not isinstance(max_blocks, int):
            raise TypeError(f"max_blocks is {max_blocks!r}: a positive integer is due")
        if max_blocks < 1:
            raise ValueError(f"max_blocks is {max_blocks}: 1 or more is due")
        self.ttl_s = float(ttl_s)
        self.max_blocks = max_blocks
        self._clock = clock
        self._ahead_s = 0.0
        self._routes: deque[Route] = deque()
        self._serial = 0
        # Of each worker's blocks the route that renewed it last.
        self._renewed: dict[Worker, dict[int, int]] = {}
        self._counts |= {"routed": 0, "expired": 0, "pruned": 0}

    def route(self, tokens: Sequence[int], worker_id: int, dp_rank: int) -> None:
        """From now on this worker is assumed to hold the prompt's full blocks."""
        worker = reading.check_worker(worker_id, dp_rank)
        local = local_hashes(tokens, self.block_size)
        names = sequence_hashes(local)
        with self._lock:
            self._begin()
            self._counts["routed"] += 1
            if not names:
                return
            self._plain.store(worker, None, reading.chain(names, local), DEFAULT_TIER)
            self._serial += 1
            self._renewed.setdefault(worker, {}).update(dict.fromkeys(names, self._serial))
            self._routes.append(Route(self._serial, self._now_s() + self.ttl_s, worker, names[-1]))
            if self._plain.blocks > self.max_blocks:
                self._prune()
            if len(self._routes) > 2 * self._plain.blocks + SPARE:
                # A block is the last one of a single route that counts: those that were renewed as a whole go.
                self._routes = deque(route for route in self._routes if self._is_newest(route))

    def advance(self, seconds: float) -> None:
        """Moves this index's clock on."""
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < float("inf"):
            raise ValueError(f"seconds are {seconds!r}: 0 or a positive number is due")
        with self._lock:
            self._begin()
            self._ahead_s += seconds

    def apply(self, event: Mapping[str, Any]) -> NoReturn:
        """Raises `InvalidEventError`: what events say and what is assumed cannot be told apart afterwards."""
        raise InvalidEventError(BY_ROUTE)

    def discard(self, worker: Worker, block_hashes: Sequence[int], tier: str | None, group_idx: int | None) -> NoReturn:
        """The same."""
        raise InvalidEventError(BY_ROUTE)

    def close(self) -> None:
        """Gives everything back; calls from now on raise `ClosedError`."""
        super().close()
        with self._lock:
            self._routes.clear()
            self._renewed.clear()

    def _clear(self, worker: Worker) -> None:
        super()._clear(worker)
        self._renewed.pop(worker, None)

    def _left(self, worker_id: int) -> None:
        for worker in [one for one in self._renewed if one[0] == worker_id]:
            del self._renewed[worker]

    def _begin(self) -> None:
        super()._begin()
        now_s = self._now_s()
        while self._routes and self._routes[0].expires_s <= now_s:
            self._counts["expired"] += self._drop(self._routes.popleft(), self.max_blocks)

    def _now_s(self) -> float:
        return self._clock() + self._ahead_s

    def _prune(self) -> None:
        surplus = self._plain.blocks - int(self.max_blocks * KEPT)
        while surplus > 0 and self._routes:
            dropped = self._drop(self._routes.popleft(), surplus)
            self._counts["pruned"] += dropped
            surplus -= dropped

    def _is_newest(self, route: Route) -> bool:
        return self._renewed.get(route.worker, {}).get(route.last) == route.serial

    def _drop(self, route: Route, most: int) -> int:
        """Removes a route's blocks from the last one up, as far as no later route renewed them."""
        renewed = self._renewed.get(route.worker, {})
        holder = self._plain.workers.get(route.worker)
        place = None if holder is None else self._plain.find(holder, route.last)
        if place is None:
            return 0
        names: list[int] = []
        segment, offset = place
        while True:
            name = segment.name(offset)
            if renewed.get(name) != route.serial:
                break
            if len(names) == most:  # the rest stays, and is the next to go
                self._routes.appendleft(route._replace(last=name))
                break
            names.append(name)
            if offset == 0:
                above: Segment | None = segment.parent
                if above is None or above.parent is None:
                    break
                segment, offset = above, above.size
            offset -= 1
        for name in names:
            del renewed[name]
        if not renewed:
            self._renewed.pop(route.worker, None)
        self._plain.remove(route.worker, names, None)
        return len(names)
