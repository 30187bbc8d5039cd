"""TOML: pyproject.toml, Cargo.toml, rust-toolchain.toml, mise.toml; with the place of every value."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from trueup.reading.toml_places import KeyPath, places_of
from trueup.reading.toml_text import NotToml, parse
from trueup.versions import names, numbers
from trueup.versions.model import Strength, Unreadable
from trueup.versions.readers.requirement import read_requirement
from trueup.versions.readers.sink import Sink

_DEPENDENCY_TABLES = ("dependencies", "dev-dependencies", "build-dependencies")


class Toml(NamedTuple):
    """The values of a file, and where its single values stand."""

    values: dict[str, Any]
    spans: dict[KeyPath, tuple[int, int]]
    text: str

    def string(self, path: KeyPath) -> tuple[int, int] | None:
        """Where a string stands, without its quotes; `None` where it is written with escapes, or is none."""
        span = self.spans.get(path)
        if span is None or self.text[span[0]] not in "\"'":
            return None
        start, end = span[0] + 1, span[1] - 1
        return (start, end) if "\\" not in self.text[start:end] and end >= start else None


def parse_toml(text: str) -> Toml:
    """Reads a file. Raises `Unreadable` with the place of the fault."""
    try:
        values = parse(text)
    except NotToml as error:
        raise Unreadable(f"no TOML: {error.message}", error.offset or 0) from None
    return Toml(values, places_of(text).values, text)


def table(value: Any, *keys: str) -> dict[str, Any]:
    """A table inside tables; empty where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def read_pyproject(sink: Sink) -> None:
    """PEP 621, PEP 735, build requirements, uv's and Poetry's tables."""
    toml = parse_toml(sink.text)
    project = table(toml.values, "project")
    name = project.get("name")
    own = names.package(name) if isinstance(name, str) else ""
    _version(sink, toml, "own", own, ("project", "version"))
    lists: list[KeyPath] = [("project", "dependencies"), ("build-system", "requires")]
    lists += [("project", "optional-dependencies", key) for key in table(project, "optional-dependencies")]
    lists += [("dependency-groups", key) for key in table(toml.values, "dependency-groups")]
    uv = table(toml.values, "tool", "uv")
    lists += [("tool", "uv", key) for key in uv if key.endswith("-dependencies")]
    for path in lists:
        _requirements(sink, toml, path)
    _python(sink, toml, ("project", "requires-python"))
    _classifiers(sink, toml)
    for key, source in table(uv, "sources").items():
        _repository(sink, toml, ("tool", "uv", "sources", key), source)
    poetry = table(toml.values, "tool", "poetry")
    if poetry:
        _poetry(sink, toml, poetry)


def _version(sink: Sink, toml: Toml, kind: str, name: str, path: KeyPath) -> None:
    span = toml.string(path)
    if span is not None and name:
        sink.add(kind, name, *span, ".".join(map(str, path)))


def _requirements(sink: Sink, toml: Toml, path: KeyPath) -> None:
    index = 0
    where = ".".join(map(str, path))
    while (*path, index) in toml.spans or _is_table(toml.values, (*path, index)):
        span = toml.string((*path, index))
        if span is not None:
            read_requirement(sink, sink.text[slice(*span)], span[0], where)
        index += 1


def _is_table(value: Any, path: KeyPath) -> bool:
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return False
    return isinstance(value, dict | list)


def _python(sink: Sink, toml: Toml, path: KeyPath) -> None:
    """`>=3.11` is a bound; `==3.11.*` says which one."""
    span = toml.string(path)
    if span is None:
        return
    text = sink.text[slice(*span)]
    found = re.match(r"\s*(==|~=|\^|>=|)\s*(\d+(?:\.\d+)+)(?:\.\*)?\s*(?P<more>,)?", text)
    if found is not None:
        strength = Strength.EXACT if found[1] in ("==", "") else Strength.RANGE
        where = ".".join(map(str, path))
        start, end = (span[0] + offset for offset in found.span(2))
        sink.add("tool", "python", start, end, where, strength, bound=re.sub(r"\s+", "", text))


