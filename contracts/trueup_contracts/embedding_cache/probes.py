"""What is measured of memory: the process's resident bytes, the device's requested ones, and which storages live.

The first two are probes of one kind: `held_bytes` after everything that can be given back was, and how far it can be
off. The last is exact, and sees only tensors that it made itself.
"""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Protocol

from trueup_contracts.errors import NotRunError
from trueup_contracts.resident import resident_bytes

if TYPE_CHECKING:
    import torch

KIB = 1 << 10
MIB = 1 << 20


class Probe(Protocol):
    """A measure of the memory that tensors of a device take. Raises `NotRunError` where it cannot be taken."""

    device: str
    block_bytes: int  # of a tensor that shows in it
    slack_bytes: int  # how far it may be off
    growth_bytes: int  # what thousands of rounds may leave

    def held_bytes(self) -> int:
        """The bytes that are held now."""


class ResidentMemory:
    """Of this process, as Linux tells it.

    Blocks are so large that the C library gives each back to the system by itself; it is asked to give back the rest
    too (`malloc_trim`), so that what stays resident is what somebody still refers to.
    """

    device = "cpu"
    block_bytes = 4 * MIB
    slack_bytes = 16 * MIB  # an entry that is being replaced, and what the C library keeps in between
    growth_bytes = 2 * MIB

    def held_bytes(self) -> int:
        """Pages in memory."""
        return resident_bytes()


class DeviceMemory:
    """What PyTorch's caching allocator has handed out: `requested_bytes.all.current`, in exact bytes.

    Read after every stream was synchronised and a small allocation on each has let the allocator process its events
    (PyTorch's documentation of `torch.cuda.memory_stats`).
    """

    device = "cuda"
    block_bytes = 256 * KIB
    slack_bytes = 0
    growth_bytes = 0

    def __init__(self, *streams: torch.cuda.Stream) -> None:
        """`streams` besides the current one."""
        self._streams = streams

    def held_bytes(self) -> int:
        """Exact requests."""
        import torch

        if torch.cuda.get_allocator_backend() != "native":
            raise NotRunError(f"the allocator is {torch.cuda.get_allocator_backend()!r}, which counts otherwise")
        gc.collect()
        torch.cuda.synchronize()
        for stream in (torch.cuda.current_stream(), *self._streams):
            with torch.cuda.stream(stream):
                torch.empty(1, device="cuda")
        torch.cuda.synchronize()
        found: int = torch.cuda.memory_stats()["requested_bytes.all.current"]
        return found


class _Buffer(bytearray):
    """Can be referred to weakly, which a `bytearray` cannot."""


class Sources:
    """Tensors over buffers that tell when they are freed: a storage refers to its buffer until its own end."""

    def __init__(self) -> None:
        self._buffers: list[weakref.ref[_Buffer]] = []

    def tensor(self, size_bytes: int) -> torch.Tensor:
        """A tensor of this many bytes, 1 or more."""
        import torch

        buffer = _Buffer(size_bytes)
        self._buffers.append(weakref.ref(buffer))
        return torch.frombuffer(buffer, dtype=torch.uint8)

    def living(self) -> int:
        """How many of their storages somebody still refers to."""
        gc.collect()
        return sum(buffer() is not None for buffer in self._buffers)
