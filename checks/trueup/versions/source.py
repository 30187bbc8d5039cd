"""Files of the repository as the check reads them: text with places, and their pins."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable
from typing import NamedTuple

from trueup.repo import Unreadable as NoBytes
from trueup.repo import View
from trueup.repo.view import SUBMODULE, SYMLINK
from trueup.versions.model import Pin, Unreadable
from trueup.versions.readers import kind_of, read_pins

LARGEST_BYTES = 1 << 20  # generated manifests are larger, and nobody bumps a version there by hand


class Text:
    """A file's text; bytes that are not UTF-8 are surrogate escapes, so that every byte keeps its place."""

    def __init__(self, data: bytes) -> None:
        self.text = data.decode("utf-8", "surrogateescape")
        self._starts: list[int] | None = None

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, in code points."""
        if self._starts is None:
            self._starts = list(itertools.accumulate((len(one) + 1 for one in self.text.split("\n")), initial=0))
        line = bisect.bisect_right(self._starts, offset)
        has_bom = line == 1 and self.text.startswith("\ufeff")
        return line, offset - self._starts[line - 1] + 1 - has_bom

    def byte(self, offset: int) -> int:
        """The offset in the file's bytes."""
        return len(self.text[:offset].encode("utf-8", "surrogateescape"))


class Fault(NamedTuple):
    """Why a file was not read, or not to its end; `offset` is where that shows."""

    path: str
    message: str
    offset: int | None = None
    too_large: bool = False


class Source(NamedTuple):
    """One file and its pins."""

    path: str
    text: Text
    pins: list[Pin]

    def line(self, pin: Pin) -> int:
        """The line on which a pin's version stands."""
        return self.text.place(pin.start)[0]

    def stated(self, pin: Pin) -> str:
        """The version that a comment states behind a commit's id, or nothing."""
        return self.text.text[slice(*pin.stated)] if pin.stated is not None else ""


class Sources:
    """Reads each file once."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.faults: list[Fault] = []
        self._known: dict[str, Source | None] = {}

    def holds(self, path: str, is_worth_it: Callable[[bytes], bool]) -> bool:
        """Whether a file is worth reading, by its bytes."""
        if path in self._known:
            return True
        try:
            return is_worth_it(self.view.read(path, LARGEST_BYTES))
        except (NoBytes, KeyError):
            return True  # `get` tells why

    def get(self, path: str) -> Source | None:
        """The file, or `None` for what is no regular file, is read by no reader, or cannot be read (a fault)."""
        if path not in self._known:
            self._known[path] = self._read(path)
        return self._known[path]

    @property
    def read_paths(self) -> list[str]:
        """The files that were asked for and read."""
        return [path for path, source in self._known.items() if source is not None]

    def _read(self, path: str) -> Source | None:
        entry = self.view.entry(path)
        if entry is None or entry.mode in (SYMLINK, SUBMODULE) or kind_of(path) is None:
            return None
        try:
            data = self.view.read(path, LARGEST_BYTES)
        except NoBytes as error:
            if not self.view.is_gone(path):
                self.faults.append(Fault(path, str(error), too_large=hasattr(error, "size_bytes")))
            return None
        text = Text(data)
        try:
            return Source(path, text, read_pins(path, text.text))
        except Unreadable as error:
            self.faults.append(Fault(path, error.message, error.offset))
            return Source(path, text, [])
