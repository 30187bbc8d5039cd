"""Where links stand, by pulldown-cmark's events and their byte ranges."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator
from typing import Any

import pyromark

from trueup.links.document import Kind, LocatedLink
from trueup.links.engines.bare_urls import BARE_START, bare_in_html, bare_target, match_bare
from trueup.links.html_tags import comments_of, targets_of
from trueup.links.targets import normalise

# Behind the last thing in the brackets: `](`, white space (and a block quote's marks on a new line), the target.
_INLINE_DESTINATION = re.compile(rb"\]\(\s*(?:>[ \t]*)*(?:<((?:[^<>\\\n]|\\.)*)>|((?:[^\s\\]|\\[^\n])*))", re.DOTALL)
_DEFINITION_DESTINATION = re.compile(rb"\]:\s*(?:>[ \t]*)*(?:<((?:[^<>\\\n]|\\.)*)>|(\S+))", re.DOTALL)
_INLINE_ENDS = ("Emphasis", "Strong", "Strikethrough")
_RAW_OPEN = re.compile(rb"<(?:a\s|code[\s>])", re.IGNORECASE)
_RAW_CLOSE = re.compile(rb"</(?:a|code)\s*>", re.IGNORECASE)
_BARE_START = re.compile(BARE_START)


def walk(
    source: str,
    data: bytes,
    options: pyromark.Options | None,
    definitions: LabelPlaces,
    wanted: Collection[str] | None,
) -> tuple[list[LocatedLink], list[tuple[int, int]]]:
    """Links (those whose target is wanted; all for `None`) and comments; `options=None`: the source is HTML."""
    walker = _Walker(data, definitions, wanted)
    if options is None:
        walker.read_html([(source, 0)], is_block=True)
    else:
        walker.walk(pyromark.events_with_range(source, options=options, broken_link_callback=lambda _: None))
    walker.links.sort(key=lambda link: link.start_byte)
    return walker.links, walker.comments


class LabelPlaces:
    """Where each label's destination stands."""

    def __init__(self, definitions: dict[str, Any], data: bytes) -> None:
        self._spans = {_fold(label): definition["span"] for label, definition in definitions.items()}
        self._data = data

    def find(self, label: str) -> tuple[int, int] | None:
        """The bytes of the destination that a label's definition gives."""
        span = self._spans.get(_fold(label))
        if span is None:
            return None
        found = _DEFINITION_DESTINATION.search(self._data, span["start"], span["end"])
        return found.span(found.lastindex or 0) if found else (span["start"], span["end"])


@functools.lru_cache(maxsize=4096)
def _fold(label: str) -> str:
    return " ".join(label.split()).casefold()


