"""The check `locks`: finds the locks of a repository by their names, and judges each beside its manifests."""

from __future__ import annotations

from collections.abc import Callable

from trueup.checks import Options, Outcome
from trueup.config import Config, PathMatcher
from trueup.findings import CheckSummary
from trueup.locks.formats import FORMATS, PIP_COMPILE, PIP_COMPILE_SIGN, UV_COMPILE_SIGN, Format, format_of, load
from trueup.repo import View
from trueup.repo.view import SUBMODULE, SYMLINK


def start(view: View, config: Config, options: Options) -> Callable[[], Outcome]:
    """Starts the search for compiled requirements; the answer finishes the check."""
    compiled = view.start_search((PIP_COMPILE_SIGN, UV_COMPILE_SIGN), (".txt",))

    def finish() -> Outcome:
        excluded = PathMatcher([*config.locks.exclude])
        locks = {path: known for path in [*view.entries, *view.named] if (known := format_of(path)) is not None}
        locks |= dict.fromkeys(compiled(), PIP_COMPILE)
        chosen = {
            path: known
            for path, known in sorted(locks.items())
            if not excluded.matches(path) and _is_wanted(path, known, options) and _is_file(view, path)
        }
        return _outcome(view, chosen, excluded, options)

    return finish


def _is_file(view: View, path: str) -> bool:
    entry = view.entry(path)
    return entry is not None and entry.mode not in (SYMLINK, SUBMODULE)


def _is_wanted(path: str, known: Format, options: Options) -> bool:
    """Whether the lock, its manifest, or a folder around it was asked for."""
    folder = path.rpartition("/")[0]
    manifest = f"{folder}/{known.manifest}" if folder else known.manifest
    return options.asks_for(path) or manifest in options.paths


def _outcome(view: View, chosen: dict[str, Format], excluded: PathMatcher, options: Options) -> Outcome:
    summary = CheckSummary("locks", {"locks": len(chosen)})
    manifests = {known.manifest for known in FORMATS}
    if not chosen and not any(path.rpartition("/")[2] in manifests for path in view.entries):
        return Outcome([], {}, {}, [], summary)
    # Runs of repositories without manifests do not pay for what judges them.
    from trueup.locks.beside import two_locks, untracked_locks
    from trueup.locks.files import Files
    from trueup.locks.report import Report, Undecidable

    report = Report()
    files = Files(view, report)
    for path, known in chosen.items():
        try:
            load(known).judge(path, files)
        except Undecidable as error:
            report.undecided(path, str(error))
    two_locks(chosen, report)
    if not options.paths:
        untracked_locks(files, excluded)
    return Outcome(report.findings, {}, {}, report.notes, summary)
