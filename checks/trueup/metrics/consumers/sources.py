"""The files of a repository that may use metrics: found, read, and told where they cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from trueup.checks import Options
from trueup.config import Config, PathMatcher
from trueup.datafiles import Text
from trueup.findings import Finding
from trueup.meta_rules import unreadable
from trueup.metrics.consumers.code import CodeFile
from trueup.metrics.consumers.grafana_files import read_json
from trueup.metrics.consumers.manifests import read_yaml
from trueup.metrics.consumers.model import Contents
from trueup.metrics.consumers.search import DATA_ENDINGS, DOCS_ENDINGS, Search
from trueup.metrics.docs_drift.queries import made_in, queries_of
from trueup.repo import Unreadable, View
from trueup.repo.view import SUBMODULE, SYMLINK

LARGEST_FILE_BYTES = 16 << 20
# They speak of the past.
_CHRONICLES = ("CHANGELOG*", "CHANGES*", "HISTORY*", "RELEASE*", "MIGRAT*", "UPGRAD*")


class Source(NamedTuple):
    """One file: its text and what it holds. `kind`: `data`, `docs` or `code`; `is_wanted`: it was asked for."""

    path: str
    text: Text
    contents: Contents
    kind: str
    is_wanted: bool
    words: frozenset[str] = frozenset()


class Sources:
    """What a search finds, file by file."""

    def __init__(self, view: View, config: Config, options: Options, search: Search) -> None:
        self._view = view
        self._options = options
        self._settings = config.metrics
        self._search = search
        self.findings: list[Finding] = []

    def read(self) -> Iterator[Source]:
        """Every source; those that were not asked for too, for what they define."""
        metrics = self._settings
        excluded = PathMatcher(metrics.exclude)
        docs, chronicles = PathMatcher(metrics.docs), PathMatcher(_CHRONICLES)
        named = [path for path in self._search.named if not excluded.matches(path)]
        data = [path for path in self._search.data if not excluded.matches(path)]
        for path in dict.fromkeys([*data, *(one for one in named if one.lower().endswith(DATA_ENDINGS))]):
            # JSON makes no names: it need not be read for others' sake.
            if self._options.asks_for(path) or not path.lower().endswith(".json"):
                yield from self._one(path, "data", _data_of)
        shown = [path for path in self._search.docs if docs.matches(path) and not chronicles.matches(path)]
        for path in dict.fromkeys([*shown, *(one for one in named if one.lower().endswith(DOCS_ENDINGS))]):
            if not excluded.matches(path):
                yield from self._one(path, "docs", _docs_of)
        if metrics.code:
            wanted = PathMatcher(metrics.code)
            for path, entry in self._view.entries.items():
                is_file = entry.mode not in (SYMLINK, SUBMODULE)
                if is_file and wanted.matches(path) and not excluded.matches(path):
                    yield from self._one(path, "code", self._code_of)

    def _one(
        self, path: str, kind: str, reader: Callable[[str, Text], tuple[Contents, frozenset[str]]]
    ) -> Iterator[Source]:
        is_wanted = self._options.asks_for(path)
        try:
            text = Text(self._view.read(path, LARGEST_FILE_BYTES))
        except Unreadable as error:
            if is_wanted and not self._view.is_gone(path):
                self.findings.append(unreadable(path, error))
            return
        contents, words = reader(path, text)
        yield Source(path, text, contents, kind, is_wanted, words)

    def _code_of(self, path: str, text: Text) -> tuple[Contents, frozenset[str]]:
        code = CodeFile(text.text, self._search.prefixes)
        return Contents(code.expressions, [], [], []), frozenset(code.words)


def _data_of(path: str, text: Text) -> tuple[Contents, frozenset[str]]:
    if path.lower().endswith(".json"):
        return read_json(text.text, lambda offset: offset), frozenset()
    return read_yaml(text.text), frozenset()


def _docs_of(path: str, text: Text) -> tuple[Contents, frozenset[str]]:
    return Contents(list(queries_of(text.text)), made_in(text.text), [], []), frozenset()
