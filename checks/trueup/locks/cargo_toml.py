"""What a Cargo.toml asks for: dependencies of all kinds and targets, what the workspace lends written in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from trueup.config.globs import BadGlob
from trueup.config.locate import lines_of, nearest_line
from trueup.links.paths import join
from trueup.locks.files import Files, join_folder
from trueup.locks.pyproject import strings, table
from trueup.locks.report import Place

KINDS = ("dependencies", "dev-dependencies", "build-dependencies")
_OLD = {"dev_dependencies": "dev-dependencies", "build_dependencies": "build-dependencies"}
MOST_PACKAGES = 5000


class Dependency(NamedTuple):
    """One dependency. `name` is the package's own, `path` a folder from the root, `None` where it has none."""

    name: str
    kind: str
    version: str | None
    path: str | None
    is_git: bool
    is_optional: bool
    key: tuple[str, ...]
    is_inherited: bool = False


class CargoToml:
    """One Cargo.toml that parses."""

    def __init__(self, folder: str, files: Files, data: dict[str, Any]) -> None:
        self.folder = folder
        self.path = join_folder(folder, "Cargo.toml")
        self.data = data
        self._files = files
        self.package = table(data, "package") or table(data, "project")
        self.workspace = data.get("workspace") if isinstance(data.get("workspace"), dict) else None

    @property
    def name(self) -> str | None:
        """The package's name; `None` for a workspace that is none."""
        name = self.package.get("name")
        return name if isinstance(name, str) else None

    def version(self, root: CargoToml) -> str | None:
        """The package's version, the workspace's where it is inherited; 0.0.0 where none is given."""
        version = self.package.get("version", "0.0.0")
        if isinstance(version, dict):
            version = table(root.data, "workspace", "package").get("version")
        return version if isinstance(version, str) else None

    def place(self, *path: str) -> Place:
        """The place of a key, or of what stands around it."""
        return Place(self.path, nearest_line(lines_of(self._files.text(self.path) or ""), path))

    def dependencies(self, root: CargoToml) -> Iterator[Dependency]:
        """All of them, those of targets too: Cargo.lock holds every platform's."""
        yield from self._tables((), self.data, root)
        for target, inner in table(self.data, "target").items():
            yield from self._tables(("target", target), inner, root)

    def _tables(self, path: tuple[str, ...], data: Any, root: CargoToml) -> Iterator[Dependency]:
        for written in (*KINDS, *_OLD):
            for key, value in table(data, written).items():
                yield self._dependency((*path, written, key), _OLD.get(written, written), key, value, root)

    def _dependency(self, path: tuple[str, ...], kind: str, key: str, value: Any, root: CargoToml) -> Dependency:
        owner, is_inherited = self.folder, False
        details = value if isinstance(value, dict) else {"version": value}
        is_optional = details.get("optional") is True
        if details.get("workspace") is True:
            lent = table(root.data, "workspace", "dependencies").get(key)
            details = lent if isinstance(lent, dict) else {"version": lent}
            owner, is_inherited = root.folder, True
        name, version, where = details.get("package", key), details.get("version"), details.get("path")
        folder = None
        if isinstance(where, str):
            folder, above = join(owner, where)
            folder = None if above or where.startswith("/") else folder
        return Dependency(
            str(name),
            kind,
            version if isinstance(version, str) else None,
            folder if isinstance(where, str) else None,
            "git" in details or (isinstance(where, str) and folder is None),
            is_optional,
            path,
            is_inherited,
        )


def load(folder: str, files: Files) -> CargoToml | None:
    """The Cargo.toml of a folder, or `None` where there is none that parses."""
    data = files.toml(join_folder(folder, "Cargo.toml"))
    return None if data is None else CargoToml(folder, files, data)


def members(root: CargoToml, files: Files) -> dict[str, CargoToml]:
    """The packages of a workspace by folder: those named, and every path dependency below the root, in turn.

    Raises `BadGlob`.
    """
    found = {root.folder: root} if root.name is not None else {}
    if root.workspace is None:
        return found
    waiting: list[str] = []
    for glob in strings(root.workspace.get("members")):
        if any(mark in glob for mark in "*?["):
            waiting += files.folders(root.folder, [glob], "Cargo.toml")
        else:
            folder, above = join(root.folder, glob)
            if above:
                raise BadGlob(f"the member {glob!r} lies outside the repository")
            waiting.append(folder)
    named = set(waiting)
    excluded = [join(root.folder, one)[0] for one in strings(root.workspace.get("exclude"))]
    waiting += [one.path for one in root.dependencies(root) if one.path is not None]
    for folder in waiting:  # grows while it is read; each folder once, so that cycles end
        outside = folder not in named and any(folder == one or folder.startswith(f"{one}/") for one in excluded)
        inside = not root.folder or folder == root.folder or folder.startswith(f"{root.folder}/")
        if folder in found or outside or not (inside or folder in named) or len(found) >= MOST_PACKAGES:
            continue
        member = load(folder, files)
        if member is not None and member.name is not None and (member.workspace is None or folder == root.folder):
            found[folder] = member
            waiting += [one.path for one in member.dependencies(root) if one.path is not None]
    return found
