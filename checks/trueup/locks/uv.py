"""uv.lock. It records the requirements that it was made from, `requires-python`, the members and the overrides.

What uv compares is in `Lock::satisfies` of uv-resolver (crates/uv-resolver/src/lock); here without a resolver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from packaging.specifiers import SpecifierSet

from trueup.config.globs import BadGlob
from trueup.locks import pep508, satisfying
from trueup.locks.files import Files, join_folder
from trueup.locks.pyproject import Asked, Pyproject, load, strings, table
from trueup.locks.report import Place
from trueup.locks.toml_lock import Locked
from trueup.locks.uv_recorded import Recorded, compare, read_recorded, with_sources

MEND = "uv lock"
_LOCAL = ("editable", "virtual", "directory")


def judge(lock: str, files: Files) -> None:
    """See `formats.Judge`."""
    data = files.toml(lock)
    if data is None:
        return
    folder = lock.rpartition("/")[0]
    root = load(folder, files)
    if root is None:
        if not files.exists(join_folder(folder, "pyproject.toml")):
            files.report.undecided(lock, "there is no pyproject.toml beside it")
        return
    _Judgement(lock, files, data, root).run()


class _Judgement:
    def __init__(self, lock: str, files: Files, data: dict[str, Any], root: Pyproject) -> None:
        self.lock, self.files, self.report, self.data, self.root = lock, files, files.report, data, root
        self.locked = Locked(lock, files.text(lock) or "", data.get("package"))
        self.pythons = pep508.specifiers(str(data.get("requires-python", ""))) or SpecifierSet()
        self.manifest = table(data, "manifest")
        self.members = {one.folder: one for one in self._members()}
        self.loose = self._overridden() | self._limited()

    def run(self) -> None:
        self._member_names()
        self._requires_python()
        self._constraints()
        for package in self.locked.packages:
            source = package.get("source")
            where = (
                next((source[kind] for kind in _LOCAL if isinstance(source.get(kind), str)), None)
                if isinstance(source, dict)
                else None
            )
            if where is not None:
                self._local_package(package, where)
        if self.root.name is None:
            self._rootless_groups()
        satisfying.missing_hashes(self.locked, self.report, _unhashed, MEND)

    def _members(self) -> Iterator[Pyproject]:
        yield self.root
        workspace = self.root.tool("uv", "workspace")
        globs = strings(workspace.get("members"))
        if not globs:
            return
        try:
            found = self.files.folders(self.root.folder, globs, "pyproject.toml")
            left_out = set(self.files.folders(self.root.folder, strings(workspace.get("exclude")), "pyproject.toml"))
        except BadGlob as error:
            self.report.undecided(self.root.path, f"which members the workspace has: {error}")
            return
        for folder in sorted(found):
            if folder != self.root.folder and folder not in left_out:
                member = load(folder, self.files)
                if member is not None and member.tool("uv").get("managed") is not False:
                    yield member

    def _member_names(self) -> None:
        expected = {one.name: one for one in self.members.values() if one.name is not None}
        recorded = {pep508.normalised(name) for name in strings(self.manifest.get("members"))}
        if not recorded:
            recorded = {
                str(one["name"])
                for one in self.locked.packages
                if isinstance(one.get("source"), dict)
                and any(one["source"].get(kind) == "." for kind in ("editable", "virtual"))
            }
        for name, member in expected.items():
            if name not in recorded:
                place = member.place("project", "name")
                self.report.fault("missing-member", place, name, f"{self.lock} does not hold the member {name}", MEND)
        for name in sorted(recorded - expected.keys()) if not self.files.has_gaps else ():
            place = self.locked.place(name)
            message = f"the member {name} is recorded here, and no pyproject.toml of the workspace has this name"
            self.report.fault("missing-member", place, name, message, MEND)

    def _requires_python(self) -> None:
        texts = [one.project.get("requires-python") for one in self.members.values() if one.name is not None]
        if not all(isinstance(text, str) for text in texts) or self.root.tool("uv", "dependency-groups") or not texts:
            if not any(isinstance(text, str) for text in texts):
                self.report.undecided(self.root.path, "requires-python, which uv takes from the machine's Python")
            return
        joined = ",".join(str(text) for text in texts)
        declared = pep508.specifiers(joined)
        recorded = self.data.get("requires-python")
        if declared is None or not isinstance(recorded, str):
            return
        if not pep508.same_pythons(declared, self.pythons):
            place = self.root.place("project", "requires-python")
            message = f"requires-python is {joined!r}, and {self.locked.key('requires-python')} records {recorded!r}"
            self.report.fault("stale-manifest-data", place, "requires-python", message, MEND)

    def _constraints(self) -> None:
        """Lists of `[tool.uv]` that apply to the whole workspace."""
        if self.files.exists(join_folder(self.root.folder, "uv.toml")):
            self.report.undecided(self.lock, "constraints and overrides, which uv.toml beside it may replace")
            return
        for key, kept in (
            ("constraint-dependencies", "constraints"),
            ("override-dependencies", "overrides"),
            ("build-constraint-dependencies", "build-constraints"),
        ):
            value = self.root.tool("uv").get(key, [])
            if isinstance(value, list) and all(isinstance(one, str) for one in value):
                declared = with_sources(self.root.listed("tool", "uv", key), self.root, self.root)
                recorded = read_recorded(self.manifest.get(kept))
                self._compare(declared, recorded, self.locked.key(kept), satisfies=False)

    def _overridden(self) -> frozenset[str]:
        """Packages whose versions or presence `[tool.uv]` changes whatever a project asks for."""
        uv = self.root.tool("uv")
        texts = [*strings(uv.get("override-dependencies")), *strings(uv.get("exclude-dependencies"))]
        read = (pep508.read(text) for text in texts)
        return frozenset(one.name for one in read if one is not None)

    def _local_package(self, package: dict[str, Any], where: str) -> None:
        folder = _inside(self.root.folder, where)
        if folder is None:
            self.report.undecided(self.lock, f"whether {package['name']} at {where} has changed: it is not in here")
            return
        member = self.members.get(folder) or load(folder, self.files)
        if member is None or member.name != package["name"]:
            if member is None and folder not in self.members:
                self.report.undecided(self.lock, f"whether {package['name']} at {where} has changed")
            return
        lender = self.root if folder in self.members else member  # a workspace lends its sources to its members
        self._version(package, member)
        metadata = table(package, "metadata")
        dynamic = member.dynamic & {"dependencies", "optional-dependencies"}
        if dynamic:
            self.report.undecided(member.path, f"requirements that are dynamic: {', '.join(sorted(dynamic))}")
        else:
            declared = with_sources(list(member.requirements()), member, lender)
            recorded = read_recorded(metadata.get("requires-dist"))
            if "metadata" not in package and not any("metadata" in one for one in self.locked.packages):
                self._by_name(package, declared)
                self._satisfaction(declared)
            else:
                place = self.locked.place(package["name"])
                self._compare(declared, recorded, place, skip=_own_extras(member))
            self._names(("project", "optional-dependencies"), member, metadata.get("provides-extras"), "extra")
        groups = [
            *member.groups(),
            *(one._replace(group="dev") for one in member.listed("tool", "uv", "dev-dependencies")),
        ]
        self._names(("dependency-groups",), member, metadata.get("requires-dev"), "group")
        self._groups(with_sources(groups, member, lender), table(metadata, "requires-dev"), package["name"])

    def _rootless_groups(self) -> None:
        """Dependency groups of a workspace whose root is no project."""
        declared = with_sources(list(self.root.groups()), self.root, self.root)
        self._groups(declared, table(self.manifest, "dependency-groups"), None)

    def _by_name(self, package: dict[str, Any], declared: list[Asked]) -> None:
        """Without recorded requirements, the names of what the package depends on still tell what came or went."""
        lists = [package.get("dependencies"), *table(package, "optional-dependencies").values()]
        resolved = {
            str(one["name"])
            for each in lists
            for one in (each if isinstance(each, list) else ())
            if isinstance(one, dict)
        }
        for asked in declared:
            name = asked.wanted.name
            known = name in resolved or name in self.loose or name == package["name"]
            if not known and name in self.locked.by_name and pep508.can_hold(asked.wanted.marker, self.pythons):
                place = self.locked.place(package["name"])
                message = f"{asked.wanted.text!r} is asked for here, and {place} does not depend on it"
                self.report.fault("stale-manifest-data", asked.place, name, message, MEND)

    def _groups(self, declared: list[Asked], recorded: dict[str, Any], package: str | None) -> None:
        if self.root.tool("uv", "dependency-groups"):
            self.report.undecided(self.lock, "dependency groups with a requires-python of their own")
            return
        place = self.locked.place(package) if package is not None else self.locked.key("manifest")
        known = {pep508.normalised(name): read_recorded(value) for name, value in recorded.items()}
        asked: dict[str, list[Asked]] = {group: [] for group in known}
        for one in declared:
            asked.setdefault(one.group, []).append(one)
        for group, mine in asked.items():
            self._compare(mine, known.get(group, []), place)

    def _compare(
        self,
        declared: list[Asked],
        recorded: list[Recorded],
        place: Place,
        *,
        skip: frozenset[str] = frozenset(),
        satisfies: bool = True,
    ) -> None:
        def is_told(one: Asked) -> bool:
            if not satisfies:  # uv takes a new constraint on what the lock does not hold
                return one.wanted.name not in self.locked.by_name
            rule = satisfying.broken_rule(one, self.locked, self.pythons, self.loose)
            return rule is not None and self._is_locked(one)

        for where, target, message in compare(declared, recorded, self.pythons, place, is_told):
            if target not in skip:
                self.report.fault("stale-manifest-data", where, target, message, MEND)
        if satisfies:
            self._satisfaction(declared)

    def _satisfaction(self, declared: list[Asked]) -> None:
        asked = [one for one in declared if self._is_locked(one)]
        satisfying.judge(asked, self.locked, self.pythons, self.report, MEND, self.loose)

    def _is_locked(self, one: Asked) -> bool:
        """Members are locked with all extras and groups; of another local package, only what is used."""
        return one.owner.folder in self.members or not (one.extra or one.group)

    def _names(self, path: tuple[str, ...], member: Pyproject, recorded: Any, kind: str) -> None:
        """Extras and groups by name: those without requirements are recorded since revision 1 of the format."""
        revision = self.data.get("revision")
        if not isinstance(revision, int) or revision < 1 or self.root.tool("uv", "dependency-groups"):
            return
        written = {pep508.normalised(name): name for name in table(member.data, *path)}
        if kind == "group" and member.tool("uv").get("dev-dependencies") is not None:
            written.setdefault("dev", "dev")
        names = recorded if isinstance(recorded, (list, dict)) else ()
        kept = {pep508.normalised(name) for name in names if isinstance(name, str)}
        for name in [one for one in written if one not in kept]:
            place = member.place(*path, written[name])
            lock = self.locked.place(member.name or "")
            self.report.fault("stale-manifest-data", place, name, f"{lock} does not record the {kind} {name}", MEND)
        for name in sorted(kept - written.keys()):
            place = self.locked.place(member.name or "")
            message = f"the {kind} {name} is recorded here, and {member.path} has no such {kind}"
            self.report.fault("stale-manifest-data", place, name, message, MEND)

    def _version(self, package: dict[str, Any], member: Pyproject) -> None:
        declared, recorded = member.project.get("version"), package.get("version")
        if "version" in member.dynamic or not isinstance(declared, str):
            return
        versions = pep508.specifiers(f"=={declared}") if "+" not in declared else None
        if versions is None or not isinstance(recorded, str) or pep508.is_inside(recorded, versions) is not False:
            return
        message = f"the version is {declared}, and {self.locked.place(package['name'])} records {recorded}"
        self.report.fault("stale-manifest-data", member.place("project", "version"), "version", message, MEND)

    def _limited(self) -> frozenset[str]:
        """With `environments`, uv leaves out what only other environments need: nothing is missing for sure."""
        limited = self.root.tool("uv").get("environments") or self.data.get("supported-markers")
        return frozenset({"*"}) if limited else frozenset()


def _own_extras(member: Pyproject) -> frozenset[str]:
    """With a dynamic version uv records the extras that name the project itself either written out or not."""
    return frozenset({member.name or ""}) if "version" in member.dynamic else frozenset()


def _inside(folder: str, where: str) -> str | None:
    from trueup.links.paths import join

    path, above = join(folder, where)
    return None if above or where.startswith("/") else path


def _unhashed(package: dict[str, Any]) -> Iterable[str]:
    """The files of a package from a registry over HTTP that have no hash."""
    source = package.get("source")
    registry = source.get("registry") if isinstance(source, dict) else None
    if isinstance(registry, str) and registry.startswith(("http://", "https://")):
        files = [package.get("sdist"), *(package.get("wheels") or ())]
        for one in files:
            if isinstance(one, dict) and "hash" not in one:
                yield str(one.get("url") or one.get("path") or "?").rpartition("/")[2]
