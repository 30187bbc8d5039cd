"""Rules about the run itself: files that cannot be read and suppressions that no longer hold."""

from __future__ import annotations

from trueup.findings import Finding, Severity
from trueup.repo import Unreadable
from trueup.repo.view import TooLarge
from trueup.rules import Rule

RULES = (
    Rule(
        id="trueup/unreadable-file",
        severity=Severity.ERROR,
        summary="a file cannot be read as text",
        reason="What cannot be read cannot be checked: the rest of the file was checked, this part was not.",
    ),
    Rule(
        id="trueup/file-too-large",
        severity=Severity.WARNING,
        summary="a file is larger than the limit and was not checked",
        reason="Time and memory are bounded for every file, so that a hostile or generated file cannot stop the run.",
    ),
    Rule(
        id="trueup/unused-suppression",
        severity=Severity.WARNING,
        summary="an ignore entry suppresses nothing any more",
        reason="A suppression that outlives its fault hides the next one; remove it.",
    ),
    Rule(
        id="trueup/suppression-without-reason",
        severity=Severity.ERROR,
        summary="an ignore comment gives no reason, or names no rule that exists",
        reason="A suppression is a decision; whoever meets it next must learn why it was taken.",
    ),
)


def unreadable(path: str, error: Unreadable) -> Finding:
    """The finding for a file that has no bytes here, or too many."""
    wanted = "trueup/file-too-large" if isinstance(error, TooLarge) else "trueup/unreadable-file"
    rule = next(rule for rule in RULES if rule.id == wanted)
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        path=path,
        message=f"this file was not checked: {error}",
        reason=rule.reason,
    )
