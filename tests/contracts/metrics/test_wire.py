"""Over the wire the suite gives every fault, and every correct exporter, the verdict that it gives in process."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from contracts.metrics.over_the_wire import EXPORTERS
from contracts.metrics.running import short_limits, with_policy
from contracts.suite_runs import verdicts_of
from trueup_contracts.metrics import SUITE
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Settings, load

TESTS = Path(__file__).parents[2]
# One of each kind in each run, all of them in `make test-slow`: a process each.
QUICK = {
    "Hooked",
    "reference",
    "MX-001: leaves the last newline away",
    "MX-020: writes _ for : in OpenMetrics, unless UTF-8 is allowed",
    "MX-033: sets its counter back at each scrape, as statsd does",
    "MX-050: answers an empty page with status 200 when a collection fails",
    "MX-052: says during shutdown that the request was malformed",
    "MX-064: adds the prefix to what has it already",
    "MX-072: passes on what it can read of a source",
    "MX-073: takes a text for a list of prefixes",
    "MX-083: writes the prefix twice",
}
NAMES = [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in EXPORTERS]


@pytest.mark.parametrize("name", NAMES)
def test_the_wire_changes_no_verdict(name: str, tmp_path: Path) -> None:
    code = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module(sys.argv.pop(1), None, '__main__')"
    argv = [sys.executable, "-c", code, str(TESTS), "contracts.metrics.over_the_wire", name]
    subject = load(f"exec: {shlex.join(argv)}", SUITE, "wire", Settings(tmp_path))
    named = name.partition(":")[0] if ":" in name else None
    try:
        with_policy(subject) if name != "reference" else None
        with short_limits():
            failed = verdicts_of(subject, Profile("quick", 20261125), named)
    finally:
        subject.end()
    assert failed.keys() == ({named} if named is not None else set())


def test_the_names_of_the_quick_ones_exist() -> None:
    assert EXPORTERS.keys() >= QUICK
