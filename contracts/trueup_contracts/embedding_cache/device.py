"""On the GPU: the allocator's reserve, and what streams read: EC-123 to EC-132. What is held: `memory.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trueup_contracts import requirement
from trueup_contracts.embedding_cache.calls import Cache
from trueup_contracts.embedding_cache.probes import DeviceMemory
from trueup_contracts.subject import Subject

if TYPE_CHECKING:
    import torch

_BLOCK = DeviceMemory.block_bytes
# Long enough for the host to queue everything that follows: some tens of milliseconds on any device.
DELAY_CYCLES = 100_000_000


def _store(cache: Cache, key: str, size_bytes: int = _BLOCK, value: int = 1) -> bool:
    import torch

    tensor = torch.full((size_bytes,), value, dtype=torch.uint8, device="cuda")
    stored: bool = cache.call("set", key=key, tensor=tensor)
    return stored


@requirement("EC-123")
def test_eviction_keeps_the_allocators_reserve(trueup_subject: Subject) -> None:
    import torch

    cache = Cache(trueup_subject, 4 * _BLOCK, "cuda")
    spare = [torch.empty(32 << 20, dtype=torch.uint8, device="cuda") for _ in range(4)]
    del spare  # in the allocator's reserve now
    before = torch.cuda.memory_reserved()
    for number in range(20):
        _store(cache, f"key {number}")
    after = torch.cuda.memory_reserved()
    assert after >= before, f"eviction gave {before - after} bytes of the allocator's reserve back to the driver"


def _sum(tensor: torch.Tensor) -> torch.Tensor:
    import torch

    return tensor.sum(dtype=torch.int64)


@requirement("EC-130")
def test_an_evicted_entry_is_not_overwritten_under_a_reader(trueup_subject: Subject) -> None:
    import torch

    size = 8 << 20
    for attempt in range(5):
        reader = torch.cuda.Stream()
        cache = Cache(trueup_subject, size, "cuda")
        _store(cache, "entry", size, 1)
        torch.cuda.synchronize()
        with torch.cuda.stream(reader):
            found: Any = cache.call("get", key="entry")
            torch.cuda._sleep(DELAY_CYCLES)
            result = _sum(found)
            del found
        # The entry goes, and its memory may be handed out again on the stream that it was made on.
        _store(cache, "next", size, 2)
        poison = [torch.full((size,), 3, dtype=torch.uint8, device="cuda") for _ in range(3)]
        torch.cuda.synchronize()
        total = int(result)
        assert total == size, (
            f"attempt {attempt}: a reader on another stream summed {total} over {size} ones: "
            "the memory was used again while it still read"
        )
        del poison, cache


@requirement("EC-131")
def test_a_reader_waits_for_what_made_the_entry(trueup_subject: Subject) -> None:
    import torch

    size = 8 << 20
    for attempt in range(5):
        producer, reader = torch.cuda.Stream(), torch.cuda.Stream()
        cache = Cache(trueup_subject, 2 * size, "cuda")
        tensor = torch.zeros(size, dtype=torch.uint8, device="cuda")
        torch.cuda.synchronize()
        with torch.cuda.stream(producer):
            torch.cuda._sleep(DELAY_CYCLES)
            tensor.fill_(1)
            cache.call("set", key="entry", tensor=tensor)
        with torch.cuda.stream(reader):
            found: Any = cache.call("get", key="entry")
            result = _sum(found)
        torch.cuda.synchronize()
        total = int(result)
        assert total == size, (
            f"attempt {attempt}: a reader on another stream summed {total}, the finished entry has {size}: "
            "it did not wait for the stream that made the entry"
        )
        del found, tensor, cache


@requirement("EC-132")
def test_what_is_copied_from_is_protected(trueup_subject: Subject) -> None:
    import torch

    size = 8 << 20
    for attempt in range(5):
        storing = torch.cuda.Stream()
        cache = Cache(trueup_subject, 2 * size, "cuda")
        tensor = torch.full((size,), 1, dtype=torch.uint8, device="cuda")
        torch.cuda.synchronize()
        with torch.cuda.stream(storing):
            torch.cuda._sleep(DELAY_CYCLES)
            cache.call("set", key="entry", tensor=tensor)
        # The caller is done with its tensor, which was made on the default stream: so may its memory be.
        del tensor
        poison = [torch.full((size,), 3, dtype=torch.uint8, device="cuda") for _ in range(3)]
        found: Any = cache.call("get", key="entry")
        total = int(_sum(found))
        assert total == size, (
            f"attempt {attempt}: the copy of {size} ones sums up to {total}: "
            "the memory of the tensor that was stored was used again before it was copied"
        )
        del poison, found, cache
