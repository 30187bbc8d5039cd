"""Keys by content."""

from __future__ import annotations

import ctypes
import hashlib

import torch


def content_key(content: torch.Tensor | bytes) -> str:
    """The SHA-256 of the content, in full: of bytes, or of a tensor's dtype, shape and bytes in C order."""
    if not isinstance(content, torch.Tensor):
        return hashlib.sha256(content).hexdigest()
    digest = hashlib.sha256(f"{content.dtype} {list(content.shape)}\n".encode())
    flat = content.detach().contiguous().cpu()
    if flat.numel():
        digest.update((ctypes.c_char * (flat.numel() * flat.element_size())).from_address(flat.data_ptr()))
    return digest.hexdigest()
