"""The HTML report: one file that needs nothing else, for a browser, an artefact of a CI job, or a mail.

Jinja escapes every value; a content security policy lets no script or style run but our own, named
by their hashes, and loads nothing.
"""

from __future__ import annotations

import base64
import hashlib
from itertools import groupby
from typing import TYPE_CHECKING, Any

from trueup.findings import Finding, RunResult, Severity
from trueup.reports import common
from trueup.reports.escape import markup, visible
from trueup.reports.places import file_url, github_url, tree_url

if TYPE_CHECKING:
    from markupsafe import Markup


def render(result: RunResult, *, repository: str | None = None, ref: str | None = None) -> str:
    """The whole page."""
    from importlib import resources

    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    folder = resources.files("trueup.reports") / "templates"
    source, style, script = (
        (folder / name).read_text(encoding="utf-8") for name in ("report.html.jinja", "report.css", "report.js")
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["shown"] = _shown
    page = environment.from_string(source).render(
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        **_values(result, repository, ref),
    )
    return markup(page.rstrip("\n")) + "\n"


def _values(result: RunResult, repository: str | None, ref: str | None) -> dict[str, Any]:
    return {
        "title": f"trueup: {common.verdict(result)}",
        "repository": repository,
        "ref": ref,
        "repository_url": tree_url(repository, ref),
        "version": result.version,
        "duration": common.duration(result.seconds),
        "errors": result.count(Severity.ERROR),
        "warnings": result.count(Severity.WARNING),
        "counts": [(check.name, list(check.counts.items())) for check in result.checks],
        "looked_at": common.looked_at(result),
        "rules": common.rule_counts(result.findings),
        "files": [
            _file(path, list(group), repository, ref)
            for path, group in groupby(result.findings, key=lambda finding: finding.path)
        ],
        "total": len(result.findings),
        "suppressed": [
            {**_finding(item.finding, repository, ref), "by": item.by, "why": item.reason} for item in result.suppressed
        ],
        "notes": result.notes,
    }


def _file(path: str, findings: list[Finding], repository: str | None, ref: str | None) -> dict[str, Any]:
    return {
        "path": path,
        "url": file_url(path, repository, ref),
        "errors": sum(1 for finding in findings if finding.severity is Severity.ERROR),
        "warnings": sum(1 for finding in findings if finding.severity is Severity.WARNING),
        "findings": [_finding(finding, repository, ref) for finding in findings],
    }


def _finding(finding: Finding, repository: str | None, ref: str | None) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "place": common.place(finding),
        "position": common.place(finding)[len(finding.path) + 1 :],
        "url": github_url(finding, repository, ref),
        "message": finding.message,
        "reason": common.own_reason(finding),
        "suggestion": finding.suggestion,
    }


def _shown(text: str) -> Markup:
    """Text in one line, escaped, what stands between backquotes as code."""
    from markupsafe import Markup, escape

    parts = visible(text).split("`")
    if len(parts) % 2 == 0:
        return escape(visible(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
