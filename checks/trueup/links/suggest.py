"""What a broken target was probably meant to be. Called for findings only: never on the fast path."""

from __future__ import annotations

import functools
import re

from trueup.links.guess import Guess
from trueup.links.nearest import Nearest
from trueup.repo import View
from trueup.repo.view import SUBMODULE

_LONGEST_PATH = 4096  # no tracked path is longer: what is, was never one
_NEAR = 82  # rapidfuzz's ratio, 0 to 100: a typing error or two in a name of ten letters
# Names that every folder has: one of them elsewhere says nothing.
_COMMON_NAMES = frozenset({"readme.md", "index.md", "_index.md", "owners", "makefile", "__init__.py", "license"})
ONLY_OF_NAME = "the only file of that name"
_LONG_NAME = 8  # `logo.png` may be any logo
_COMMON_FOLDERS = frozenset({"content", "doc", "docs", "examples", "src", "test", "tests"})
_MOST_CHOICES = 5  # among more files of one name, the nearest is luck
_README = re.compile(r"readme(?:\.\w+)?", re.IGNORECASE)
_MARKDOWN_README = re.compile(r"readme\.(?:md|markdown|mdown|mkdn?)", re.IGNORECASE)
_NUMBER_IN_FRONT = re.compile(r"^\d+[-_.]")


def _own_folder(path: str) -> str:
    return _NUMBER_IN_FRONT.sub("", path.rpartition("/")[0].rpartition("/")[2])


