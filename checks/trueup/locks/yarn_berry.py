"""yarn.lock of Yarn 2 and later. It records what every workspace asks for, in an entry of its own.

`yarn install --immutable` fails where that would change.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from trueup.findings import Severity
from trueup.locks import package_json as manifests
from trueup.locks import semver
from trueup.locks.files import Files, join_folder
from trueup.locks.package_json import Manifest
from trueup.locks.report import Place, Unhashed
from trueup.locks.yaml_reading import line_of, read
from trueup.locks.yarn import resolutions

MEND = "yarn install --mode=update-lockfile"
_KINDS = ("dependencies", "devDependencies", "optionalDependencies")
_WORKSPACE = re.compile(r"@workspace:([^,\s]+)")


def judge(lock: str, text: str, members: dict[str, Manifest], files: Files) -> None:
    """Compares the entries of the workspaces with their manifests."""
    data = read(lock, text, files)
    if data is None:
        return
    known: dict[str, tuple[str, dict[str, Any]]] = {}
    for key, entry in data.items():
        if key != "__metadata" and isinstance(entry, dict):
            for descriptor in key.split(", "):
                known[descriptor] = (key, entry)
    root = next(iter(members))
    places = {}
    for key, entry in data.items():
        found = _WORKSPACE.search(str(entry.get("resolution", ""))) if isinstance(entry, dict) else None
        if found is not None:
            places[found[1]] = (key, entry)
    judgement = _Judgement(lock, text, files, known, resolutions(members[root]))
    for folder, manifest in members.items():
        below = (folder[len(root) :].lstrip("/") if root else folder) or "."
        if below not in places:
            message = f"{lock} does not hold the workspace {below}"
            files.report.fault("missing-member", manifests.place(folder, files, "name"), below, message, MEND)
        else:
            judgement.workspace(folder, manifest, *places[below])
    for below, (key, _) in places.items():
        gone = join_folder(root, below) if below != "." else root
        if ".." not in below.split("/") and not files.exists(join_folder(gone, "package.json")):
            message = f"the workspace {below} is recorded here, and no package.json is tracked there"
            files.report.fault("missing-member", judgement.place(key), below, message, MEND, Severity.WARNING)
    judgement.checksums(data)


class _Judgement:
    def __init__(
        self, lock: str, text: str, files: Files, known: dict[str, tuple[str, dict[str, Any]]], loose: frozenset[str]
    ) -> None:
        self.lock, self.text, self.files, self.report = lock, text, files, files.report
        self.known, self.loose = known, loose

    def workspace(self, folder: str, manifest: Manifest, key: str, entry: dict[str, Any]) -> None:
        recorded = entry.get("dependencies")
        recorded = recorded if isinstance(recorded, dict) else {}
        asked: dict[str, tuple[str, str]] = {}
        for kind in _KINDS:
            for name, spec in getattr(manifest, re.sub("D", "_d", kind)).items():
                asked[name] = (kind, spec)
        for name, (kind, spec) in asked.items():
            place = manifests.place(folder, self.files, kind, name)
            kept = recorded.get(name)
            if not isinstance(kept, str):
                message = f"{name}@{spec} is asked for here, and {self.place(key)} does not record it"
                self.report.fault("missing-requirement", place, name, message, MEND)
            elif name in self.loose or self._outside(name, spec, kept, place):
                continue
            elif kept not in (spec, f"npm:{spec}"):
                message = f"{name} is asked for as {spec!r} here, and {self.place(key)} records {kept!r}"
                self.report.fault("stale-manifest-data", place, name, message, MEND)
        for name in recorded.keys() - asked.keys():
            message = f"{name} is recorded here, and {join_folder(folder, 'package.json')} does not ask for it"
            self.report.fault("stale-manifest-data", self.place(key, name), name, message, MEND)

    def _outside(self, name: str, spec: str, kept: str, place: Place) -> bool:
        descriptors = [f"{name}@{spec}", f"{name}@npm:{spec}", f"{name}@{kept}", f"{name}@npm:{kept}"]
        found = next((self.known[one] for one in descriptors if one in self.known), None)
        wanted = manifests.read_spec(name, spec.removeprefix("npm:") if "@" not in spec[1:] else spec).range
        if found is None or wanted is None:
            return False
        version = semver.version(str(found[1].get("version", "")))
        if version is None or "use.local" in str(found[1].get("version")) or semver.holds(wanted, version):
            return False
        message = f"{name}@{spec} is asked for here, and {self.place(found[0])} has {found[1]['version']}"
        self.report.fault("outside-requirement", place, name, message, MEND)
        return True

    def checksums(self, data: dict[str, Any]) -> None:
        """Tells packages from a registry without checksum; those of other platforms have none until fetched."""
        missing: list[Unhashed] = []
        for key, entry in data.items():
            if not isinstance(entry, dict) or "checksum" in entry or "conditions" in entry:
                continue
            name = str(entry.get("resolution", ""))
            if "@npm:" in name and "::__archiveUrl" not in name:
                missing.append(Unhashed(name, name, functools.partial(self.place, key), "yarn install --check-cache"))
        self.report.missing_checksums(missing, "no checksum")

    def place(self, key: str, name: str | None = None) -> Place:
        patterns = [rf'^"?{re.escape(key)}"?:']
        if name is not None:
            patterns.append(rf'^ +"?{re.escape(name)}"?:')
        return line_of(self.lock, self.text, *patterns)
