"""SARIF 2.1.0 (OASIS, errata 01): for code scanning and editors.

Section numbers in comments are those of the SARIF standard.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from trueup.findings import Edit, Finding, Note, RunResult, Suppressed
from trueup.reports.escape import json_document, uri_path, visible
from trueup.rules import Rule, registry

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
BASE_ID = "%SRCROOT%"
FINGERPRINT = "trueup/v1"

Json = dict[str, Any]


def render(result: RunResult) -> str:
    """The whole log: one run, all rules, suppressed results with their suppressions."""
    rules = _rules(result)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    results = [_result(finding, index) for finding in result.findings]
    results += [{**_result(item.finding, index), "suppressions": [_suppression(item)]} for item in result.suppressed]
    run = {
        "tool": {"driver": {"name": "trueup", "semanticVersion": result.version, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {BASE_ID: {"description": {"text": "The root of the checked repository."}}},
        "invocations": [
            {"executionSuccessful": True, "toolExecutionNotifications": [_notification(note) for note in result.notes]}
        ],
        "results": results,
    }
    return json_document({"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]})


def _rules(result: RunResult) -> list[Json]:
    known = registry()
    named = [finding.rule for finding in (*result.findings, *(item.finding for item in result.suppressed))]
    unknown = dict.fromkeys(rule for rule in named if rule not in known)
    return [*(_rule(rule) for rule in known.values()), *({"id": visible(rule)} for rule in unknown)]


def _rule(rule: Rule) -> Json:
    more = f"trueup explain {rule.id}"
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.summary[:1].upper() + rule.summary[1:]},
        "fullDescription": {"text": rule.reason},
        "help": {
            "text": f"{rule.reason} `{more}` tells more.",
            "markdown": f"{rule.reason}\n\n`{more}` tells more.",
        },
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"tags": [rule.id.partition("/")[0]]},
    }


def _result(finding: Finding, index: dict[str, int]) -> Json:
    rule = visible(finding.rule)
    location: Json = {"artifactLocation": _artifact(finding.path)}
    region = _region(finding)
    if region:
        location["region"] = region
    result: Json = {
        "ruleId": rule,
        "ruleIndex": index[rule],
        "level": finding.severity.value,
        "message": {"text": _message(finding)},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
    }
    if finding.edit is not None:
        result["fixes"] = [_fix(finding, finding.edit)]
    return result


def _message(finding: Finding) -> str:
    # The first sentence is what a viewer shows where room is short (3.11.3).
    sentences = [visible(finding.message), visible(finding.reason)]
    if finding.suggestion is not None:
        sentences.append(f"Suggestion: {visible(finding.suggestion)}")
    return _plain("\n".join(filter(None, sentences)))


def _plain(text: str) -> str:
    """Text that holds neither a placeholder (3.11.5) nor an embedded link (3.11.6)."""
    if "](" in text:
        text = re.sub(r"[\\\[\]]", r"\\\g<0>", text)
    return text.replace("{", "{{").replace("}", "}}")


def _artifact(path: str) -> Json:
    return {"uri": uri_path(path), "uriBaseId": BASE_ID}


def _region(finding: Finding) -> Json:
    if finding.line is None:
        return {}
    numbers = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }
    return {name: number for name, number in numbers.items() if number is not None}


def _fix(finding: Finding, edit: Edit) -> Json:
    # The content for a region of bytes must be given as bytes (3.57.2).
    content = {"binary": base64.b64encode(edit.replacement).decode("ascii")}
    region = {"byteOffset": edit.start_byte, "byteLength": edit.end_byte - edit.start_byte}
    change = {
        "artifactLocation": _artifact(finding.path),
        "replacements": [{"deletedRegion": region, "insertedContent": content}],
    }
    text = finding.suggestion or f"Replace it by {edit.replacement.decode('utf-8', 'surrogateescape')}"
    return {"description": {"text": _plain(visible(text))}, "artifactChanges": [change]}


def _suppression(item: Suppressed) -> Json:
    suppression = {"kind": "inSource" if item.by == "comment" else "external"}
    if item.reason:
        suppression["justification"] = visible(item.reason)
    return suppression


def _notification(note: Note) -> Json:
    notification: Json = {"level": "note", "message": {"text": _plain(visible(note.message))}}
    if note.path is not None:
        notification["locations"] = [{"physicalLocation": {"artifactLocation": _artifact(note.path)}}]
    return notification
