"""Requirements as uv.lock records them, beside those of a pyproject.toml with its `[tool.uv.sources]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet

from trueup.locks import pep508
from trueup.locks.pyproject import Asked, Pyproject, strings
from trueup.locks.report import Place

_PATHS = ("editable", "directory", "virtual", "path")


class Recorded(NamedTuple):
    """One requirement of the lock."""

    name: str
    extras: frozenset[str]
    versions: SpecifierSet
    marker: Marker | None
    source: tuple[str, str] | None

    def __str__(self) -> str:
        """As PEP 508 would write it."""
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        source = f" @ {self.source[1]}" if self.source else ""
        return f"{self.name}{extras}{self.versions}{source}" + (f" ; {self.marker}" if self.marker else "")


def read_recorded(value: Any) -> list[Recorded]:
    """The requirements of an array such as `requires-dist`; what is none is left out."""
    found = []
    for one in value if isinstance(value, list) else ():
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            continue
        source = next(((key, str(one[key])) for key in ("git", "url", *_PATHS) if key in one), None)
        found.append(
            Recorded(
                pep508.normalised(one["name"]),
                frozenset(pep508.normalised(extra) for extra in strings(one.get("extras"))),
                pep508.specifiers(str(one.get("specifier", ""))) or SpecifierSet(),
                pep508.marker(str(one["marker"])) if "marker" in one else None,
                source,
            )
        )
    return found


def with_sources(asked: list[Asked], member: Pyproject, root: Pyproject) -> list[Asked]:
    """The requirements with what `[tool.uv.sources]` makes of them; the member's own come before the root's."""
    sources = {
        pep508.normalised(name): value
        for owner in (root, member)
        for name, value in owner.tool("uv", "sources").items()
    }
    return [one._replace(wanted=_sourced(one.wanted, sources.get(one.wanted.name))) for one in asked]


def _sourced(wanted: pep508.Wanted, source: Any) -> pep508.Wanted:
    if source is None or wanted.source is not None:
        return wanted
    if not isinstance(source, dict) or any(key in source for key in ("marker", "extra", "group")):
        return wanted._replace(versions=None, source=("several", ""))
    if "git" in source:
        revision = next((f"{key}={source[key]}" for key in ("rev", "tag", "branch") if key in source), "")
        return wanted._replace(versions=None, source=("git", revision))
    if "url" in source:
        return wanted._replace(versions=None, source=("url", str(source["url"])))
    if source.get("workspace") is True:
        return wanted._replace(versions=None, source=("path", ""))
    if "path" in source:
        return wanted._replace(
            versions=None, source=("path", "editable" if source.get("editable") is True else "plain")
        )
    return wanted  # an index: the versions are still its own


def compare(
    declared: list[Asked],
    recorded: list[Recorded],
    pythons: SpecifierSet,
    lock: Place,
    is_told: Callable[[Asked], bool],
) -> Iterator[tuple[Place, str, str]]:
    """What one side has and the other has not: place, target, message.

    `is_told`: a broken requirement is told with the version that is locked; then nothing is to be added here.
    """
    left = list(recorded)
    unmatched: list[Asked] = []
    matched: list[Recorded] = []
    for asked in declared:
        found = next((one for one in left if _same(asked.wanted, one, pythons)), None)
        if found is not None:
            left.remove(found)
            matched.append(found)
        elif not any(_same(asked.wanted, one, pythons) for one in matched):  # written twice: recorded once
            unmatched.append(asked)
    # What a requirement that both sides have implies, uv lets come and go.
    unmatched = [one for one in unmatched if not _is_implied(one.wanted, matched, pythons)]
    left = [one for one in left if not _is_implied(one, matched, pythons)]
    names = {asked.wanted.name for asked in declared}
    several = {asked.wanted.name for asked in declared if asked.wanted.source == ("several", "")}
    for asked in unmatched:
        wanted = asked.wanted
        other = next((one for one in left if one.name == wanted.name), None)
        if other is not None:
            left.remove(other)
        if not is_told(asked):
            kept = f"records {str(other)!r}" if other is not None else "does not record it"
            yield asked.place, wanted.name, f"{wanted.text!r} is asked for here, and {lock} {kept}"
    for one in left:
        if one.name not in several:
            again = " in this way" if one.name in names else ""
            yield lock, one.name, f"{str(one)!r} is recorded here, and the manifest does not ask for it{again}"


def _is_implied(one: pep508.Wanted | Recorded, matched: list[Recorded], pythons: SpecifierSet) -> bool:
    versions = one.versions
    return versions is not None and any(
        (one.name, one.extras, one.source, other.source) == (other.name, other.extras, None, None)
        and pep508.is_implied(versions, one.marker, other.versions, other.marker, pythons)
        for other in matched
    )


def _same(wanted: pep508.Wanted, recorded: Recorded, pythons: SpecifierSet) -> bool:
    if wanted.name != recorded.name or wanted.extras != recorded.extras:
        return False
    if wanted.source == ("several", ""):
        return True
    if not _same_source(wanted.source, recorded.source):
        return False
    if wanted.versions is not None and recorded.source is None and wanted.versions != recorded.versions:
        return False
    return pep508.same_marker(wanted.marker, recorded.marker, pythons)


def _same_source(wanted: tuple[str, str] | None, recorded: tuple[str, str] | None) -> bool:
    if wanted is None or recorded is None:
        return wanted is None and recorded is None
    if wanted[0] == "git" and recorded[0] == "git":
        if "+" in wanted[1]:
            return True
        query = dict(parse_qsl(urlsplit(recorded[1]).query))
        revision = next((f"{key}={query[key]}" for key in ("rev", "tag", "branch") if key in query), "")
        return revision == wanted[1]
    if wanted[0] == "url":
        # `git+https://…@rev` and archives: how uv splits the address is its own affair.
        return recorded[0] in ("url", "git", *_PATHS) and (recorded[0] != "url" or recorded[1] == wanted[1])
    if wanted[0] == "path" and wanted[1]:
        # Whether a folder without a build system is `virtual` depends on the version of uv.
        return recorded[0] in (("editable", "virtual") if wanted[1] == "editable" else ("directory", "virtual", "path"))
    return wanted[0] == recorded[0] or (wanted[0] == "path" and recorded[0] in _PATHS)
