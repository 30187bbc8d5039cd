"""What a change moves from one version to another, and where the old version of the same thing still stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from trueup.errors import RepositoryError
from trueup.repo import Git, View
from trueup.repo import Unreadable as NoBytes
from trueup.repo.view import Origin
from trueup.versions import names, numbers
from trueup.versions.model import Located, Pin, Strength, Unreadable
from trueup.versions.readers import kind_of, read_pins
from trueup.versions.source import LARGEST_BYTES, Source, Sources, Text

MOST_MOVES = 200  # of one change; one that moves more is a migration, and says so
_REGULAR = ("100644", "100755")


class Changed(NamedTuple):
    """A file that exists before and after the change."""

    path: str
    old_blob: str


class Move(NamedTuple):
    """A change takes a thing from one version to another at these places."""

    kind: str
    name: str
    old: str
    new: str
    places: list[Located]

    @property
    def thing(self) -> str:
        """`pypi:vllm`."""
        return f"{self.kind}:{self.name}"


class Behind(NamedTuple):
    """A place where the old version still stands. `exact_name`: the same thing, not only one of the same family."""

    source: Source
    pin: Pin
    move: Move
    moved: list[Located]  # every place to which the change brought the new version
    exact_name: bool


def changed_files(view: View, git: Git, base: str) -> list[Changed]:
    """Files that the view has otherwise than the commit `base`; added and deleted ones have nothing to compare."""
    options = ("--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", "--diff-filter=M")
    if view.origin is Origin.COMMIT:
        assert view.commit is not None
        raw = git.out("diff-tree", "-r", *options, base, view.commit, "--")
    else:
        cached = ["--cached"] if view.origin is Origin.INDEX else []
        raw = git.out("diff-index", *cached, *options, base, "--")
    fields = raw.decode("utf-8", "surrogateescape").split("\0")
    found = []
    for head, path in zip(fields[0::2], fields[1::2], strict=False):
        old_mode, new_mode, old_blob, _, _ = head.removeprefix(":").split(" ")
        if old_mode in _REGULAR and new_mode in _REGULAR:
            found.append(Changed(path, old_blob))
    return found


def resolve(git: Git, ref: str) -> str:
    """The commit that a change starts from: the merge base where `ref` is on another line of history."""
    commit = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if commit.code != 0:
        raise RepositoryError(
            f"there is no commit {ref!r} in this clone", hint="a shallow clone lacks it: fetch-depth: 0, or git fetch"
        )
    return commit.out.decode().strip()


def moves_of(view: View, sources: Sources, changed: Iterable[Changed]) -> list[Move]:
    """What the change moves, a thing and its two versions a time."""
    found: dict[tuple[str, str, tuple[str, ...], tuple[str, ...]], Move] = {}
    for one in changed:
        if kind_of(one.path) is None:
            continue
        new = sources.get(one.path)
        old = _old_pins(view, one)
        if new is None or old is None:
            continue
        for before, after in paired(old, new.pins):
            key = (after.kind, after.name, numbers.key(before.version), numbers.key(after.version))
            move = found.setdefault(key, Move(after.kind, after.name, before.version, after.version, []))
            move.places.append(Located(one.path, after, new.line(after)))
    return list(found.values())


def _old_pins(view: View, changed: Changed) -> list[Pin] | None:
    try:
        return read_pins(changed.path, Text(view.read_blob(changed.old_blob, LARGEST_BYTES)).text)
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
    left = [numbers.key(one.version) for one in others]
    kept = []
    for pin in pins:
        key = numbers.key(pin.version)
        if key in left:
            left.remove(key)
        else:
            kept.append(pin)
    return kept


def search_words(moves: Iterable[Move]) -> list[str]:
    """Texts of which a file that was left behind holds at least one."""
    words: dict[str, None] = {}
    for move in moves:
        version = numbers.parse(move.old)
        if version is None:
            continue
        if version.parts == 1:
            # `v4` stands everywhere: the name is rarer.
            words.update(dict.fromkeys(names.families(move.kind, move.name)))
            words[move.name.rpartition("/")[2]] = None
        elif version.parts > 2:
            words[".".join(version.core.split(".")[:2])] = None
        else:
            words[version.core] = None
    return list(words)


def left_behind(
    sources: Sources, moves: list[Move], paths: Iterable[str], wanted: Callable[[str], bool]
) -> Iterator[Behind]:
    """Where the old version of something that moves still stands, in these files."""
    by_thing: dict[str, list[Move]] = {}
    by_family: dict[str, list[Move]] = {}
    for move in moves:
        by_thing.setdefault(move.thing, []).append(move)
        for family in names.families(move.kind, move.name):
            by_family.setdefault(family, []).append(move)
    for path in paths:
        if not wanted(path):
            continue
        source = sources.get(path)
        for pin in source.pins if source is not None else []:
            assert source is not None
            if pin.choice or pin.strength is Strength.RANGE:
                continue
            own = by_thing.get(pin.thing, [])
            related = {
                id(one): one for family in names.families(pin.kind, pin.name) for one in by_family.get(family, [])
            }
            for move in [*own, *(one for one in related.values() if one not in own and _akin(one.kind, pin.kind))]:
                if _is_behind(pin, move):
                    alike = [
                        one for one in [*by_thing[move.thing], *related.values()] if numbers.same(one.new, move.new)
                    ]
                    places = {one.place: one for each in [*alike, move] for one in each.places}
                    yield Behind(source, pin, move, sorted(places.values()), move in own)
                    break


def _is_behind(pin: Pin, move: Move) -> bool:
    if numbers.same(pin.version, move.new):
        return False
    if numbers.same(pin.version, move.old):
        return True
    version = numbers.parse(pin.version)
    # A partial version, of the same thing only, which held the old one and does not hold the new one.
    return (
        version is not None
        and version.parts >= 2
        and numbers.covers(pin.version, move.old)
        and not numbers.covers(pin.version, move.new)
    )


_INDEXES = {"pypi": "python", "conda": "python", "npm": "node", "cargo": "rust", "go": "go", "apt": "debian"}


def _akin(one: str, other: str) -> bool:
    """Whether equal families of two kinds are one thing: packages of two languages' indexes are not."""
    return _INDEXES.get(one, "") == _INDEXES.get(other, "") or one not in _INDEXES or other not in _INDEXES
