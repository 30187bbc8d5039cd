"""Tensors as a seed: the same bytes in every language.

Byte i of the C-order contiguous data is byte `i mod 8` (little-endian) of the `floor(i/8)+1`-th SplitMix64
output from the state `seed`. Source of SplitMix64: Steele, Lea and Flood, OOPSLA 2014; its constants are theirs.
"""

from __future__ import annotations

import functools
import hashlib
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

ELEMENT_BYTES = {"uint8": 1, "int8": 1, "float16": 2, "bfloat16": 2, "int32": 4, "float32": 4, "int64": 8, "float64": 8}
_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Fill:
    """A tensor to be: its seed, dtype and shape. `size_bytes` is what an entry of it costs."""

    seed: int
    dtype: str
    shape: tuple[int, ...]
    device: str = "cpu"

    @property
    def size_bytes(self) -> int:
        """Elements times element size."""
        return math.prod(self.shape) * ELEMENT_BYTES[self.dtype]

    @property
    def storage_bytes(self) -> int:
        """Those of its own storage."""
        return self.size_bytes

    def data(self) -> bytes:
        """The bytes, in C order."""
        return _bytes(self.seed, self.size_bytes)

    def shared(self) -> torch.Tensor:
        """The one tensor of this fill that all its views share."""
        return _shared(self)

    def tensor(self) -> torch.Tensor:
        """A new tensor that owns its storage."""
        import torch

        dtype: torch.dtype = getattr(torch, self.dtype)
        made = torch.empty(self.shape, dtype=dtype)
        if made.numel():
            raw = torch.frombuffer(bytearray(self.data()), dtype=torch.uint8)
            made.view(-1).view(torch.uint8).copy_(raw)
        return made.to(self.device)

    def told(self) -> dict[str, Any]:
        """What is answered for it: dtype, shape, and the digest of the bytes."""
        return {"dtype": self.dtype, "shape": list(self.shape), "sha256": hashlib.sha256(self.data()).hexdigest()}

    # How a call carries it: as a tensor in process, as its seed over the wire, and as Python in what is shown.
    to_local = tensor

    def to_wire(self) -> dict[str, Any]:
        """The message's form; the device is the cache's."""
        return {"fill": self.seed, "dtype": self.dtype, "shape": list(self.shape)}

    def __repr__(self) -> str:
        """Python that makes the tensor."""
        device = "" if self.device == "cpu" else f", {self.device!r}"
        return f"Fill({self.seed}, {self.dtype!r}, {self.shape}{device}).tensor()"


@dataclass(frozen=True)
class View:
    """A view of a fill's one shared tensor: `how` is the Python behind it, such as `[2:9]` or `.reshape(3, 4).t()`."""

    base: Fill
    how: str
    make: Callable[[torch.Tensor], torch.Tensor] = field(compare=False, repr=False)

    def tensor(self) -> torch.Tensor:
        """The view."""
        return self.make(self.base.shared())

    to_local = tensor

    @property
    def size_bytes(self) -> int:
        """Elements times element size: what a copy of it costs."""
        view = self.tensor()
        return view.numel() * view.element_size()

    @property
    def storage_bytes(self) -> int:
        """What keeping the view keeps alive."""
        return self.base.size_bytes

    def told(self) -> dict[str, Any]:
        """What is answered for it."""
        found = told(self.tensor())
        assert found is not None
        return found

    def __repr__(self) -> str:
        """Python that makes the view."""
        return f"{self.base!r}".removesuffix(".tensor()") + f".shared(){self.how}"


def told(tensor: Any) -> dict[str, Any] | None:
    """The same of a tensor that a cache has answered, or of what came over the wire."""
    if tensor is None or isinstance(tensor, Mapping):
        return None if tensor is None else dict(tensor)
    import torch

    assert isinstance(tensor, torch.Tensor), f"a tensor is due, this is a {type(tensor).__name__}"
    dtype = str(tensor.dtype).removeprefix("torch.")
    return {"dtype": dtype, "shape": list(tensor.shape), "sha256": hashlib.sha256(tensor_bytes(tensor)).hexdigest()}


def tensor_bytes(tensor: torch.Tensor) -> bytes:
    """The bytes of a tensor, in C order."""
    import ctypes

    flat = tensor.detach().contiguous().cpu()
    return ctypes.string_at(flat.data_ptr(), flat.numel() * flat.element_size()) if flat.numel() else b""


def from_wire(value: Any) -> Any:
    """The arguments of a message, with tensors in place of fills: what a Python adapter hands to the cache."""
    if isinstance(value, Mapping):
        if value.keys() == {"fill", "dtype", "shape"}:
            if value["dtype"] not in ELEMENT_BYTES:
                raise ValueError(f"there is no dtype {value['dtype']!r}: {', '.join(ELEMENT_BYTES)}")
            return Fill(value["fill"], value["dtype"], tuple(value["shape"])).tensor()
        return {name: from_wire(item) for name, item in value.items()}
    return value


def to_wire(value: Any) -> Any:
    """An answer, with digests in place of tensors."""
    if hasattr(value, "untyped_storage"):  # a tensor, of a subclass too; without an import of torch
        return told(value)
    return value


@functools.lru_cache(maxsize=16)
def _shared(fill: Fill) -> torch.Tensor:
    return fill.tensor()


@functools.lru_cache(maxsize=4096)
def _bytes(seed: int, size: int) -> bytes:
    state, words = seed & _MASK, []
    for _ in range(-(-size // 8)):
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        word = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
        words.append(word ^ (word >> 31))
    return struct.pack(f"<{len(words)}Q", *words)[:size]
