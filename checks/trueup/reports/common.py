"""What several formats say in the same way: places, numbers, order, reasons."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from trueup.findings import Finding, RunResult, Severity
from trueup.rules import registry

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1}


class RuleCount(NamedTuple):
    """A rule that was broken: how often, how badly, and what the registry says of it (empty for an unknown rule)."""

    id: str
    number: int
    severity: Severity
    summary: str
    reason: str


def most_severe_first(findings: list[Finding]) -> list[Finding]:
    """Errors before warnings; among equals the order stays."""
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])


def place(finding: Finding) -> str:
    """`PATH:LINE:COLUMN`, as far as it is known; editors and terminals make it a link. Not escaped."""
    numbers = (finding.line, finding.column if finding.line else None)
    return ":".join([finding.path, *(str(number) for number in numbers if number)])


def counted(number: int, noun: str) -> str:
    """`1 file`, `1,234 files`; the noun is given in the plural."""
    if number == 1:
        noun = noun[:-3] + "y" if noun.endswith("ies") else noun.removesuffix("s")
    return f"{number:,} {noun}"


def looked_at(result: RunResult) -> str:
    """What was checked: `690 files, 32,177 links`, for several checks each with its name."""
    # A check that found nothing to look at is not worth a word beside one that did.
    checks = [check for check in result.checks if any(check.counts.values())] or result.checks[:1]
    parts = [(check.name, ", ".join(counted(n, noun) for noun, n in check.counts.items())) for check in checks]
    if len(parts) == 1:
        return parts[0][1] or parts[0][0]
    return "; ".join(f"{name}: {counts}" if counts else name for name, counts in parts) or "nothing"


def verdict(result: RunResult) -> str:
    """`2 errors, 1 warning in 2 files`, or `nothing wrong`."""
    if not result.findings:
        return "nothing wrong"
    numbers = (
        (result.count(Severity.ERROR), "errors"),
        (result.count(Severity.WARNING), "warnings"),
    )
    files = len({finding.path for finding in result.findings})
    return ", ".join(counted(number, noun) for number, noun in numbers if number) + f" in {counted(files, 'files')}"


def duration(seconds: float) -> str:
    """`0.41 s`, `12.3 s`, `140 s`."""
    digits = 2 if seconds < 10 else 1 if seconds < 100 else 0
    return f"{seconds:.{digits}f} s"


def own_reason(finding: Finding) -> str | None:
    """The finding's reason where it says more than its rule's, which reports give once for all."""
    rule = registry().get(finding.rule)
    return finding.reason if finding.reason and (rule is None or rule.reason != finding.reason) else None


def rule_counts(findings: list[Finding]) -> list[RuleCount]:
    """The rules that were broken, errors first, then the most frequent."""
    counts = Counter(finding.rule for finding in findings)
    worst: dict[str, Severity] = {}
    for finding in most_severe_first(findings):
        worst.setdefault(finding.rule, finding.severity)
    rules = registry()
    found = [
        RuleCount(
            id, count, worst[id], rules[id].summary if id in rules else "", rules[id].reason if id in rules else ""
        )
        for id, count in counts.items()
    ]
    return sorted(found, key=lambda rule: (_ORDER[rule.severity], -rule.number, rule.id))
