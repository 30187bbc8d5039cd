"""What the embedding cache costs on a GPU: copies, evictions, waits between streams. Called by embedding_cache.py."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from measure import median, spread, table
from trueup_reference.embedding_cache import EmbeddingCache

SIZES_BYTES = (64 * 1024, 1024 * 1024, 16 * 1024 * 1024, 256 * 1024 * 1024)
CALLS = 200


def on_the_gpu(runs: int) -> None:
    if not torch.cuda.is_available():
        print("GPU: not run, there is none: copy-in bandwidth, eviction cost, `get` with waits between streams")
        return
    print(f"GPU: {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, {runs} runs, medians\n")
    copy_in(runs)
    eviction(runs)
    waiting(runs)


def by_events_s(work: Callable[[], object], calls: int) -> float:
    """The time on the device of a call."""
    begun, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    work()
    torch.cuda.synchronize()
    begun.record()
    for _ in range(calls):
        work()
    ended.record()
    torch.cuda.synchronize()
    return float(begun.elapsed_time(ended)) / 1000 / calls


def on_the_host_s(work: Callable[[], object], calls: int) -> float:
    """The time of the caller, who does not wait for the device."""
    work()
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(calls):
        work()
    took = (time.perf_counter() - begun) / calls
    torch.cuda.synchronize()
    return took


def copy_in(runs: int) -> None:
    """`set` that overwrites, beside `Tensor.copy_` into memory that is there, and beside `clone`."""
    rows = []
    for size in SIZES_BYTES:
        source = torch.ones(size, dtype=torch.uint8, device="cuda")
        target = torch.empty_like(source)
        cache = EmbeddingCache(2 * size, "cuda")
        calls = max(20, min(CALLS, (16 << 30) // size))
        works: dict[str, Callable[[], object]] = {
            "set": lambda cache=cache, source=source: cache.set("a", source),  # type: ignore[misc]
            "copy_": lambda target=target, source=source: target.copy_(source),  # type: ignore[misc]
            "clone": lambda source=source: source.clone(),  # type: ignore[misc]
        }
        samples = [{name: by_events_s(work, calls) for name, work in works.items()} for _ in range(runs)]
        each = {name: median([one[name] for one in samples]) for name in works}
        rows.append(
            [
                f"{size:,}",
                *(f"{size / each[name] / 1e9:,.1f}" for name in works),
                *(f"{statistics.median(one[name] / one['set'] for one in samples):.0%}" for name in ("copy_", "clone")),
            ]
        )
    print("Copying in, GB a second of the tensor's bytes (the aim is 90 % of a plain copy)\n")
    table(["bytes", "set", "copy_", "clone", "of copy_", "of clone"], rows)


def eviction(runs: int) -> None:
    """`set` that evicts one entry, beside one into a cache with room; and what `empty_cache` at each would cost."""
    size = 1024 * 1024
    source = torch.ones(size, dtype=torch.uint8, device="cuda")
    numbers = iter(range(10**9))
    roomy = EmbeddingCache(2 * size * CALLS * (runs + 1), "cuda")
    full = EmbeddingCache(32 * size, "cuda")
    for _ in range(32):
        full.set(f"{next(numbers)}", source)
    emptying = EmbeddingCache(32 * size, "cuda")

    def set_and_empty() -> None:
        emptying.set(f"{next(numbers)}", source)
        torch.cuda.empty_cache()

    works: dict[str, Callable[[], object]] = {
        "set, with room": lambda: roomy.set(f"{next(numbers)}", source),
        "set, evicts one": lambda: full.set(f"{next(numbers)}", source),
        "set, then empty_cache": set_and_empty,
    }
    samples: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs):
        roomy.clear()
        torch.cuda.synchronize()
        for name, work in works.items():
            samples[name].append(on_the_host_s(work, CALLS) * 1e6)
    print("Evicting, entries of 1 MiB, µs of the caller a call\n")
    table(["", "µs", "range"], [[name, *spread(values, 1)] for name, values in samples.items()])


def waiting(runs: int) -> None:
    """`get` on the stream that stored, and on another one, which has to wait for an event."""
    cache = EmbeddingCache(1 << 20, "cuda")
    tensor = torch.ones(1 << 19, dtype=torch.uint8, device="cuda")
    cache.set("a", tensor)
    other = torch.cuda.Stream()

    def on_another() -> None:
        with torch.cuda.stream(other):
            cache.get("a")

    def empty_switch() -> None:
        with torch.cuda.stream(other):
            pass

    works: dict[str, Callable[[], object]] = {
        "get, same stream": lambda: cache.get("a"),
        "get, another stream": on_another,
        "entering another stream alone": empty_switch,
    }
    samples = {name: [on_the_host_s(work, 10 * CALLS) * 1e6 for _ in range(runs)] for name, work in works.items()}
    print("Getting, µs of the caller a call\n")
    table(["", "µs", "range"], [[name, *spread(values, 2)] for name, values in samples.items()])
