"""How one tensor is taken in, kept and handed out: copies, sizes, and CUDA streams.

On CUDA every entry has an event that is recorded on the stream that was current when it was stored. A stream that gets
the entry waits for that event, and is recorded on the tensor, so that the allocator does not hand its memory out again
before the stream has done what was queued until then (PyTorch, `Tensor.record_stream`).
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from dataclasses import dataclass, field

import torch

from trueup_reference.embedding_cache.errors import UnsupportedTensorError

_copies = itertools.count()


@dataclass(eq=False, slots=True)
class Held:
    """A tensor that is kept. `storage` tells storages apart; `size_bytes` is what that storage costs."""

    tensor: torch.Tensor
    storage: Hashable
    size_bytes: int
    ready: torch.cuda.Event | None
    pins: int = field(default=0)


def check(tensor: object, device: torch.device) -> torch.Tensor:
    """The tensor, without its gradient history. `UnsupportedTensorError` for what cannot be held on this device."""
    if not isinstance(tensor, torch.Tensor):
        raise UnsupportedTensorError(f"a tensor is due, this is a {type(tensor).__name__}")
    if tensor.layout is not torch.strided or tensor.is_nested or tensor.is_quantized:
        raise UnsupportedTensorError("only plain strided tensors are held: not sparse, nested or quantised ones")
    if tensor.device != device:
        raise UnsupportedTensorError(f"the tensor is on {tensor.device}, the cache on {device}")
    return tensor.detach() if tensor.requires_grad else tensor


def cost(tensor: torch.Tensor, *, copies: bool) -> int:
    """What keeping it costs: the elements of a copy, or the whole storage of the caller's own."""
    return tensor.nbytes if copies else tensor.untyped_storage().nbytes()


def take(tensor: torch.Tensor, *, copies: bool) -> Held:
    """Keeps a tensor: a contiguous copy of it, or itself."""
    storage: Hashable
    if copies:
        storage, size_bytes = next(_copies), tensor.nbytes
        kept = tensor.clone() if tensor.is_contiguous() else tensor.clone(memory_format=torch.contiguous_format)
    else:
        of_caller = tensor.untyped_storage()
        size_bytes = of_caller.nbytes()
        # With its size: two storages can begin at one address (of a NumPy array and of its slice, or before a resize).
        storage = (of_caller.data_ptr(), size_bytes) if size_bytes else next(_copies)
        kept = tensor.detach()  # an object of its own: the caller may change the shape of theirs
    ready = None
    if tensor.is_cuda:
        stream = torch.cuda.current_stream(tensor.device)
        tensor.record_stream(stream)  # it may have been made on another one, and be dropped before it is copied
        ready = torch.cuda.Event()
        ready.record(stream)
    return Held(kept, storage, size_bytes, ready)


def hand_out(held: Held, *, copies: bool) -> torch.Tensor:
    """The tensor for the current stream: the kept one, or a copy."""
    if held.ready is not None:
        stream = torch.cuda.current_stream(held.tensor.device)
        stream.wait_event(held.ready)
        held.tensor.record_stream(stream)
    return held.tensor.clone() if copies else held.tensor


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an allocation failed; on the CPU PyTorch has no class of its own for it."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
