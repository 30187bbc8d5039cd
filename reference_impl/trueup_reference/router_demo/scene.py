"""What the demo shows: its pools, its grid, its settings, and what happens when."""

from __future__ import annotations

from typing import Any, NamedTuple

from trueup_reference.router_demo.fleet import Pool

GRID: dict[str, Any] = {
    "num_prefill_pools": 2,
    "num_decode_pools": 2,
    "prefill_pool_dynamo_namespaces": ["prefill-fast", "prefill-large"],
    "decode_pool_dynamo_namespaces": ["decode-fast", "decode-large"],
    "enable_priority_retry": True,
    "prefill_pool_priorities": [0, 1],
    "decode_pool_priorities": [0, 1],
    "prefill_pool_selection_strategy": {
        **{"isl_min": 0, "isl_max": 4000, "isl_resolution": 4},
        **{"ttft_min_ms": 0, "ttft_max_ms": 800, "ttft_resolution": 4},
        "prefill_pool_mapping": [[0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]],
        "priority_overrides": [
            {"min_priority": 10, "max_priority": 99, "target_pool": 0},
            {"min_priority": -99, "max_priority": -1, "target_pool": 1},
        ],
    },
    "decode_pool_selection_strategy": {
        **{"context_length_min": 0, "context_length_max": 4000, "context_length_resolution": 2},
        **{"itl_min_ms": 0, "itl_max_ms": 40, "itl_resolution": 4},
        "decode_pool_mapping": [[0, 1, 1, 1], [0, 0, 1, 1]],
        "priority_overrides": [
            {"min_priority": 10, "max_priority": 99, "target_pool": 0},
            {"min_priority": -99, "max_priority": -1, "target_pool": 1},
        ],
    },
}
POOLS = (
    Pool("prefill-fast", "prefill", 2, ("--ttft-ms", "40", "--prefill-us-per-token", "20")),
    Pool("prefill-large", "prefill", 2, ("--ttft-ms", "120", "--prefill-us-per-token", "60")),
    Pool("decode-fast", "decode", 2, ("--itl-ms", "8", "--capacity-blocks", "65536")),
    Pool("decode-large", "decode", 2, ("--itl-ms", "25", "--capacity-blocks", "65536")),
)
SERVICE: dict[str, Any] = {
    "timeouts_ms": {"connect": 1000, "first_item": 5000, "between_items": 3000, "total": 20_000},
    "retry": {"same_pool_attempts": 2},
    "admission": {"max_in_flight": 256, "max_queued": 64, "max_wait_ms": 3000},
    "pool_wait_ms": 3000,
    "drain_notice_ms": 100,
    "drain_ms": 3000,
    "ejection": {"failures": 2, "backoff_ms": 500, "max_backoff_ms": 2000},
}


class Act(NamedTuple):
    """`at`: share of the demo's time. `what`: kill, or start again."""

    at: float
    what: str
    worker: str


ACTS = (
    Act(0.20, "kill", "decode-large-0"),
    Act(0.45, "start", "decode-large-0"),
    Act(0.55, "kill", "prefill-large-1"),
    Act(0.75, "start", "prefill-large-1"),
)
