"""Versions as texts, whatever their scheme: what is one, when two say the same, how one is written in another's form.

`v0.14.0`, `0.14.0`, `0.14.0+cu129` and the tag `v0.14.0-cu129` name the same release: they have the same core.
`0.14` is a *partial* version: it covers `0.14.0` and `0.14.1`.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

LONGEST = 100

# A pre-release belongs to the release it leads to: `1.0rc1`, `1.0.0-rc.1`, `0.6.0-edge.1`, `1.2.dev3`, `1.2.post1`.
_PRE = r"(?:[-._]?(?:a|b|c|rc|alpha|beta|pre|preview|dev|edge|post|nightly|canary|M)[-._]?\d*+(?:\.\d+)*+(?![A-Za-z]))"
_VERSION = re.compile(
    rf"(?P<prefix>(?:[A-Za-z][\w.-]{{0,40}}?[-_/])?[vV]?\.?)"
    rf"(?P<core>\d{{4}}-\d\d-\d\d(?!\d)|\d{{1,9}}+(?:\.\d{{1,9}}+){{0,4}}+{_PRE}{{0,2}}+)"
    r"(?P<suffix>(?:[+._-][0-9A-Za-z][0-9A-Za-z.+_-]*+)?)"
)
_SHA = re.compile(r"[0-9a-f]{7,64}")


class Version(NamedTuple):
    """`v` `0.14.0` `-cu129`. A commit is its own core."""

    prefix: str
    core: str
    suffix: str

    @property
    def parts(self) -> int:
        """How many numbers the core has: 2 for `0.14`; 0 for a commit."""
        return 0 if is_commit(self.core) else self.core.count(".") + 1

    @property
    def text(self) -> str:
        """As written."""
        return self.prefix + self.core + self.suffix


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Version | None:
    """The parts of a version; `None` for what is none (`latest`, `main`, `${X}`)."""
    if not text or len(text) > LONGEST:
        return None
    if is_commit(text):
        return Version("", text, "")
    found = _VERSION.fullmatch(text)
    return None if found is None else Version(found["prefix"], found["core"], found["suffix"])


def is_commit(text: str) -> bool:
    """Whether this is (the beginning of) a commit's id: seven hexadecimal digits or more, not a plain number."""
    return _SHA.fullmatch(text) is not None and not text.isdigit()


def is_specific(text: str) -> bool:
    """Whether this is surely a version where a bare number could be anything: dotted, after a `v`, or a commit."""
    version = parse(text)
    if version is None:
        return False
    return is_commit(text) or "." in version.core or version.prefix.lower().endswith("v")


@functools.lru_cache(maxsize=4096)
def key(text: str) -> tuple[str, ...]:
    """Equal for texts that say the same version to the same precision: `v0.14.0`, `0.14.0+cu129`."""
    version = parse(text)
    if version is None:
        return (text,)
    if version.parts == 0:
        return (version.core,)
    return tuple(re.sub(r"[-_.]?(?=[A-Za-z])|(?<=[A-Za-z])[-_.]", "", part.lower()) for part in _split(version.core))


def _split(core: str) -> list[str]:
    """The numbers, then the pre-release as one part: `1.0.0-rc.1` is `1`, `0`, `0`, `rc1`."""
    if "-" in core and re.fullmatch(r"\d{4}-\d\d-\d\d", core):
        return core.split("-")
    release = re.match(r"[\d.]*\d", core)
    assert release is not None  # a core begins with a digit
    rest = core[release.end() :]
    return [*release[0].split("."), *([re.sub(r"[-._]", "", rest)] if rest else [])]


def same(one: str, other: str) -> bool:
    """Whether two texts name the same version; trailing zeros do not count where both are whole (`1.0`, `1.0.0`)."""
    return key(one) == key(other)


def covers(partial: str, whole: str) -> bool:
    """Whether a version, taken as all that begin with it, holds another: `0.14` holds `0.14.1`."""
    short, long = key(partial), key(whole)
    return len(short) <= len(long) and long[: len(short)] == short


def rewritten(old: str, new: str) -> str | None:
    """A new version in the form of the old one: its prefix, its precision, its suffix. `None` where that is unknown.

    >>> rewritten("v0.14.0-cu129", "0.14.1")
    'v0.14.1-cu129'
    >>> rewritten("0.14", "v0.15.2")
    '0.15'
    """
    before, after = parse(old), parse(new)
    if before is None or after is None:
        return None
    if before.parts == 0 or after.parts == 0:
        return new if before.parts == after.parts else None
    core = after.core
    numbers = [number for number in key(after.core) if number.isdigit()]
    precision = sum(number.isdigit() for number in key(before.core))
    if precision < len(numbers):
        core = ".".join(numbers[:precision])
    return before.prefix + core + (before.suffix or (after.suffix if after.suffix.startswith("+") else ""))


def order(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key to sort versions by, older ones first; commits come before everything."""
    version = parse(text)
    if version is None or version.parts == 0:
        return ()
    return (
        *tuple(
            (1, int(part), "") if part.isdigit() else (0 if not part.startswith("post") else 2, 0, part)
            for part in key(text)
        ),
        (0, 1, ""),
    )


def goes_back(old: str, new: str) -> bool:
    """Whether a version is older than another of the same scheme; a date and a number are not of one."""
    before, after = order(old), order(new)
    if not before or not after or (before[0][1] >= 1900) != (after[0][1] >= 1900):
        return False
    return after < before
