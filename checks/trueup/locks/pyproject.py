"""What a pyproject.toml asks for: requirements with their places, and the names of the project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from trueup.config.locate import lines_of, nearest_line
from trueup.locks import pep508
from trueup.locks.files import Files, join_folder
from trueup.locks.report import Place, Undecidable

_NAME = re.compile(r"[\w.-]+", re.ASCII)
MOST_WRITTEN_OUT = 20_000  # groups that include each other could hold any number


class Asked(NamedTuple):
    """A requirement, and where it stands. `group` is a dependency group, "" for those of the project itself."""

    wanted: pep508.Wanted
    owner: Pyproject
    key: tuple[str | int, ...]
    group: str = ""
    extra: str = ""

    @property
    def place(self) -> Place:
        """The place in the manifest."""
        return self.owner.place(*self.key)


def table(value: Any, *keys: str) -> dict[str, Any]:
    """The table under these keys; empty where something else, or nothing, stands there."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def strings(value: Any) -> list[str]:
    """The strings of a list; nothing where it is none."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _includes(value: Any) -> list[str]:
    found = [one.get("include-group") for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    return list(dict.fromkeys(pep508.normalised(one) for one in found if isinstance(one, str)))


class Pyproject:
    """One pyproject.toml that parses."""

    def __init__(self, folder: str, files: Files, data: dict[str, Any]) -> None:
        self.folder = folder
        self.path = join_folder(folder, "pyproject.toml")
        self.data = data
        self._files = files
        self.project = table(data, "project")
        self.dynamic = frozenset(strings(self.project.get("dynamic")))

    @property
    def name(self) -> str | None:
        """The normalised name of the project."""
        name = self.project.get("name")
        return pep508.normalised(name) if isinstance(name, str) else None

    def tool(self, *keys: str) -> dict[str, Any]:
        """A table of `[tool]`."""
        return table(self.data, "tool", *keys)

    def place(self, *path: str | int) -> Place:
        """The place of a key or an array element, or of what stands around it."""
        text = self._files.text(self.path)
        return Place(self.path, nearest_line(lines_of(text or ""), path))

    def requirements(self) -> Iterator[Asked]:
        """`[project]` with its extras."""
        yield from self._list(("project", "dependencies"), self.project.get("dependencies"))
        for extra, value in table(self.project, "optional-dependencies").items():
            if not _NAME.fullmatch(extra):
                continue  # no tool takes it
            for asked in self._list(("project", "optional-dependencies", extra), value):
                yield asked._replace(wanted=pep508.with_extra(asked.wanted, extra), extra=pep508.normalised(extra))

    def groups(self) -> Iterator[Asked]:
        """`[dependency-groups]`, what they include written out. Raises `Undecidable` where that is too much."""
        groups = {
            pep508.normalised(name): (name, value) for name, value in table(self.data, "dependency-groups").items()
        }
        own = {group: list(self._list(("dependency-groups", name), value)) for group, (name, value) in groups.items()}
        includes = {group: [one for one in _includes(value) if one in groups] for group, (_, value) in groups.items()}
        count = 0
        for group in groups:
            included = {group: None}
            waiting = [group]
            for one in waiting:  # grows while it is read; each group once
                count += 1 + len(own[one])
                if count > MOST_WRITTEN_OUT:
                    raise Undecidable(f"dependency groups: they are more than {MOST_WRITTEN_OUT:,} entries written out")
                yield from (asked._replace(group=group) for asked in own[one])
                waiting += [further for further in includes[one] if further not in included]
                included |= dict.fromkeys(includes[one])

    def listed(self, *path: str) -> list[Asked]:
        """The requirements of a list at this path."""
        value: Any = self.data
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return list(self._list(path, value))

    def _list(self, path: tuple[str, ...], value: Any) -> Iterator[Asked]:
        for index, text in enumerate(value if isinstance(value, list) else ()):
            if not isinstance(text, str):
                continue
            wanted = pep508.read(text)
            if wanted is None:
                self._files.not_parsable(self.place(*path, index), f"{text!r} is no requirement (PEP 508)")
            else:
                yield Asked(wanted, self, (*path, index))


def load(folder: str, files: Files) -> Pyproject | None:
    """The pyproject.toml of a folder, or `None` where there is none that parses."""
    data = files.toml(join_folder(folder, "pyproject.toml"))
    return None if data is None else Pyproject(folder, files, data)


def beside(lock: str, files: Files) -> Pyproject | None:
    """The pyproject.toml of a lock's folder; where there is none, that is noted, since nothing can be decided."""
    folder = lock.rpartition("/")[0]
    project = load(folder, files)
    if project is None and not files.exists(join_folder(folder, "pyproject.toml")):
        files.report.undecided(lock, "there is no pyproject.toml beside it")
    return project
