"""`pytest --contracts` in somebody else's project: a registry, a file, an endpoint, a service; and a policy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest

from contracts.metrics.hooked import Hooked
from contracts.metrics.others import prometheus_server
from contracts.metrics.running import FOLDER
from contracts.suite_runs import verdicts_of
from fix_repository import PROJECT
from trueup_contracts.declarations import parse
from trueup_contracts.errors import TargetError
from trueup_contracts.metrics import SUITE
from trueup_contracts.metrics.adapters import RegistryExporter, adapted, policy
from trueup_contracts.profile import Profile
from trueup_contracts.services.command import _free_port
from trueup_contracts.subject import Settings, load

MINE = """\
from prometheus_client import CollectorRegistry, Counter

def make(prefix="engine_"):
    registry = CollectorRegistry()
    Counter(f"{prefix}requests", "Requests handled.", registry=registry)
    return registry

REGISTRY = make()
COLONS = make("sglang:")

class Claims:
    capabilities = "policy"
"""
POLICY = """\
name: mine
families:
  engine_requests_total: {type: gauge, presence: required}
  engine_tokens_total: {type: counter, presence: required}
"""
KNOWN = """\
[[known]]
requirement = "MX-020"
reason = "prometheus-client 0.26 rewrites the colon; our Prometheus scrapes text"

[[known]]
requirement = "MX-022"
reason = "the same"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "known.toml").write_text(KNOWN)
    return tmp_path


def run(root: Path, *words: str, ini: str = "") -> subprocess.CompletedProcess[str]:
    (root / "pytest.ini").write_text(f"[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n{ini}\n")
    command = [sys.executable, "-m", "pytest", "--contracts", "--contracts-profile", "quick", *words]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)


def row(printed: str, label: str) -> list[str]:
    found = next(line for line in printed.splitlines() if line.startswith(f"metrics@{label} "))
    return found.split()[1:]


def test_registries_a_factory_of_one_and_a_file(project: Path) -> None:
    page = b"# HELP depth Depth.\n# TYPE depth gauge\ndepth 1\n"
    (project / "page.prom").write_bytes(page)
    lines = ["metrics = mine:REGISTRY", "metrics = mine:make", "metrics = mine:COLONS", "metrics = file: page.prom"]
    done = run(project, ini="contracts =\n" + "\n".join(f"    {line}" for line in lines))
    assert done.returncode == 1, done.stdout + done.stderr
    live = len([one for one in SUITE.requirements.values() if one.needs <= {"live"}])
    of_a_file = len([one for one in SUITE.requirements.values() if not one.needs])
    assert (live, of_a_file) == (24, 13)
    assert row(done.stdout, "REGISTRY")[:2] == ["18/18", "pass"]
    assert row(done.stdout, "make")[:2] == ["18/18", "pass"]
    assert row(done.stdout, "COLONS")[:2] == ["16/18", "pass"]
    assert row(done.stdout, "page") == ["11/11", "pass", "2/2", "pass", str(len(SUITE.requirements) - of_a_file)]
    assert "MX-020 MUST    FAIL" in done.stdout
    assert "not there: sglang:requests_total" in done.stdout
    assert "They are the same but for the colon" in done.stdout
    repeat = "from mine import COLONS\n    from trueup_contracts.metrics.adapters import adapted\n    \n"
    assert f"    {repeat}    subject = adapted(COLONS)\n    subject.scrape(accept=" in done.stdout


def test_an_endpoint_with_known_failures(project: Path) -> None:
    with prometheus_server("sglang:") as url:
        words = ["--contracts-impl", f"metrics@sglang = {url}", "--contracts-known", "known.toml"]
        done = run(project, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert row(done.stdout, "sglang")[:4] == ["16/16", "pass", "4/6", "pass"]


def test_a_policy_is_asked_where_the_setting_names_one(project: Path) -> None:
    ini = "contracts = metrics = mine:REGISTRY\ncontracts_metrics_policy = policy.yaml"
    done = run(project, "-k", "policy", ini=ini)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "MX-080 MUST    FAIL" in done.stdout
    assert "engine_requests_total is a counter here, a gauge in the policy" in done.stdout
    assert "MX-081 MUST    FAIL" in done.stdout
    assert "engine_tokens_total is required and not here" in done.stdout
    assert "MX-085" not in done.stdout  # it needs traffic


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nowhere.yaml", "contracts_metrics_policy: nowhere.yaml: there is no such policy file"),
        ("builtin:sglnag", "there is no built-in policy 'sglnag'"),
        ("mine.py", "contracts_metrics_policy: mine.py:"),
    ],
)
def test_policies_that_cannot_be_read(text: str, told: str, project: Path) -> None:
    with pytest.raises(TargetError) as caught:
        policy(text, project)
    assert told in str(caught.value)


