"""The default engine: pulldown-cmark through pyromark.

`scan` renders to HTML, which pulldown-cmark does an order of magnitude faster than Python can look at
events, and off the GIL. `locate` walks the events with their byte ranges; it is for few files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import pyromark

from trueup.links import rendered
from trueup.links.document import Dialect, Document, LocatedLink, Scan, UndefinedReference
from trueup.links.engines.pyromark_places import LabelPlaces, walk

_O = pyromark.Options
_GFM = _O.ENABLE_TABLES | _O.ENABLE_FOOTNOTES | _O.ENABLE_STRIKETHROUGH | _O.ENABLE_TASKLISTS
_OPTIONS = {Dialect.GFM: _GFM, Dialect.GFM_ATTRIBUTES: _GFM | _O.ENABLE_HEADING_ATTRIBUTES}

_FORMS = {"Reference": "full", "Collapsed": "collapsed", "Shortcut": "shortcut"}
_PLAIN_SHORTCUT = re.compile(r"(?:|\s*[ xX]\s*|\^.*|!\w+)", re.DOTALL)
# pulldown-cmark does not take a closing fence with a tab behind it for one, though CommonMark has it so.
_TAB_AT_END = re.compile(r"\t[\r\n]")
_LONGEST_FENCE_TAIL = 80

_LONE_CR = re.compile(r"\r(?!\n)")


class PyromarkEngine:
    """See `document.Engine`."""

    name = "pyromark"

    def scan(self, source: str, dialect: Dialect) -> Scan:
        """What there is, without places."""
        undefined: list[Any] = []
        if dialect is Dialect.HTML:
            html = source
        else:
            html = pyromark.html(_mended(source), options=_OPTIONS[dialect], broken_link_callback=undefined.append)
        contents = rendered.read(html, explicit_ids=dialect is Dialect.GFM_ATTRIBUTES)
        return Scan(
            targets=dict(contents.targets),
            link_count=contents.targets.total(),
            headings=contents.headings,
            ids=contents.ids,
            undefined=list(_undefined_references(source, undefined)),
        )

    def labels(self, source: str, dialect: Dialect) -> list[str]:
        """The `definitions` of `locate`, alone."""
        return list(self._definitions(source, dialect))

    def locate(self, source: str, dialect: Dialect) -> Document:
        """What there is, with places."""
        scan = self.scan(source, dialect)
        definitions = self._definitions(source, dialect)
        links, comments = self._walk(source, dialect, definitions, None)
        return Document(
            links=links,
            headings=scan.headings,
            ids=scan.ids,
            undefined=scan.undefined,
            definitions=list(definitions),
            comments=comments,
        )

    def places(self, source: str, dialect: Dialect, wanted: Collection[str]) -> list[LocatedLink]:
        """Where links to the wanted targets stand."""
        return self._walk(source, dialect, self._definitions(source, dialect), wanted)[0]

    def _walk(
        self, source: str, dialect: Dialect, definitions: dict[str, Any], wanted: Collection[str] | None
    ) -> tuple[list[LocatedLink], list[tuple[int, int]]]:
        data = source.encode("utf-8", "surrogatepass")
        return walk(_mended(source), data, _OPTIONS.get(dialect), LabelPlaces(definitions, data), wanted)

    def _definitions(self, source: str, dialect: Dialect) -> dict[str, Any]:
        if dialect is Dialect.HTML:
            return {}
        return pyromark.reference_definitions(_mended(source), options=_OPTIONS[dialect])


def _mended(source: str) -> str:
    """The source, each byte in its place, without what pulldown-cmark misreads."""
    if "\r" in source:  # a carriage return alone ends a line too
        source = _LONE_CR.sub("\n", source)
    pieces: list[str] = []
    done = 0
    for found in _TAB_AT_END.finditer(source):
        end = found.end() - 1
        tail = source[max(done, end - _LONGEST_FENCE_TAIL) : end]
        fence = tail.rstrip(" \t")
        if fence.endswith(("```", "~~~")):
            blanks = len(tail) - len(fence)
            pieces += (source[done : end - blanks], " " * blanks)
            done = end
    return "".join([*pieces, source[done:]]) if pieces else source


def _undefined_references(source: str, broken: list[Any]) -> Iterator[UndefinedReference]:
    data = b""
    for reference in broken:
        form = _FORMS.get(reference["link_type"], "shortcut")
        start, end = reference["span"]["start"], reference["span"]["end"]
        if form == "collapsed":  # pulldown-cmark's range leaves out the empty brackets
            data = data or source.encode("utf-8", "surrogatepass")
            end += 2 * (data[end : end + 2] == b"[]")
        if not (form == "shortcut" and _PLAIN_SHORTCUT.fullmatch(reference["reference"])):
            yield UndefinedReference(reference["reference"], form, start, end)
