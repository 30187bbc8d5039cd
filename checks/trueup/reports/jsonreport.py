"""The JSON report: a documented structure with a version, for scripts.

These structures are the single truth: the JSON Schema that ships (`schemas/report.schema.json`) is
made from them by `python -m trueup.reports.jsonreport > checks/trueup/schemas/report.schema.json`.
A new key may appear within a version; a key that goes or changes its meaning makes a new version.
"""

from __future__ import annotations

import base64
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from trueup import findings as found
from trueup.reports import common
from trueup.reports.escape import encodable, json_document, path_bytes

SCHEMA_VERSION: Final = 1

Count = Annotated[int, Meta(ge=0)]
Position = Annotated[int, Meta(ge=1, description="1-based.")]
PathText = Annotated[
    str, Meta(description="From the repository's root, with `/`; a byte that is not UTF-8 is shown as `\\x80`.")
]
PathBytes = Annotated[
    str,
    Meta(
        description="The path's bytes in Base64, only where they are not UTF-8.",
        extra_json_schema={"contentEncoding": "base64"},
    ),
]
Base64 = Annotated[str, Meta(description="Bytes in Base64.", extra_json_schema={"contentEncoding": "base64"})]


class Tool(msgspec.Struct, frozen=True):
    """What made the report."""

    name: Literal["trueup"]
    version: str


class Summary(msgspec.Struct, frozen=True):
    """The numbers of the run."""

    errors: Count
    warnings: Count
    suppressed: Count
    notes: Count
    files_with_findings: Count
    seconds: Annotated[float, Meta(ge=0)]


class Check(msgspec.Struct, frozen=True):
    """What one check looked at."""

    name: str
    counts: Annotated[dict[str, Count], Meta(description="Things with their numbers: `files`, `links`, …")]


class Rule(msgspec.Struct, frozen=True):
    """A rule that was broken, and how often."""

    id: str
    summary: str
    reason: str
    findings: Count


class Edit(msgspec.Struct, frozen=True):
    """Mends the finding: replace the bytes `[start_byte, end_byte)` of the file, if they still read `expected`."""

    start_byte: Count
    end_byte: Count
    expected: Base64
    replacement: Base64


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One fault at one place. A position that is not known is null: the finding is about the whole file."""

    rule: str
    severity: Literal["error", "warning"]
    path: PathText
    path_base64: PathBytes | None
    line: Position | None
    column: Annotated[int, Meta(ge=1, description="1-based, in Unicode code points.")] | None
    end_line: Position | None
    end_column: Annotated[int, Meta(ge=1, description="Just behind the last character.")] | None
    message: str
    reason: Annotated[str, Meta(description="Why it is wrong.")]
    suggestion: Annotated[str, Meta(description="What to write instead.")] | None
    target: Annotated[str, Meta(description="What the fault is about, e.g. a link's target.")]
    fingerprint: Annotated[
        str, Meta(pattern="^[0-9a-f]{32}$", description="Identity of the finding, free of line numbers.")
    ]
    edit: Edit | None


class Suppressed(msgspec.Struct, frozen=True):
    """A finding that somebody decided to live with."""

    by: Annotated[str, Meta(description="`config`, `comment` or `baseline`.")]
    reason: str
    finding: Finding


class Note(msgspec.Struct, frozen=True):
    """Something that the run did not check, or decided by itself."""

    check: str
    message: str
    path: PathText | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report of `trueup check`."""

    schema_version: Literal[1]
    tool: Tool
    summary: Summary
    checks: list[Check]
    rules: Annotated[list[Rule], Meta(description="The rules that were broken, errors and the most frequent first.")]
    findings: Annotated[list[Finding], Meta(description="Sorted by path, line, column, rule.")]
    suppressed: list[Suppressed]
    notes: list[Note]


def render(result: found.RunResult) -> str:
    """The whole report as indented JSON."""
    return json_document(report(result))


def report(result: found.RunResult) -> Report:
    """The run in the structure of the JSON report."""
    return Report(
        schema_version=SCHEMA_VERSION,
        tool=Tool("trueup", result.version),
        summary=Summary(
            errors=result.count(found.Severity.ERROR),
            warnings=result.count(found.Severity.WARNING),
            suppressed=len(result.suppressed),
            notes=len(result.notes),
            files_with_findings=len({finding.path for finding in result.findings}),
            seconds=round(result.seconds, 3),
        ),
        checks=[Check(encodable(check.name), check.counts) for check in result.checks],
        rules=[
            Rule(encodable(rule.id), rule.summary, rule.reason, rule.number)
            for rule in common.rule_counts(result.findings)
        ],
        findings=[_finding(finding) for finding in result.findings],
        suppressed=[Suppressed(item.by, encodable(item.reason), _finding(item.finding)) for item in result.suppressed],
        notes=[Note(encodable(note.check), encodable(note.message), _optional(note.path)) for note in result.notes],
    )


def schema() -> dict[str, Any]:
    """The JSON Schema of the report."""
    schema = msgspec.json.schema(Report)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"trueup report, version {SCHEMA_VERSION}",
        **schema,
    }


def _finding(finding: found.Finding) -> Finding:
    path = encodable(finding.path)
    return Finding(
        rule=encodable(finding.rule),
        severity=finding.severity.value,
        path=path,
        path_base64=_base64(path_bytes(finding.path)) if path != finding.path else None,
        line=finding.line,
        column=finding.column,
        end_line=finding.end_line,
        end_column=finding.end_column,
        message=encodable(finding.message),
        reason=encodable(finding.reason),
        suggestion=_optional(finding.suggestion),
        target=encodable(finding.target),
        fingerprint=finding.fingerprint,
        edit=_edit(finding.edit) if finding.edit is not None else None,
    )


def _edit(edit: found.Edit) -> Edit:
    return Edit(edit.start_byte, edit.end_byte, _base64(edit.expected), _base64(edit.replacement))


def _optional(text: str | None) -> str | None:
    return None if text is None else encodable(text)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


if __name__ == "__main__":
    print(json_document(schema()), end="")
