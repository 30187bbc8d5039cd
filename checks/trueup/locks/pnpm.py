"""pnpm-lock.yaml, versions 5 to 9. It records, for every importer, the specifiers that it was made from.

`pnpm install --frozen-lockfile` compares those texts with the manifests, after overrides: so does this.
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
from trueup.locks.yaml_reading import line_of, read, sections, text_of

MEND = "pnpm install --lockfile-only"
_KINDS = ("dependencies", "devDependencies", "optionalDependencies")
_PARTS = ("lockfileVersion", "settings", "overrides", "catalogs", "specifiers", *_KINDS, "importers")
# One package of the section `packages`: its key, and its resolution, on one line or on several.
_NO_CHECKSUM = ("integrity:", "commit:", "directory:", "codeload.github.com", "repo:")  # from Git or a folder: none
_PACKAGE = re.compile(r"^  (?:'([^'\n]+)'|([^\s'#][^\n]*?)):[ \t]*\n((?:    [^\n]*\n|[ \t]*\n)*+)", re.MULTILINE)


def judge(lock: str, files: Files) -> None:
    """See `formats.Judge`."""
    text = text_of(lock, files)
    if text is None:
        return
    folder = lock.rpartition("/")[0]
    parts = sections(text)
    data: dict[str, Any] = {}
    for name in _PARTS:
        if name in parts:
            found = read(lock, text, files, parts[name])
            if found is None:
                return
            data |= found
    manifest = manifests.load(folder, files)
    if manifest is None:
        if not files.exists(join_folder(folder, "package.json")):
            files.report.undecided(lock, "there is no package.json beside it")
        return
    if "importers" not in data:
        data["importers"] = {".": {key: data[key] for key in ("specifiers", *_KINDS) if key in data}}
    judgement = _Judgement(lock, folder, text, files, data, manifest)
    judgement.run()
    if "packages" in parts:
        judgement.checksums(parts["packages"])


class _Judgement:
    def __init__(
        self, lock: str, folder: str, text: str, files: Files, data: dict[str, Any], manifest: Manifest
    ) -> None:
        self.lock, self.folder, self.text = lock, folder, text
        self.files, self.report, self.data, self.manifest = files, files.report, data, manifest
        self.workspace = self._workspace()
        importers = data["importers"]
        self.importers: dict[str, Any] = importers if isinstance(importers, dict) else {}

    def run(self) -> None:
        members = self._members()
        self._overrides()
        for folder, manifest in members.items():
            below = folder[len(self.folder) :].lstrip("/") if self.folder else folder
            importer = self.importers.get(below or ".")
            if isinstance(importer, dict):
                self._importer(folder, below or ".", manifest, importer)
            elif importer is None and any(manifest.of(field) for field in _KINDS):
                place = manifests.place(folder, self.files, "name")
                message = f"{self.lock} does not hold the importer {below or '.'}"
                self.report.fault("missing-member", place, below, message, MEND)
        for below in self.importers:
            gone = join_folder(self.folder, below) if below != "." else self.folder
            if ".." not in below.split("/") and not self.files.exists(join_folder(gone, "package.json")):
                place = self._place(below)
                message = f"the importer {below} is recorded here, and no package.json is tracked there"
                self.report.fault("missing-member", place, below, message, MEND, Severity.WARNING)

    def _workspace(self) -> dict[str, Any]:
        path = join_folder(self.folder, "pnpm-workspace.yaml")
        text = text_of(path, self.files) if self.files.exists(path) else None
        return (read(path, text, self.files) or {}) if text is not None else {}

    def _members(self) -> dict[str, Manifest]:
        found = {self.folder: self.manifest}
        globs = self.workspace.get("packages")
        texts = [one for one in globs if isinstance(one, str)] if isinstance(globs, list) else []
        try:
            folders = self.files.folders(self.folder, texts, "package.json")
        except manifests.BadGlob as error:
            self.report.undecided(self.lock, f"which importers there are: {error}")
            return found
        for folder in folders:
            if "node_modules" not in folder.split("/"):
                member = manifests.load(folder, self.files)
                found |= {folder: member} if member is not None else {}
        return found

    def _overrides(self) -> None:
        pnpm = self.manifest.pnpm if isinstance(self.manifest.pnpm, dict) else {}
        declared = self.workspace.get("overrides", pnpm.get("overrides", self.manifest.resolutions)) or {}
        recorded = self.data.get("overrides") or {}
        if not isinstance(declared, dict) or not isinstance(recorded, dict):
            return
        if declared and not recorded and "overrides" in self.workspace:
            self.report.undecided(self.lock, "overrides of pnpm-workspace.yaml: pnpm reads them there since 10.5")
            return
        # `$name` and `catalog:` are recorded as what they stand for.
        plain = {key: value for key, value in declared.items() if not str(value).startswith(("$", "catalog:"))}
        differing = {key for key, value in plain.items() if recorded.get(key) != value}
        differing |= recorded.keys() ^ declared.keys()
        if differing:
            message = f"the overrides recorded here are not those of the manifest: {', '.join(sorted(differing)[:5])}"
            self.report.fault("stale-manifest-data", self._place_top("overrides"), "overrides", message, MEND)

    def _recorded(self, importer: dict[str, Any]) -> dict[str, tuple[str | None, str | None]]:
        """Name to specifier and version, as the old and the new form have them."""
        specifiers = importer.get("specifiers")
        found: dict[str, tuple[str | None, str | None]] = {}
        for kind in _KINDS:
            part = importer.get(kind)
            for name, value in part.items() if isinstance(part, dict) else ():
                if isinstance(value, dict):
                    found[name] = (_text(value.get("specifier")), _text(value.get("version")))
                else:
                    kept = specifiers.get(name) if isinstance(specifiers, dict) else None
                    found[name] = (_text(kept), _text(value))
        for name, value in specifiers.items() if isinstance(specifiers, dict) else ():
            found.setdefault(name, (_text(value), None))
        return found

    def _importer(self, folder: str, below: str, manifest: Manifest, importer: dict[str, Any]) -> None:
        recorded = self._recorded(importer)
        asked: dict[str, tuple[str, str]] = {}
        for field in ("devDependencies", "dependencies", "optionalDependencies"):  # the later one wins
            asked |= {name: (field, spec) for name, spec in manifest.of(field).items()}
        settings = self.data.get("settings")
        settings = settings if isinstance(settings, dict) else {}
        overridden = {re.sub(r"(?<=.)@.*", "", key.rpartition(">")[2]) for key in self.data.get("overrides") or {}}
        for name, (field, spec) in asked.items():
            is_link = spec.startswith("link:")
            if is_link and settings.get("excludeLinksFromLockfile") == "true":
                continue
            specifier, version = recorded.get(name, (None, None))
            place = manifests.place(folder, self.files, field, name)
            if name not in recorded:
                message = f"{name}@{spec} is asked for here, and {self._place(below)} does not hold it"
                self.report.fault("missing-requirement", place, name, message, MEND)
                continue
            if name in overridden or self._outside(name, spec, version, below, place):
                continue
            if specifier is not None and specifier != spec:
                where = self._place(below, name)
                message = f"{name} is asked for as {spec!r} here, and {where} records {specifier!r}"
                self.report.fault("stale-manifest-data", place, name, message, MEND)
        peers = manifest.peer_dependencies if settings.get("autoInstallPeers") == "true" else {}
        for name in recorded.keys() - asked.keys() - peers.keys():
            where = self._place(below, name)
            message = f"{name} is recorded here, and {join_folder(folder, 'package.json')} does not ask for it"
            self.report.fault("stale-manifest-data", where, name, message, MEND)

    def _outside(self, name: str, spec: str, version: str | None, below: str, place: Place) -> bool:
        wanted = manifests.read_spec(name, spec).range
        if spec.startswith("catalog:"):
            wanted = semver.npm_range(self._catalog(name, spec))
        plain = re.sub(r"[(_].*", "", version or "")
        found = semver.version(plain.rpartition("@")[2] if "@" in plain[1:] else plain)
        if wanted is None or found is None or semver.holds(wanted, found):
            return False
        message = f"{name}@{spec} is asked for here, and {self._place(below, name)} has {plain}"
        self.report.fault("outside-requirement", place, name, message, MEND)
        return True

    def _catalog(self, name: str, spec: str) -> str:
        """What a `catalog:` stands for; `*` where pnpm-workspace.yaml does not say."""
        which = spec.removeprefix("catalog:") or "default"
        named = self.workspace.get("catalogs")
        table = named.get(which) if isinstance(named, dict) else None
        if which == "default" and table is None:
            table = self.workspace.get("catalog")
        value = table.get(name) if isinstance(table, dict) else None
        return value if isinstance(value, str) else "*"

    def checksums(self, part: tuple[int, int]) -> None:
        """Tells registry packages without integrity."""
        missing: list[Unhashed] = []
        for found in _PACKAGE.finditer(self.text, *part):
            key, body = found[1] or found[2], found[3]
            resolution = re.search(r"^    resolution:(.*(?:\n      .*)*)", body, re.MULTILINE)
            written = resolution[1] if resolution is not None else "integrity:"
            # From Git, a tarball's URL or a folder: those have none, or name a commit.
            if not any(word in written for word in _NO_CHECKSUM):
                place = functools.partial(line_of, self.lock, self.text, rf"^  '?{re.escape(key)}'?:")
                missing.append(Unhashed(key, key, place, "pnpm install --fix-lockfile"))
        self.report.missing_checksums(missing, "no integrity")

    def _place(self, below: str, name: str | None = None) -> Place:
        patterns = [r"^importers:", rf"^  '?{re.escape(below)}'?:"] if "\nimporters:" in self.text else []
        if name is not None:
            patterns.append(rf"^ +'?{re.escape(name)}'?:")
        return line_of(self.lock, self.text, *patterns)

    def _place_top(self, key: str) -> Place:
        return line_of(self.lock, self.text, rf"^{key}:")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
