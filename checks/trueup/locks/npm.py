"""package-lock.json and npm-shrinkwrap.json, lockfileVersion 1 to 3.

From version 2 on, `packages` holds a copy of the dependency maps of the root and of every workspace, and the tree of
node_modules. `npm ci` refuses a tree that does not satisfy the manifests; a copy that differs it takes, and
`npm install` writes it anew: a warning.
"""

from __future__ import annotations

import functools
import shlex
from collections.abc import Iterator
from typing import Any

import msgspec

from trueup.findings import Severity
from trueup.locks import package_json as manifests
from trueup.locks import semver
from trueup.locks.files import Files, join_folder
from trueup.locks.package_json import FIELDS, Manifest
from trueup.locks.report import Place, Unhashed

MEND = "npm install --package-lock-only"


class Entry(msgspec.Struct, rename="camel"):
    """A folder of the tree."""

    name: str | None = None
    version: str | None = None
    resolved: Any = None
    integrity: Any = None
    link: bool = False
    in_bundle: bool = False
    dependencies: dict[str, Any] = {}
    dev_dependencies: dict[str, Any] = {}
    optional_dependencies: dict[str, Any] = {}
    peer_dependencies: dict[str, Any] = {}

    def of(self, field: str) -> dict[str, Any]:
        """The copy of one of `FIELDS`."""
        return Manifest.of(self, field)  # type: ignore[arg-type]


class Old(msgspec.Struct):
    """A dependency of lockfileVersion 1."""

    version: str | None = None
    integrity: Any = None
    bundled: bool = False


class Lock(msgspec.Struct, rename="camel"):
    """The whole file."""

    lockfile_version: int = 1
    packages: dict[str, Entry] = {}
    dependencies: dict[str, Old] | msgspec.Raw = {}


def judge(lock: str, files: Files) -> None:
    """See `formats.Judge`."""
    folder, _, name = lock.rpartition("/")
    if name == "package-lock.json" and files.exists(join_folder(folder, "npm-shrinkwrap.json")):
        files.report.undecided(lock, "anything: npm reads npm-shrinkwrap.json beside it instead")
        return
    data = files.json(lock, Lock)
    manifest = manifests.load(folder, files)
    if data is None or manifest is None:
        if data is not None and not files.exists(join_folder(folder, "package.json")):
            files.report.undecided(lock, "there is no package.json beside it")
        return
    _Judgement(lock, folder, files, data, manifest).run()


