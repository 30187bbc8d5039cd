"""Cargo.lock, versions 1 to 4. It holds what every member needs with all features, on all platforms.

Of the manifests it records names alone: which packages each member depends on.
"""

from __future__ import annotations

import functools
import shlex
from typing import Any

from trueup.config.globs import BadGlob
from trueup.findings import Severity
from trueup.locks import semver
from trueup.locks.cargo_toml import CargoToml, Dependency, load, members
from trueup.locks.files import Files, join_folder
from trueup.locks.pyproject import strings, table
from trueup.locks.report import Place, Unhashed
from trueup.locks.toml_lock import Locked

MEND = "cargo update --workspace"


def judge(lock: str, files: Files) -> None:
    """See `formats.Judge`."""
    data = files.toml(lock)
    folder = lock.rpartition("/")[0]
    root = load(folder, files) if data is not None else None
    if data is None or root is None:
        if data is not None and not files.exists(join_folder(folder, "Cargo.toml")):
            files.report.undecided(lock, "there is no Cargo.toml beside it")
        return
    packages = [*(data.get("package") or ()), *([data["root"]] if isinstance(data.get("root"), dict) else [])]
    _Judgement(lock, files, data, root, packages).run()


class _Judgement:
    def __init__(self, lock: str, files: Files, data: dict[str, Any], root: CargoToml, packages: list[Any]) -> None:
        self.lock, self.files, self.report, self.root = lock, files, files.report, root
        self.locked = Locked(lock, files.text(lock) or "", packages)
        self.checksums = table(data, "metadata")  # version 1 keeps them there
        # A patch may replace any package by one with another source, and says nothing of the version.
        self.patched = {
            str(one.get("package", name)) if isinstance(one, dict) else name
            for source in table(root.data, "patch").values()
            for name, one in table(source).items()
        } | {name.partition(":")[0] for name in table(root.data, "replace")}

    def run(self) -> None:
        try:
            found = members(self.root, self.files)
        except BadGlob as error:
            self.report.undecided(self.root.path, f"which members the workspace has: {error}")
            return
        for member in found.values():
            self._member(member)
        self._gone(found)
        self._checksums()

    def _member(self, member: CargoToml) -> None:
        name, version = member.name or "", member.version(self.root)
        entries = [one for one in self.locked.by_name.get(name, ()) if "source" not in one]
        if not entries:
            message = f"{self.lock} does not hold the member {name}"
            self.report.fault("missing-member", member.place("package", "name"), name, message, MEND)
            return
        entry = next((one for one in entries if one.get("version") == version), entries[0])
        place = self.locked.place(name, self.locked.by_name[name].index(entry))
        if version is not None and semver.version(str(entry.get("version"))) != semver.version(version):
            message = f"{name} is {version} here, and {place} records {entry.get('version')}"
            self.report.fault("stale-manifest-data", member.place("package", "version"), name, message, MEND)
        resolved: dict[str, list[list[str]]] = {}
        for text in strings(entry.get("dependencies")):
            words = text.split(" ")
            resolved.setdefault(words[0], []).append(words)
        asked = list(member.dependencies(self.root))
        for one in asked:
            self._dependency(member, one, resolved, place)
        for gone in resolved.keys() - {one.name for one in asked} - self.patched:
            message = f"{name} depends on {gone} here, and {member.path} does not ask for it"
            self.report.fault("stale-manifest-data", place, gone, message, MEND)

    def _dependency(
        self, member: CargoToml, one: Dependency, resolved: dict[str, list[list[str]]], place: Place
    ) -> None:
        if one.name not in self.locked.by_name:
            message = f"{one.name} is asked for here, and {self.lock} holds no {one.name}"
            self.report.fault("missing-requirement", self._place(member, one), one.name, message, MEND)
            return
        if one.name not in resolved:
            if one.name == member.name and one.kind == "dev-dependencies":
                return  # a package that tests itself
            message = f"{one.name} is asked for here, and {place} does not depend on it"
            self.report.fault("stale-manifest-data", self._place(member, one), one.name, message, MEND)
            return
        wanted = semver.cargo_range(one.version) if one.version is not None else None
        if wanted is None or one.name in self.patched:
            return
        versions = [words[1] for words in resolved[one.name] if len(words) > 1] or self.locked.versions(one.name)
        read = [semver.version(text) for text in versions]
        if not any(found is None or semver.holds(wanted, found) for found in read):
            has = ", ".join(
                f"{self.locked.place(one.name, self._index(one.name, text))} has {text}" for text in versions
            )
            message = f"{one.name} = {one.version!r} is asked for here, and {has}"
            mend = f"cargo update --package {shlex.quote(one.name)}" if len(versions) == 1 else MEND
            self.report.fault("outside-requirement", self._place(member, one), one.name, message, mend)

    def _index(self, name: str, version: str) -> int:
        versions = [one.get("version") for one in self.locked.by_name[name]]
        return versions.index(version) if version in versions else 0

    def _place(self, member: CargoToml, one: Dependency) -> Place:
        return member.place(*one.key)

    def _gone(self, found: dict[str, CargoToml]) -> None:
        """Packages of the lock without a source that are neither members nor path dependencies of one."""
        known = {one.name for one in found.values()} | self.patched
        waiting = [*found.values()]
        seen = set(found)
        for one in waiting:  # grows while it is read
            for dependency in one.dependencies(self.root):
                if dependency.path is None or dependency.is_git:
                    known.add(dependency.name)  # a path that leaves the repository: nobody here can tell
                elif dependency.path not in seen:
                    seen.add(dependency.path)
                    further = load(dependency.path, self.files)
                    known.add(dependency.name)
                    waiting += [further] if further is not None else []
        for package in self.locked.packages:
            if "source" not in package and package["name"] not in known and not self.files.has_gaps:
                message = f"{package['name']} is a member here, and no Cargo.toml of the workspace has this name"
                place = self.locked.place(package["name"])
                # `--locked` lets what nothing needs any more pass.
                self.report.fault("missing-member", place, package["name"], message, MEND, Severity.WARNING)

    def _checksums(self) -> None:
        seen: dict[str, int] = {}
        found: list[Unhashed] = []
        for package in self.locked.packages:
            name, source = package["name"], str(package.get("source", ""))
            seen[name] = seen.get(name, -1) + 1
            shown = f"{name} {package.get('version')}"
            old = f"checksum {shown} ({source})"
            if source.startswith(("registry+", "sparse+")) and "checksum" not in package and old not in self.checksums:
                place = functools.partial(self.locked.place, name, seen[name])
                found.append(Unhashed(shown, name, place, f"cargo update --package {name}"))
        self.report.missing_checksums(found, "no checksum")
