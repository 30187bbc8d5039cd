"""What a change moves from one version to another, and where the old version of the same thing still stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from trueup.repo import Unreadable as NoBytes
from trueup.repo import View
from trueup.versions import names, numbers
from trueup.versions.bumps import Behind, Bump, Move, Search, key_of
from trueup.versions.diffing import Changed
from trueup.versions.grading import graded
from trueup.versions.model import Located, Pin, Strength, Unreadable
from trueup.versions.readers import read_pins
from trueup.versions.source import LARGEST_BYTES, Source, Sources, Text

MOST_MOVES = 200  # of one change; one that moves more is a migration, and says so


def moves_of(view: View, sources: Sources, changed: Iterable[Changed]) -> list[Move]:
    """What the change moves, a thing and its two versions a time."""
    found: dict[tuple[str, str, tuple[str, ...], tuple[str, ...]], Move] = {}
    for one in changed:
        new = sources.get(one.path)
        old = _old_source(view, one)
        if new is None or old is None:
            continue
        for before, after in paired(old.pins, new.pins):
            key = (
                after.kind,
                key_of(after.kind, after.name, one.path),
                numbers.key(before.version),
                numbers.key(after.version),
            )
            stated = (old.stated(before), new.stated(after))
            move = found.setdefault(key, Move(after.kind, after.name, before.version, after.version, [], stated))
            move.places.append(Located(one.path, after, new.line(after)))
    return list(found.values())


def _old_source(view: View, changed: Changed) -> Source | None:
    try:
        text = Text(view.read_blob(changed.old_blob, LARGEST_BYTES))
        return Source(changed.path, text, read_pins(changed.path, text.text))
    except (NoBytes, Unreadable):
        return None


def paired(old: list[Pin], new: list[Pin]) -> Iterator[tuple[Pin, Pin]]:
    """Pins of two states of a file that are one place each, with another version now."""
    before: dict[tuple[str, str, str], list[Pin]] = {}
    after: dict[tuple[str, str, str], list[Pin]] = {}
    for pins, groups in ((old, before), (new, after)):
        for pin in pins:
            groups.setdefault((pin.kind, pin.name, pin.where), []).append(pin)
    for key, olds in before.items():
        news = after.get(key, [])
        gone, come = _without(olds, news), _without(news, olds)
        # Places are compared in their order; where their number changed too, only one pair is certain.
        if len(gone) == len(come) or (len({one.version for one in gone}) == len({one.version for one in come}) == 1):
            yield from zip(gone, come, strict=False)


def _without(pins: list[Pin], others: list[Pin]) -> list[Pin]:
    """The pins that are left when each of `others` has taken one of the same version away."""
    left = Counter(numbers.key(one.version) for one in others)
    kept = []
    for pin in pins:
        key = numbers.key(pin.version)
        if left[key] > 0:
            left[key] -= 1
        else:
            kept.append(pin)
    return kept


def left_behind(
    sources: Sources, bumps: list[Bump], paths: Iterable[str], wanted: Callable[[str], bool]
) -> list[Behind]:
    """Where the old version of something that moves still stands, in these files."""
    found: list[Behind] = []
    by_name: dict[str, list[Bump]] = {}
    for bump in bumps:
        for name in (*bump.things, *bump.families):
            by_name.setdefault(name, []).append(bump)
    search = Search(bumps)
    for path in paths:
        source = sources.get(path) if wanted(path) and sources.holds(path, search.holds) else None
        if source is None:
            continue
        taken: dict[int, Behind] = {}
        for pin in source.pins:
            if pin.choice or pin.strength is Strength.RANGE:
                continue
            for bump in by_name.get(key_of(pin.kind, pin.name, path), []):
                if _is_behind(pin, bump):
                    taken[pin.start] = Behind(source, pin, bump)
            families = names.families(pin.kind, pin.name)
            for bump in (one for family in sorted(families) for one in by_name.get(family, [])):
                if pin.start not in taken and bump.related(pin.kind, pin.name) and _is_behind(pin, bump):
                    taken[pin.start] = Behind(source, pin, bump)
        found += taken.values()
    return graded(found)


def _is_behind(pin: Pin, bump: Bump) -> bool:
    # `v6` holds `v6.3.0`.
    if numbers.covers(pin.version, bump.new):
        return False
    if numbers.same(pin.version, bump.old):
        return True
    version = numbers.parse(pin.version)
    # A partial version, which held the old one and does not hold the new one.
    return version is not None and version.parts >= 2 and numbers.covers(pin.version, bump.old)
