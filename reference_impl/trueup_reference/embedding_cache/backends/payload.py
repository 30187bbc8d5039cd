"""A tensor as bytes and back: one safetensors file, with a checksum that is kept beside it."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError

from trueup_reference.embedding_cache.errors import UnsupportedTensorError

MAX_HEADER_BYTES = 4096  # of one tensor: its dtype, at most 64 dimensions, two offsets
_NAME = "embedding"
# What the library raises for bytes that are no such file.
_REFUSALS = (SafetensorError, KeyError, ValueError, TypeError, RuntimeError, AssertionError, OverflowError)


class CorruptedError(ValueError):
    """Bytes that are not what was stored."""


class Row(NamedTuple):
    """What the ledger knows of an entry: the bytes of the tensor, and the CRC-32 of the file."""

    size_bytes: int
    checksum: int

    def text(self) -> str:
        """As it is kept."""
        return f"{self.size_bytes} {self.checksum}"


def read_row(text: bytes) -> Row:
    """The row of this text; `CorruptedError` where it is none."""
    size, _, checksum = text.partition(b" ")
    if not (size.isdigit() and checksum.isdigit()):
        raise CorruptedError("a row is a size and a checksum")
    return Row(int(size), int(checksum))


def encode(tensor: torch.Tensor) -> tuple[Row, bytes]:
    """A tensor on the CPU as a row and a file; `UnsupportedTensorError` for a dtype that the format does not have."""
    try:
        file = safetensors.torch.save({_NAME: tensor.contiguous()})
    except (KeyError, SafetensorError) as error:
        raise UnsupportedTensorError(f"safetensors has no {tensor.dtype}") from error
    return Row(tensor.numel() * tensor.element_size(), zlib.crc32(file)), file


def decode(row: Row, file: bytes) -> torch.Tensor:
    """The tensor on the CPU, in memory of its own; `CorruptedError` for anything but what `encode` made of it.

    Nothing in the file is executed, and it takes no more memory than the file and its row have bytes.
    """
    if zlib.crc32(file) != row.checksum:
        raise CorruptedError("the checksum is another")
    if len(file) > row.size_bytes + MAX_HEADER_BYTES:
        raise CorruptedError("the file is larger than its tensor")
    try:
        tensors = safetensors.torch.load(file)
    except _REFUSALS as error:
        raise CorruptedError(f"no safetensors file: {type(error).__name__}") from error
    tensor = tensors.get(_NAME)
    if tensor is None or len(tensors) > 1 or tensor.numel() * tensor.element_size() != row.size_bytes:
        raise CorruptedError("another file")
    return tensor
