"""Puts a `Document` together from what the rules of markdown-it-py have found, in source order."""

from __future__ import annotations

import re

from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

from trueup.links.document import Document, Heading, Kind, LocatedLink, UndefinedReference
from trueup.links.engines.bare_urls import bare_in_html, bare_target
from trueup.links.engines.markdown_it_rules import Definition, Found
from trueup.links.engines.places import Place, Places
from trueup.links.html_tags import comments_of, ids_of, pieces_of, targets_of
from trueup.links.targets import normalise

_ATTRIBUTES = re.compile(r"[ \t]*\{([^{}<>\\\n]*)\}[ \t]*\Z")
_TASK_BOX = re.compile(r"\A\[[ xX]\][ \t]+")
_HEADING_TAG = re.compile(r"h[1-6]")


class Collector:
    """What one source holds. Places are characters of the source until `document` is called."""

    def __init__(self, places: Places, definitions: dict[str, Definition]) -> None:
        """`definitions` may still grow while the source is read."""
        self._places = places
        self._definitions = definitions
        self._links: list[tuple[str, Kind, int, int]] = []
        self._undefined: list[tuple[str, str, int, int]] = []
        self._comments: list[tuple[int, int]] = []
        self._ids: list[str] = []
        self._headings: list[Heading] = []
        # The parts of the raw HTML heading that is open; its end tag may stand in a later block.
        self._raw_heading: list[str] | None = None

    def read_html(self, html: str, place: Place, *, is_block: bool = True) -> None:
        """A piece of raw HTML: a whole block, or one tag in running text."""
        self._ids.extend(ids_of(html))
        self._comments.extend((place(start), place(end - 1) + 1) for start, end in comments_of(html))
        for target, start, end in targets_of(html):
            self._links.append((target, Kind.HTML, *_span(place, start, end)))
        if is_block:
            for start, end in bare_in_html(html):
                self._links.append((bare_target(html[start:end]), Kind.BARE, *_span(place, start, end)))
        for kind, value in pieces_of(html):
            if kind == "text":
                self._read_text(value)
            elif _HEADING_TAG.fullmatch(value):
                if kind == "close" and self._raw_heading is not None:
                    self._headings.append(Heading("".join(self._raw_heading)))
                self._raw_heading = [] if kind == "open" else None

    def read_inline(self, token: Token, found: list[Found], place: Place) -> str:
        """The text of a paragraph, cell or heading, with what the rules have found in it; returns its text content."""
        html = (item for item in found if item.kind is Kind.HTML)
        text: list[str] = []
        for child in token.children or ():
            if child.type == "html_inline":
                item = next(html)
                base = item.start
                self.read_html(child.content, lambda offset, base=base: place(base + offset), is_block=False)  # type: ignore[misc]
            else:
                text.append(_text_of(child))
                self._read_text(text[-1])
        self._read_text("\n")
        for item in found:
            if item.kind is None:
                self._undefined.append(
                    (" ".join((item.label or "").split()), item.form, *_span(place, item.start, item.end))
                )
            elif item.label is not None:
                definition = self._definitions[normalizeReference(item.label)]
                start = self._places.of_normalised(definition.start, definition.line)
                self._links.append((item.target, item.kind, start, start + definition.end - definition.start))
            elif item.kind is not Kind.HTML:
                target = bare_target(item.target) if item.kind is Kind.BARE else item.target
                self._links.append((target, item.kind, *_span(place, item.start, item.end)))
        return "".join(text)

    def read_heading(
        self, token: Token, found: list[Found], place: Place, explicit_id: str | None, *, in_item: bool
    ) -> None:
        """The text of a Markdown heading; `in_item`: it is the first thing in a list item, which may be a task."""
        self._raw_heading = None  # a heading cannot stand in a heading: the raw one was never closed
        text = self.read_inline(token, found, place)
        self._headings.append(Heading(_TASK_BOX.sub("", text) if in_item else text, explicit_id))

    def document(self) -> Document:
        """Everything, with byte offsets."""
        spans = [*(link[2:] for link in self._links), *(item[2:] for item in self._undefined), *self._comments]
        at = self._places.to_bytes(offset for span in spans for offset in span)
        links = [LocatedLink(normalise(target), kind, at[start], at[end]) for target, kind, start, end in self._links]
        undefined = [UndefinedReference(label, form, at[start], at[end]) for label, form, start, end in self._undefined]
        return Document(
            links=sorted(links, key=lambda link: link.start_byte),
            headings=self._headings,
            ids=self._ids,
            undefined=sorted(undefined, key=lambda reference: reference.start_byte),
            definitions=[" ".join(definition.label.split()) for definition in self._definitions.values()],
            comments=sorted((at[start], at[end]) for start, end in self._comments),
        )

    def _read_text(self, text: str) -> None:
        if self._raw_heading is not None:
            self._raw_heading.append(text)


def take_attributes(token: Token) -> str | None:
    """Takes `{#id .class}` off the end of a heading's text; the id, where there is one."""
    found = _ATTRIBUTES.search(token.content)
    if found is None:
        return None
    token.content = token.content[: found.start()]
    ids = [word[1:] for word in found[1].split() if word.startswith("#")]
    return ids[-1] if ids else None


def _span(place: Place, start: int, end: int) -> tuple[int, int]:
    return (place(start), place(end - 1) + 1) if end > start else (place(start), place(start))


def _text_of(child: Token) -> str:
    """A token's part in the text content of its block: an image has none, a footnote's mark is its number."""
    if child.type in ("text", "text_special", "code_inline"):
        return child.content
    if child.type in ("softbreak", "hardbreak"):
        return "\n"
    return str(child.meta["id"] + 1) if child.type == "footnote_ref" else ""
