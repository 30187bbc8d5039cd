"""Whether what is locked satisfies what is asked for: the same question for every lock of Python packages."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Iterable
from typing import Any

from packaging.specifiers import SpecifierSet

from trueup.locks import pep508
from trueup.locks.pyproject import Asked
from trueup.locks.report import Report, Unhashed
from trueup.locks.toml_lock import Locked


def judge(
    asked: list[Asked],
    locked: Locked,
    pythons: SpecifierSet,
    report: Report,
    mend: str,
    loose: frozenset[str] = frozenset(),
) -> None:
    """Tells requirements that the lock does not hold, and locked versions outside them.

    `loose` are packages of which nothing is concluded; with `*` in it nothing counts as missing.
    """
    seen: set[tuple[str, tuple[str | int, ...]]] = set()
    for one in asked:
        if (one.owner.path, one.key) in seen:
            continue  # groups include each other
        seen.add((one.owner.path, one.key))
        rule = broken_rule(one, locked, pythons, loose)
        name = one.wanted.name
        if rule == "missing-requirement":
            message = f"{one.wanted.text!r} is asked for here, and {locked.path} holds no {name}"
            report.fault(rule, one.place, name, message, mend)
        elif rule is not None:
            versions = enumerate(locked.versions(name)[:3])
            where = ", ".join(f"{locked.place(name, at)} has {each}" for at, each in versions)
            report.fault(rule, one.place, name, f"{one.wanted.text!r} is asked for here, and {where}", mend)


def broken_rule(one: Asked, locked: Locked, pythons: SpecifierSet, loose: frozenset[str]) -> str | None:
    """The rule that the lock breaks with this requirement, if it does."""
    wanted = one.wanted
    if wanted.name in loose or wanted.name == one.owner.name:
        return None
    if wanted.name not in locked.by_name:
        missing = "*" not in loose and pep508.can_hold(_without_extra(wanted), pythons)
        return "missing-requirement" if missing else None
    versions = locked.versions(wanted.name)
    if wanted.versions is None or not versions or wanted.source is not None:
        return None
    outside = all(pep508.is_inside(version, wanted.versions) is False for version in versions)
    return "outside-requirement" if outside else None


def _without_extra(wanted: pep508.Wanted) -> Any:
    """The marker as the extra's own users see it: an extra is never off for sure."""
    return None if wanted.marker is not None and "extra" in str(wanted.marker) else wanted.marker


def missing_hashes(
    locked: Locked, report: Report, unhashed: Callable[[dict[str, Any]], Iterable[str]], mend: str
) -> None:
    """Tells packages of which a file has no hash."""
    seen: dict[str, int] = {}
    found: list[Unhashed] = []
    for package in locked.packages:
        name = package["name"]
        index = seen[name] = seen.get(name, -1) + 1
        files = list(unhashed(package))
        if files:
            more = f" and {len(files) - 1} more" if len(files) > 1 else ""
            shown = f"{name} {package.get('version', '')} ({files[0]}{more})"
            place = functools.partial(locked.place, name, index)
            command = f"{mend} --upgrade-package {shlex.quote(name)}" if mend == "uv lock" else mend
            found.append(Unhashed(shown, name, place, command))
    report.missing_checksums(found, "no hash")
