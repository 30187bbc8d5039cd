"""What a change moves from one version to another, and where the old version of the same thing still stands."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from trueup.repo import Git, Origin, View
from trueup.repo import Unreadable as NoBytes
from trueup.versions import names, numbers
from trueup.versions.model import Located, Pin, Strength, Unreadable
from trueup.versions.readers import kind_of, read_pins
from trueup.versions.source import LARGEST_BYTES, Source, Sources, Text

MOST_WEAK = 10  # places of one bump that are told one by one where the old version may be meant
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


def changed_files(view: View, git: Git, base: str, wanted: Callable[[str], bool]) -> list[Changed]:
    """Files that the view has otherwise than the commit `base`; added and deleted ones have nothing to compare."""
    options = ("--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv")
    if view.origin is Origin.COMMIT:
        assert view.commit is not None
        raw = git.out("diff-tree", "-r", *options, base, view.commit, "--")
    else:
        raw = git.out("diff-index", "--cached", *options, base, "--")
    fields = raw.decode("utf-8", "surrogateescape").split("\0")
    found: dict[str, Changed | None] = {}
    for head, path in zip(fields[0::2], fields[1::2], strict=False):
        old_mode, new_mode, old_blob, _, _ = head.removeprefix(":").split(" ")
        is_both = old_mode in _REGULAR and new_mode in _REGULAR
        found[path] = Changed(path, old_blob) if is_both and wanted(path) else None
    if view.has_disk:
        for path in unlike_index(view, git, wanted):
            found.setdefault(path, Changed(path, view.entries[path].blob))
    return [one for one in found.values() if one is not None]


_STATUS = re.compile(
    r"([^\0]+)\0  ctime: \d+:\d+\n  mtime: (\d+):(\d+)\n  dev: [^\n]*\n  uid: [^\n]*\n  size: (\d+)\tflags: \w+\n"
)


def unlike_index(view: View, git: Git, wanted: Callable[[str], bool]) -> list[str]:
    """Files whose time or size on the disk is not what the index remembers, and those that are not there.

    Git itself could tell, but to be sure of the bytes it would run the filters that the repository names.
    """
    listing = git.out("ls-files", "--debug", "-z", "--full-name", "--", ":/").decode("utf-8", "surrogateescape")
    try:
        written_ns = os.stat(os.path.join(view.git_dir or "", "index")).st_mtime_ns
    except OSError:
        written_ns = 0
    found = []
    for path, seconds, nanoseconds, size in _STATUS.findall(listing):
        entry = view.entries.get(path)
        if entry is None or entry.mode not in _REGULAR or not wanted(path):
            continue
        try:
            status = os.lstat(os.fsencode(view.root) + b"/" + path.encode("utf-8", "surrogateescape"))
        except OSError:
            found.append(path)
            continue
        remembered_ns = int(seconds) * 10**9 + int(nanoseconds)
        same_time = status.st_mtime_ns == remembered_ns or (
            nanoseconds == "0" and status.st_mtime_ns // 10**9 == int(seconds)
        )
        # What was written together with the index may have been written once more since.
        if not same_time or status.st_size != int(size) or status.st_mtime_ns >= written_ns:
            found.append(path)
    return found


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
    left = [numbers.key(one.version) for one in others]
    kept = []
    for pin in pins:
        key = numbers.key(pin.version)
        if key in left:
            left.remove(key)
        else:
            kept.append(pin)
    return kept


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


def graded(found: list[Behind]) -> list[Behind]:
    """The same places, with the reason why one may be meant."""
    left: dict[int, int] = {}
    for one in found:
        left[id(one.bump)] = left.get(id(one.bump), 0) + 1
    return [one._replace(weak=_weakness(one, left[id(one.bump)])) for one in found]


def summed_up(found: list[Behind]) -> tuple[list[Behind], list[str]]:
    """The places to tell, and in a line each the bumps that keep so far from most places that they mean to."""
    weak: dict[int, list[Behind]] = {}
    for one in found:
        if one.weak:
            weak.setdefault(id(one.bump), []).append(one)
    many = {key: ones for key, ones in weak.items() if len(ones) > MOST_WEAK}
    told = [one for one in found if not one.weak or id(one.bump) not in many]
    lines = [
        f"{ones[0].bump.name} {ones[0].bump.old} -> {ones[0].bump.new}: the old version stays in {len(ones)} places, "
        f"as if on purpose ({ones[0].source.path}:{ones[0].source.line(ones[0].pin)}, …)"
        for ones in many.values()
    ]
    return told, lines


def _weakness(one: Behind, left: int) -> str:
    pin, bump = one.pin, one.bump
    moved = len(bump.places)
    is_own = "own" in bump.kinds
    if pin.kind == "own" and not is_own:
        return "the package's own version"
    # Cargo's and npm's bounds name the version that a release was made with; `>=1.2` in Python is a choice.
    if pin.strength is Strength.FLOOR and not (is_own and pin.kind in ("cargo", "npm")):
        return "a lower bound of its own"
    if numbers.goes_back(bump.old, bump.new):
        return "the change goes back to an older version"
    in_samples = sum(1 for place in bump.places.values() if SAMPLES.search(place.path))
    if bool(SAMPLES.search(one.source.path)) != (2 * in_samples > moved):
        return "an example" if 2 * in_samples <= moved else "the change is about an example"
    if not is_own and _is_elsewhere(one) and not (moved > 1 and moved > left):
        return "another package's own dependency"
    if moved <= left:
        if names.varies(pin.kind, pin.name):
            return "a language's or a system's version, which may differ from job to job"
        folder = common_folder([place.path for place in bump.places.values()])
        if moved > 1 and folder and not one.source.path.startswith(folder + "/"):
            return f"the change keeps to {folder}/"
    if moved * 2 < left:
        return f"the change moves {moved} and leaves {left}"
    return ""


def _is_elsewhere(one: Behind) -> bool:
    """Whether a manifest's dependency was left behind by manifests of other folders only."""
    paths = [place.path for place in one.bump.places.values()]
    folders = {path.rpartition("/")[0] for path in paths}
    manifests = [kind_of(path) in MANIFESTS for path in (one.source.path, *paths)]
    return all(manifests) and one.source.path.rpartition("/")[0] not in folders


def common_folder(paths: list[str]) -> str:
    """The deepest folder that holds all of these files."""
    parts = [path.split("/")[:-1] for path in paths]
    shared: list[str] = []
    for steps in zip(*parts, strict=False):
        if len(set(steps)) > 1:
            break
        shared.append(steps[0])
    return "/".join(shared)


def _is_behind(pin: Pin, bump: Bump) -> bool:
    # `v6` holds `v6.3.0`.
    if numbers.covers(pin.version, bump.new):
        return False
    if numbers.same(pin.version, bump.old):
        return True
    version = numbers.parse(pin.version)
    # A partial version, which held the old one and does not hold the new one.
    return version is not None and version.parts >= 2 and numbers.covers(pin.version, bump.old)


SAMPLES = re.compile(r"(?:\A|/)(?:docs?/)?(?:samples?|examples?|demos?|tutorials?|notebooks?)/", re.IGNORECASE)
MANIFESTS = frozenset(("pyproject", "setup-cfg", "requirements", "package-json", "cargo", "go-mod"))
_INDEXES = {"pypi": "python", "conda": "python", "npm": "node", "cargo": "rust", "go": "go", "apt": "debian"}


def _akin(one: str, other: str) -> bool:
    """Whether equal families of two kinds are one thing: packages of two languages' indexes are not."""
    return one not in _INDEXES or other not in _INDEXES or _INDEXES[one] == _INDEXES[other]