class _Judgement:
    def __init__(self, lock: str, folder: str, files: Files, data: Lock, manifest: Manifest) -> None:
        self.lock, self.folder, self.files, self.report = lock, folder, files, files.report
        self.packages, self.manifest = data.packages, manifest
        self.is_old = data.lockfile_version < 2 or not data.packages
        if self.is_old:
            old = data.dependencies if isinstance(data.dependencies, dict) else {}
            self.packages = {
                f"node_modules/{name}": Entry(version=one.version, integrity=one.integrity, in_bundle=one.bundled)
                for name, one in old.items()
            }
        self.versions: dict[str, str | None] = {}
        self.overridden = frozenset(_overridden(manifest.overrides))
        npmrc = files.text(join_folder(folder, ".npmrc")) or "" if files.exists(join_folder(folder, ".npmrc")) else ""
        self.skips_peers = "legacy-peer-deps=true" in npmrc.replace(" ", "")

    def run(self) -> None:
        try:
            members = manifests.workspaces(self.folder, self.manifest, self.files)
        except manifests.BadGlob as error:
            self.report.undecided(join_folder(self.folder, "package.json"), f"which workspaces there are: {error}")
            members = {}
        if self.is_old:
            self.report.undecided(self.lock, "what lockfileVersion 1 was made from: it records no copy of package.json")
        self._members(members)
        self.versions = {self._below(folder): member.version for folder, member in members.items()}
        for folder, manifest in {self.folder: self.manifest, **members}.items():
            self._manifest(folder, manifest, {str(one.name) for one in members.values()})
        self._checksums()

    def _below(self, folder: str) -> str:
        """A folder as the lock names it."""
        return folder[len(self.folder) :].lstrip("/") if self.folder else folder

    def _members(self, members: dict[str, Manifest]) -> None:
        for folder, member in members.items():
            below = self._below(folder)
            name = member.name or below.rpartition("/")[2]
            link = self.packages.get(f"node_modules/{name}")
            if not self.is_old and (below not in self.packages or link is None):
                place = manifests.place(folder, self.files, "name")
                message = f"{self.lock} does not hold the workspace {name} ({below})"
                self.report.fault("missing-member", place, name, message, MEND)
        for path, entry in self.packages.items():
            target = entry.resolved
            if entry.link and isinstance(target, str) and path.startswith("node_modules/"):
                gone = join_folder(self.folder, target)
                if not {"..", "node_modules"} & {*target.split("/")} and not self.files.exists(
                    join_folder(gone, "package.json")
                ):
                    message = f"{path[13:]} is linked to {target}, where no package.json is tracked"
                    # `npm ci` takes it.
                    self.report.fault("missing-member", self._place(path), path[13:], message, MEND, Severity.WARNING)

    def _manifest(self, folder: str, manifest: Manifest, members: set[str]) -> None:
        below = self._below(folder)
        copy = self.packages.get(below)
        for field in FIELDS:
            recorded = copy.of(field) if copy is not None else {}
            for name, spec in manifest.of(field).items():
                # In the root, the workspace of this name comes before whatever the root asks for.
                is_workspace = name in members and folder == self.folder
                wins = not any(name in manifest.of(later) for later in FIELDS[FIELDS.index(field) + 1 :])
                told = wins and not is_workspace and self._requirement(folder, field, name, spec, manifest)
                kept = recorded.get(name)
                if not told and copy is not None and not self.is_old and kept != spec and name not in members:
                    what = "does not record it" if kept is None else f"records {kept!r}"
                    message = f"{name} is asked for as {spec!r} here, and {self._place(below)} {what}"
                    self._stale(manifests.place(folder, self.files, field, name), name, message)
            for name in recorded:
                if name not in manifest.of(field) and not any(name in manifest.of(other) for other in FIELDS):
                    message = (
                        f"{name} is recorded in {field} here, and {join_folder(folder, 'package.json')} has no {name}"
                    )
                    self._stale(self._place(below, field, name), name, message)

    def _stale(self, place: Place, name: str, message: str) -> None:
        self.report.fault("stale-manifest-data", place, name, message, MEND, Severity.WARNING)

    def _requirement(self, folder: str, field: str, name: str, spec: str, manifest: Manifest) -> bool:
        """Tells a requirement that the tree does not satisfy; whether it did."""
        if field == "peerDependencies":
            optional = manifest.peer_dependencies_meta.get(name)
            is_optional = isinstance(optional, dict) and optional.get("optional") is True
            if self.skips_peers or is_optional or self.is_old:
                return False
        path, entry = self._resolve(folder, name)
        place = manifests.place(folder, self.files, field, name)
        if entry is None:
            message = f"{name}@{spec} is asked for here, and {self.lock} holds no {name}"
            self.report.fault("missing-requirement", place, name, message, MEND)
            return True
        wanted = manifests.read_spec(name, spec)
        target = self.packages.get(str(entry.resolved)) if entry.link else entry
        # Of a workspace the manifest's version counts, not the lock's copy of it.
        version = self.versions.get(str(entry.resolved)) if entry.link else None
        version = version or (target.version if target is not None else None)
        if version is None or wanted.range is None:
            return False
        found = semver.version(version)
        if name in self.overridden:
            return False
        is_other = entry.name is not None and not entry.link and entry.name != wanted.package
        if is_other or (found is not None and not semver.holds(wanted.range, found)):
            has = f"{entry.name} {version}" if is_other else version
            message = f"{name}@{spec} is asked for here, and {self._place(path)} has {has}"
            self.report.fault("outside-requirement", place, name, message, MEND)
            return True
        return False

    def _resolve(self, folder: str, name: str) -> tuple[str, Entry | None]:
        """What node finds from a folder: node_modules beside it, then those above."""
        parts = self._below(folder).split("/") if self._below(folder) else []
        for end in range(len(parts), -1, -1):
            path = "/".join([*parts[:end], "node_modules", name])
            if path in self.packages:
                return path, self.packages[path]
        return "", None

    def _checksums(self) -> None:
        found: list[Unhashed] = []
        for path, entry in self.packages.items():
            resolved = entry.resolved
            # Without `resolved` (npm can leave it out) a version is one of the registry's.
            from_registry = (
                resolved.startswith(("http://", "https://"))
                if isinstance(resolved, str)
                else "node_modules/" in path and semver.version(entry.version or "") is not None
            )
            if from_registry and not entry.integrity and not entry.link and not entry.in_bundle:
                name = path.rpartition("node_modules/")[2]
                place = functools.partial(self._place, path)
                found.append(Unhashed(f"{name} {entry.version or ''}", name, place, f"npm update {shlex.quote(name)}"))
        self.report.missing_checksums(found, "no integrity")

    def _place(self, path: str, *keys: str) -> Place:
        text = self.files.text(self.lock) or ""
        outer = ("dependencies", path.removeprefix("node_modules/")) if self.is_old else ("packages", path)
        return manifests.place_of_key(self.lock, text, *outer, *keys)


def _overridden(overrides: Any) -> Iterator[str]:
    """The packages whose versions `overrides` sets, at any depth, whatever anybody asks for."""
    waiting = [overrides]
    for one in waiting:  # grows while it is read
        for key, value in one.items() if isinstance(one, dict) else ():
            yield key[:1] + key[1:].partition("@")[0]
            waiting.append(value)
