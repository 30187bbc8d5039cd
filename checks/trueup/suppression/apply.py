"""Takes the suppressed findings out, and finds the suppressions that suppress nothing.

The order is configuration, comment, baseline: the most lasting decision gets the credit, so what a
configuration entry covers makes the comment beside it unused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from trueup.config import Config, Loaded, PathMatcher
from trueup.config.globs import text_pattern
from trueup.config.model import Ignore
from trueup.findings import Finding, Suppressed
from trueup.rules import registry
from trueup.suppression.baseline import Baseline
from trueup.suppression.comments import IgnoreComment

_UNUSED = "trueup/unused-suppression"


class Applied(NamedTuple):
    """`kept` and `suppressed` are the findings given (with `extra` ones that are suppressed); `extra` is new."""

    kept: list[Finding]
    suppressed: list[Suppressed]
    extra: list[Finding]


def apply(
    findings: Iterable[Finding],
    *,
    config: Config,
    comments: Mapping[str, Sequence[IgnoreComment]],
    baseline: Baseline | None = None,
    checked_rules: Collection[str] | None = None,
    whole_run: bool = True,
    source: Loaded | None = None,
    same_file: Mapping[str, str] | None = None,
) -> Applied:
    """Divides findings into those kept and those suppressed; `extra` have their rule's default severity.

    `comments` are those of the files that were checked, by path. `checked_rules` (default: all) are
    the rules that could have been broken in this run: a suppression of another one is not called
    unused. `whole_run` is false when only some paths were checked: then nothing is said about entries
    of the configuration and of the baseline. `source` says where the configuration's entries stand:
    without it nothing is said about them either. `same_file` maps a symlinked document to the one whose
    bytes it shows: a comment in it is unused only where it is unused in both.
    """
    aliases = same_file or {}
    checked = frozenset(registry() if checked_rules is None else checked_rules)
    entries = [_Entry(ignore) for ignore in config.ignore]
    by_line = _by_line(comments)
    used_comments: set[tuple[str, int, int, str]] = set()
    used_baseline: set[str] = set()
    kept: list[Finding] = []
    suppressed: list[Suppressed] = []
    for finding in findings:
        if (entry := _first(entries, finding)) is not None:
            suppressed.append(Suppressed(finding, "config", entry.reason))
        elif (hit := _comment(by_line, finding)) is not None:
            comment, rule = hit
            used_comments.add((aliases.get(finding.path, finding.path), comment.line, comment.column, rule))
            suppressed.append(Suppressed(finding, "comment", comment.reason))
        elif baseline is not None and finding.fingerprint in baseline.entries:
            used_baseline.add(finding.fingerprint)
            suppressed.append(Suppressed(finding, "baseline", f"listed in {baseline.path}"))
        else:
            kept.append(finding)

    extra: list[Finding] = []
    for found in _unused_comments(comments, aliases, used_comments, checked):
        if (entry := _first(entries, found)) is not None:
            suppressed.append(Suppressed(found, "config", entry.reason))
        else:
            extra.append(found)
    if whole_run and source is not None and source.path is not None:
        extra.extend(_unused_entries(entries, source, source.path, checked))
    if whole_run and baseline is not None:
        extra.extend(_unused_baseline(baseline, used_baseline, checked))
    return Applied(kept, suppressed, extra)


class _Entry:
    """An `ignore` entry of the configuration, ready to be compared, with its use."""

    def __init__(self, ignore: Ignore) -> None:
        self.rule = ignore.rule
        self.reason = ignore.reason
        self.used = False
        self._paths = PathMatcher(ignore.paths) if ignore.paths is not None else None
        self._targets: re.Pattern[str] | None = text_pattern(ignore.targets) if ignore.targets is not None else None

    def covers(self, finding: Finding) -> bool:
        if not _names(self.rule, finding.rule):
            return False
        if self._paths is not None and not self._paths.matches(finding.path):
            return False
        if self._targets is None:
            return True
        target = finding.target
        # A target is compared as the finding shows it, and as a person reads it: `my%20file`, `my file`.
        return self._targets.match(target) is not None or self._targets.match(unquote(target)) is not None


def _names(pattern: str, rule: str) -> bool:
    return rule == pattern or (pattern.endswith("/*") and rule.startswith(pattern[:-1]))


def _first(entries: Sequence[_Entry], finding: Finding) -> _Entry | None:
    """The first entry that covers a finding. All that do are in use: none of them hides nothing."""
    covering = [entry for entry in entries if entry.covers(finding)]
    for entry in covering:
        entry.used = True
    return covering[0] if covering else None


def _by_line(comments: Mapping[str, Sequence[IgnoreComment]]) -> dict[tuple[str, int], list[IgnoreComment]]:
    found: dict[tuple[str, int], list[IgnoreComment]] = {}
    for path, ones in comments.items():
        for comment in ones:
            found.setdefault((path, comment.covered_line), []).append(comment)
    return found


def _comment(
    by_line: Mapping[tuple[str, int], Sequence[IgnoreComment]], finding: Finding
) -> tuple[IgnoreComment, str] | None:
    if finding.line is None:
        return None
    for comment in by_line.get((finding.path, finding.line), ()):
        for rule in comment.rules:
            if _names(rule, finding.rule):
                return comment, rule
    return None


def _was_checked(pattern: str, checked: Collection[str]) -> bool:
    """Whether the run could have found something that this pattern names: all of it, for a wildcard."""
    return all(rule in checked for rule in registry() if _names(pattern, rule))


def _unused_comments(
    comments: Mapping[str, Sequence[IgnoreComment]],
    aliases: Mapping[str, str],
    used: Collection[tuple[str, int, int, str]],
    checked: Collection[str],
) -> Iterable[Finding]:
    for path in sorted(comments):
        if aliases.get(path, path) != path and aliases[path] in comments:
            continue  # told once, where the bytes are
        seen: dict[str, int] = {}
        for comment in comments[path]:
            for rule in comment.rules:
                key = (aliases.get(path, path), comment.line, comment.column, rule)
                if key in used or not _was_checked(rule, checked):
                    continue
                seen[rule] = seen.get(rule, 0) + 1
                message = f"the comment ignores {rule}, which line {comment.covered_line} does not break"
                yield _finding(path, message, rule, seen[rule], comment.line, column=comment.column)


def _unused_entries(
    entries: Sequence[_Entry], source: Loaded, path: str, checked: Collection[str]
) -> Iterable[Finding]:
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        seen[entry.rule] = seen.get(entry.rule, 0) + 1
        if not entry.used and _was_checked(entry.rule, checked):
            message = f"the entry {index + 1} of `ignore`, about {entry.rule}, suppresses nothing"
            yield _finding(path, message, entry.rule, seen[entry.rule], source.line("ignore", index))


def _unused_baseline(baseline: Baseline, used: Collection[str], checked: Collection[str]) -> Iterable[Finding]:
    known = registry()
    for fingerprint, entry in baseline.entries.items():
        if fingerprint not in used and (entry.rule in checked or entry.rule not in known):
            message = f"{entry.path} no longer breaks {entry.rule} with {entry.target!r}"
            yield _finding(baseline.path, message, fingerprint, 1, baseline.lines.get(fingerprint))


def _finding(
    path: str, message: str, target: str, ordinal: int, line: int | None, *, column: int | None = None
) -> Finding:
    rule = registry()[_UNUSED]
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        path=path,
        message=message,
        reason=rule.reason,
        target=target,
        ordinal=ordinal,
        line=line,
        column=column,
        suggestion="remove it",
    )
