from __future__ import annotations

import base64
import json
from importlib import resources

import jsonschema

from trueup.findings import RunResult
from trueup.reports import jsonreport, render
from trueup.reports.escape import json_document

VALIDATOR = jsonschema.Draft202012Validator(jsonreport.schema())


def test_the_schema_that_ships_is_current() -> None:
    shipped = resources.files("trueup") / "schemas" / "report.schema.json"
    assert shipped.read_text(encoding="utf-8") == json_document(jsonreport.schema())


def test_the_schema_is_a_schema_that_refuses() -> None:
    VALIDATOR.check_schema(VALIDATOR.schema)
    assert not VALIDATOR.is_valid({})
    assert not VALIDATOR.is_valid({**json.loads(json.dumps(EMPTY)), "schema_version": 2})
    VALIDATOR.validate(EMPTY)


EMPTY = {
    "schema_version": 1,
    "tool": {"name": "trueup", "version": "0.1.0"},
    "summary": {
        "errors": 0,
        "warnings": 0,
        "suppressed": 0,
        "notes": 0,
        "files_with_findings": 0,
        "seconds": 0.413,
    },
    "checks": [{"name": "links", "counts": {"files": 690, "links": 32177}}],
    "rules": [],
    "findings": [],
    "suppressed": [],
    "notes": [],
}


def test_a_clean_run(clean: RunResult) -> None:
    assert json.loads(render("json", clean)) == EMPTY


def test_a_small_run(small: RunResult) -> None:
    report = json.loads(render("json", small))
    VALIDATOR.validate(report)
    assert report["summary"] == {
        "errors": 3,
        "warnings": 1,
        "suppressed": 1,
        "notes": 1,
        "files_with_findings": 2,
        "seconds": 0.413,
    }
    assert [(rule["id"], rule["findings"]) for rule in report["rules"]] == [
        ("links/missing-file", 2),
        ("symlinks/broken", 1),
        ("links/fragment-case", 1),
    ]
    assert [finding["line"] for finding in report["findings"]] == [7, 12, 40, None]
    assert report["findings"][1] == {
        "rule": "links/missing-file",
        "severity": "error",
        "path": "docs/guide.md",
        "path_base64": None,
        "line": 12,
        "column": 5,
        "end_line": 12,
        "end_column": 14,
        "message": "docs/instal.md is not in the repository",
        "reason": "Readers who follow it get a 404.",
        "suggestion": "install.md",
        "target": "instal.md",
        "fingerprint": small.findings[1].fingerprint,
        "edit": {
            "start_byte": 100,
            "end_byte": 109,
            "expected": base64.b64encode(b"instal.md").decode(),
            "replacement": base64.b64encode(b"install.md").decode(),
        },
    }
    assert report["suppressed"][0]["by"] == "config"
    assert report["suppressed"][0]["reason"] == "made by the build"
    assert report["suppressed"][0]["finding"]["path"] == "docs/api.md"
    assert report["notes"] == [
        {
            "check": "links",
            "message": "a submodule is not checked out: 3 links into it not checked",
            "path": "third_party/x",
        }
    ]


def test_hostile_text_comes_through_exactly_and_harms_no_terminal(hostile: RunResult) -> None:
    document = render("json", hostile)
    document.encode()
    assert set(document) & set("\x1b\x07\x9b\x00\u202e\u2066\u2028\r") == set()
    assert "##[" not in document
    report = json.loads(document)
    VALIDATOR.validate(report)
    finding, given = report["findings"][0], hostile.findings[0]
    assert base64.b64decode(finding["path_base64"]) == given.path.encode("utf-8", "surrogateescape")
    assert finding["path"] == given.path.replace("\udc80", r"\x80")
    assert finding["message"] == given.message.replace("\udcff", r"\xff").replace("\ud800", r"\ud800")


def test_every_finding_is_there(many: RunResult) -> None:
    report = json.loads(render("json", many))
    assert len(report["findings"]) == 2000
    assert len({finding["fingerprint"] for finding in report["findings"]}) == 2000
