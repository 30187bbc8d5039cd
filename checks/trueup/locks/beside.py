"""What stands beside a manifest: two locks of different tools, or a lock that Git does not track."""

from __future__ import annotations

from trueup.config import PathMatcher
from trueup.locks.files import Files, join_folder
from trueup.locks.formats import Format
from trueup.locks.report import Place, Report


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
