"""What a check finds, and what a run as a whole comes to: plain data, before any report.

Positions are 1-based; columns count Unicode code points of the line as it stands in the file
(SARIF's `unicodeCodePoints`); `end_column` points just behind the last character.
"""

from __future__ import annotations

import enum
import hashlib

import msgspec


class Severity(enum.StrEnum):
    """How bad a finding is. `error` fails a run by default, `warning` does not."""

    ERROR = "error"
    WARNING = "warning"


class Edit(msgspec.Struct, frozen=True):
    """Replace the bytes `[start_byte, end_byte)` of the finding's file, which now read `expected`."""

    start_byte: int
    end_byte: int
    expected: bytes
    replacement: bytes


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One fault at one place.

    `path` is relative to the repository's root, with `/`, undecodable bytes as surrogate escapes.
    `target` is what the fault is about (a link's target, a symlink's target) in a normal form that
    does not depend on where in the file it stands; it and `ordinal` (1 for the first finding of the
    same rule, path and target in the file, then 2, …) make the finding's identity.
    """

    rule: str
    severity: Severity
    path: str
    message: str
    reason: str
    target: str = ""
    ordinal: int = 1
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    suggestion: str | None = None
    edit: Edit | None = None

    @property
    def check(self) -> str:
        """The first part of the rule's id: `links`, `symlinks`."""
        return self.rule.partition("/")[0]

    @property
    def fingerprint(self) -> str:
        """Identity for baselines and SARIF: 32 hex digits, free of line numbers and of severity."""
        parts = (self.rule, self.path, self.target, str(self.ordinal))
        text = "\0".join(parts).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(text, digest_size=16).hexdigest()


class Note(msgspec.Struct, frozen=True):
    """Something the run could not or did not check, or decided by itself. Never fails a run."""

    check: str
    message: str
    path: str | None = None


class Suppressed(msgspec.Struct, frozen=True):
    """A finding that somebody decided to live with: `by` is `config`, `comment` or `baseline`."""

    finding: Finding
    by: str
    reason: str


class CheckSummary(msgspec.Struct, frozen=True):
    """What one check looked at. `counts` are things with their numbers: `{"files": 690, "links": 21000}`."""

    name: str
    counts: dict[str, int]


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a report can tell. `findings` are those not suppressed, sorted by path, line, column, rule."""

    findings: list[Finding]
    suppressed: list[Suppressed]
    notes: list[Note]
    checks: list[CheckSummary]
    root: str
    version: str
    seconds: float

    def count(self, severity: Severity) -> int:
        """How many unsuppressed findings have this severity."""
        return sum(1 for finding in self.findings if finding.severity is severity)


def sort_key(finding: Finding) -> tuple[str, int, int, str, str]:
    """The order of findings in every report; findings of a whole file come first."""
    return (finding.path, finding.line or 0, finding.column or 0, finding.rule, finding.target)
