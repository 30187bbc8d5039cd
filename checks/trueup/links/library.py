"""The records of all files a run needs: from the cache, or read and parsed."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from trueup.links import engines, parallel, records
from trueup.links.anchors import Anchors
from trueup.links.cache import Cache, digest
from trueup.links.document import Dialect, Engine
from trueup.links.flavours import Flavours, Site
from trueup.links.nearest import Nearest
from trueup.links.records import Record
from trueup.links.slug import slugs_for
from trueup.links.sources import count_lines
from trueup.links.spots import Spot, spots_of
from trueup.links.symlinks import State, Symlinks
from trueup.repo import Unreadable, View
from trueup.repo.view import SYMLINK, TooLarge

MARKDOWN_ENDINGS = (".md", ".markdown", ".mdx", ".mdown", ".mkd", ".mkdn")
_HTML_ENDINGS = (".html", ".htm")
_MOST_LINE_BYTES = 64 << 20


class _Parsed(msgspec.Struct, array_like=True):
    """One file read: its record (`None`: the cache has it), or why there is none."""

    path: str
    flavour: str
    signature: tuple[int, ...] | str | None = None
    digest: str | None = None
    record: Record | None = None
    trouble: str = ""
    size_bytes: int | None = None


class _Placed(msgspec.Struct, array_like=True):
    """Where targets stand in one file, as it was read (`digest`)."""

    path: str
    flavour: str
    digest: str
    spots: dict[str, list[Spot]]


class Library:
    """Records by path. `unreadable` holds, for each file that could not be read, the exception."""

    def __init__(
        self, view: View, symlinks: Symlinks, flavours: Flavours, engine: str, cache: Cache, limit_bytes: int
    ) -> None:
        self._view = view
        self._symlinks = symlinks
        self._flavours = flavours
        self._engine_name = engine
        self._cache = cache
        self._limit_bytes = limit_bytes
        self._records: dict[tuple[str, str], Record] = {}
        self._digests: dict[str, str] = {}
        self._anchors: dict[str, Anchors | None] = {}
        self._line_counts: dict[str, int | None] = {}
        self._nearest = Nearest()
        self.unreadable: dict[str, Unreadable] = {}
        self.parsed = 0

    @functools.cached_property
    def _engine(self) -> Engine:
        return engines.load(self._engine_name)

    def content_path(self, path: str) -> str | None:
        """The regular file whose bytes are shown at `path`."""
        entry = self._view.entry(path)
        if entry is None:
            return None
        if entry.mode != SYMLINK:
            return path
        end = self._symlinks.follow(path)
        return end.path if end.state is State.FILE else None

    def load(self, sources: Iterable[str]) -> Iterator[str]:
        """Makes the records of these paths; yields each path whose contents had to be parsed."""
        todo: list[tuple[str, Site]] = []
        for path in sources:
            site = self._flavours.of(path)
            content = self.content_path(path)
            if content is None or (content, site.flavour) in self._records or content in self.unreadable:
                continue
            signature = self._view.signature(content)
            known = self._cache.known_digest(content, signature)
            record = self._cache.record(known, site.flavour) if known is not None else None
            if record is not None:
                self._records[content, site.flavour] = record
                self._digests[content] = known or ""
            else:
                todo.append((content, site))
        for parsed in parallel.each(self._parse, list(dict.fromkeys(todo)), _Parsed):
            self._adopt(parsed)
            yield parsed.path

    def record(self, path: str, site: Site) -> Record | None:
        """The record of a path's contents, or `None` when they cannot be read."""
        content = self.content_path(path)
        if content is None:
            return None
        found = self._records.get((content, site.flavour))
        if found is None and content not in self.unreadable:
            for _ in self.load([path]):
                pass
            found = self._records.get((content, site.flavour))
        return found

    def anchors_of(self, path: str) -> Anchors | None:
        """The anchors of a tracked path as it is published, or `None` for what is not rendered."""
        if path not in self._anchors:
            self._anchors[path] = self._find_anchors(path)
        return self._anchors[path]

    def line_count_of(self, path: str) -> int | None:
        """How many lines a tracked file has, or `None` for what is not text."""
        if path not in self._line_counts:
            self._line_counts[path] = self._count_lines(path)
        return self._line_counts[path]

    def dialect(self, path: str, site: Site) -> Dialect:
        """What an engine is told to read."""
        return Dialect.HTML if path.lower().endswith(_HTML_ENDINGS) else site.dialect

    def place_ahead(self, wanted: dict[str, tuple[Site, dict[str, int]]]) -> None:
        """Finds the spots of many files at once (path to site and targets with their counts): merely faster."""
        jobs = [
            (content, site, targets)
            for path, (site, targets) in wanted.items()
            if (content := self.content_path(path)) is not None and self._unplaced(content, site, targets)
        ]
        for placed in parallel.each(self._place, jobs, _Placed):
            if placed.digest == self._digests[placed.path]:
                known = self._cache.spots(placed.digest, placed.flavour) or {}
                self._cache.learn_spots(placed.digest, placed.flavour, known | placed.spots)

    def _unplaced(self, content: str, site: Site, wanted: Collection[str]) -> bool:
        known = self._cache.spots(self._digests[content], site.flavour)
        return known is None or not known.keys() >= set(wanted)

    def _place(self, job: tuple[str, Site, Mapping[str, int]]) -> _Placed:
        path, site, wanted = job
        data = self._view.read(path, self._limit_bytes)
        spots = spots_of(self._engine, data, self.dialect(path, site), wanted)
        return _Placed(path, site.flavour, digest(data), spots)

    def spots(self, path: str, site: Site, wanted: Mapping[str, int]) -> dict[str, list[Spot]]:
        """Where the wanted targets stand in the file shown at `path`."""
        content = self.content_path(path)
        assert content is not None
        if self._unplaced(content, site, wanted):
            placed = self._place((content, site, wanted))
            if placed.digest != self._digests[content]:
                return placed.spots  # changed under our feet: true for now, but not worth keeping
            known = self._cache.spots(placed.digest, site.flavour) or {}
            self._cache.learn_spots(placed.digest, site.flavour, known | placed.spots)
        return self._cache.spots(self._digests[content], site.flavour) or {}

    def _find_anchors(self, path: str) -> Anchors | None:
        content = self.content_path(path)
        if content is None or not content.lower().endswith(MARKDOWN_ENDINGS):
            return None
        site = self._flavours.of(path)
        record = self.record(path, site)
        if record is None:
            return None
        return Anchors(record.anchors, lambda text: slugs_for(text, site.flavour), site.exact, self._nearest)

    def _count_lines(self, path: str) -> int | None:
        content = self.content_path(path)
        if content is None:
            return None
        signature = self._view.signature(content)
        known, count = self._cache.known_lines(content, signature)
        if known:
            return count
        try:
            data = self._view.read(content, _MOST_LINE_BYTES)
        except Unreadable:
            return None
        count = None if data.startswith(b"version https://git-lfs.github.com/spec/") else count_lines(data)
        self._cache.learn_lines(content, signature, count)
        return count

    def _parse(self, job: tuple[str, Site]) -> _Parsed:
        """Reads and parses one file; nothing here changes the library, so that it can run in another process."""
        path, site = job
        signature = self._view.signature(path)
        try:
            data = self._view.read(path, self._limit_bytes)
        except TooLarge as error:
            return _Parsed(path, site.flavour, size_bytes=error.size_bytes)
        except Unreadable as error:
            return _Parsed(path, site.flavour, trouble=str(error))
        key = digest(data)
        if self._cache.record(key, site.flavour) is not None:
            return _Parsed(path, site.flavour, signature, key)
        return _Parsed(
            path, site.flavour, signature, key, records.make(self._engine, data, self.dialect(path, site), site)
        )

    def _adopt(self, parsed: _Parsed) -> None:
        path, flavour = parsed.path, parsed.flavour
        if parsed.digest is None:
            self.unreadable[path] = (
                Unreadable(parsed.trouble) if parsed.size_bytes is None else TooLarge(parsed.size_bytes)
            )
            return
        self._cache.learn_digest(path, parsed.signature, parsed.digest)
        record = parsed.record
        if record is None:
            record = self._cache.record(parsed.digest, flavour)
            assert record is not None
        else:
            self._cache.learn_record(parsed.digest, flavour, record)
            self.parsed += 1
        self._records[path, flavour] = record
        self._digests[path] = parsed.digest
