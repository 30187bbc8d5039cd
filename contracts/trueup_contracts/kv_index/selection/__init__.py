"""The contract of what selects a worker for a request, and remembers what is under way on each."""

from __future__ import annotations

from pathlib import Path

from trueup_contracts.registry import SuiteInfo

SUITE = SuiteInfo(
    name="worker-selection",
    module="trueup_contracts.kv_index.selection.suite",
    capabilities={
        "temperature": "made with a temperature above 0: workers are drawn by a softmax of their costs",
        "weighted_overlaps": "an overlap may have a fraction of a block",
        "remove_worker": "remove_worker(worker_id): a worker is gone, with all of its ranks",
        "threads": "calls from several threads at once",
    },
    spec=Path(__file__).parents[1] / "SPEC.md",
    section="worker-selection",
    wire_schema=Path(__file__).with_name("wire.schema.json"),
    codec="trueup_contracts.kv_index.selection.codec",
    reads=frozenset({"active"}),
)
