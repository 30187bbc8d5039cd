"""The contract of an endpoint of metrics: one page for every scraper."""

from __future__ import annotations

from pathlib import Path

from trueup_contracts.registry import Option, Service, SuiteInfo

SUITE = SuiteInfo(
    name="metrics",
    module="trueup_contracts.metrics.suite",
    capabilities={
        "live": "asked anew by each scrape: everything but a file; claimed by itself",
        "policy": "the setting contracts_metrics_policy names a policy; claimed by it",
        "filter": "the factory takes config (keep_prefixes, drop_prefixes, add_prefix); set_source(exposition)",
        "utf8": "with filter: names that were never legal, quoted or escaped as a scraper asks",
        "traffic": "drive(requests, distinct_ids): requests are handled and counted",
        "faults": "fail_next(): the next collection raises inside",
        "shutdown": "begin_shutdown(): scrapes may still come",
        "threads": "calls from several threads at once",
    },
    assumed=frozenset({"live"}),
    options={"contracts_metrics_policy": Option("policy", "trueup_contracts.metrics.adapters:policy")},
    spec=Path(__file__).with_name("SPEC.md"),
    wire_schema=Path(__file__).with_name("wire.schema.json"),
    ways=frozenset({"module", "exec", "http", "command", "file"}),
    service=Service(
        client="trueup_contracts.metrics.client:Client", claimable=frozenset({"threads"}), ready_path="/metrics"
    ),
    adapt="trueup_contracts.metrics.adapters:adapted",
    file="trueup_contracts.metrics.adapters:FileExporter",
)
