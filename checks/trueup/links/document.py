"""What an engine finds in one source: links, anchors, undefined references, ignore comments.

Two depths. A `Scan` is all that is needed to tell *whether* something is wrong; it is cheap and is
cached. A `Document` knows in addition *where*, byte for byte, and is made only for the few files
that have findings (and for `--fix` and `--graph`).

Targets are compared in *normal form*: entities and backslash escapes resolved, then
percent-encoded as a browser would send it (see `targets.normalise`).
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Collection
from typing import Protocol

import msgspec


class Kind(enum.StrEnum):
    """How a link is written."""

    LINK = "link"  # [text](target), and uses of a reference definition
    IMAGE = "image"  # ![alt](target), and uses of a reference definition
    AUTOLINK = "autolink"  # <https://example.org>
    BARE = "bare"  # https://example.org in running text (GFM)
    HTML = "html"  # href, src, srcset of a raw HTML tag


class Dialect(enum.StrEnum):
    """The Markdown that a renderer reads; each flavour uses one of these."""

    GFM = "gfm"  # tables, footnotes, strikethrough, task lists
    GFM_ATTRIBUTES = "gfm-attributes"  # the same, and `# Heading {#id}`
    HTML = "html"  # the whole source is HTML


class LocatedLink(msgspec.Struct, frozen=True, array_like=True):
    """One link. `[start_byte, end_byte)` is the target as written, in the UTF-8 source.

    For a reference link it is the target in the *definition*: that is where it must be mended.
    """

    target: str
    kind: Kind
    start_byte: int
    end_byte: int


class Heading(msgspec.Struct, frozen=True, array_like=True):
    """One heading in document order.

    `text` is the text content of the rendered heading (code spans included, images without their
    alternative text, raw HTML tags removed, entities resolved), not stripped: an image at the start
    leaves its space. `explicit_id` is `{#id}` where the dialect has it.
    """

    text: str
    explicit_id: str | None = None


class UndefinedReference(msgspec.Struct, frozen=True, array_like=True):
    """`[text][label]` (`full`), `[label][]` (`collapsed`) or `[label]` (`shortcut`) without a definition.

    `[start_byte, end_byte)` is the whole reference as written.
    """

    label: str
    form: str
    start_byte: int
    end_byte: int


class Document(msgspec.Struct, frozen=True):
    """Everything in one source, in source order, with places.

    `ids` are the `id` and `name` attributes of raw HTML. `definitions` are the labels defined, as
    written. `comments` are the byte ranges of HTML comments, `<!--` and `-->` included.
    """

    links: list[LocatedLink]
    headings: list[Heading]
    ids: list[str]
    undefined: list[UndefinedReference]
    definitions: list[str]
    comments: list[tuple[int, int]]


class Engine(Protocol):
    """A Markdown parser behind the interface that the link check needs.

    `source` is text without a byte-order mark, whose front matter has been blanked out by
    `sources.blank_front_matter` (bytes keep their places). Both methods agree: the targets of
    `scan` are the set of targets of `locate`. Neither raises for any text.
    """

    name: str

    def scan(self, source: str, dialect: Dialect) -> Scan:
        """What there is, without places."""

    def labels(self, source: str, dialect: Dialect) -> list[str]:
        """The `definitions` of `locate`, alone."""

    def locate(self, source: str, dialect: Dialect) -> Document:
        """What there is, with places."""

    def places(self, source: str, dialect: Dialect, wanted: Collection[str]) -> list[LocatedLink]:
        """The links of `locate` whose target is wanted."""


class Scan(msgspec.Struct, frozen=True, array_like=True):
    """What there is in one source, without places. `targets` counts how often each target is linked."""

    targets: dict[str, int]
    link_count: int
    headings: list[Heading]
    ids: list[str]
    undefined: list[UndefinedReference]


def scan_of(document: Document) -> Scan:
    """The `Scan` that says the same as a `Document`."""
    return Scan(
        targets=dict(Counter(link.target for link in document.links)),
        link_count=len(document.links),
        headings=document.headings,
        ids=document.ids,
        undefined=document.undefined,
    )
