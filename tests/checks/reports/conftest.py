"""Runs to report on: a small one, a clean one, one that attacks its readers, one with very many findings."""

from __future__ import annotations

import pytest

from trueup.findings import CheckSummary, Edit, Finding, Note, RunResult, Severity, Suppressed, sort_key

NOT_FOUND = "Readers who follow it get a 404."
CASE = "github.com retries a fragment in lower case; most other renderers do not, and there the link is dead."

# A path and a text as a hostile repository would have them.
HOSTILE_PATH = "::error::a\n::error file=x::b,c%0A\x1b[31m<script>alert(1)</script>]]>##[add-mask]m|`\u202egnp\udc80.md"
HOSTILE_TEXT = (
    "a\n::error::x \r\n##[set-output name=a]b \x1b]0;owned\x07 \x9b31m ]]> <script>alert(1)</script> <!-- "
    "\u2028 \u202e \u2066 \x00 \udcff \ud800 \uffff | `c` **b** @user https://example.org {0} [x](1) {{ 7*7 }} %0A &lt;"
)


def finding(**changes: object) -> Finding:
    """The first finding of the small run, changed."""
    values: dict[str, object] = {
        "rule": "links/missing-file",
        "severity": Severity.ERROR,
        "path": "docs/guide.md",
        "line": 12,
        "column": 5,
        "end_line": 12,
        "end_column": 14,
        "message": "docs/instal.md is not in the repository",
        "reason": NOT_FOUND,
        "suggestion": "install.md",
        "target": "instal.md",
        "edit": Edit(100, 109, b"instal.md", b"install.md"),
    }
    return Finding(**{**values, **changes})  # type: ignore[arg-type]


def run(findings: list[Finding], **changes: object) -> RunResult:
    """A run with these findings."""
    values: dict[str, object] = {
        "findings": sorted(findings, key=sort_key),
        "suppressed": [],
        "notes": [],
        "checks": [CheckSummary("links", {"files": 690, "links": 32177})],
        "root": "/repository",
        "version": "0.1.0",
        "seconds": 0.4127,
    }
    return RunResult(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def clean() -> RunResult:
    return run([])


@pytest.fixture
def small() -> RunResult:
    return run(
        [
            finding(),
            finding(
                line=40,
                end_line=40,
                message="old.md is not in the repository",
                reason="It was renamed to new.md in 1f3c9a2.",
                suggestion=None,
                target="old.md",
                edit=None,
            ),
            finding(
                rule="links/fragment-case",
                severity=Severity.WARNING,
                line=7,
                end_line=7,
                message="#KV-Router differs from the anchor kv-router in case only",
                reason=CASE,
                suggestion="#kv-router",
                target="#KV-Router",
                edit=None,
            ),
            finding(
                rule="symlinks/broken",
                path="docs/latest",
                line=None,
                column=None,
                end_line=None,
                end_column=None,
                message="the symlink's target v9 is not in the repository",
                reason="In every clone it points to nothing.",
                suggestion=None,
                target="v9",
                edit=None,
            ),
        ],
        suppressed=[Suppressed(finding(path="docs/api.md"), "config", "made by the build")],
        notes=[Note("links", "a submodule is not checked out: 3 links into it not checked", "third_party/x")],
    )


@pytest.fixture
def hostile() -> RunResult:
    evil = {"path": HOSTILE_PATH, "message": HOSTILE_TEXT, "suggestion": HOSTILE_TEXT}
    return run(
        [finding(**evil, reason=HOSTILE_TEXT), finding(**evil, rule="links/fragment-case", severity=Severity.WARNING)],
        suppressed=[Suppressed(finding(**evil), "comment", HOSTILE_TEXT)],
        notes=[Note("links", HOSTILE_TEXT, HOSTILE_PATH)],
    )


@pytest.fixture
def many() -> RunResult:
    """2,000 findings: 1,200 warnings that come first by path, then 800 errors; long messages."""
    warnings = [
        finding(
            path=f"a/{n:04}.md", severity=Severity.WARNING, rule="links/fragment-case", reason=CASE, message="w" * 900
        )
        for n in range(1200)
    ]
    return run([*warnings, *(finding(path=f"b/{n:04}.md", message="é" * 450) for n in range(800))])
