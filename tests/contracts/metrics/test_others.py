"""Correct exporters of other constructions, and the one whose fault is a true finding."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.metrics.others import LineFilter, PrometheusClient, PrometheusClientWithColons, prometheus_server
from contracts.metrics.running import verdicts
from contracts.suite_runs import verdicts_of
from fix_repository import PROJECT
from trueup_contracts import starting
from trueup_contracts.metrics import SUITE
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Settings, load
from trueup_reference.metrics_bridge import MetricsBridge, MockEngine, Prefixes, serving

EXAMPLE = PROJECT / "examples/node-exporter"
# Few, since threads and pages take their time: `make faults` and `make test-slow` try twenty.
SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 3 else []) for seed in range(20)]
# prometheus-client 0.26: under escaping=values it encodes names that were always legal (in samples, not in TYPE lines),
# and it answers 500 to a version that is no number.
CLIENTS_OWN = {"MX-025", "MX-026"}
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def asked_at(url: str, seed: int = 1) -> dict[str, str]:
    return verdicts_of(load(url, SUITE, "x", Settings(PROJECT)), Profile("quick", seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_prometheus_client_without_colons(seed: int) -> None:
    assert verdicts(PrometheusClient, Profile("quick", seed), policy_file=None).keys() <= CLIENTS_OWN


def test_prometheus_clients_server_without_colons() -> None:
    with prometheus_server("engine_") as url:
        assert asked_at(url).keys() <= CLIENTS_OWN


def test_prometheus_client_blinds_prometheus_to_colons() -> None:
    """The true finding: SGLang's names, the Python client, and whoever negotiates OpenMetrics."""
    with prometheus_server("sglang:") as url:
        failed = asked_at(url)
    assert {one for one in failed if SUITE.requirements[one].level == "MUST"} == {"MX-020", "MX-022"}
    assert "not there: sglang:generation_tokens_total, sglang:num_requests_total" in failed["MX-020"]
    assert "there alone: sglang_generation_tokens_total, sglang_num_requests_total" in failed["MX-020"]
    assert "Prometheus 2.49 to 2.55" in failed["MX-020"]
    assert "curl" not in failed["MX-020"]
    assert "(rewritten-name)" in failed["MX-022"]
    in_process = verdicts(PrometheusClientWithColons, Profile("quick", 1), policy_file=None)
    assert in_process.keys() == failed.keys()
    named = SUITE.requirements["MX-020"].why + SUITE.requirements["MX-022"].why
    assert "prometheus-client 0.23 to 0.26" in named
    assert "client_python #1177" in named


@pytest.mark.parametrize("seed", SEEDS)
def test_a_line_filter_meets_every_must(seed: int) -> None:
    failed = verdicts(LineFilter, Profile("quick", seed), policy_file=None)
    assert {SUITE.requirements[identity].level for identity in failed} == {"SHOULD"}
    assert failed.keys() == {"MX-050", "MX-070", "MX-071", "MX-073"}


def test_the_bridge_at_a_url_has_colons_for_all() -> None:
    engine = MockEngine()
    engine.drive(20, 20)
    with serving(MetricsBridge(engine.registry, Prefixes(keep=("sglang:",)))) as url:
        assert asked_at(url) == {}


@contextmanager
def node_server() -> Iterator[str]:
    process = subprocess.Popen(["node", "server.mjs", "0"], cwd=EXAMPLE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


@needs_node
def test_an_exporter_in_node_at_a_url() -> None:
    with node_server() as url:
        assert asked_at(url) == {}


@needs_node
@pytest.mark.parametrize("seeds", [range(3), pytest.param(range(3, 20), marks=pytest.mark.slow)], ids=["few", "rest"])
def test_an_exporter_in_node_over_the_wire(seeds: range) -> None:
    subject = load("exec: node adapter.mjs", SUITE, "node", Settings(EXAMPLE))
    try:
        failed = {seed: verdicts_of(subject, Profile("quick", seed)) for seed in seeds}
    finally:
        subject.end()
    assert failed == {seed: {} for seed in seeds}


@needs_node
def test_the_example_passes_outside_this_repository(tmp_path: Path) -> None:
    root = tmp_path / "node-exporter"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns(".pytest_cache"))
    words = ["--contracts", "--contracts-level", "should", "--contracts-profile", "quick"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=root,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    readme = (EXAMPLE / "README.md").read_text()
    row = next(line for line in done.stdout.splitlines() if line.startswith("metrics@adapter"))
    assert " ".join(row.split()) in " ".join(readme.split())


@needs_node
def test_the_wire_module_is_the_one_that_init_writes() -> None:
    assert (EXAMPLE / "wire.mjs").read_bytes() == (starting.FOLDER / "wire.mjs").read_bytes()
