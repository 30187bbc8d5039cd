"""What this machine can show."""

from __future__ import annotations


def cuda_missing() -> str | None:
    """Why CUDA cannot be used here, or nothing where it can."""
    try:
        import torch
    except ImportError:
        return "torch is not installed (trueup[torch])"
    return None if torch.cuda.is_available() else "torch sees no CUDA device"
