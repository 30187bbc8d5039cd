"""Whatever a repository holds costs bounded time, and is told or noted, never a crash."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from fix_repository import Repository

# Seconds of this process' own work; a bound that is broken by a thousand, not by a slow machine.
_LIMIT_S = 30.0


def dashboard(*expressions: str) -> str:
    return json.dumps(
        {"title": "x", "schemaVersion": 39, "panels": [{"targets": [{"expr": one}]} for one in expressions]}
    )


def alias_bomb() -> str:
    lines = ['a: &a ["expr: x", "x"]']
    for index in range(1, 20):
        lines.append(f"k{index}: &{chr(97 + index)} [{', '.join(['*' + chr(96 + index)] * 9)}]")
    return "\n".join(lines) + "\ngroups:\n- rules:\n  - alert: A\n    expr: sum(\n"


HOSTILE: dict[str, tuple[str, Callable[[], str], str]] = {
    "deep JSON": ("a.json", lambda: '{"panels":' + "[" * 100_000 + ',"expr":1', "metrics/unreadable-consumer"),
    "deep dashboard": (
        "a.json",
        lambda: '{"title":"x","panels":[' + '{"panels":[' * 150 + '{"expr":"x"}' + "]}" * 150 + "]}",
        "nested too deeply",
    ),
    "deep expression": ("a.json", lambda: dashboard("(" * 5_000 + "x" + ")" * 5_000), "nested more than 100 deep"),
    "long expression": ("a.json", lambda: dashboard("+".join(["x"] * 100_000)), "more than 65536 characters"),
    "many operators": ("a.json", lambda: dashboard("+".join(["x"] * 600)), "more than 500 operators"),
    "many long expressions": (
        "a.json",
        lambda: dashboard(*("+".join(["x"] * 490) + f"+{i}" for i in range(300))),
        "took all the time",
    ),
    "open brackets": (
        "a.json",
        lambda: dashboard("x[" * 9_000, "x{" * 9_000, "by (" * 6_000),
        "nested more than 100 deep",
    ),
    "open quotes": (
        "a.json",
        lambda: dashboard('x{a="' + "\\" * 30_000, '"' * 30_000),
        "metrics/unparseable-expression",
    ),
    "regular expressions": (
        "a.json",
        lambda: dashboard('x{__name__=~"' + "(a|" * 3_000 + ")" * 3_000 + '"}'),
        "metrics/unparseable-expression",
    ),
    "patterns": ("a.json", lambda: dashboard('{__name__=~"engine:' + ".*a" * 300 + '"}'), "metrics/unknown-metric"),
    "recursive variables": (
        "a.json",
        lambda: json.dumps(
            {
                "title": "x",
                "templating": {
                    "list": [
                        {"name": "a", "type": "constant", "query": "$b"},
                        {"name": "b", "type": "constant", "query": "$a"},
                    ]
                },
                "panels": [{"targets": [{"expr": "engine:${a}_${b}_x"}]}],
            }
        ),
        "metrics/unknown-metric",
    ),
    "duplicate keys": (
        "a.json",
        lambda: (
            '{"title":"x","panels":[' + ",".join(['{"title":"a","title":"b","targets":[{"expr":"up"}]}'] * 5_000) + "]}"
        ),
        "metrics/duplicate-key",
    ),
    "aliases": ("a.yaml", alias_bomb, "metrics/unparseable-expression"),
    "an alias to itself": (
        "a.yaml",
        lambda: "a: &a\n  expr: up(\n  alert: x\n  b: *a\n",
        "metrics/unparseable-expression",
    ),
    "deep YAML": ("a.yaml", lambda: "expr: x\na: " + "[" * 50_000, "metrics/unreadable-consumer"),
    "templates": ("a.yaml", lambda: "expr: x\n" + ("{{" * 5_000 + "\n") * 200, "not checked"),
    "Markdown": (
        "a.md",
        lambda: "`engine:x_{" + "a," * 20_000 + "}`\nx " + "`" * 20_000 + "\n" + "|" * 20_000 + "\n`engine:nope`\n",
        "metrics/documented-but-gone",
    ),
    "a long list": ("a.md", lambda: "- `engine:nope`\n" * 5_000, "metrics/documented-but-gone"),
    "source code": (
        "a.py",
        lambda: 'x="' + '\\"' * 20_000 + "{{" * 9_000 + "engine:a(\n" + "'" * 30_000 + '\ny = "avg(engine:nope)"\n',
        "metrics/unknown-metric",
    ),
    "not UTF-8": ("a.json", lambda: '{"panels": [], "title": "\udc80", "x": {"expr": }', "metrics/unreadable-consumer"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_costs_little_and_is_told(name: str, repository: Repository) -> None:
    path, content, told = HOSTILE[name]
    repository.write("policy.yaml", 'name: e\nprefixes:\n  - {prefix: "engine:", closed: true}\n')
    repository.write("trueup.toml", '[metrics]\npolicies = ["policy.yaml"]\ncode = ["*.py"]\n')
    repository.write(path, content().encode("utf-8", "surrogateescape"))
    repository.add()
    before = time.perf_counter()
    done = repository.trueup("dashboards", "--verbose")
    assert time.perf_counter() - before < _LIMIT_S
    assert done.returncode in (0, 1), done.stderr
    assert told in done.stdout


@pytest.mark.slow
def test_fifty_thousand_panels(repository: Repository) -> None:
    repository.write("policy.yaml", 'name: e\nprefixes:\n  - {prefix: "engine:", closed: true}\n')
    repository.write("a.json", dashboard(*(f"sum(rate(engine:bad_{index}[5m]))" for index in range(50_000))))
    repository.add()
    done = repository.trueup("dashboards", "--policy", str(repository.root / "policy.yaml"), "--report", "json")
    assert len(json.loads(done.stdout)["findings"]) == 50_000