class _Walker:
    """Goes through the events once and collects links and comments with their places."""

    def __init__(self, data: bytes, definitions: LabelPlaces, wanted: Collection[str] | None) -> None:
        self._data = data
        self._definitions = definitions
        self._wanted = wanted
        self._bare = wanted is None or any("://" in target for target in wanted)
        self.links: list[LocatedLink] = []
        self.comments: list[tuple[int, int]] = []

    def walk(self, events: Iterator[Any]) -> None:
        # `inner_end`: where the last thing inside the innermost open link ends; text that is not inside a
        # link, code or HTML is gathered from `text_from` to `text_to`, to be searched for bare URLs.
        inner_end = 0
        html: list[tuple[str, int]] = []
        in_html = in_raw = False  # in a block of HTML; between the raw tags of a link or of code
        text_from = text_to = -1
        depth = 0
        opened: list[tuple[dict[str, Any], str, int]] = []
        for event, span in events:
            if type(event) is str:
                continue
            (name,) = event
            start, end = span["start"], span["end"]
            if name == "Text":
                if self._bare and not depth and not in_html and not in_raw:
                    if start != text_to:
                        self._read_bare(text_from, text_to)
                        text_from = start
                    text_to = end
            elif name == "Start":
                value = event["Start"]
                if type(value) is str:
                    if value == "HtmlBlock":
                        html, in_html = [], True
                    continue
                (tag,) = value
                if tag == "Link" or tag == "Image":
                    opened.append((value[tag], tag, start))
                    depth += 1
                    inner_end = start + (1 if tag == "Link" else 2)
                elif tag == "CodeBlock":
                    depth += 1
                continue
            elif name == "End":
                value = event["End"]
                if value == "Link" or value == "Image":
                    link, tag, begin = opened.pop()
                    depth -= 1
                    if not any(outer == "Image" for _, outer, _ in opened):  # alternative text shows no links
                        self._read_link(link, tag, begin, max(inner_end, begin), end)
                elif value == "HtmlBlock":
                    self.read_html(html, is_block=True)
                    in_html = False
                elif value == "CodeBlock":
                    depth -= 1
                elif value not in _INLINE_ENDS:
                    in_raw = False
            elif name == "Html":
                html.append((event["Html"], start))
            elif name == "InlineHtml":
                if _RAW_OPEN.match(self._data, start):
                    in_raw = True
                elif _RAW_CLOSE.match(self._data, start):
                    in_raw = False
                if not any(tag == "Image" for _, tag, _ in opened):
                    self.read_html(self._lines_of(event[name], start), is_block=False)
            if opened and end > inner_end:
                inner_end = end
        self._read_bare(text_from, text_to)

    def _read_link(self, link: dict[str, Any], tag: str, begin: int, inner_end: int, stop: int) -> None:
        is_mail = link["link_type"] == "Email"
        target = normalise("mailto:" + link["dest_url"] if is_mail else link["dest_url"])
        if self._wanted is not None and target not in self._wanted:
            return
        kind = Kind.LINK if tag == "Link" else Kind.IMAGE
        if is_mail or link["link_type"] == "Autolink":
            kind = Kind.AUTOLINK
        place = _destination(self._data, link, begin, inner_end, stop, self._definitions)
        self.links.append(LocatedLink(target, kind, *place))

    def _lines_of(self, html: str, start: int) -> list[tuple[str, int]]:
        """The lines of a tag that stands at `start`, each with its place: a quote's marks are not part of it."""
        lines = []
        for line in html.splitlines(keepends=True):
            start = max(start, self._data.find(line.rstrip("\r\n").encode("utf-8", "surrogatepass"), start))
            lines.append((line, start))
            start += len(line.encode("utf-8", "surrogatepass"))
        return lines

    def read_html(self, pieces: list[tuple[str, int]], *, is_block: bool) -> None:
        """Raw HTML: its text in pieces, each with the byte at which it stands in the source."""
        text = "".join(piece for piece, _ in pieces)
        if "<!--" in text:
            for first, last in comments_of(text):
                self.comments.append((_byte_of(first, pieces), _byte_of(last - 1, pieces) + 1))
        if "=" in text:
            for value, first, last in targets_of(text):
                self._add(normalise(value), Kind.HTML, pieces, first, last)
        if self._bare and is_block:
            for first, last in bare_in_html(text):
                self._add(bare_target(text[first:last]), Kind.BARE, pieces, first, last)

    def _read_bare(self, start: int, end: int) -> None:
        if end <= start:
            return
        piece = self._data[start:end]
        if b"://" in piece or b"www." in piece:
            text = piece.decode("utf-8", "surrogatepass")
            position = 0
            while (found := _BARE_START.search(text, position)) is not None:
                stop = match_bare(text, found.start(), len(text))
                if stop is not None:
                    self._add(bare_target(text[found.start() : stop]), Kind.BARE, [(text, start)], found.start(), stop)
                position = stop or found.end()

    def _add(self, target: str, kind: Kind, pieces: list[tuple[str, int]], first: int, last: int) -> None:
        """A link at characters `[first, last)` of the text that `pieces` make up."""
        if self._wanted is None or target in self._wanted:
            start = _byte_of(first, pieces)
            end = _byte_of(last - 1, pieces, behind=True) if last > first else start
            self.links.append(LocatedLink(target, kind, start, end))


def _byte_of(offset: int, pieces: list[tuple[str, int]], *, behind: bool = False) -> int:
    """The byte at which a character of the pieces' text stands, or the one behind it."""
    for piece, start in pieces:
        if offset < len(piece):
            return start + len(piece[: offset + behind].encode("utf-8", "surrogatepass"))
        offset -= len(piece)
    piece, start = pieces[-1]
    return start + len(piece.encode("utf-8", "surrogatepass"))


def _destination(
    data: bytes, link: dict[str, Any], begin: int, inner_end: int, stop: int, definitions: LabelPlaces
) -> tuple[int, int]:
    if link["link_type"] == "Inline":
        found = _INLINE_DESTINATION.search(data, inner_end, stop)
        if found is None:
            return begin, stop
        if found[1] is not None:
            return found.span(1)
        start = found.start(2)
        return start, start + _unbracketed(data[start : found.end(2)])
    if link["link_type"] in ("Autolink", "Email"):
        return begin + 1, stop - 1
    return definitions.find(link["id"]) or (begin, stop)


def _unbracketed(destination: bytes) -> int:
    """How long a destination without `<>` is: up to the `)` that closes the link."""
    depth = 0
    position = 0
    while position < len(destination):
        byte = destination[position]
        if byte == 0x5C:  # a backslash escapes the next
            position += 1
        elif byte == 0x28:
            depth += 1
        elif byte == 0x29:
            if depth == 0:
                return position
            depth -= 1
        position += 1
    return min(position, len(destination))
