"""From verdicts and spots to findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from trueup.findings import Edit, Finding, Severity
from trueup.links.problems import Problem
from trueup.links.records import BadComment, Undefined
from trueup.links.spots import Spot
from trueup.links.writing import rewritten
from trueup.repo import View
from trueup.repo.view import SYMLINK
from trueup.rules import registry


def wrong_targets(path: str, wrong: dict[str, Problem], spots: dict[str, list[Spot]], view: View) -> Iterator[Finding]:
    """A finding for each place at which a wrong target stands."""
    # Behind a symlink the same bytes stand at another place too, where the target may be right.
    entry = view.entry(path)
    may_edit = entry is not None and entry.mode != SYMLINK
    for target, problem in wrong.items():
        places: list[Spot | None] = [*spots[target]] or [None]
        for ordinal, spot in enumerate(places, start=1):
            yield finding(
                problem.rule,
                path,
                problem.message if spot is not None else f"{problem.message} (target {target})",
                reason=problem.reason,
                suggestion=problem.suggestion,
                target=target,
                ordinal=ordinal,
                severity=problem.severity,
                spot=spot,
                edit=_edit(spot, problem) if spot is not None and may_edit else None,
            )


def undefined_references(path: str, undefined: list[Undefined]) -> Iterator[Finding]:
    """A finding for each reference that is shown as plain text."""
    ordinals: Counter[str] = Counter()
    for reference in undefined:
        ordinals[reference.label] += 1
        yield finding(
            "links/undefined-reference",
            path,
            f"the label [{reference.label}] is not defined in this file",
            suggestion=_meant(reference),
            target=reference.label,
            ordinal=ordinals[reference.label],
            # A lone [label] may well be meant as text.
            severity=Severity.WARNING if reference.is_shortcut else None,
            spot=reference.spot,
        )


def _meant(reference: Undefined) -> str:
    if reference.near:
        return f"[{reference.near}] is defined"
    if reference.label.startswith(("#", "http://", "https://", "./", "../")):
        return f"[…]({reference.label}): a target stands in parentheses"
    return f"add a line [{reference.label}]: TARGET"


def bad_comments(path: str, comments: list[BadComment]) -> Iterator[Finding]:
    """Ignore comments that cannot be obeyed."""
    ordinals: Counter[str] = Counter()
    for bad in comments:
        ordinals[bad.message] += 1
        yield finding(
            "trueup/suppression-without-reason",
            path,
            bad.message,
            target=bad.message,
            ordinal=ordinals[bad.message],
            line=bad.line,
            column=bad.column,
        )


def bad_byte(path: str, spot: Spot) -> Finding:
    """A file that is not UTF-8; the rest of it was checked all the same."""
    return finding(
        "trueup/unreadable-file",
        path,
        f"byte 0x{spot.written.hex()} at offset {spot.start_byte} is not UTF-8",
        suggestion="save the file as UTF-8",
        spot=spot,
    )


def finding(
    rule_id: str,
    path: str,
    message: str,
    *,
    reason: str | None = None,
    suggestion: str | None = None,
    target: str = "",
    ordinal: int = 1,
    severity: Severity | None = None,
    spot: Spot | None = None,
    line: int | None = None,
    column: int | None = None,
    edit: Edit | None = None,
) -> Finding:
    """A finding with the rule's own reason and severity where none is given."""
    rule = registry()[rule_id]
    return Finding(
        rule=rule_id,
        severity=severity or rule.severity,
        path=path,
        message=message,
        reason=reason or rule.reason,
        target=target,
        ordinal=ordinal,
        line=spot.line if spot else line,
        column=spot.column if spot else column,
        end_line=spot.end_line if spot else None,
        end_column=spot.end_column if spot else None,
        suggestion=suggestion,
        edit=edit,
    )


def _edit(spot: Spot, problem: Problem) -> Edit | None:
    if not problem.certain:
        return None
    replacement = rewritten(spot.written, problem)
    return None if replacement is None else Edit(spot.start_byte, spot.end_byte, spot.written, replacement)
