"""What stands beside a manifest: two locks of different tools, or a lock that Git does not track."""

from __future__ import annotations

import shlex

from trueup.config import PathMatcher
from trueup.locks.files import Files, join_folder
from trueup.locks.formats import FORMATS, Format
from trueup.locks.report import Place, Report

MOST_TOLD = 50  # each asks Git once


def two_locks(chosen: dict[str, Format], report: Report) -> None:
    """Tells locks of different tools in one folder for one manifest."""
    beside: dict[tuple[str, str], list[tuple[str, Format]]] = {}
    for path, known in chosen.items():
        if known.tool not in ("PEP 751", "pip-compile"):  # both are written out of other locks, too
            beside.setdefault((path.rpartition("/")[0], known.manifest), []).append((path, known))
    for (folder, manifest), locks in beside.items():
        first, *others = locks
        for path, known in others:
            if known.tool != first[1].tool:
                place = Place(join_folder(folder, manifest))
                names = f"{first[0].rpartition('/')[2]} ({first[1].tool}) and {known.name} ({known.tool})"
                message = f"{names} both lock {manifest}"
                report.fault("two-locks", place, known.name, message, f"git rm {path.rpartition('/')[2]}")


def untracked_locks(files: Files, excluded: PathMatcher) -> None:
    """Tells locks that Git does not track, or is told to ignore, beside the tracked manifest of an application."""
    view = files.view
    if not view.has_disk or view.git is None:
        return
    candidates: dict[str, tuple[str, Format]] = {}
    for known in FORMATS:
        for folder in files.named(known.manifest):
            lock = join_folder(folder, known.name)
            lies = lock not in view.entries and not excluded.matches(lock) and view.lies_here(lock)
            if lies and not _is_locked(folder, known.manifest, files):
                candidates[lock] = (folder, known)
    told = 0
    for lock, (folder, known) in candidates.items():
        if told < MOST_TOLD and _is_application(folder, known.manifest, files):
            told += 1
            is_ignored = view.git.run("-C", view.root, "check-ignore", "--quiet", "--", lock).code == 0
            how, mend = ("is git-ignored", "git add --force") if is_ignored else ("is not tracked", "git add")
            place = Place(join_folder(folder, known.manifest))
            files.report.fault("untracked-lock", place, known.name, f"{lock} {how}", f"{mend} {shlex.quote(lock)}")


def _is_locked(folder: str, manifest: str, files: Files) -> bool:
    """Whether a tracked lock stands here or above: a workspace has one for all."""
    names = [known.name for known in FORMATS if known.manifest == manifest]
    parts = folder.split("/") if folder else []
    above = ["/".join(parts[:end]) for end in range(len(parts) + 1)]
    return any(join_folder(one, name) in files.view.entries for one in above for name in names)


def _is_application(folder: str, manifest: str, files: Files) -> bool:
    """Whether nobody installs it as a library: a library's lock is its author's own affair."""
    if manifest == "go.mod":
        return True  # go.sum is everybody's
    if manifest == "package.json":
        from trueup.locks.package_json import load

        package = load(folder, files)
        return package is not None and package.private is True
    data = files.toml(join_folder(folder, manifest))
    if data is None:
        return False
    if manifest == "Cargo.toml":
        return "bin" in data or files.exists(join_folder(folder, "src/main.rs"))
    tool = data.get("tool")
    poetry = tool.get("poetry") if isinstance(tool, dict) else None
    if isinstance(poetry, dict):
        return poetry.get("package-mode") is False
    return isinstance(data.get("project"), dict) and "build-system" not in data
