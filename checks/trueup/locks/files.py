"""The files that the judges read: bounded, each once, from inside the repository; what does not parse is told once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from trueup.config.globs import BadGlob, exact_pattern, parse
from trueup.locks.report import Place, Report
from trueup.repo import Unreadable, View
from trueup.repo.view import SUBMODULE, SYMLINK, TooLarge

# JSON is read in a fraction of a second; the parsers of TOML and YAML are slower by far.
LARGEST_BYTES = 64 << 20
LARGEST_TOML_BYTES = 16 << 20
LARGEST_YAML_BYTES = 16 << 20
MOST_HOPS = 8

_BYTE = re.compile(r" \(byte (\d+)\)")
_MARKER = re.compile(r"^(<{7}|>{7}|\|{7})(?: |$)", re.MULTILINE)

Shape = TypeVar("Shape")


class Files:
    """The tracked files at one state of the repository."""

    def __init__(self, view: View, report: Report) -> None:
        self.view = view
        self.report = report
        self._texts: dict[str, str | None] = {}
        self._tables: dict[str, dict[str, Any] | None] = {}
        self._shapes: dict[tuple[str, Any], Any] = {}
        self._by_name: dict[str, list[str]] | None = None

    def exists(self, path: str) -> bool:
        """Whether Git tracks this file, or a symlink to one that it tracks."""
        return self._real(path) is not None

    def named(self, name: str) -> list[str]:
        """The folders that hold a tracked file of this name, `""` for the root."""
        if self._by_name is None:
            self._by_name = {}
            for path in self.view.entries:
                folder, _, last = path.rpartition("/")
                self._by_name.setdefault(last, []).append(folder)
        return self._by_name.get(name, [])

    def folders(self, root: str, globs: Iterable[str], name: str) -> list[str]:
        """The folders below `root` that one of these patterns matches and that hold a file `name`.

        A pattern with `!` before it takes out what the earlier ones matched. Raises `BadGlob`.
        """
        found: dict[str, None] = {}
        start = f"{root}/" if root else ""
        candidates = [(folder, folder[len(start) :]) for folder in self.named(name) if folder.startswith(start)]
        candidates += [(root, ".")] if root in self.named(name) else []
        for glob in globs:
            negated = glob.startswith("!")
            body = re.sub(r"/(?:\./)+", "/", glob.removeprefix("!").strip()).removeprefix("./").strip("/")
            if body in (".", ""):
                matches = [folder for folder, below in candidates if below == "."]
            elif "\\" in body or ".." in body.split("/"):
                raise BadGlob(f"the pattern {glob!r} leaves the folder")
            else:
                patterns = [exact_pattern(parse(f"/{one}")) for one in _braces(body)]
                matches = [folder for folder, below in candidates if any(one.search(below) for one in patterns)]
            for folder in matches:
                if negated:
                    found.pop(folder, None)
                else:
                    found[folder] = None
        return list(found)

    def text(self, path: str, limit_bytes: int = LARGEST_BYTES) -> str | None:
        """The text of a file; `None` where there is none, or where it cannot be read, which is told."""
        if path not in self._texts:
            self._texts[path] = self._read(path, limit_bytes)
        return self._texts[path]

    def toml(self, path: str) -> dict[str, Any] | None:
        """A TOML file; `None` as for `text`, and where it does not parse, which is told."""
        if path not in self._tables:
            text = self.text(path, LARGEST_TOML_BYTES)
            self._tables[path] = None if text is None else self._parse_toml(path, text)
        return self._tables[path]

    def json(self, path: str, shape: type[Shape]) -> Shape | None:
        """A JSON file in the shape of a `msgspec.Struct`; `None` as for `toml`."""
        key = (path, shape)
        if key not in self._shapes:
            text = self.text(path)
            self._shapes[key] = None if text is None else self._parse_json(path, text, shape)
        answer: Shape | None = self._shapes[key]
        return answer

    @property
    def has_gaps(self) -> bool:
        """Whether some TOML file did not parse: what it names may be there all the same."""
        return None in self._tables.values()

    def not_parsable(self, place: Place, what: str) -> None:
        """Tells that a file does not parse."""
        self.report.fault("not-parsable", place, place.path, what)

    def _real(self, path: str) -> str | None:
        from trueup.links.paths import join

        for _ in range(MOST_HOPS):
            entry = self.view.entry(path)
            if entry is None or entry.mode == SUBMODULE:
                return None
            if entry.mode != SYMLINK:
                return path
            target = self.view.link_target(path)
            if target is None or target.startswith("/"):
                return None
            path, above = join(path.rpartition("/")[0], target)
            if above:
                return None
        return None

    def _read(self, path: str, limit_bytes: int) -> str | None:
        real = self._real(path)
        if real is None:
            entry = self.view.entry(path)
            if entry is not None and entry.mode == SYMLINK:
                self.report.undecided(path, "it is a symlink that leads to no tracked file")
            return None
        try:
            data = self.view.read(real, limit_bytes)
        except Unreadable as error:
            if not self.view.is_gone(real):
                rule = "trueup/file-too-large" if isinstance(error, TooLarge) else "trueup/unreadable-file"
                self.report.fault(rule, Place(path), path, f"this file was not checked: {error}")
            return None
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8", "replace")) + 1
            message = f"byte 0x{data[error.start]:02x} is not UTF-8"
            self.report.fault("trueup/unreadable-file", Place(path, line, column), path, message)
            return None
        return text.replace("\r\n", "\n") if "\r" in text else text

    def _parse_toml(self, path: str, text: str) -> dict[str, Any] | None:
        from trueup.reading.toml_text import NotToml, parse

        if self._merging(path, text):
            return None
        try:
            return parse(text)
        except NotToml as error:
            place = Place(path) if error.offset is None else place_at(path, text, error.offset)
            self.not_parsable(place, f"not TOML: {error.message}")
        return None

    def _parse_json(self, path: str, text: str, shape: type[Shape]) -> Shape | None:
        if self._merging(path, text):
            return None
        try:
            return msgspec.json.decode(text, type=shape)
        except msgspec.ValidationError as error:
            self.not_parsable(Place(path), f"not the shape that its tool writes: {error}".replace("Object", "object"))
        except msgspec.DecodeError as error:
            found = _BYTE.search(str(error))
            offset = len(text.encode()[: int(found[1])].decode("utf-8", "replace")) if found else len(text)
            said = str(error)[: found.start()] if found else str(error)
            said = said.removeprefix("JSON is malformed: ")
            self.not_parsable(place_at(path, text, offset), f"not JSON: {said[:1].lower()}{said[1:]}")
        except RecursionError:
            self.not_parsable(Place(path), "not JSON: it is nested too deeply")
        return None

    def _merging(self, path: str, text: str) -> bool:
        return merge_markers(self.report, path, text)


def merge_markers(report: Report, path: str, text: str) -> bool:
    """Tells the first marker of an unfinished merge; whether there is one."""
    if "<<<<<<<" not in text and ">>>>>>>" not in text:
        return False
    found = _MARKER.search(text)
    if found is None:
        return False
    message = f"a merge was not finished here: {found[1]}"
    report.fault("merge-markers", place_at(path, text, found.start()), path, message, mend_merge(path))
    return True


def mend_merge(path: str) -> str | None:
    """The command that makes this lock anew from either side of a merge."""
    from trueup.locks.formats import format_of

    known = format_of(path)
    return f"git checkout --ours {path.rpartition('/')[2]} && {known.relock}" if known else None


def place_at(path: str, text: str, offset: int) -> Place:
    """The place of an offset in the text."""
    start = text.rfind("\n", 0, offset) + 1
    return Place(path, text.count("\n", 0, offset) + 1, offset - start + 1)


def _braces(pattern: str) -> Iterator[str]:
    """`{a,b}` written out, once; npm and pnpm know it."""
    found = re.search(r"\{([^{}]*,[^{}]*)\}", pattern)
    if found is None:
        yield pattern
    else:
        for one in found[1].split(",")[:100]:
            yield pattern[: found.start()] + one + pattern[found.end() :]


def join_folder(folder: str, name: str) -> str:
    """A path in a folder, which may be the root `""`."""
    return f"{folder}/{name}" if folder else name
