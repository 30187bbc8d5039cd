"""Requirements as PEP 508 writes them, and whether two of them say the same."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_LITERAL = re.compile(
    r"""(\w+)\s*(?:[=<>!~]+|not in|in)\s*["']([^"']*)["']|["']([^"']*)["']\s*(?:[=<>!~]+|not in|in)\s*(\w+)"""
)
_LONG_NUMBER = re.compile(r"\d{19}")  # no version has one, and reading thousands of digits takes long
_PYTHON = ("python_version", "python_full_version")
# What a platform's variables say together: a marker that no platform tells apart is the same marker.
_PLATFORMS = (
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
)
_IMPLEMENTATIONS = (
    {"implementation_name": "cpython", "platform_python_implementation": "CPython"},
    {"implementation_name": "pypy", "platform_python_implementation": "PyPy"},
)
_TOGETHER = frozenset(key for one in (*_PLATFORMS, *_IMPLEMENTATIONS) for key in one)
# Environments tried for one pair of markers: beyond it nothing is decided.
MOST_ENVIRONMENTS = 600


class Wanted(NamedTuple):
    """One requirement: the normalised name and extras, versions (`None`: a source decides), marker, source, text."""

    name: str
    extras: frozenset[str]
    versions: SpecifierSet | None
    marker: Marker | None
    source: tuple[str, str] | None
    text: str


def normalised(name: str) -> str:
    """The name of a package, an extra or a group in the form in which names are compared."""
    return canonicalize_name(name)


@functools.lru_cache(maxsize=8192)
def read(text: str) -> Wanted | None:
    """A requirement; `None` for what is none."""
    if _LONG_NUMBER.search(text):
        return None
    try:
        requirement = Requirement(text)
    except (InvalidRequirement, SyntaxError, ValueError):  # packaging evaluates quoted texts as Python does
        return None
    return Wanted(
        normalised(requirement.name),
        frozenset(normalised(extra) for extra in requirement.extras),
        requirement.specifier,
        requirement.marker,
        ("url", requirement.url) if requirement.url else None,
        text,
    )


@functools.lru_cache(maxsize=4096)
def specifiers(text: str) -> SpecifierSet | None:
    """A set of version specifiers; `None` for what is none."""
    if _LONG_NUMBER.search(text):
        return None
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None


@functools.lru_cache(maxsize=4096)
def marker(text: str) -> Marker | None:
    """A marker; `None` for what is none."""
    if _LONG_NUMBER.search(text):
        return None
    try:
        return Marker(text)
    except (InvalidMarker, SyntaxError, ValueError):
        return None


def is_inside(version: str, versions: SpecifierSet) -> bool | None:
    """Whether a version satisfies the specifiers; pre-releases count. `None` where it is no version."""
    if _LONG_NUMBER.search(version):
        return None
    try:
        return versions.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return None


def with_extra(wanted: Wanted, extra: str) -> Wanted:
    """The requirement as an extra of its project has it."""
    condition = f"extra == '{normalised(extra)}'"
    return wanted._replace(marker=Marker(f"({wanted.marker}) and {condition}" if wanted.marker else condition))


def same_marker(one: Marker | None, other: Marker | None, pythons: SpecifierSet) -> bool:
    """Whether no environment with one of these Pythons tells two markers apart; true where too many would be tried."""
    return _always(one, other, pythons, lambda first, second: first == second)


def _always(
    one: Marker | None, other: Marker | None, pythons: SpecifierSet, relation: Callable[[bool, bool], bool]
) -> bool:
    if str(one) == str(other):
        return True
    environments = list(itertools.islice(_environments((one, other), pythons), MOST_ENVIRONMENTS + 1))
    if len(environments) > MOST_ENVIRONMENTS:
        return True
    return all(relation(_holds(one, environment), _holds(other, environment)) for environment in environments)


def is_implied(
    versions: SpecifierSet, where: Marker | None, by: SpecifierSet, there: Marker | None, pythons: SpecifierSet
) -> bool:
    """Whether `by` in the environments `there` leaves nothing for `versions` in the environments `where` to add."""
    if not _always(where, there, pythons, lambda inner, outer: outer or not inner):
        return False
    samples = python_samples(part.version for part in (*versions, *by))
    return all(versions.contains(sample) for sample in samples if by.contains(sample))


def can_hold(one: Marker | None, pythons: SpecifierSet) -> bool:
    """Whether some environment with one of these Pythons fulfils the marker; true where too many would be tried."""
    if one is None:
        return True
    environments = list(itertools.islice(_environments((one,), pythons), MOST_ENVIRONMENTS + 1))
    return len(environments) > MOST_ENVIRONMENTS or any(_holds(one, environment) for environment in environments)


def _holds(one: Marker | None, environment: dict[str, str]) -> bool:
    if one is None:
        return True
    try:
        return one.evaluate(environment)
    except Exception as error:
        if isinstance(error, (InvalidVersion, InvalidSpecifier, ValueError)):
            return False
        raise


def _environments(markers: Iterable[Marker | None], pythons: SpecifierSet) -> Iterator[dict[str, str]]:
    """Environments with every value that the markers name, one that they do not, and the Pythons around each."""
    named: dict[str, set[str]] = {}
    for text in (str(one) for one in markers if one is not None):
        for found in _LITERAL.finditer(text):
            variable, value = (found[1], found[2]) if found[1] else (found[4], found[3])
            named.setdefault(variable, set()).update(value.replace(",", " ").split() if " " in value else [value])
    versions = [text for key in _PYTHON for text in named.get(key, ())]
    choices: list[list[dict[str, str]]] = [
        [
            {"python_version": ".".join(full.split(".")[:2]), "python_full_version": full}
            for full in python_samples([*versions, *(one.version for one in pythons)])
            if pythons.contains(full, prereleases=True)
        ]
    ]
    for group in (_PLATFORMS, _IMPLEMENTATIONS):
        if any(key in named for key in group[0]):
            others = [
                {**dict.fromkeys(group[0], "other"), key: value}
                for key in group[0]
                for value in named.get(key, ())
                if not any(one[key] == value for one in group)
            ]
            choices.append([*group, *others])
    for key, values in named.items():
        if key not in _TOGETHER and key not in _PYTHON:
            choices.append([{key: value} for value in (*sorted(values), "other" if key != "extra" else "")])
    defaults = {"extra": ""}
    for parts in itertools.product(*choices):
        merged = dict(defaults)
        for part in parts:
            merged |= part
        yield merged


def python_samples(bounds: Iterable[str]) -> list[str]:
    """Releases at, just below and just above each of these versions."""
    found = {(3, 8, 0), (3, 13, 1), (4, 0, 0)}
    for bound in bounds:
        numbers = [int(part) for part in re.findall(r"\d{1,9}", bound)[:3]]
        if not numbers or max(numbers) > 10_000:
            continue
        major, minor, micro = (*numbers, 0, 0)[:3]
        found |= {(major, minor, micro), (major, minor, micro + 1), (major, minor + 1, 0)}
        found |= {(major, minor, micro - 1)} if micro else {(major, minor - 1, 99)} if minor else set()
    return [f"{major}.{minor}.{micro}" for major, minor, micro in sorted(found)]


def same_pythons(one: SpecifierSet, other: SpecifierSet) -> bool:
    """Whether two `requires-python` take the same releases."""
    if one == other:
        return True
    samples = python_samples(part.version for part in (*one, *other))
    return all(one.contains(sample) == other.contains(sample) for sample in samples)
