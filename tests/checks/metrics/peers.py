"""What promtool and prometheus-client's parsers say of the examples on the pages of the rules.

    PYTHONPATH=tests python -m checks.metrics.peers

prints the table of docs/metrics.md.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from fix_repository import PROJECT
from trueup.metrics.exposition.exposition import is_openmetrics
from trueup.metrics.exposition.part import judge
from trueup.metrics.exposition.rules import RULES
from trueup.metrics.policy import PolicySet

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
HEADER = (
    "| Rule | promtool 2.42 | prometheus-client, text | prometheus-client, OpenMetrics |\n| --- | --- | --- | --- |\n"
)


def examples(rule: str) -> tuple[str, str, list[str]]:
    """*Before* and *After* of a rule's page, and its policies."""
    text = (PROJECT / f"docs/rules/{rule}.md").read_text(encoding="utf-8").partition("## Example")[2]
    blocks = BLOCK.findall(text)
    before, after = (block.replace("^M", "\r") for kind, block in blocks if kind == "text")
    if rule == "metrics/missing-newline":
        before = before.rstrip("\n")  # which Markdown cannot show
    return before, after, [block for kind, block in blocks if kind == "yaml"]


def refuses(parse: Callable[[str], object], text: str) -> bool:
    try:
        list(parse(text))  # type: ignore[call-overload]
    except Exception:  # noqa: BLE001 - its parsers raise whatever they trip over
        return True
    return False


def promtool(text: str) -> str:
    done = subprocess.run(
        [shutil.which("promtool") or "promtool", "check", "metrics"],
        input=text.encode(),
        capture_output=True,
        check=False,
    )
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    return "refuses" if "error while linting" in said else "lints" if said.strip() else "no"


def as_openmetrics(text: str) -> str:
    """The same in the other format."""
    text = re.sub(r"^(# (?:HELP|TYPE) requests)_total", r"\1", text, flags=re.MULTILINE)
    return text + ("" if text.endswith("\n") else "\n") + "# EOF\n"


def table() -> str:
    """A row for each rule about the formats: who else finds fault with its example."""
    rows = []
    for rule in RULES:
        before, _, policies = examples(rule.id)
        if policies:
            continue
        if is_openmetrics(before.encode()) or rule.id == "metrics/missing-eof":
            cells = ["", "", "refuses" if refuses(parse_openmetrics, before) else "no"]
        else:
            cells = [promtool(before), "refuses" if refuses(parse_text, before) else "no", ""]
            other = as_openmetrics(before)
            if rule.id in {f"metrics/{one.rule}" for one in judge(other.encode(), PolicySet([])).faults}:
                cells[2] = "refuses" if refuses(parse_openmetrics, other) else "no"
        if "no" in cells:
            name = rule.id.partition("/")[2]
            rows.append(
                " ".join(["|", f"[{name}](rules/{rule.id}.md)", *(f"| {cell}".rstrip() for cell in cells), "|\n"])
            )
    return HEADER + "".join(rows)


if __name__ == "__main__":
    print(table(), end="")
