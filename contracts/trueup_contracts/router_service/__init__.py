"""The contract of a global router as a running service: it forwards, fails over, sheds, drains and reports."""

from __future__ import annotations

from pathlib import Path

from trueup_contracts.registry import Service, SuiteInfo

SUITE = SuiteInfo(
    name="router-service",
    module="trueup_contracts.router_service.suite",
    capabilities={
        "disagg": "grids of the mode disagg: prefill and decode pools, chained by /v1/generate",
        "agg": "grids of the mode agg",
        "agg_isl": "with agg: the three-dimensional grid",
        "priority_overrides": "priority_overrides of the grid",
        "priority_retry": "enable_priority_retry: failures before the first item are retried on faster pools",
        "admission": "admission of the service file: bounds of requests in flight and queued",
        "ejection": "ejection of the service file: workers that fail again and again are left out for a while",
        "reload": "a new grid is taken when its file was replaced and SIGHUP sent",
        "completions": "/v1/completions in OpenAI's form, prompts as token ids",
        "worker_form": "/v1/prefill and /v1/decode: the router as a worker",
        "metrics": "/metrics, in Prometheus' text format",
        "traceparent": "W3C trace context is passed on to workers",
    },
    spec=Path(__file__).with_name("SPEC.md"),
    ways=frozenset({"command"}),
    service=Service(
        placeholders={
            "config": "the grid: a file of JSON",
            "discovery": "the workers: a file of JSON, replaced when they change",
            "service": "timeouts, retries and bounds: a file of JSON",
        },
        ready_path="/readyz",
        start_s=10.0,
    ),
)
