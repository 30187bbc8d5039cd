"""Annotations: workflow commands that GitHub Actions shows beside the lines of a pull request.

GitHub keeps no more than ten errors and ten warnings of a step and drops the rest without a word,
so we choose which, and say how many more there are.
"""

from __future__ import annotations

from collections.abc import Iterator

from trueup.findings import Finding, RunResult, Severity
from trueup.reports import common
from trueup.reports.escape import visible, workflow_data, workflow_property

PER_SEVERITY = 10


def render(result: RunResult) -> str:
    """One command a line, errors first; empty for a clean run."""
    lines: list[str] = []
    left: list[str] = []
    for severity in (Severity.ERROR, Severity.WARNING):
        found = [finding for finding in result.findings if finding.severity is severity]
        lines += [_annotation(finding) for finding in found[:PER_SEVERITY]]
        if len(found) > PER_SEVERITY:
            more = len(found) - PER_SEVERITY
            left.append(f"{more:,} more " + common.counted(more, f"{severity}s").partition(" ")[2])
    if left:
        text = f"{' and '.join(left)} not shown here: GitHub shows {PER_SEVERITY} of each for a step."
        lines.append(f"::notice title=trueup::{workflow_data(text)}")
    return "".join(line + "\n" for line in lines)


def _annotation(finding: Finding) -> str:
    properties = ",".join(f"{name}={workflow_property(value)}" for name, value in _properties(finding))
    text = [finding.message, finding.reason, f"-> {finding.suggestion}" if finding.suggestion is not None else ""]
    message = "\n".join(visible(line) for line in text if line)
    return f"::{finding.severity} {properties}::{workflow_data(message)}"


def _properties(finding: Finding) -> Iterator[tuple[str, str]]:
    yield "file", visible(finding.path)
    if finding.line is not None:
        yield "line", str(finding.line)
        if finding.end_line is not None and finding.end_line != finding.line:
            # GitHub refuses columns of a range of several lines.
            yield "endLine", str(finding.end_line)
        elif finding.column is not None:
            yield "col", str(finding.column)
            if finding.end_column is not None:
                yield "endColumn", str(finding.end_column)
    yield "title", visible(finding.rule)
