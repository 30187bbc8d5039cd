"""What a Markdown document says of metrics."""

from __future__ import annotations

from pathlib import Path

import pytest

from trueup.metrics.docs_drift.judge import DocsJudge
from trueup.metrics.docs_drift.markdown import Fence, parts_of
from trueup.metrics.docs_drift.queries import queries_of
from trueup.metrics.policy import PolicySet, parse_policy

POLICY = (Path(__file__).parents[1] / "consumers/data/policy.yaml").read_bytes()
JUDGE = DocsJudge(PolicySet([parse_policy("policy.yaml", POLICY)]), lambda name: name == "engine:made_here")

# A document, and what is wrong in it: `RULE TARGET`.
DOCUMENTS = {
    "right names": ("`engine:queue_depth`, `engine:requests_total`, `engine:wait_seconds`", []),
    "a counter without _total, as OpenMetrics names it": ("`engine:requests`", []),
    "series of a histogram": ('`engine:wait_seconds_bucket{le="1"}` and `engine:wait_seconds_count`', []),
    "shorthands": ('| `engine:wait_seconds_{sum,count}` | `engine:wait_seconds_{sum,count,bucket}{a="v"}` |', []),
    "a shorthand with a part that is not there": (
        "| `engine:queue_{depth,length}` |",
        ["documented-but-gone engine:queue_length"],
    ),
    "a bare prefix, a pattern, a placeholder": ("`engine:` `engine:*` `engine_` `engine:<name>` `engine:{x}`", []),
    "gone": ("Look at `engine:nothing`.", ["documented-but-gone engine:nothing"]),
    "a series that the type does not have": (
        "`engine:queue_depth_bucket`",
        ["documented-but-gone engine:queue_depth_bucket"],
    ),
    "removed": ("`engine:waiting`", ["documented-but-gone engine:waiting"]),
    "removed, and said so": ("`engine:waiting` was removed in 2.0", []),
    "removed, beside its successor": ("`engine:waiting`, now `engine:queue_depth`", []),
    "past by the heading": ("# A\n\n## Deprecated metrics\n\ntext\n\n### Queue\n\n- `engine:nothing`", []),
    "the next heading of that level ends it": (
        "# Legacy names\n\n`engine:n1`\n\n# Names\n\n`engine:n2`",
        ["documented-but-gone engine:n2"],
    ),
    "past by the lead of a list": ("Two legacy metrics:\n\n- `engine:n1`\n- `engine:n2`\n", []),
    "past by the paragraph": ("These were\nrenamed: `engine:n1`\nand `engine:n2`.", []),
    "prose is never looked at": ("engine:nothing is not code", []),
    "what the repository makes": ("`engine:made_here`", []),
    "wrong prefix": ("`engine_queue_depth`", ["wrong-prefix engine_queue_depth"]),
    "somebody else's name": ("`engine_router` `engine_queue`", []),
    "both spellings": ("`engine_queue_depth` is `engine:queue_depth` to Prometheus 2", []),
    "an open prefix": ("`open_anything`", []),
    "paths, modules, images, C++": (
        "`engine:queue/x` `a/engine:x` `engine:f()` `engine::g` `engine:x.y` `http://engine:80`",
        [],
    ),
    "a type in a table": (
        "| Name | Type |\n|--|--|\n| `engine:queue_depth` | Counter |\n| `engine:requests_total` | counter |",
        ["documented-type engine:queue_depth"],
    ),
    "a type in parentheses": (
        "- `engine:wait_seconds` (Histogram)\n- `engine:requests_total` (Gauge)",
        ["documented-type engine:requests_total"],
    ),
    "two types in a row say nothing": ("| `engine:queue_depth` | Gauge | Counter |", []),
    "labels in a table": (
        "| Name | Labels |\n|--|--|\n| `engine:requests_total` | `model_name`, `model` |",
        ["documented-label engine:requests_total{model}"],
    ),
    "an exposition": (
        "```text\n# HELP engine:x X\n# TYPE engine:x gauge\nengine:x 1\n# TYPE engine:queue_depth counter\n```",
        ["documented-but-gone engine:x", "documented-type engine:queue_depth"],
    ),
    "the same exposition twice": (
        "```\n# TYPE engine:x gauge\n```\n\n```\n# TYPE engine:x gauge\n```",
        ["documented-but-gone engine:x"],
    ),
    "code with backticks in it": ("`` engine:`x` `` and ``engine:nothing``", ["documented-but-gone engine:nothing"]),
    "a table with a bar in code": (
        "| `a|engine:nothing` | `engine:queue_depth` | counter |",
        ["documented-but-gone engine:nothing", "documented-type engine:queue_depth"],
    ),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(name: str) -> None:
    text, expected = DOCUMENTS[name]
    faults = JUDGE.read(text).faults
    assert [f"{one.rule} {one.target}" for one in faults] == expected
    for one in faults:
        assert text[one.start : one.end].startswith(one.target.partition("{")[0][:8]) or one.rule == "documented-label"


def test_what_no_document_names() -> None:
    assert list(JUDGE.missing(set())) == ["engine:requests_total", "engine:queue_depth", "engine:wait_seconds"]
    assert list(JUDGE.missing({"engine:*"})) == ["engine:requests_total", "engine:queue_depth", "engine:wait_seconds"]
    assert list(JUDGE.missing({"engine:requests", "engine:wait_*"})) == ["engine:queue_depth"]
    assert list(JUDGE.missing({"engine:wait_seconds_sum", "engine:requests_total"})) == ["engine:queue_depth"]


def test_fences() -> None:
    text = "a\n```promql\nx\n\n```\n~~~~\n```\n~~~\n~~~~\n```a`b```\n   ```yaml\nopen"
    fences = [part for part in parts_of(text) if isinstance(part, Fence)]
    assert [(one.language, one.text) for one in fences] == [("promql", "x\n\n"), ("", "```\n~~~\n"), ("yaml", "open")]
    assert all(text[one.start :].startswith(one.text) for one in fences)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("x\n", ["x\n"]),
        ("# A comment\nsum(\n  x\n)\n", ["# A comment\nsum(\n  x\n)\n"]),
        ("# One\nx\n\n# Two\ny\n", ["# One\nx\n", "# Two\ny\n"]),
        ("x\ny\n", ["x", "y"]),
        ("sum(\nx\n", ["sum(", "x"]),
        ("# nothing\n", []),
    ],
)
def test_queries_in_a_block(block: str, expected: list[str]) -> None:
    text = f"é\n\n```promql\n{block}```\n"
    queries = list(queries_of(text))
    assert [one.text for one in queries] == expected
    assert all(text[one.place(0) :].startswith(one.text) for one in queries)


def test_a_query_that_leaves_something_out_is_a_template() -> None:
    [one] = queries_of("```promql\nrate(...[30s])\n```\n")
    assert one.form == "template"
