"""The example of every rule's page is one: *Before* breaks the rule, *After* breaks none that is an error."""

from __future__ import annotations

import shutil
import subprocess
from importlib.metadata import version

import pytest

from checks.metrics.peers import examples, table
from fix_repository import PROJECT
from trueup.findings import Severity
from trueup.metrics.exposition.part import judge
from trueup.metrics.exposition.rules import RULES
from trueup.metrics.policy import PolicySet, parse_policy
from trueup.rules import Rule, registry


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_example_shows_the_rule(rule: Rule) -> None:
    before, after, texts = examples(rule.id)
    policies = PolicySet(parse_policy("policy.yaml", text.encode()) for text in texts)
    assert rule.id in rules_of(before, policies)
    left = rules_of(after, policies)
    assert rule.id not in left
    assert {one for one in left if registry()[one].severity is Severity.ERROR} == set()


def rules_of(text: str, policies: PolicySet) -> set[str]:
    return {f"metrics/{fault.rule}" for fault in judge(text.encode(), policies).faults}


def has_the_peers() -> bool:
    """The table is of promtool 2.42, and of a prometheus-client that knows escaping."""
    promtool = shutil.which("promtool")
    if promtool is None or tuple(map(int, version("prometheus-client").split(".")[:2])) < (0, 23):
        return False
    done = subprocess.run([promtool, "--version"], capture_output=True, text=True, check=True)
    return "version 2.42" in done.stdout + done.stderr


@pytest.mark.skipif(not has_the_peers(), reason="promtool 2.42 (Debian 12: prometheus) is not installed")
def test_the_table_of_differences_is_current() -> None:
    text = (PROJECT / "docs/metrics.md").read_text(encoding="utf-8")
    listed = text.partition("<!-- peers: begin -->\n\n")[2].partition("\n<!-- peers: end -->")[0]
    assert listed == table()
