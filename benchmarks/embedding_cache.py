"""The reference's embedding cache beside cachetools and a bare OrderedDict, in turn, in one run. Figures only.

    python benchmarks/embedding_cache.py [--runs N] [--calls N]
    python benchmarks/embedding_cache.py --redis          # also beside a redis-server that is started for it
    python benchmarks/embedding_cache.py --gpu            # only what needs a GPU; says so where there is none

Without copies all caches keep the caller's tensors, as cachetools does; with copies the reference's default is compared
with a `clone()` before the store. Each cache is full, so that every new entry evicts one.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import cachetools
import torch

from embedding_cache_gpu import on_the_gpu
from measure import table
from trueup_reference.embedding_cache import EmbeddingCache

SMALL = (512,)  # bfloat16: 1 KiB, where bookkeeping is all there is
ENCODED = (576, 1024)  # bfloat16: 1.2 MB, one image of a vision encoder
HELD = 256  # entries


class Cache(Protocol):
    def get(self, key: str) -> torch.Tensor | None: ...
    def set(self, key: str, tensor: torch.Tensor) -> Any: ...


class Bare:
    """What one writes down in ten lines: no views, no streams, no counters."""

    def __init__(self, capacity_bytes: int, *, copies: bool = False) -> None:
        self._capacity = capacity_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._lock = threading.Lock()
        self._copies = copies

    def get(self, key: str) -> torch.Tensor | None:
        with self._lock:
            tensor = self._entries.get(key)
            if tensor is not None:
                self._entries.move_to_end(key)
            return tensor

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        if self._copies:
            tensor = tensor.clone()
        size = tensor.nbytes
        with self._lock:
            old = self._entries.pop(key, None)
            if old is not None:
                self._bytes -= old.nbytes
            while self._bytes + size > self._capacity:
                self._bytes -= self._entries.popitem(last=False)[1].nbytes
            self._entries[key] = tensor
            self._bytes += size
        return True


class CacheTools:
    """`cachetools.LRUCache` with the lock that its documentation asks for."""

    def __init__(self, capacity_bytes: int) -> None:
        self._cache: cachetools.LRUCache[str, torch.Tensor] = cachetools.LRUCache(
            capacity_bytes, lambda one: one.nbytes
        )
        self._lock = threading.Lock()

    def get(self, key: str) -> torch.Tensor | None:
        with self._lock:
            return self._cache.get(key)

    def set(self, key: str, tensor: torch.Tensor) -> None:
        with self._lock:
            self._cache[key] = tensor


class Contestant(NamedTuple):
    name: str
    make: Callable[[int], Cache]


KEEPING = [
    Contestant("reference, no copies", lambda size: EmbeddingCache(size, copies_on_set=False)),
    Contestant("cachetools.LRUCache", CacheTools),
    Contestant("OrderedDict", Bare),
]
COPYING = [
    Contestant("reference", EmbeddingCache),
    Contestant("OrderedDict of clones", lambda size: Bare(size, copies=True)),
]


def each_ns(work: Callable[[int, int], None], calls: int, threads: int) -> float:
    """The wall time of a call when `threads` threads share the calls, each its own range of numbers."""
    share = calls // threads
    start = threading.Barrier(threads + 1)

    def one(number: int) -> None:
        start.wait()
        work(number * share, (number + 1) * share)

    workers = [threading.Thread(target=one, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    start.wait()
    begun = time.perf_counter()
    for worker in workers:
        worker.join()
    return (time.perf_counter() - begun) / (share * threads) * 1e9


def operations(cache: Cache, tensor: torch.Tensor) -> Iterator[tuple[str, Callable[[int, int], None]]]:
    """Each name with what does the calls of these numbers. The cache is full before and after each."""
    for number in range(HELD):
        cache.set(f"old {number}", tensor)
    names = [f"old {number % HELD}" for number in range(HELD * 8)]

    def hits(begin: int, end: int) -> None:
        for number in range(begin, end):
            cache.get(names[number % len(names)])

    def misses(begin: int, end: int) -> None:
        for _ in range(begin, end):
            cache.get("absent")

    def overwrites(begin: int, end: int) -> None:
        for number in range(begin, end):
            cache.set(names[number % len(names)], tensor)

    def news(begin: int, end: int) -> None:
        for number in range(begin, end):
            cache.set(f"new {number}", tensor.detach())

    yield "get, found", hits
    yield "get, absent", misses
    yield "set, overwrites", overwrites
    yield "set, evicts one", news


def compared(title: str, contestants: Sequence[Contestant], shape: tuple[int, ...], calls: int, runs: int) -> None:
    """A table of calls per second, in the best round of each, since other work on the machine only ever adds time."""
    tensor = torch.ones(shape, dtype=torch.bfloat16)
    # Of the caller's tensors each has a storage of its own only if it is one: equal ones would be counted once.
    tensors = [tensor.clone() for _ in range(HELD + 1)] if contestants is KEEPING else []
    samples: dict[tuple[str, int, str], list[float]] = {}
    for run in range(runs + 1):  # the first does not count
        for threads in (1, 8):
            for one in contestants:
                cache = _Turning(one.make(tensor.nbytes * HELD), tensors) if tensors else one.make(tensor.nbytes * HELD)
                for name, work in operations(cache, tensor):
                    took = each_ns(work, calls, threads)
                    if run:
                        samples.setdefault((name, threads, one.name), []).append(took)
    print(f"{title}, {tensor.nbytes:,} bytes each, {HELD} entries; thousand calls a second, in all threads together\n")
    first = contestants[0].name
    rows = []
    for name, threads in dict.fromkeys((key[0], key[1]) for key in samples):
        row = [name, str(threads)]
        for one in contestants:
            row.append(f"{1e6 / min(samples[name, threads, one.name]):,.1f}")
        for one in contestants[1:]:
            row.append(f"{min(samples[name, threads, one.name]) / min(samples[name, threads, first]):.2f}")
        rows.append(row)
    header = ["", "threads", *(one.name for one in contestants), *(f"{first} / {one.name}" for one in contestants[1:])]
    table(header, rows)


class _Turning:
    """Stores another tensor at each call."""

    def __init__(self, cache: Cache, tensors: list[torch.Tensor]) -> None:
        self._cache = cache
        self._tensors = tensors
        self._next = 0
        self.get = cache.get

    def set(self, key: str, tensor: torch.Tensor) -> None:
        self._next = at = (self._next + 1) % len(self._tensors)
        self._cache.set(key, self._tensors[at])


@contextmanager
def redis_server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="trueup-redis-") as folder:
        path = Path(folder) / "redis.sock"
        # On Linux the kernel ends the server when this benchmark is killed.
        guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        argv = [*guard, "redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", folder]
        server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            while not path.exists():
                if server.poll() is not None:
                    sys.exit("embedding_cache.py: redis-server ended at once")
                time.sleep(0.01)
            yield f"unix://{path}"
        finally:
            server.terminate()
            server.wait()


def beside_redis(calls: int, runs: int) -> None:
    if shutil.which("redis-server") is None:
        print("Redis: not run, redis-server is not installed\n")
        return
    from trueup_reference.embedding_cache.backends.redis_cache import RedisCache

    with redis_server() as url:
        for shape in (SMALL, ENCODED):
            compared("Redis over a Unix socket", [Contestant("Redis", lambda size: _emptied(RedisCache(url, size)))],
                     shape, calls, runs)  # fmt: skip
    redis_memory()


def redis_memory() -> None:
    """What a full cache costs the server, by the size of its entries; keys of 64 characters, as `content_key` gives."""
    import redis

    from trueup_reference.embedding_cache.backends.redis_cache import RedisCache

    rows = []
    for size in (1024, 64 * 1024, 1024 * 1024):
        with redis_server() as url:
            client = redis.Redis.from_url(url)
            before = client.info("memory")["used_memory"]
            cache = RedisCache(url, max(8 << 20, 64 * size), timeout_s=20, raises=True)
            for number in range(2 * cache.capacity_bytes // size):
                cache.set(f"{number:064x}", torch.ones(size, dtype=torch.uint8))
            held, now = cache.current_bytes, client.info("memory")
            peak = [f"{(now[name] - before) / held:.2f}" for name in ("used_memory", "used_memory_peak")]
            rows.append([f"{size:,}", f"{held:,}", *peak])
    print("Memory of Redis, as a multiple of the tensors' bytes\n")
    table(["bytes of an entry", "bytes held", "used_memory", "peak"], rows)


def _emptied(cache: Any) -> Any:
    cache.clear()
    return cache


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=25)
    parser.add_argument("--calls", type=int, default=1_000, help="of each operation on small tensors")
    parser.add_argument("--redis", action="store_true")
    parser.add_argument("--gpu", action="store_true")
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}, torch {torch.__version__}, cachetools {cachetools.__version__}")
    print(f"the best of {asked.runs} rounds\n")
    if not asked.gpu:
        compared("Keeping the caller's tensors", KEEPING, SMALL, asked.calls, asked.runs)
        compared("Copying", COPYING, SMALL, asked.calls, asked.runs)
        compared("Copying", COPYING, ENCODED, max(8, asked.calls // 10), asked.runs)
    if asked.redis:
        beside_redis(max(8, asked.calls // 20), min(asked.runs, 5))
    on_the_gpu(asked.runs)


if __name__ == "__main__":
    main()
