"""Runs the link check in this process, and says what it found in lines that a test can hold against its own."""

from __future__ import annotations

import gc
import json
import tempfile
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

from trueup.cli import main
from trueup.links.targets import normalise
from trueup.rules import registry


class Found(NamedTuple):
    """One run: its exit code, and the JSON report as it was written."""

    code: int
    report: dict[str, Any]

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The findings as the report has them."""
        return list(self.report["findings"])

    @property
    def lines(self) -> list[str]:
        """`PATH:LINE:COLUMN RULE TARGET` for each finding, in order; a severity that is not the rule's own is shown."""
        return [_line(finding) for finding in self.findings]

    @property
    def notes(self) -> list[str]:
        """`PATH: MESSAGE`, or `MESSAGE`, in order."""
        return [(f"{note['path']}: " if note["path"] else "") + note["message"] for note in self.report["notes"]]

    @property
    def suggestions(self) -> list[str | None]:
        """What each finding suggests."""
        return [finding["suggestion"] for finding in self.findings]


def links(root: Path, *args: str) -> Found:
    """`trueup links` of the repository at `root`."""
    return check("links", root, *args)


def check(command: str, root: Path, *args: str) -> Found:
    """`trueup COMMAND` of the repository at `root`."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "report.json")
        try:
            code = main([command, "-C", str(root), "--report", f"json={place}", *args])
        finally:
            gc.enable()  # the command has no more use for it; the tests that follow have
        return Found(code, json.loads(place.read_bytes()))


def assert_places_hold_targets(root: Path, found: Found) -> None:
    """At each finding's place the file must read as the target, but for escapes."""
    for finding in found.findings:
        if finding["line"] is None or finding["rule"] == "links/undefined-reference":
            continue
        written = text_at(root / finding["path"], finding)
        assert normalise(unescape(written.replace("\\_", "_"))) == finding["target"], finding


def text_at(path: Path, finding: dict[str, Any]) -> str:
    """What a file holds between a finding's two places."""
    lines = path.read_bytes().decode().removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    assert finding["line"] == finding["end_line"]
    line: str = lines[finding["line"] - 1]
    return line[finding["column"] - 1 : finding["end_column"] - 1]


def _line(finding: dict[str, Any]) -> str:
    place = finding["path"] + (f":{finding['line']}:{finding['column']}" if finding["line"] is not None else "")
    rule, severity = finding["rule"], finding["severity"]
    usual = registry()[rule].severity.value
    return f"{place} {rule}{'' if severity == usual else f'({severity})'} {finding['target']}".rstrip()
