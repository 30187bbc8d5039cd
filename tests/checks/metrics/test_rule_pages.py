"""The example of every rule's page is one: *Before* breaks the rule, *After* breaks none that is an error."""

from __future__ import annotations

import re

import pytest

from fix_repository import PROJECT
from trueup.findings import Severity
from trueup.metrics.exposition.part import judge
from trueup.metrics.exposition.rules import RULES
from trueup.metrics.policy import PolicySet, parse_policy
from trueup.rules import Rule, registry

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_example_shows_the_rule(rule: Rule) -> None:
    text = (PROJECT / f"docs/rules/{rule.id}.md").read_text(encoding="utf-8").partition("## Example")[2]
    blocks = BLOCK.findall(text)
    policies = PolicySet(parse_policy("policy.yaml", block.encode()) for kind, block in blocks if kind == "yaml")
    before, after = (block.replace("^M", "\r") for kind, block in blocks if kind == "text")
    if rule.id == "metrics/missing-newline":
        before = before.rstrip("\n")  # which Markdown cannot show
    # OpenMetrics is known by its end; that of the one that was cut off, by its names.
    assert rule.id in rules_of(before, policies)
    errors = {one for one in rules_of(after, policies) if registry()[one].severity is Severity.ERROR}
    assert errors == set()
    assert rule.id not in rules_of(after, policies)


def rules_of(text: str, policies: PolicySet) -> set[str]:
    return {f"metrics/{fault.rule}" for fault in judge(text.encode(), policies).faults}
