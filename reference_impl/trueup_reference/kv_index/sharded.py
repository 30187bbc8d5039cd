"""The index in several processes: each holds some of the workers, and answers are put together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from trueup_reference.kv_index import reading
from trueup_reference.kv_index.errors import ClosedError, InvalidEventError
from trueup_reference.kv_index.hashing import RECIPE, local_hashes
from trueup_reference.kv_index.index import KvIndex, Worker
from trueup_reference.kv_index.metrics import exposition
from trueup_reference.kv_index.packing import U64

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Answer = TypeVar("Answer")
MOST_SHARDS = 256
LOST = "a process of this index has ended by itself: close it, and make another of a peer's dump"
INTERRUPTED = "a call was interrupted before its answers came: close this index, and make another of a peer's dump"


class ShardLostError(RuntimeError):
    """A process of the index has ended by itself, or a call amid its exchange with one: the index is gone with it."""


class ShardedIndex:
    """The calls of `KvIndex`, for more events than one process takes in.

    The workers are spread over processes by their ids. An event costs a round trip to one of them, and a question one
    to each, at the same time; `apply_many` sends many events in one message to each. Safe to use from many threads:
    one lock for each process, taken in their order.
    """

    recipe = RECIPE

    def __init__(self, block_size: int, shards: int, *, name: str = "default") -> None:
        """Starts the processes. `ValueError` or `TypeError` for a number that is none."""
        KvIndex(block_size)  # refuses what a shard would refuse
        if isinstance(shards, bool) or not isinstance(shards, int):
            raise TypeError(f"shards is {shards!r}: a positive integer is due")
        if not 1 <= shards <= MOST_SHARDS:
            raise ValueError(f"shards is {shards}: 1 to {MOST_SHARDS} is due")
        import multiprocessing

        self.block_size = block_size
        self.name = name
        self._is_closed = False
        self._lost: str | None = None  # why it is
        self._locks = [threading.Lock() for _ in range(shards)]
        self._shards: list[Connection] = []
        # Never by fork: it would copy the locks of this process's threads as they happen to be.
        context = multiprocessing.get_context("spawn")
        self._processes = []
        for number in range(shards):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve, args=(theirs, block_size), name=f"kv-index-{name}-{number}", daemon=True
            )
            process.start()
            theirs.close()
            self._shards.append(ours)
            self._processes.append(process)

    def apply(self, event: Mapping[str, Any]) -> None:
        """Takes one event in; raises as `KvIndex.apply`."""
        change = reading.read(event, self.block_size)
        refused = self._ask(self._shard(change.worker[0]), "take", [(0, reading.pack_change(change))])
        if refused:
            raise refused[0][1]

    def apply_many(self, events: Iterable[Mapping[str, Any]]) -> list[tuple[int, Exception]]:
        """Takes events in, each worker's in their order; the refused ones, each with its place."""
        parts: dict[int, list[tuple[int, reading.Packed]]] = {}
        refused: list[tuple[int, Exception]] = []
        for place, event in enumerate(events):
            try:
                change = reading.read(event, self.block_size)
            except InvalidEventError as error:
                refused.append((place, error))
            else:
                parts.setdefault(self._shard(change.worker[0]), []).append((place, reading.pack_change(change)))
        for answer in self._ask_all("take", {shard: (part,) for shard, part in parts.items()}):
            refused += answer
        return sorted(refused, key=lambda one: one[0])

    def find_matches(
        self,
        local_hashes: Sequence[int],
        *,
        early_exit: bool = False,
        tier: str | None = None,
        identity: Mapping[str, Any] | None = None,
    ) -> dict[Worker, int]:
        """As `KvIndex.find_matches`, always to the end: who is alone in one process may be behind another's."""
        hashes, _ = reading.read_hashes(local_hashes, "local_hashes")
        if tier is not None:
            reading.check_tier(tier)
        known = None if identity is None else reading.read_identity(identity)._asdict()
        found = self._ask_all("find_matches", self._each(hashes, tier, known))
        return {worker: depth for answer in found for worker, depth in answer.items()}

    def find_matches_tokens(self, tokens: Sequence[int], lora_name: str | None = None) -> dict[Worker, int]:
        """As `KvIndex.find_matches_tokens`: the hashes are made once."""
        return self.find_matches(local_hashes(tokens, self.block_size, lora_name))

    def remove_worker(self, worker_id: int) -> None:
        """As `KvIndex.remove_worker`."""
        reading.check_worker_id(worker_id)
        self._ask(self._shard(worker_id), "remove_worker", worker_id)

    def clear_worker(self, worker_id: int, dp_rank: int) -> None:
        """As `KvIndex.clear_worker`."""
        reading.check_worker(worker_id, dp_rank)
        self._ask(self._shard(worker_id), "clear_worker", worker_id, dp_rank)

    def discard(self, worker: Worker, block_hashes: Sequence[int], tier: str | None, group_idx: int | None) -> None:
        """As `KvIndex.discard`."""
        names, _ = reading.read_hashes(block_hashes, "block_hashes")
        self._ask(self._shard(worker[0]), "discard", worker, names, tier, group_idx)

    def tracked_blocks(self) -> int:
        """As `KvIndex.tracked_blocks`."""
        return sum(self._ask_all("tracked_blocks", self._each()))

    def nodes(self) -> int:
        """As `KvIndex.nodes`, of each process: what workers of two share counts twice."""
        return sum(self._ask_all("nodes", self._each()))

    def memory_bytes(self) -> int:
        """As `KvIndex.memory_bytes`, of all processes together."""
        return sum(self._ask_all("memory_bytes", self._each()))

    def dump(self) -> list[dict[str, Any]]:
        """As `KvIndex.dump`."""
        return [event for answer in self._ask_all("dump", self._each()) for event in answer]

    def stats(self) -> dict[str, int]:
        """As `KvIndex.stats`; a request counts once."""
        answers: list[dict[str, int]] = self._ask_all("stats", self._each())
        together = {name: sum(answer[name] for answer in answers) for name in answers[0]}
        for name in ("requests", "requested_blocks", "matched_blocks"):
            together[name] = max(answer[name] for answer in answers)
        return together

    def metrics_text(self) -> bytes:
        """A Prometheus exposition."""
        return exposition(self)

    def close(self) -> None:
        """Ends the processes; calls from now on raise `ClosedError`."""
        if self._is_closed:
            return
        self._is_closed = True
        for lock, shard in zip(self._locks, self._shards, strict=True):
            with lock:
                shard.close()  # which ends the process
        for process in self._processes:
            process.join()
            process.close()

    def __enter__(self) -> ShardedIndex:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes."""
        self.close()

    def _shard(self, worker_id: int) -> int:
        # Mixed, since ids may have a common divisor: the multiplier is 2^64 divided by the golden ratio.
        return (worker_id * 0x9E3779B97F4A7C15 % U64 >> 32) % len(self._shards)

    def _each(self, *arguments: Any) -> dict[int, tuple[Any, ...]]:
        return dict.fromkeys(range(len(self._shards)), arguments)

    def _ask(self, shard: int, call: str, *arguments: Any) -> Any:
        (answer,) = self._ask_all(call, {shard: arguments})
        return answer

    def _ask_all(self, call: str, wanted: Mapping[int, tuple[Any, ...]]) -> list[Any]:
        """Asks these processes at the same time; the answers in the order of the processes."""
        if self._is_closed:
            raise ClosedError("this index was closed")
        if self._lost is not None:
            raise ShardLostError(self._lost)
        order = sorted(wanted)
        for shard in order:
            self._locks[shard].acquire()
        try:
            answers = self._exchange(call, order, wanted)
        except (OSError, EOFError) as error:
            if self._is_closed:
                raise ClosedError("this index was closed") from error
            self._lost = LOST  # the others' answers may be under way, and would be taken for those to come
            raise ShardLostError(LOST) from error
        except BaseException:  # Ctrl-C, or what a signal handler raised: the same
            self._lost = INTERRUPTED
            raise
        finally:
            for shard in order:
                self._locks[shard].release()
        for is_fault, answer in answers:
            if is_fault:
                raise answer
        return [answer for _, answer in answers]

    def _exchange(self, call: str, order: Sequence[int], wanted: Mapping[int, tuple[Any, ...]]) -> list[Any]:
        for shard in order:
            self._shards[shard].send((call, wanted[shard]))
        return [self._shards[shard].recv() for shard in order]


class _Shard(KvIndex):
    """What runs in a process of its own."""

    def take(self, changes: Sequence[tuple[int, reading.Packed]]) -> list[tuple[int, Exception]]:
        """The refused ones."""
        refused: list[tuple[int, Exception]] = []
        with self._lock:
            for place, packed in changes:
                try:
                    self._change(reading.unpack_change(packed))
                except InvalidEventError as error:
                    refused.append((place, error))
        return refused

    def find(self, hashes: Sequence[int], tier: str | None, identity: Any) -> dict[Worker, int]:
        """`find_matches` with arguments by place."""
        return self.find_matches(hashes, tier=tier, identity=identity)


def _serve(connection: Connection, block_size: int) -> None:
    """Answers until the other end is closed."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: whoever asks decides when it ends
    index = _Shard(block_size)
    calls: dict[str, Callable[..., Any]] = {
        "take": index.take,
        "find_matches": index.find,
        "remove_worker": index.remove_worker,
        "clear_worker": index.clear_worker,
        "discard": index.discard,
        "tracked_blocks": index.tracked_blocks,
        "nodes": index.nodes,
        "memory_bytes": index.memory_bytes,
        "dump": index.dump,
        "stats": index.stats,
    }
    while True:
        try:
            call, arguments = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer: tuple[bool, Any] = (False, calls[call](*arguments))
        except (ValueError, TypeError) as error:
            answer = (True, error)
        try:
            connection.send(answer)
        except (BrokenPipeError, OSError):
            return
