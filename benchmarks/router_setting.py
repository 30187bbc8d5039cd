"""What the benchmarks of the router have in common: a grid, pools of workers that cost nothing, and requests."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import router_peers
from trueup_reference.router_demo.fleet import Pool

PEERS = Path(router_peers.__file__)
ITEMS = 4
PROMPT = list(range(1000, 1256))
SERVICE: dict[str, Any] = {
    "timeouts_ms": {"connect": 5000, "first_item": 60_000, "between_items": 60_000, "total": 3_600_000},
    "admission": {"max_in_flight": 65_536, "max_queued": 65_536, "max_wait_ms": 60_000},
    "ejection": {"failures": 3, "backoff_ms": 500, "max_backoff_ms": 2000},
    "retry": {"same_pool_attempts": 3},
}
_TICKS = os.sysconf("SC_CLK_TCK")


def grid(mode: str) -> dict[str, Any]:
    """Two pools of each phase, chosen by the target."""
    phases = ("agg",) if mode == "agg" else ("prefill", "decode")
    made: dict[str, Any] = {"mode": mode}
    for phase in phases:
        made[f"num_{phase}_pools"] = 2
        made[f"{phase}_pool_dynamo_namespaces"] = [f"{phase}-0", f"{phase}-1"]
        rows = {"agg": "ttft", "prefill": "isl", "decode": "context_length"}[phase]
        columns = "ttft" if phase == "prefill" else "itl"
        strategy: dict[str, Any] = {}
        for axis in (rows, columns):
            unit = "_ms" if axis in ("ttft", "itl") else ""
            strategy |= {f"{axis}_min{unit}": 0, f"{axis}_max{unit}": 1000, f"{axis}_resolution": 2}
        strategy[f"{phase}_pool_mapping"] = [[0, 1], [0, 1]]
        made[f"{phase}_pool_selection_strategy"] = strategy
    return made


def pools(mode: str, *words: str, workers: int = 1) -> list[Pool]:
    program = (sys.executable, str(PEERS), "worker")
    phases = ("agg",) if mode == "agg" else ("prefill", "decode")
    return [Pool(f"{phase}-{number}", phase, workers, words, program) for phase in phases for number in range(2)]


def for_router(number: int) -> dict[str, Any]:
    target = 100 if number % 2 else 900
    return {
        "request_id": f"bench-{number}",
        "token_ids": PROMPT,
        "max_tokens": ITEMS,
        "targets": {"ttft_target": target, "itl_target": target},
    }


def for_worker(number: int) -> dict[str, Any]:
    return {
        **{"request_id": f"bench-{number}", "router_id": "bench", "attempt": 0, "phase": "agg"},
        **{"token_ids": PROMPT, "max_tokens": ITEMS},
    }


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    after = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(after[11]) + int(after[12])) / _TICKS
