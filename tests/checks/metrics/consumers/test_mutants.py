"""Files that were damaged at random: read without a crash, and every finding has a place in the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueup.datafiles import Text
from trueup.metrics.consumers.code import CodeFile
from trueup.metrics.consumers.grafana_files import read_json
from trueup.metrics.consumers.judge import Judge
from trueup.metrics.consumers.manifests import read_yaml
from trueup.metrics.consumers.model import Contents
from trueup.metrics.consumers.telling import Teller
from trueup.metrics.docs_drift.judge import DocsJudge
from trueup.metrics.docs_drift.queries import queries_of
from trueup.metrics.policy import PolicySet, parse_policy

DATA = Path(__file__).parent / "data"
POLICIES = PolicySet([parse_policy("policy.yaml", (DATA / "policy.yaml").read_bytes())])
MARKDOWN = (
    "# A\n\n| `engine:x` | Gauge | `a` |\n|--|--|--|\n| `engine:requests_total` | Labels | `b` |\n\n"
    "- `engine:y_{sum,count}`\n"
    "```promql\nrate(engine:x[5m])\n\nsum(\n```\n\n```\n# TYPE engine:z gauge\n```\n"
)
CODE = "a = f\"sum(engine:x{{a=\\\"{b}\\\"}})\"\nb = '''engine:y{}'''\nc = `rate(engine:z[%s])`\n"
FILES = {path.name: path.read_text(encoding="utf-8") for path in DATA.iterdir()} | {"a.md": MARKDOWN, "a.py": CODE}
PIECES = st.sampled_from(
    [
        "",
        '"',
        "'",
        "{",
        "}",
        "[",
        "]",
        ":",
        "\n",
        "\r",
        "  ",
        "|",
        ">",
        "&a ",
        "*a ",
        "\\",
        "\\u00",
        "{{",
        "}}",
        "`",
        "#",
        "$",
        "é",
        "\0",
        "- ",
        "%",
        "!",
    ]
)


@pytest.mark.parametrize("name", sorted(FILES))
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_damage_is_never_a_crash(name: str, data: st.DataObject) -> None:
    text = FILES[name]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.sampled_from([0, 1, 2, 10, 200])))
        text = text[:start] + data.draw(PIECES) + text[end:]
    file = Text(text.encode("utf-8", "surrogatepass"))
    contents = contents_of(name, file.text)
    judge = Judge(POLICIES, contents.defined)
    teller = Teller(name, file)
    for trouble in contents.troubles:
        teller.trouble(trouble)
    for expression in contents.expressions:
        for fault in judge.judge(expression).faults:
            teller.fault(expression, fault)
    if name.endswith(".md"):
        for fault in DocsJudge(POLICIES, judge.is_defined).read(file.text).faults:
            teller.fault(None, fault)
    lines = file.text.split("\n")
    for one in teller.findings:
        assert one.line is not None
        assert one.column is not None
        assert 1 <= one.line <= len(lines)
        assert 1 <= one.column <= len(lines[one.line - 1]) + 1


def contents_of(name: str, text: str) -> Contents:
    if name.endswith(".json"):
        return read_json(text, lambda offset: offset)
    if name.endswith(".md"):
        return Contents(list(queries_of(text)), [], [], [])
    if name.endswith(".py"):
        return Contents(CodeFile(text, ["engine:", "engine_"]).expressions, [], [], [])
    return read_yaml(text)
