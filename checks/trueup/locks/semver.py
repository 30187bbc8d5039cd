"""Ranges of versions as npm and Cargo write them (https://semver.org, node-semver 7, the crate semver 1).

Tests compare every kind of range with npm's own `semver`: the libraries on offer differ from it on pre-releases.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

_NUMBER = r"(?:0|[1-9]\d{0,15}|[xX*])"
_IDENTIFIERS = r"[0-9A-Za-z.-]{1,200}"
_PARTIAL = re.compile(
    rf"[v=\s]*({_NUMBER})(?:\.({_NUMBER})(?:\.({_NUMBER})(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?)?)?"
)
_VERSION = re.compile(rf"v?(\d{{1,16}})\.(\d{{1,16}})\.(\d{{1,16}})(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?")
_OPERATOR = re.compile(r"(\^|~>?|[<>]=?|=)\s*")
_HYPHEN = re.compile(r"\s*(\S+)\s+-\s+(\S+)\s*")
_LOWEST = ((0, 0, ""),)  # the pre-release `-0`, below all others
LONGEST_RANGE = 1000

Identifier = tuple[int, int, str]


class Version(NamedTuple):
    """Comparable: a release stands above its pre-releases; build metadata does not count."""

    major: int
    minor: int
    patch: int
    is_release: bool
    pre: tuple[Identifier, ...]


class Bound(NamedTuple):
    """One comparison: `=`, `<`, `<=`, `>` or `>=`."""

    operator: str
    version: Version


Range = tuple[tuple[Bound, ...], ...]
_Partial = tuple[int | None, int | None, int | None, tuple[Identifier, ...]]
_NOTHING = Bound("<", Version(0, 0, 0, False, _LOWEST))


@functools.lru_cache(maxsize=8192)
def version(text: str) -> Version | None:
    """A version; `None` for what is none."""
    found = _VERSION.fullmatch(text.strip())
    if found is None:
        return None
    pre = _identifiers(found[4])
    return Version(int(found[1]), int(found[2]), int(found[3]), not pre, pre)


@functools.lru_cache(maxsize=8192)
def npm_range(text: str) -> Range | None:
    """A range as package.json has it; `None` for a tag, a URL, or what is no range at all."""
    if len(text) > LONGEST_RANGE:
        return None
    alternatives = []
    for part in text.split("||"):
        hyphen = _HYPHEN.fullmatch(part)
        if hyphen is not None:
            words = [(">=", hyphen[1]), ("<=", hyphen[2])]
        else:
            words = [_split(word) for word in _OPERATOR.sub(r"\1", part).split()]
        bounds = [_bounds(operator or "=", partial) for operator, partial in words]
        if any(one is None for one in bounds):
            return None
        alternatives.append(tuple(bound for one in bounds if one is not None for bound in one))
    return tuple(alternatives)


@functools.lru_cache(maxsize=8192)
def cargo_range(text: str) -> Range | None:
    """A range as Cargo.toml has it: without an operator it is a caret's."""
    if len(text) > LONGEST_RANGE:
        return None
    bounds: list[Bound] = []
    for part in text.split(","):
        operator, partial = _split(_OPERATOR.sub(r"\1", part.strip(), count=1))
        wild = any(mark in partial.partition("-")[0] for mark in "*xX")
        found = _bounds(operator or ("=" if wild else "^"), partial)
        if found is None:
            return None
        bounds += found
    return (tuple(bounds),)


def holds(wanted: Range, found: Version) -> bool:
    """Whether a version lies in a range; a pre-release only where the range names one of the same release."""
    return any(_all_hold(bounds, found) for bounds in wanted)


def _all_hold(bounds: tuple[Bound, ...], found: Version) -> bool:
    if not all(_holds(bound, found) for bound in bounds):
        return False
    return found.is_release or any(bound.version.pre and bound.version[:3] == found[:3] for bound in bounds)


def _holds(bound: Bound, found: Version) -> bool:
    operator, limit = bound
    if operator == "=":
        return found == limit
    if operator in (">", ">="):
        return found > limit or (operator == ">=" and found == limit)
    return found < limit or (operator == "<=" and found == limit)


def _split(word: str) -> tuple[str, str]:
    found = _OPERATOR.match(word)
    return (found[1], word[found.end() :]) if found else ("", word)


def _identifiers(text: str | None) -> tuple[Identifier, ...]:
    if not text:
        return ()
    parts = text.split(".")
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def _read(text: str) -> _Partial | None:
    if text == "":
        return (None, None, None, ())
    found = _PARTIAL.fullmatch(text)
    if found is None:
        return None
    numbers = [int(part) if part is not None and part.isdigit() else None for part in found.groups()[:3]]
    major, minor, patch = numbers
    if (major is None and minor is not None) or (minor is None and patch is not None):
        return None  # `1.x.3`: npm takes it for no range, too
    return major, minor, patch, _identifiers(found[4]) if patch is not None else ()


def _release(major: int, minor: int = 0, patch: int = 0) -> Version:
    return Version(major, minor, patch, True, ())


def _below(major: int, minor: int = 0, patch: int = 0) -> Bound:
    """Below a release and all its pre-releases."""
    return Bound("<", Version(major, minor, patch, False, _LOWEST))


def _bounds(operator: str, text: str) -> list[Bound] | None:
    partial = _read(text)
    if partial is None:
        return None
    major, minor, patch, pre = partial
    if major is None:
        return [_NOTHING] if operator in ("<", ">") else []
    exact = Version(major, minor or 0, patch or 0, not pre, pre)
    after = _below(major + 1) if minor is None else _below(major, minor + 1)  # behind all that the text names
    if operator in ("~", "~>"):
        return [Bound(">=", exact), after]
    if operator == "^":
        return [Bound(">=", exact), _caret_end(major, minor, patch)]
    if patch is not None:
        return [Bound(operator, exact)]
    if operator == "=":
        return [Bound(">=", exact), after]
    if operator == ">":
        return [Bound(">=", _release(*after.version[:3]))]
    if operator == "<=":
        return [after]
    return [Bound(operator, exact)] if operator == ">=" else [_below(major, minor or 0)]


def _caret_end(major: int, minor: int | None, patch: int | None) -> Bound:
    if major > 0 or minor is None:
        return _below(major + 1)
    if minor > 0 or patch is None:
        return _below(0, minor + 1)
    return _below(0, 0, patch + 1)
