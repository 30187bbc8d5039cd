"""The part of the check `metrics` that reads expositions: those of the repository, or those handed in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from trueup.checks import Options, Outcome
from trueup.config import Config, PathMatcher
from trueup.findings import CheckSummary, Finding, Note
from trueup.meta_rules import unreadable
from trueup.metrics.policy import PolicySet
from trueup.repo import Unreadable, View
from trueup.repo.view import SUBMODULE, SYMLINK
from trueup.rules import registry

if TYPE_CHECKING:
    # Most repositories hold no exposition: their runs do not pay for what reads one.
    from trueup.metrics.exposition.exposition import Data, Exposition
    from trueup.metrics.exposition.faults import Fault

_TAIL = re.compile(r"[^*?\[\]\\/!]+\Z")


def start(view: View, config: Config, options: Options, policies: PolicySet) -> Callable[[], Outcome]:
    """Chooses the expositions; the answer reads and judges them."""
    return lambda: _outcome(view, config, options, policies)


def _outcome(view: View, config: Config, options: Options, policies: PolicySet) -> Outcome:
    findings: list[Finding] = []
    notes: list[Note] = []
    files = samples = 0
    for handed in options.inputs:
        with handed.open() as data:
            found = judge(data, policies.stored_by(config.metrics.scraper), openmetrics=handed.openmetrics)
        findings += findings_of(handed.name, found.faults)
        notes += _notes(handed.name, found)
        files, samples = files + 1, samples + found.samples
    for path in () if options.inputs else _chosen(view, config, options):
        try:
            data = view.read(path, config.metrics.max_file_bytes)
        except Unreadable as error:
            if not view.is_gone(path):
                findings.append(unreadable(path, error))
            continue
        found = judge(data, policies)
        findings += findings_of(path, found.faults)
        notes += _notes(path, found)
        files, samples = files + 1, samples + found.samples
    summary = CheckSummary("metrics", {"expositions": files, "samples": samples})
    return Outcome(findings, {}, {}, notes, summary)


def judge(data: Data, policies: PolicySet, *, openmetrics: bool | None = None) -> Exposition:
    """The faults of an exposition, or the one that says why it is none."""
    from trueup.metrics.exposition.exposition import Exposition, read_exposition
    from trueup.metrics.exposition.faults import Fault
    from trueup.metrics.exposition.opening import strange

    why = strange(data)
    if why is None:
        return read_exposition(data, policies, openmetrics=openmetrics)
    found = Exposition(openmetrics=False)
    found.faults.append(Fault("not-an-exposition", "", 1, 1, 1, *why))
    return found


def findings_of(path: str, faults: list[Fault]) -> list[Finding]:
    """Findings in the order of the file."""
    rules = registry()
    ordinals: Counter[tuple[str, str]] = Counter()
    findings = []
    for fault in faults:
        rule = rules[f"metrics/{fault.rule}"]
        ordinals[rule.id, fault.target] += 1
        findings.append(
            Finding(
                rule=rule.id,
                severity=rule.severity,
                path=path,
                message=fault.message,
                reason=rule.reason,
                target=fault.target,
                ordinal=ordinals[rule.id, fault.target],
                line=fault.line,
                column=fault.column,
                end_line=fault.line,
                end_column=fault.end_column,
                suggestion=fault.suggestion,
            )
        )
    return findings


def _chosen(view: View, config: Config, options: Options) -> Iterator[str]:
    """Tracked files that the configuration calls expositions; of those named, any that is no consumer's."""
    wanted, unwanted = PathMatcher([*config.metrics.expositions]), PathMatcher([*config.metrics.exclude])
    tails = _tails(config.metrics.expositions)
    for path in (*view.entries, *(one for one in view.named if one not in view.entries)):
        if tails is not None and not path.endswith(tails):
            continue
        entry = view.entry(path)
        if entry is None or entry.mode in (SYMLINK, SUBMODULE) or not wanted.matches(path) or unwanted.matches(path):
            continue
        if options.asks_for(path):
            yield path


def _tails(patterns: Iterable[str]) -> tuple[str, ...] | None:
    """What every path that matches ends in; `None` where that cannot be said. Sifts 100,000 paths in no time."""
    tails = [_TAIL.search(pattern) for pattern in patterns if not pattern.startswith("!")]
    return None if None in tails else tuple(tail[0] for tail in tails if tail is not None)


def _notes(path: str, found: Exposition) -> list[Note]:
    if found.is_cut:
        from trueup.metrics.exposition.exposition import MOST_FAULTS

        return [Note("metrics", f"only the first {MOST_FAULTS:,} faults are told; the rest was not read", path)]
    return []
