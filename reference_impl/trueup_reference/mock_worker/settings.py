"""What a mock worker is set to."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Times are of one request alone: requests slow each other down only by `max_prefills` and `max_decodes`.

    Time to the first token: `ttft_ms`, plus `prefill_us_per_token` for each token of the prompt that is not cached, and
    what it waits for its place.
    """

    worker_id: int = 1  # unsigned, 64 bits
    dp_rank: int = 0
    block_size: int = 16  # tokens
    capacity_blocks: int = 4096
    ttft_ms: float = 20.0
    prefill_us_per_token: float = 50.0
    itl_ms: float = 5.0  # between tokens
    max_in_flight: int = 256  # requests, those that wait among them; more get 429
    max_prefills: int = 0  # prompts that are computed at once, the others waiting in line; 0: any number
    max_decodes: int = 0  # answers likewise
    drain_ms: float = 5000.0  # for what is under way, when the worker ends
    seed: int = 0  # of the faults

    def __post_init__(self) -> None:
        """`ValueError` for what cannot be."""
        for one in fields(self):
            value = getattr(self, one.name)
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{one.name} is {value}: 0 or more is due")
        for name in ("block_size", "capacity_blocks", "max_in_flight"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: 1 or more is due")
        for name, bits in (("worker_id", 64), ("dp_rank", 32)):
            if getattr(self, name) >= 1 << bits:
                raise ValueError(f"{name} is {getattr(self, name)}: {bits} bits are the most")
