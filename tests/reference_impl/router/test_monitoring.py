"""The shipped policy, dashboard and alerts of the router ask for what the router exposes, and for nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from fix_repository import PROJECT
from trueup_reference.router.metrics import GAUGES, RouterMetrics

FOLDER = PROJECT / "examples/router-monitoring"
POLICY = FOLDER / "metrics.policy.yaml"
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def busy() -> RouterMetrics:
    """A router that has met everything."""
    metrics = RouterMetrics()
    metrics.follow(lambda: {"fast": dict.fromkeys(GAUGES, 2)})
    metrics.accepted()
    metrics.selected("prefill", "fast", "grid")
    metrics.retried("prefill", "fast", "worker_failed")
    metrics.failed_over("decode", "large")
    metrics.ejected("fast")
    metrics.rejected(None, "invalid_request")
    metrics.ended("completed")
    metrics.reloaded("refused")
    metrics.forwarded("decode", "fast", 0.2)
    metrics.first_item("fast", 0.1)
    metrics.admitted("fast", 0.0)
    return metrics


def trueup(*words: str, given: bytes = b"", folder: Path = PROJECT) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "trueup", *words], input=given, cwd=folder, capture_output=True, check=False, timeout=60
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def promtool(*words: str, folder: Path = FOLDER, given: bytes | None = None) -> tuple[int, str]:
    done = subprocess.run(["promtool", *words], input=given, cwd=folder, capture_output=True, check=False, timeout=60)
    return done.returncode, (done.stdout + done.stderr).decode()


def test_what_a_busy_router_exposes_keeps_the_policy() -> None:
    code, told = trueup("metrics", "-", "--policy", str(POLICY), given=busy().exposition())
    assert code == 0, told


def test_the_policy_names_every_metric_with_its_type_and_labels() -> None:
    policy = yaml.safe_load(POLICY.read_text(encoding="utf-8"))["families"]
    exposed: dict[str, tuple[str, set[str], str]] = {}
    for family in text_string_to_metric_families(busy().exposition().decode()):
        if family.name.endswith("_created"):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        exposed[name] = (family.type, labels, family.documentation)
    assert {name: (one["type"], set(one["labels"]), one["help"]) for name, one in policy.items()} == exposed


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("trueup_router_failovers_total", "trueup_router_failover_total", "unknown-metric"),
        ("trueup_router_retries_total", "trueup_router:retries_total", "wrong-prefix"),
        (
            "sum by (le, pool) (rate(trueup_router_first",
            "sum by (pool) (rate(trueup_router_first",
            "quantile-without-le",
        ),
        ("(trueup_router_queued_requests", "(rate(trueup_router_queued_requests", "unparseable-expression"),
        ("trueup_router_forwarding_seconds_bucket", "trueup_router_draining_bucket", "impossible-series"),
    ],
)
def test_the_check_of_the_dashboard_finds_mistakes(before: str, after: str, rule: str, tmp_path: Path) -> None:
    text = (FOLDER / "dashboard.json").read_text(encoding="utf-8")
    assert before in text
    (tmp_path / "dashboard.json").write_text(text, encoding="utf-8")
    words = ("dashboards", "dashboard.json", "--policy", str(POLICY))
    assert trueup(*words, folder=tmp_path)[0] == 0
    (tmp_path / "dashboard.json").write_text(text.replace(before, after), encoding="utf-8")
    code, told = trueup(*words, folder=tmp_path)
    assert code == 1
    assert f"metrics/{rule}]" in told


def test_the_dashboard_shows_every_metric() -> None:
    asked = expressions(json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8")))
    shown = {name for expression in asked for name in re.findall(r"\btrueup_router_\w+", expression)}
    families = yaml.safe_load(POLICY.read_text(encoding="utf-8"))["families"]
    # How many were accepted is what ended and what is in flight.
    assert {name.removesuffix("_bucket") for name in shown} == set(families) - {"trueup_router_accepted_requests_total"}


def expressions(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [
            *([node["expr"]] if "expr" in node else []),
            *(one for value in node.values() for one in expressions(value)),
        ]
    return [one for value in node for one in expressions(value)] if isinstance(node, list) else []


@needs_promtool
def test_promtool_takes_the_metrics_and_the_rules() -> None:
    assert promtool("check", "metrics", given=busy().exposition()) == (0, "")
    code, told = promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yml")
    assert code == 0, told
    code, told = promtool("test", "rules", "rules.test.yml")
    assert code == 0, told


MISTAKES = {
    "a lower threshold": ("ratio_rate5m > 0.01", "ratio_rate5m > 0.001"),
    "at least in place of above": ("ratio_rate5m > 0.01", "ratio_rate5m >= 0.00999999"),
    "clients that leave are failures": ("completed|client_gone", "completed"),
    "no least traffic": (" > 0.1)", ")"),
    "a pool that blinks": ("for: 2m", "for: 0m"),
    "any refusal is shed load": ('{code="overloaded"}', ""),
    "every ejection": ("> 5", "> 0"),
    "every reload": ('{outcome="refused"}', ""),
}


@needs_promtool
@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_test_of_the_alerts_finds_mistakes(mistake: str, tmp_path: Path) -> None:
    before, after = MISTAKES[mistake]
    rules = (FOLDER / "rules.yml").read_text(encoding="utf-8")
    assert before in rules
    (tmp_path / "rules.yml").write_text(rules.replace(before, after), encoding="utf-8")
    shutil.copy(FOLDER / "rules.test.yml", tmp_path)
    assert promtool("test", "rules", "rules.test.yml", folder=tmp_path)[0] == 1