def _classifiers(sink: Sink, toml: Toml) -> None:
    """The versions of Python that the project says it supports."""
    given = table(toml.values, "project").get("classifiers")
    for index in range(len(given) if isinstance(given, list) else 0):
        span = toml.string(("project", "classifiers", index))
        found = re.fullmatch(r"Programming Language :: Python :: (\d+\.\d+)", sink.text[slice(*span)]) if span else None
        if span is not None and found is not None:
            sink.add("tool", "python", span[0] + found.start(1), span[1], "classifiers", choice=True)


def _repository(sink: Sink, toml: Toml, path: KeyPath, source: Any) -> None:
    """A dependency from a repository at a tag or commit."""
    git = source.get("git") if isinstance(source, dict) else None
    for key in ("tag", "rev"):
        span = toml.string((*path, key))
        if isinstance(git, str) and span is not None:
            sink.add("github", names.repository(git), *span, ".".join(map(str, path)))


def _poetry(sink: Sink, toml: Toml, poetry: dict[str, Any]) -> None:
    own = poetry.get("name")
    _version(sink, toml, "own", names.package(own) if isinstance(own, str) else "", ("tool", "poetry", "version"))
    tables: list[KeyPath] = [("tool", "poetry", "dependencies"), ("tool", "poetry", "dev-dependencies")]
    tables += [("tool", "poetry", "group", group, "dependencies") for group in table(poetry, "group")]
    for path in tables:
        for name, value in table(toml.values, *map(str, path)).items():
            place: KeyPath = (*path, name, "version") if isinstance(value, dict) else (*path, name)
            _repository(sink, toml, (*path, name), value)
            if name.lower() == "python":
                _python(sink, toml, place)
            else:
                # Poetry's `1.2.3` without an operator is that version and no other.
                _bound(sink, toml, "pypi", names.package(name), place, bare=Strength.EXACT)


_BOUND = re.compile(r"\s*(\^|~=?|>=|===?|=)?\s*([vV]?\d[\w.+-]*)\s*")


def _bound(sink: Sink, toml: Toml, kind: str, name: str, path: KeyPath, *, bare: Strength) -> None:
    span = toml.string(path)
    if span is None:
        return
    found = _BOUND.fullmatch(sink.text[slice(*span)])
    if found is None:
        return
    exact = Strength.EXACT
    strength = bare if found[1] is None else exact if found[1] in ("=", "==", "===") else Strength.FLOOR
    where = ".".join(map(str, path))
    sink.add(kind, name, span[0] + found.start(2), span[0] + found.end(2), where, strength)


def read_cargo(sink: Sink) -> None:
    """`[package]`, `[workspace]`, and dependencies, whose `1.2.3` allows later ones."""
    toml = parse_toml(sink.text)
    package = table(toml.values, "package")
    name = package.get("name")
    if isinstance(name, str):
        _version(sink, toml, "own", name, ("package", "version"))
    workspace: KeyPath = ("workspace", "package", "version")
    _version(sink, toml, "own", "#workspace", workspace)
    roots: list[KeyPath] = [(), ("workspace",)]
    roots += [("target", key) for key in table(toml.values, "target")]
    for root in roots:
        for kind in _DEPENDENCY_TABLES:
            path: KeyPath = (*root, kind)
            for key, value in table(toml.values, *map(str, path)).items():
                renamed = value.get("package") if isinstance(value, dict) else None
                place: KeyPath = (*path, key, "version") if isinstance(value, dict) else (*path, key)
                crate = renamed if isinstance(renamed, str) else key
                _bound(sink, toml, "cargo", crate, place, bare=Strength.FLOOR)
                _repository(sink, toml, (*path, key), value)


def read_rust_toolchain(sink: Sink) -> None:
    """`channel`, in either form of the file."""
    if "[" not in sink.text:
        found = re.match(r"\s*(\S+)\s*\Z", sink.text)
        if found is not None:
            sink.add("tool", "rust", *found.span(1), "channel")
        return
    _version(sink, parse_toml(sink.text), "tool", "rust", ("toolchain", "channel"))


def read_mise(sink: Sink) -> None:
    """`[tools]` of mise.toml."""
    toml = parse_toml(sink.text)
    for name, value in table(toml.values, "tools").items():
        path: KeyPath = ("tools", name, "version") if isinstance(value, dict) else ("tools", name)
        span = toml.string(path)
        if span is not None and numbers.parse(sink.text[slice(*span)]) is not None:
            for tool in names.families("tool", name.rpartition(":")[2].rpartition("/")[2]):
                sink.add("tool", tool, *span, f"tools.{name}")
