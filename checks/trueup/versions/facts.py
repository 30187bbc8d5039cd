"""Declared facts: a version that has one source, and the places that must agree with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from trueup.config import PathMatcher
from trueup.config.model import Appearance, VersionFact
from trueup.repo import Unreadable as NoBytes
from trueup.repo import View
from trueup.repo.view import SUBMODULE, SYMLINK
from trueup.versions import numbers
from trueup.versions.model import Pin, Unreadable
from trueup.versions.selectors import Clock, Selector, find, parse
from trueup.versions.source import LARGEST_BYTES, Fault, Source, Text

_TOKEN = re.compile(r"[vV]?\d+(?:\.\d+)+[\w.+-]*|\b[0-9a-f]{40}\b|(?<![\w.])v?\d+(?![\w.])")


class Stated(NamedTuple):
    """A version at a declared place."""

    source: Source
    pin: Pin
    appearance: Appearance


class Wrong(NamedTuple):
    """A declared place that disagrees; `new` is what would agree, where one text would."""

    stated: Stated
    fact: VersionFact
    version: str
    at: str  # where the source states it
    new: str | None


class Missing(NamedTuple):
    """A declared place at which no version stands; `place` is its number in `appears`, or `None` for the source."""

    fact: int
    place: int | None
    message: str


class Facts:
    """Looks the declared facts up in a repository."""

    def __init__(self, view: View, facts: list[VersionFact]) -> None:
        self.view = view
        self.facts = facts
        self.faults: list[Fault] = []
        self._clock = Clock()
        self._texts: dict[str, Text | None] = {}

    def judge(self) -> Iterator[Wrong | Missing]:
        """What does not agree."""
        for number, fact in enumerate(self.facts):
            sources = self._stated(Appearance(place=fact.source))
            if not sources:
                yield Missing(number, None, f"no version stands at {fact.source!r}, the source of {fact.name}")
                continue
            truth = sources[0]
            at = f"{truth.source.path}:{truth.source.line(truth.pin)}"
            for place in sources[1:]:
                if not numbers.same(place.pin.version, truth.pin.version):
                    yield Missing(number, None, f"{fact.source!r} names several versions: {at} and others")
                    break
            for index, given in enumerate(fact.appears):
                appearance = appearance_of(given)
                places = self._stated(appearance)
                if not places:
                    yield Missing(number, index, f"no version of {fact.name} stands at {appearance.place!r}")
                for place in places:
                    if not agrees(place.pin.version, truth.pin.version, appearance):
                        new = (
                            None if appearance.contains else _written(place.pin.version, truth.pin.version, appearance)
                        )
                        yield Wrong(place, fact, truth.pin.version, at, new)

    def places(self, fact: VersionFact) -> list[Stated]:
        """Every place of a fact, its source first."""
        given = [Appearance(place=fact.source), *map(appearance_of, fact.appears)]
        return [stated for appearance in given for stated in self._stated(appearance)]

    def _stated(self, appearance: Appearance) -> list[Stated]:
        selector = parse(appearance.place)
        found: list[Stated] = []
        for path in self._paths(selector):
            text = self._text(path)
            if text is None:
                continue
            try:
                spots = find(selector, path, text.text, self._clock)
            except Unreadable as error:
                self.faults.append(Fault(path, error.message, error.offset))
                continue
            for start, end in spots:
                pin = _pin(text.text, start, end, appearance, selector.text)
                if pin is not None:
                    found.append(Stated(Source(path, text, []), pin, appearance))
        return found

    def _paths(self, selector: Selector) -> list[str]:
        if selector.glob in self.view.entries:
            return [selector.glob]
        matcher = PathMatcher([selector.glob])
        return sorted(path for path in self.view.entries if matcher.matches(path))

    def _text(self, path: str) -> Text | None:
        if path not in self._texts:
            entry = self.view.entry(path)
            self._texts[path] = None
            if entry is not None and entry.mode not in (SYMLINK, SUBMODULE):
                try:
                    self._texts[path] = Text(self.view.read(path, LARGEST_BYTES))
                except NoBytes as error:
                    self.faults.append(Fault(path, str(error), too_large=hasattr(error, "size_bytes")))
        return self._texts[path]


def appearance_of(given: str | Appearance) -> Appearance:
    """A place that is written as a string is to agree exactly."""
    return Appearance(place=given) if isinstance(given, str) else given


def _pin(text: str, start: int, end: int, appearance: Appearance, where: str) -> Pin | None:
    """The version at a place: the whole text, or the one version in it."""
    if not appearance.contains and numbers.parse(text[start:end]) is None:
        found = list(_TOKEN.finditer(text, start, end))
        if len(found) != 1:
            return None
        start, end = found[0].span()
    return Pin("fact", where, text[start:end], start, end, where) if end > start else None


def agrees(text: str, version: str, appearance: Appearance) -> bool:
    """Whether a place says what the source says, as precisely as it is asked to."""
    if appearance.contains:
        return _contains(text, version)
    if appearance.precision == "exact":
        return numbers.same(text, version)
    count = 2 if appearance.precision == "minor" else 1
    return numbers.key(text)[:count] == numbers.key(version)[:count]


def _written(old: str, version: str, appearance: Appearance) -> str | None:
    return numbers.rewritten(old, version)


def _contains(bound: str, version: str) -> bool:
    """Whether a range holds a version: PEP 440's operators, and `^` and `~` as npm, Cargo and Poetry have them."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    parsed = numbers.parse(version)
    if parsed is None:
        return False
    found = re.search(r"[\^~]?\s*v?\d[\w.+-]*|(?:[<>=!~]=?=?\s*[\w.*+-]+\s*,?\s*)+", bound)
    text = found[0].strip() if found is not None else bound
    try:
        if text[:1] == "^" or re.fullmatch(r"~\s*v?\d\S*", text):
            return _caret(text, Version(parsed.core))
        operators = re.findall(r"(?:[<>=!~]=?=?)\s*[\w.*+-]+", bound)
        return SpecifierSet(",".join(operators) or f"=={text}").contains(Version(parsed.core), prereleases=True)
    except ValueError:  # packaging's refusals; Python's own, for a number of thousands of digits
        return False


def _caret(text: str, version: object) -> bool:
    from packaging.version import Version

    assert isinstance(version, Version)
    low = Version(text[1:].strip())
    release = list(low.release) + [0] * (3 - len(low.release))
    fixed = 1 if text[0] == "^" else 2
    if text[0] == "^" and release[0] == 0:
        fixed = 2 if release[1] else 3
    top = [*release[: fixed - 1], release[fixed - 1] + 1]
    return low <= version < Version(".".join(map(str, top)))
