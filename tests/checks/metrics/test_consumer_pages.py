"""The example of every page about consumers and docs is one: *Before* breaks the rule, *After* breaks none."""

from __future__ import annotations

import json
import re

import pytest

from fix_repository import PROJECT, Repository
from trueup.metrics.consumers.rules import RULES as CONSUMERS
from trueup.metrics.docs_drift.rules import RULES as DOCS
from trueup.rules import Rule

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SETTINGS = '[metrics]\nreference-docs = ["reference/"]\n'


@pytest.mark.parametrize("rule", [*CONSUMERS, *DOCS], ids=lambda rule: rule.id)
def test_the_example_shows_the_rule(rule: Rule, repository: Repository) -> None:
    page = (PROJECT / f"docs/rules/{rule.id}.md").read_text(encoding="utf-8").partition("## Example")[2]
    policy = ""
    shown: list[tuple[str, str]] = []
    for kind, block in BLOCK.findall(page):
        if kind == "yaml":
            policy = block
        else:
            shown.append((kind, block))
    repository.write("trueup.toml", SETTINGS)
    repository.write("policy.yaml", policy or "name: none\n")
    (kind, before), (_, after) = shown
    assert rule.id in found(repository, rule, kind, before)
    assert found(repository, rule, kind, after) == set()


def found(repository: Repository, rule: Rule, kind: str, content: str) -> set[str]:
    folder = "reference/" if rule.id == "metrics/undocumented-metric" else ""
    names = {"promql": "rules.yaml", "json": "dashboard.json", "markdown": f"{folder}page.md"}
    if kind == "promql":
        content = json.dumps({"groups": [{"name": "g", "rules": [{"alert": "A", "expr": content}]}]})
    repository.write(names[kind], content)
    repository.add()
    done = repository.trueup("metrics", "--policy", str(repository.root / "policy.yaml"), "--report", "json")
    assert done.returncode in (0, 1), done.stderr
    return {one["rule"] for one in json.loads(done.stdout)["findings"]}
