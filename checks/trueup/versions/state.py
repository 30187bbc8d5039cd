"""What differs now: exact pins of one thing, and pins that a declared requirement does not allow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from trueup.repo import View
from trueup.versions import names, numbers
from trueup.versions.locked import beside, locked
from trueup.versions.model import Located, Pin, Strength
from trueup.versions.source import Source


class Differing(NamedTuple):
    """A place with another version than most; `others` are the places of the usual one."""

    source: Source
    pin: Pin
    usual: str
    others: list[Located]
    names: frozenset[str]  # that the thing has there


class Outside(NamedTuple):
    """A pin that the requirement `bound`, declared at `declared`, does not allow."""

    source: Source
    pin: Pin
    bound: str
    declared: Located


class Place(NamedTuple):
    """A pin in its file."""

    source: Source
    pin: Pin

    @property
    def located(self) -> Located:
        """For people."""
        return Located(self.source.path, self.pin, self.source.line(self.pin))

    @property
    def version(self) -> str:
        """What the place says; of a commit, the version that the comment behind it states."""
        return self.source.stated(self.pin) or self.pin.version


# A repository may name each of these by itself; together they are one thing when they are of one family.
_CROSSING = frozenset(("pypi", "conda", "variable", "hook", "github", "tool", "image"))


def rows(sources: Iterable[Source]) -> dict[str, list[Place]]:
    """Exact pins by thing; things of different kinds and one family are one row, named after its family."""
    found: dict[str, list[Place]] = {}
    for source in sources:
        images: dict[str, set[tuple[str, ...]]] = {}
        for pin in source.pins:
            if pin.kind == "image":
                images.setdefault(pin.name, set()).add(numbers.key(pin.version))
        for pin in source.pins:
            if pin.strength is not Strength.EXACT or pin.choice or pin.name.startswith("#"):
                continue
            # Two versions of one image side by side in a file are both meant.
            if pin.kind == "image" and len(images[pin.name]) > 1:
                continue
            found.setdefault(_row(source.path, pin), []).append(Place(source, pin))
    return found


def _row(path: str, pin: Pin) -> str:
    if pin.kind in ("own", "app"):
        # Packages of two languages may have one name; what one folder declares twice is one.
        return f"{pin.thing} {path.rpartition('/')[0]}"
    if pin.kind in _CROSSING:
        last = pin.name.rpartition("/")[2]
        families = names.families(pin.kind, pin.name)
        # Of an image only its own last name counts, and of two registries each has its own.
        if pin.kind == "image":
            return next(iter(families)) if "/" not in pin.name and len(families) == 1 else pin.thing
        if len(families) == 1:
            return next(iter(families))
        return last
    return pin.thing


def locks_of(view: View, sources: list[Source], paths: Iterable[str]) -> list[Source]:
    """The locks among these paths, with what the files beside them pin."""
    exact = {pin.thing for source in sources for pin in source.pins if pin.strength is Strength.EXACT}
    return [beside(lock, sources) for lock in locked(view, paths, exact)]


def differing(found: dict[str, list[Place]]) -> Iterator[Differing]:
    """The places that have another version than the others of their row."""
    told: set[tuple[str, int]] = set()
    for places in found.values():
        if any(names.varies(place.pin.kind, place.pin.name) for place in places):
            continue
        if len({place.pin.version for place in places}) < 2:
            continue
        groups = _groups(places)
        if len(groups) < 2:
            continue
        usual = max(groups, key=lambda group: (len(group), numbers.order(group[0].version)))
        others = sorted(place.located for place in _once(usual))
        shown = frozenset(place.pin.name for place in others)
        for place in (one for group in groups if group is not usual for one in _without_echoes(group)):
            if (place.source.path, place.pin.start) not in told:
                told.add((place.source.path, place.pin.start))
                yield Differing(place.source, place.pin, usual[0].version, others, shown)


def _without_echoes(group: list[Place]) -> list[Place]:
    """A lock repeats what its manifest says: where that is told, the lock need not be."""
    stated = [place for place in group if place.pin.where != "lock"]
    return stated or group


def _once(places: list[Place]) -> list[Place]:
    """Each place once, though it may be a pin of two things."""
    return list({(one.source.path, one.pin.start): one for one in reversed(places)}.values())


def _groups(places: list[Place]) -> list[list[Place]]:
    """Places with the same version together; a partial version belongs to each whole one that it holds."""
    groups: list[list[Place]] = []
    holding: dict[tuple[str, ...], list[Place]] = {}  # by every beginning of a group's longest version, the first
    for place in sorted(places, key=lambda one: -len(numbers.key(one.version))):
        mine = numbers.key(place.version)
        if mine in holding:
            holding[mine].append(place)
            continue
        group = [place]
        groups.append(group)
        for length in range(1, len(mine) + 1):
            holding.setdefault(mine[:length], group)
    return groups


def outside(sources: list[Source]) -> Iterator[Outside]:
    """Pins that the nearest manifest above them does not allow."""
    bounds: dict[tuple[str, str], list[Place]] = {}
    for source in sources:
        folder = source.path.rpartition("/")[0]
        if source.path.rpartition("/")[2] in ("pyproject.toml", "setup.cfg"):
            for pin in source.pins:
                if (
                    pin.bound
                    and pin.strength is not Strength.EXACT
                    and pin.kind in ("pypi", "tool")
                    and pin.where.startswith(("project.", "options."))
                ):
                    bounds.setdefault((folder, pin.thing), []).append(Place(source, pin))
    if not bounds:
        return
    things = {thing for _, thing in bounds}
    for source in sources:
        for pin in source.pins:
            thing = _as_package(pin)
            if pin.strength is not Strength.EXACT or thing not in things:
                continue
            declared = _nearest(bounds, source.path.rpartition("/")[0], thing)
            if declared and not any(_allows(one.pin.bound, pin.version) for one in declared):
                yield Outside(source, pin, declared[0].pin.bound, declared[0].located)


def _as_package(pin: Pin) -> str:
    if pin.kind == "image" and pin.name == "python":
        return "tool:python"
    if pin.kind == "variable" and pin.name == "PYTHON_VERSION":
        return "tool:python"
    return pin.thing


def _nearest(bounds: dict[tuple[str, str], list[Place]], folder: str, thing: str) -> list[Place]:
    while True:
        if (folder, thing) in bounds:
            return bounds[folder, thing]
        if not folder:
            return []
        folder = folder.rpartition("/")[0]


def _allows(bound: str, version: str) -> bool:
    """Whether a requirement allows a version; what cannot be told is allowed."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    parsed = numbers.parse(version)
    if parsed is None:
        return True
    try:
        specifiers = SpecifierSet(bound)
        given = Version(parsed.core + (parsed.suffix if parsed.suffix.startswith("+") else ""))
    except (InvalidSpecifier, InvalidVersion):
        return True
    # `3.11` stands for all of 3.11: `>=3.11.4` may hold, and `<3.11.9` too.
    candidates = [given] if len(given.release) > 2 else [given, Version(f"{parsed.core}.99999")]
    return any(specifiers.contains(one, prereleases=True) for one in candidates)
