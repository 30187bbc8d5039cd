"""Requirements in `[tool.poetry]`, whose ranges PEP 508 does not know, as specifiers of PEP 440."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from packaging.specifiers import SpecifierSet

from trueup.locks import pep508
from trueup.locks.pyproject import Asked, Pyproject, table

_PART = re.compile(r"\s*(\^|~(?!=)|~=|===?|!=|<=|>=|<|>)?\s*(v?[0-9][^\s,]*|\*)\s*,?")
_RELEASE = re.compile(r"v?(\d{1,16}(?:\.\d{1,16})*+)(?!\d)")


def constraint(text: str) -> SpecifierSet | None:
    """A constraint of Poetry's as specifiers; `None` for a union (`||`), or what is no constraint."""
    if "|" in text:
        return None
    found: list[str] = []
    at = 0
    while at < len(text.rstrip()):
        part = _PART.match(text, at)
        if part is None:
            return None
        at = part.end()
        operator, version = part[1] or "", part[2]
        if version == "*":
            continue
        if operator in ("^", "~"):
            release = _RELEASE.match(version)
            if release is None:
                return None
            numbers = [int(one) for one in release[1].split(".")]
            found += [f">={version}", f"<{_end(operator, numbers)}"]
        else:
            found.append(f"{operator or '=='}{version}")
    return pep508.specifiers(",".join(found))


def _end(operator: str, numbers: list[int]) -> str:
    if operator == "~":
        keep = 1 if len(numbers) == 1 else 2
    else:
        nonzero = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
        keep = nonzero + 1
    end = [*numbers[: keep - 1], numbers[keep - 1] + 1]
    return ".".join(map(str, end))


def requirements(project: Pyproject) -> Iterator[Asked]:
    """Those of all groups. What `[project]` asks for as well, `[tool.poetry]` only adds a source to."""
    poetry = project.tool("poetry")
    in_project = "dependencies" in project.project
    if not in_project:
        yield from _table(project, ("dependencies",), poetry, "")
    yield from _table(project, ("dev-dependencies",), poetry, "dev")
    for group in table(poetry, "group"):
        yield from _table(project, ("group", group, "dependencies"), poetry, group)


def enriched(project: Pyproject) -> frozenset[str]:
    """Names that `[tool.poetry.dependencies]` may give a git, path or URL source beside `[project]`."""
    found = table(project.tool("poetry"), "dependencies")
    return frozenset(pep508.normalised(name) for name, value in found.items() if not isinstance(value, str))


def _table(project: Pyproject, path: tuple[str, ...], poetry: dict[str, Any], group: str) -> Iterator[Asked]:
    for name, value in table(poetry, *path).items():
        if pep508.normalised(name) == "python":
            continue
        details = {"version": value} if isinstance(value, str) else value if isinstance(value, dict) else {}
        version = details.get("version")
        sourced = any(key in details for key in ("git", "path", "file", "url"))
        versions = constraint(version) if isinstance(version, str) and not sourced else None
        marker = pep508.marker(str(details["markers"])) if "markers" in details else None
        conditional = any(key in details for key in ("python", "platform")) or not isinstance(value, (str, dict))
        if conditional and marker is None:
            marker = pep508.marker("sys_platform == 'unknown'")  # nothing is concluded where it is missing
        text = f"{name} = {version!r}" if isinstance(version, str) else name
        source = ("other", "") if sourced or versions is None else None
        wanted = pep508.Wanted(pep508.normalised(name), frozenset(), versions, marker, source, text)
        yield Asked(wanted, project, ("tool", "poetry", *path, name), group)
