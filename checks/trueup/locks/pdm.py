"""pdm.lock. It records a hash of what it was made from: `PyProject.content_hash` of PDM 2, in three forms.

Lock format 3 and 4.0 to 4.3 hash `overrides`, later ones the whole of `[tool.pdm.resolution]`; since format 4.5 the
groups of `[dependency-groups]` count among the development dependencies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from packaging.specifiers import SpecifierSet

from trueup.locks import pep508, satisfying
from trueup.locks.files import Files
from trueup.locks.pyproject import Pyproject, beside, strings, table
from trueup.locks.toml_lock import Locked

MEND = "pdm lock --update-reuse"


def judge(lock: str, files: Files) -> None:
    """See `formats.Judge`."""
    data = files.toml(lock)
    project = beside(lock, files) if data is not None else None
    if data is None or project is None:
        return
    locked = Locked(lock, files.text(lock) or "", data.get("package"))
    metadata = table(data, "metadata")
    before = len(files.report.findings)
    _satisfaction(project, metadata, locked, files)
    if len(files.report.findings) == before:  # what is missing or outside has been named: the hash says no more
        _hash(project, metadata, locked, files)
    old_files = table(metadata, "files")
    satisfying.missing_hashes(locked, files.report, lambda one: _unhashed(one, old_files), "pdm lock")


def _hash(project: Pyproject, metadata: dict[str, Any], locked: Locked, files: Files) -> None:
    recorded = metadata.get("content_hash")
    algorithm, _, digest = str(recorded).partition(":")
    if algorithm != "sha256" or not digest:
        files.report.undecided(locked.path, "what it was made from: it records no content_hash")
        return
    try:
        hashes = content_hashes(project.data)
    except (TypeError, ValueError, RecursionError):
        files.report.undecided(project.path, "its content_hash: it holds values that JSON does not have")
        return
    if digest not in hashes:
        message = f"content_hash {digest[:12]}… is not that of {project.path}, {hashes[0][:12]}…: it changed since"
        files.report.fault("stale-manifest-data", locked.key("content_hash"), "content_hash", message, MEND)


def content_hashes(data: dict[str, Any]) -> list[str]:
    """The SHA-256 that PDM makes of a pyproject.toml, newest form first."""
    project, pdm = table(data, "project"), table(data, "tool", "pdm")
    resolution = table(pdm, "resolution")
    groups: dict[str, list[Any]] = {}
    for name, value in table(data, "dependency-groups").items():
        groups[pep508.normalised(name)] = list(value)
    old_groups = table(pdm, "dev-dependencies")
    for name, value in old_groups.items():
        groups.setdefault(pep508.normalised(name), []).extend(value)
    shared = {
        "sources": pdm.get("source", []),
        "dependencies": project.get("dependencies", []),
        "optional-dependencies": project.get("optional-dependencies", {}),
        "requires-python": project.get("requires-python", ""),
    }
    forms = [
        {**shared, "dev-dependencies": groups, "resolution": resolution},
        {**shared, "dev-dependencies": old_groups, "resolution": resolution},
        {**shared, "dev-dependencies": old_groups, "overrides": pdm.get("overrides", resolution.get("overrides", {}))},
    ]
    return [hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest() for form in forms]


def _satisfaction(project: Pyproject, metadata: dict[str, Any], locked: Locked, files: Files) -> None:
    # A lock may be made for some groups only; `default` are the project's own requirements.
    chosen = {pep508.normalised(name) for name in strings(metadata.get("groups"))} or {"default"}
    asked = [*project.requirements(), *project.groups()]
    for name in table(project.tool("pdm"), "dev-dependencies"):
        asked += [
            one._replace(group=pep508.normalised(name))
            for one in project.listed("tool", "pdm", "dev-dependencies", name)
        ]
    wanted = [one for one in asked if (one.group or one.extra or "default") in chosen]
    overrides = table(project.tool("pdm"), "resolution", "overrides") | table(project.tool("pdm"), "overrides")
    excluded = strings(table(project.tool("pdm"), "resolution").get("excludes"))
    loose = frozenset(pep508.normalised(name) for name in (*overrides, *excluded))
    # A lock that is that of some platforms only may lack what others need.
    targets = metadata.get("targets")
    if isinstance(targets, list):
        partial = any(isinstance(one, dict) and ("platform" in one or "implementation" in one) for one in targets)
    else:
        partial = "cross_platform" not in strings(metadata.get("strategy"))
    declared = project.project.get("requires-python")
    pythons = (pep508.specifiers(declared) if isinstance(declared, str) else None) or SpecifierSet()
    plain = [one for one in wanted if not partial or one.wanted.marker is None or one.extra]
    satisfying.judge(plain, locked, pythons, files.report, MEND, loose)


def _unhashed(package: dict[str, Any], old_files: dict[str, Any]) -> Iterable[str]:
    if any(key in package for key in ("path", "git", "url", "ref", "revision", "editable")):
        return
    key = f"{package['name']} {package.get('version')}"
    files = package.get("files", old_files.get(key))
    for one in files if isinstance(files, list) else ():
        if isinstance(one, dict) and "hash" not in one:
            yield str(one.get("file", one.get("url", "?")))
