"""One run of the checks: configuration, checks, severities, suppression; a `RunResult` at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from trueup import __version__
from trueup.checks import Options
from trueup.checks import load as load_check
from trueup.config import Config, Loaded, Severities, load
from trueup.findings import Finding, Note, RunResult, sort_key
from trueup.repo import View
from trueup.rules import registry
from trueup.suppression import Baseline, apply, read_baseline


class Request(NamedTuple):
    """What the command line asks of a run; `None` leaves a setting as the configuration has it."""

    checks: tuple[str, ...] = ()
    options: Options = Options()
    config_path: Path | None = None
    baseline_path: Path | None = None
    use_baseline: bool = True
    repository: str | None = None
    default_branch: str | None = None
    fail_on: str | None = None
    engine: str | None = None
    scraper: str | None = None


def configuration(view: View, request: Request) -> Loaded:
    """The work tree's configuration, whichever bytes are checked, under the command line's settings."""
    loaded = load(Path(view.root), request.config_path)
    changes = {
        name: value
        for name in ("repository", "default_branch", "fail_on")
        if (value := getattr(request, name)) is not None
    }
    if request.engine is not None:
        changes["links"] = msgspec.structs.replace(loaded.config.links, engine=request.engine)
    if request.scraper is not None:
        changes["metrics"] = msgspec.structs.replace(loaded.config.metrics, scraper=request.scraper)
    return msgspec.structs.replace(loaded, config=msgspec.structs.replace(loaded.config, **changes))


def run(view: View, loaded: Loaded, request: Request) -> RunResult:
    """Runs the checks asked for, or those that the configuration names."""
    started = time.perf_counter()
    config = loaded.config
    names = request.checks or tuple(config.checks)
    begun = [load_check(name)(view, config, request.options) for name in names]
    outcomes = [finish() for finish in begun]
    severities = Severities(config)
    applied = apply(
        _with_severities([finding for outcome in outcomes for finding in outcome.findings], severities),
        config=config,
        comments={path: found for outcome in outcomes for path, found in outcome.comments.items()},
        baseline=_baseline(view, config, request),
        checked_rules=_checked(names, request.options),
        whole_run=not (request.options.paths or request.options.inputs),
        source=loaded,
        same_file={path: shown for outcome in outcomes for path, shown in outcome.same_file.items()},
    )
    kept = [*applied.kept, *_with_severities(applied.extra, severities)]
    return RunResult(
        findings=sorted(kept, key=sort_key),
        suppressed=applied.suppressed,
        notes=[
            *(_view_notes(view) if not request.options.inputs else ()),
            *(note for outcome in outcomes for note in outcome.notes),
        ],
        checks=[outcome.summary for outcome in outcomes],
        root=view.root,
        version=__version__,
        seconds=time.perf_counter() - started,
    )


def _checked(names: Sequence[str], options: Options) -> frozenset[str]:
    """The rules that a run of these checks can find broken: an entry that ignores another is not unused for it."""
    parts = {"links": ("links", "symlinks")}
    kinds = {"trueup", *(kind for name in names for kind in parts.get(name, (name,)))}
    checked = {rule for rule in registry() if rule.partition("/")[0] in kinds}
    if "versions" in names:
        from trueup.versions.rules import OF_A_CHANGE, OF_A_STATE

        checked -= OF_A_CHANGE if options.since is None else OF_A_STATE
    if options.parts:
        from trueup.metrics.rules import rules_of

        checked -= {rule.id for rule in rules_of(without=options.parts)}
    return frozenset(checked)


def _with_severities(findings: list[Finding], severities: Severities) -> list[Finding]:
    """Findings with the configured severity; a check's own deviation from the rule's default holds otherwise."""
    judged: list[Finding] = []
    rules = registry()
    for finding in findings:
        level = severities.configured(finding.rule, finding.path)
        if level == "off" or (level is None and not rules[finding.rule].enabled):
            continue
        judged.append(finding if level is None else msgspec.structs.replace(finding, severity=level))
    return judged


def _baseline(view: View, config: Config, request: Request) -> Baseline | None:
    if not request.use_baseline:
        return None
    if request.baseline_path is not None:
        return read_baseline(request.baseline_path, root=view.root)
    return read_baseline(Path(view.root) / config.baseline, root=view.root) if config.baseline else None


def _view_notes(view: View) -> list[Note]:
    if view.git is None:
        return [Note("trueup", "not a Git repository: every file that no .gitignore excludes counts as tracked")]
    return []