def test_a_policy_that_cannot_be_read_is_a_usage_error(project: Path) -> None:
    done = run(project, ini="contracts = metrics = mine:REGISTRY\ncontracts_metrics_policy = nowhere.yaml")
    assert done.returncode == 4
    assert "contracts_metrics_policy: nowhere.yaml: there is no such policy file" in done.stderr


def test_a_built_in_policy_is_read() -> None:
    assert policy("builtin:sglang", PROJECT).families


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("mine:Claims", "claims 'policy'\nthe setting contracts_metrics_policy claims it"),
        ("file: nowhere.prom", "nowhere.prom is no file"),
        ("mine:MINE", "'mine:MINE': mine has no 'MINE'"),
        ("mine:__doc__", "is no factory: a NoneType cannot be called"),
    ],
)
def test_targets_that_cannot_be_loaded(target: str, told: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    with pytest.raises(TargetError) as caught:
        load(target, SUITE, "x", Settings(project))
    assert told in str(caught.value)


def test_labels_of_targets() -> None:
    declared = parse(
        ["metrics = file: out/page.prom", "metrics = http://127.0.0.1:8000/metrics", "metrics = mine:REGISTRY"]
    )
    assert [one.label for one in declared] == ["page", "127.0.0.1-8000", "REGISTRY"]


def test_how_a_call_is_repeated(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    (project / "page.prom").write_bytes(b"depth 1\n")
    shown = {}
    for target in ("mine:REGISTRY", "mine:make", "file: page.prom"):
        subject = load(target, SUITE, "x", Settings(project))
        subject.open().call("scrape", accept=None)
        shown[target] = [line for line in subject.snippet().splitlines() if line]
    imported = "from trueup_contracts.metrics.adapters import adapted"
    scrape = "subject.scrape(accept=None)"
    assert shown == {
        "mine:REGISTRY": ["from mine import REGISTRY", imported, "subject = adapted(REGISTRY)", scrape],
        "mine:make": ["from mine import make", imported, "subject = adapted(make())", scrape],
        "file: page.prom": ["# file: page.prom", scrape],
    }


def test_what_is_adapted() -> None:
    from prometheus_client import CollectorRegistry

    exporter = Hooked()
    assert adapted(exporter) is exporter
    assert isinstance(adapted(CollectorRegistry()), RegistryExporter)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_service_that_the_suite_starts(tmp_path: Path) -> None:
    target = f"command: node {PROJECT}/examples/node-exporter/server.mjs {{port}}"
    subject = load(target, SUITE, "x", Settings(tmp_path))
    try:
        assert subject.capabilities == {"live", "http", "command"}
        for only in ("MX-001", "MX-020", "MX-023", "MX-033"):
            assert verdicts_of(subject, Profile("quick", 1), only) == {}
    finally:
        subject.end()


@contextmanager
def prometheus(folder: Path) -> Iterator[str]:
    """The real one, which serves its own metrics with the client in Go."""
    (folder / "prometheus.yml").write_text("global: {}\n")
    url = f"http://127.0.0.1:{_free_port()}/metrics"
    address = url.removeprefix("http://").removesuffix("/metrics")
    words = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={address}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *words], cwd=folder, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except (URLError, ConnectionError):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, "prometheus does not answer"
                time.sleep(0.05)  # it has no way to tell when it is ready
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed (Debian: prometheus)")
def test_prometheus_own_metrics(tmp_path: Path) -> None:
    with prometheus(tmp_path) as url:
        assert verdicts_of(load(url, SUITE, "x", Settings(tmp_path)), Profile("quick", 1)) == {}


def test_the_policy_of_the_tests_is_beside_them() -> None:
    assert policy("policy.yaml", FOLDER).required().keys() == {"sglang:num_requests_total", "sglang:num_running_reqs"}
