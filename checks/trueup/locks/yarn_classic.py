"""yarn.lock of Yarn 1: entries by what was asked for, `name@range`. Who asked is not recorded.

`yarn install --frozen-lockfile` fails where a pattern of a manifest has no entry.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from trueup.locks import package_json as manifests
from trueup.locks import semver
from trueup.locks.files import Files, place_at
from trueup.locks.package_json import Manifest
from trueup.locks.report import Place, Unhashed
from trueup.locks.yarn import resolutions

MEND = "yarn install"
_KINDS = ("dependencies", "devDependencies", "optionalDependencies")
_ENTRY = re.compile(r"^([^\s#][^\n]*):[ \t]*\n((?:[ \t]+[^\n]*\n?|[ \t]*\n)*+)", re.MULTILINE)
_FIELD = re.compile(r'^  "?(version|resolved|integrity)"?[ \t]+"?([^"\n]*)"?[ \t]*$', re.MULTILINE)
_PATTERN = re.compile(r'"([^"\n]*)"|([^\s,"]+)')


class Entry(NamedTuple):
    """What one entry says; `start` is its offset."""

    start: int
    fields: dict[str, str]


def entries(text: str) -> Iterator[tuple[list[str], Entry]]:
    """The patterns of each entry, and the entry."""
    for found in _ENTRY.finditer(text):
        patterns = [one[1] or one[2] or "" for one in _PATTERN.finditer(found[1])] or [""]
        fields = {one[1]: one[2] for one in _FIELD.finditer(found[2])}
        yield patterns, Entry(found.start(), fields)


def judge(lock: str, text: str, members: dict[str, Manifest], files: Files) -> None:
    """Compares the patterns of all manifests with the entries."""
    known: dict[str, Entry] = {}
    missing: list[Unhashed] = []
    report = files.report
    for patterns, entry in entries(text):
        known |= dict.fromkeys(patterns, entry)
        resolved = entry.fields.get("resolved", "")
        from_registry = resolved.startswith(("http://", "https://")) and "codeload.github.com" not in resolved
        if from_registry and "integrity" not in entry.fields and "#" not in resolved and ".git" not in resolved:
            find = functools.partial(place_at, lock, text, entry.start)
            missing.append(Unhashed(patterns[0], patterns[0].rpartition("@")[0], find, MEND))
    report.missing_checksums(missing, "no integrity, and no hash in its address")
    if text.strip() and not known and any(any(one.of(kind) for kind in _KINDS) for one in members.values()):
        files.not_parsable(Place(lock, 1, 1), "no entry of a yarn.lock is in it")
        return
    own = {one.name: one.version for one in members.values()}
    loose = resolutions(next(iter(members.values())))
    report.undecided(lock, "whether requirements were removed: Yarn 1 does not record who asks for an entry")
    for folder, manifest in members.items():
        for kind in _KINDS:
            for name, spec in manifest.of(kind).items():
                if name in loose or spec.startswith(("link:", "workspace:", "portal:")) or _is_own(name, spec, own):
                    continue
                place = manifests.place(folder, files, kind, name)
                found = known.get(f"{name}@{spec}" if spec else f"{name}@")
                if found is None:
                    others = [one for one in known if one.startswith(f"{name}@")]
                    _missing(lock, text, name, spec, place, others, known, files)
                    continue
                wanted = manifests.read_spec(name, spec).range
                version = semver.version(found.fields.get("version", ""))
                if wanted is not None and version is not None and not semver.holds(wanted, version):
                    where = place_at(lock, text, found.start)
                    message = f"{name}@{spec} is asked for here, and {where} has {found.fields['version']}"
                    report.fault("outside-requirement", place, name, message, MEND)


def _missing(
    lock: str, text: str, name: str, spec: str, place: Place, others: list[str], known: dict[str, Entry], files: Files
) -> None:
    """No entry for this pattern: another range of the package may be there."""
    if not others:
        message = f"{name}@{spec} is asked for here, and {lock} holds no {name}"
        files.report.fault("missing-requirement", place, name, message, MEND)
        return
    entry = known[others[0]]
    where = place_at(lock, text, entry.start)
    wanted, version = manifests.read_spec(name, spec).range, semver.version(entry.fields.get("version", ""))
    inside = wanted is None or version is None or semver.holds(wanted, version)
    rule = "stale-manifest-data" if inside else "outside-requirement"
    message = f"{name}@{spec} is asked for here, and {where} has {others[0]} at {entry.fields.get('version')}"
    files.report.fault(rule, place, name, message, MEND)


def _is_own(name: str, spec: str, own: dict[str | None, str | None]) -> bool:
    """Whether Yarn takes the workspace of this name: where its version fits."""
    if name not in own:
        return False
    wanted, version = semver.npm_range(spec), semver.version(own[name] or "")
    return wanted is None or version is None or semver.holds(wanted, version)
