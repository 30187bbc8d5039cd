"""The contract of a global router: one grid, one answer."""

from __future__ import annotations

from pathlib import Path

from trueup_contracts.registry import SuiteInfo

SUITE = SuiteInfo(
    name="router",
    module="trueup_contracts.router.suite",
    capabilities={
        "disagg": "the mode disagg: select_prefill and select_decode",
        "agg": "the mode agg: select_agg",
        "agg_isl": "the three-dimensional grid of the mode agg: select_agg takes isl",
        "priority_overrides": "priority_overrides of the configuration, and the argument priority",
        "priority_retry": "enable_priority_retry, the pools' priorities, and retry_order",
        "deprecated_names": "the first release's names of the latency bounds",
        "strict_types": "values of a wrong JSON type are refused",
        "config_text": "the factory has make_from_text(text: bytes)",
        "defaults": "the factory takes defaults (ttft_target_ms, itl_target_ms)",
        "threads": "calls from several threads at once",
    },
    spec=Path(__file__).with_name("SPEC.md"),
    wire_schema=Path(__file__).with_name("wire.schema.json"),
)