class Suggestions:
    """Candidates from the tracked paths and from Git's renames."""

    def __init__(self, view: View, *, history: bool = False) -> None:
        self._view = view
        self._history = history
        self._nearest = Nearest()
        self._guesses: dict[str, Guess | None] = {}
        self._readmes: dict[str, str | None] = {}

    def file_for(self, path: str) -> Guess | None:
        """The tracked path that a missing `path` was probably meant to be."""
        if path not in self._guesses:
            self._guesses[path] = self._find(path)
        return self._guesses[path]

    def _find(self, path: str) -> Guess | None:
        if len(path) > _LONGEST_PATH:
            return None
        entries = self._view.entries
        renamed = self._renames.get(path)
        if renamed is not None and renamed in entries:
            return Guess(renamed, True, "it was renamed")
        renamed = self._renamed_folder(path)
        if renamed is not None:
            return Guess(renamed, True, "its folder was renamed")
        for ending in (".md", ".markdown"):
            if path + ending in entries:
                return Guess(path + ending, False, "its ending is missing")
        name = path.rpartition("/")[2]
        same_name = self._by_name.get(name.casefold(), [])
        if name.casefold() in _COMMON_NAMES:
            same_name = self._in_like_folders(path, same_name)
        elif len(same_name) == 1:
            return Guess(same_name[0], len(name.partition(".")[0]) >= _LONG_NAME, ONLY_OF_NAME)
        return self._near(path, same_name)

    def case_of(self, path: str) -> str | None:
        """The tracked path, or folder, that differs from `path` in case only."""
        return self._by_case.get(path.casefold())

    def readme_of(self, folder: str) -> str | None:
        """The README that GitHub shows with a folder, Markdown before other formats; case does not count there."""
        if folder not in self._readmes:
            names = [name for name in self._by_folder.get(folder, ()) if _README.fullmatch(name)]
            names = [name for name in names if f"{folder}/{name}".lstrip("/") in self._view.entries]
            best = min(names, key=lambda name: (not _MARKDOWN_README.fullmatch(name), name), default=None)
            self._readmes[folder] = None if best is None else f"{folder}/{best}".lstrip("/")
        return self._readmes[folder]

    @functools.cached_property
    def _by_name(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for path, entry in self._view.entries.items():
            if entry.mode != SUBMODULE:
                names.setdefault(path.rpartition("/")[2].casefold(), []).append(path)
        return names

    @functools.cached_property
    def _folders_by_name(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for path in self._view.folders:
            names.setdefault(path.rpartition("/")[2], []).append(path)
        return names

    @functools.cached_property
    def _by_case(self) -> dict[str, str]:
        return {path.casefold(): path for path in (*self._view.folders, *self._view.entries)}

    @functools.cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {}
        for path in (*self._view.entries, *self._view.folders):
            folder, _, name = path.rpartition("/")
            if name:
                children.setdefault(folder, []).append(name)
        return children

    @functools.cached_property
    def _by_stem(self) -> dict[tuple[str, str], list[str]]:
        stems: dict[tuple[str, str], list[str]] = {}
        for folder, names in self._by_folder.items():
            for name in names:
                stems.setdefault((folder, name.rpartition(".")[0]), []).append(name)
        return stems

    @functools.cached_property
    def _renames(self) -> dict[str, str]:
        return _renames(self._view, self._history)

    def _renamed_folder(self, path: str) -> str | None:
        """Where a folder's files went, when every renamed file of it went to one other folder."""
        folder = path
        while folder:
            moved = self._moved_folders.get(folder, set())
            if len(moved) == 1:
                candidate = next(iter(moved)) + path[len(folder) :]
                if candidate in self._view.entries or candidate in self._view.folders:
                    return candidate
            folder = folder.rpartition("/")[0]
        return None

    @functools.cached_property
    def _moved_folders(self) -> dict[str, set[str]]:
        """Each folder of which a file was renamed without a change below it, and the folders that they went to."""
        moved: dict[str, set[str]] = {}
        for old, new in self._renames.items():
            folder, _, name = old.rpartition("/")
            other_folder, slash, other_name = new.rpartition("/")
            while folder and slash and name == other_name:
                moved.setdefault(folder, set()).add(other_folder)
                folder, _, name = folder.rpartition("/")
                other_folder, slash, other_name = other_folder.rpartition("/")
        return moved

    def _in_like_folders(self, path: str, same_name: list[str]) -> list[str]:
        """Those of many READMEs whose folder has nearly the name that was written, numbers in front apart."""
        written = _own_folder(path)
        if not written or written in _COMMON_FOLDERS or not self._nearest.spend(len(same_name)):
            return []
        from rapidfuzz import fuzz

        return [other for other in same_name if fuzz.ratio(written, _own_folder(other)) >= _NEAR]

    def _near(self, path: str, same_name: list[str]) -> Guess | None:
        folder, _, name = path.rpartition("/")
        with_ending = self._by_stem.get((folder, name), [])
        if len(with_ending) == 1:
            return Guess(f"{folder}/{with_ending[0]}".lstrip("/"), False, "its ending is missing")
        found = self._nearest.of(name, self._by_folder.get(folder, []), _NEAR)
        if found is not None:
            return Guess(f"{folder}/{found}".lstrip("/"), False, "the nearest name in that folder")
        if 0 < len(same_name) <= _MOST_CHOICES:
            best = self._nearest.of(path, same_name, 0)
            others = f"the nearest of {len(same_name)} files of that name"
            why = others if len(same_name) > 1 else "the nearest file of that name"
            return None if best is None else Guess(best, False, why)
        folders = self._folders_by_name.get(name, [])
        if len(folders) != 1:
            return None
        parent = folders[0].rpartition("/")[0]
        near = parent == "" or path.startswith(parent + "/")
        return Guess(folders[0], False, "the only folder of that name") if near or name[:1].isdecimal() else None


_HISTORY_COMMITS = "2000"


def _renames(view: View, history: bool) -> dict[str, str]:
    """Old path to new: what is staged or changed now, and with `history` the last 2,000 commits."""
    if view.git is None or view.origin.value == "commit":
        return {}
    renames: dict[str, str] = {}
    answers = [view.git.run("diff", *_RENAMES, "--cached", "HEAD")]
    if history:
        answers.append(view.git.run("log", *_RENAMES, "--format=", "-n", _HISTORY_COMMITS))
    for answer in answers:
        fields = answer.out.decode("utf-8", "surrogateescape").split("\0")
        position = 0
        while position + 2 < len(fields):
            status = fields[position].lstrip("\n")
            if status.startswith("R"):
                # Newest first: a later rename of the same path is met before an earlier one.
                renames.setdefault(fields[position + 1], fields[position + 2])
                position += 3
            else:
                position += 1
    # a -> b, later b -> c: follow to the end, minding rings.
    for old in list(renames):
        seen = {old}
        while (new := renames[old]) in renames and renames[new] not in seen and new not in view.entries:
            seen.add(new)
            renames[old] = renames[new]
    return renames


_RENAMES = ("--no-ext-diff", "--no-textconv", "--diff-filter=R", "--find-renames", "--name-status", "-z")
