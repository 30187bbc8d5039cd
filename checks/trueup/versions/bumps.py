"""A bump: what a change moves from one version to another, under every name that the thing has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from trueup.versions import names, numbers
from trueup.versions.model import Located, Pin
from trueup.versions.source import Source

_INDEXES = {"pypi": "python", "conda": "python", "npm": "node", "cargo": "rust", "go": "go", "apt": "debian"}


class Move(NamedTuple):
    """A change takes a thing from one version to another at these places."""

    kind: str
    name: str
    old: str
    new: str
    places: list[Located]
    stated: tuple[str, str] = ("", "")  # what comments behind commits' ids say of the two

    @property
    def thing(self) -> str:
        """`pypi:vllm`."""
        return f"{self.kind}:{self.name}"

    @property
    def key(self) -> str:
        """The thing, and the file where the name means something in one file only."""
        return key_of(self.kind, self.name, self.places[0].path if self.places else "")


def key_of(kind: str, name: str, path: str) -> str:
    """What makes two pins the same thing: a name that says too little (`#VERSION`) is bound to its file."""
    return f"{kind}:{name} {path}" if name.startswith("#") else f"{kind}:{name}"


class Bump:
    """Moves of one thing that different contexts name: a package, its image, the variable that holds its version."""

    def __init__(self, move: Move) -> None:
        self.old, self.new, self.stated = move.old, move.new, move.stated
        self.olds: set[str] = set()
        self.things: set[str] = set()
        self.kinds: set[str] = set()
        self.families: set[str] = set()
        self.places: dict[tuple[str, int], Located] = {}
        self.name = move.name
        self.take(move)

    def akin(self, move: Move) -> bool:
        """Whether a move is one more of this bump's."""
        if not (numbers.same(self.old, move.old) and numbers.same(self.new, move.new)):
            return False
        return move.key in self.things or self.related(move.kind, move.name)

    @property
    def names(self) -> set[str]:
        """Of which a file that speaks of this thing holds at least one."""
        last = {key.partition(":")[2].partition(" ")[0].lstrip("#").rpartition("/")[2] for key in self.things}
        return last | {other for family in self.families for other in names.other_names(family)}

    def related(self, kind: str, name: str) -> bool:
        """Whether another context speaks of this thing by this name. Two images are never one by their family."""
        if kind in self.kinds or not (names.families(kind, name) & self.families):
            return False
        return all(_akin(kind, own) for own in self.kinds)

    def take(self, move: Move) -> None:
        """Adds the places of a move."""
        self.olds.add(move.old)
        self.things.add(move.key)
        self.kinds.add(move.kind)
        self.families |= names.families(move.kind, move.name)
        # For people: the plainest form in which the change writes the two.
        if len(move.old) + len(move.new) < len(self.old) + len(self.new) and not move.stated[0]:
            self.old, self.new = move.old, move.new
        self.name = min(self.name, move.name, key=lambda name: (name.startswith("#"), len(name), name))
        for place in move.places:
            self.places.setdefault((place.path, place.pin.start), place)


class Behind(NamedTuple):
    """A place where the old version still stands; `weak` says why that may well be meant, if it may."""

    source: Source
    pin: Pin
    bump: Bump
    weak: str = ""


def bumps_of(moves: Iterable[Move]) -> list[Bump]:
    """The moves, those of one thing together."""
    bumps: list[Bump] = []
    for move in moves:
        known = next((bump for bump in bumps if bump.akin(move)), None)
        if known is None:
            bumps.append(Bump(move))
        else:
            known.take(move)
    return bumps


class Search:
    """Finds the files that a bump may have left behind by their bytes, before any is parsed.

    Such a file holds the old version, or the beginning that a partial version has, and a name of the thing.
    """

    def __init__(self, bumps: Iterable[Bump]) -> None:
        self.words: dict[str, None] = {}
        self._names: list[bytes] = []
        patterns: list[str] = []
        for bump in bumps:
            self._names += [names.plain(name).encode("utf-8", "surrogateescape") for name in bump.names]
            for old in {numbers.parse(place_old) for place_old in bump.olds} - {None}:
                assert old is not None
                if old.parts > 1:
                    release = re.match(r"[0-9]+(?:[.-][0-9]+)*", old.core)
                    assert release is not None
                    first, second, *rest = re.split(r"[.-]", release[0])
                    self.words[release[0][: len(first) + 1 + len(second)]] = None
                    more = "".join(f"[.-]{number}" for number in rest)
                    patterns.append(rf"(?<![0-9.]){first}[.-]{second}(?:{more})?(?![0-9])")
                else:
                    # `v4` stands everywhere: the name is rarer. A commit stands where it stands.
                    self.words.update(dict.fromkeys([old.core] if old.parts == 0 else sorted(bump.names)))
                    patterns.append(re.escape(old.core))
        self._versions = re.compile("|".join(dict.fromkeys(patterns)).encode("utf-8", "surrogateescape"))

    def holds(self, data: bytes) -> bool:
        """Whether a file with these bytes is worth reading."""
        if self._versions.search(data) is None:
            return False
        plain = data.lower().translate(None, b"-_.")
        return any(name in plain for name in self._names)


def _akin(one: str, other: str) -> bool:
    """Whether equal families of two kinds are one thing: packages of two languages' indexes are not."""
    return one not in _INDEXES or other not in _INDEXES or _INDEXES[one] == _INDEXES[other]
