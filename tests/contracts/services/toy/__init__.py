"""A suite as small as can be, of a service that counts: it tries the kit's ways over HTTP."""

from __future__ import annotations

from pathlib import Path

from trueup_contracts.registry import Service, SuiteInfo

SUITE = SuiteInfo(
    name="toy",
    module="toy.suite",
    capabilities={"adding": "POST /add", "config": "a configuration, where it is started by the suite"},
    spec=Path(__file__).with_name("SPEC.md"),
    ways=frozenset({"module", "http", "command"}),
    service=Service(
        client="toy.client:Client",
        claimable=frozenset({"adding"}),
        placeholders={"config": "a JSON file, {start: number}"},
        ready_path="/readyz",
        start_s=5.0,
    ),
)
