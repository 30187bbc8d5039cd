"""What is kept of one source's contents: enough to judge it without reading it again."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

import msgspec

from trueup.links.document import Dialect, Engine, Scan, UndefinedReference
from trueup.links.flavours import Site
from trueup.links.fragments import ANY_ANCHOR
from trueup.links.nearest import Nearest
from trueup.links.slug import anchors, slugs_for
from trueup.links.sources import Source, decode
from trueup.links.spots import LazyLines, Spot
from trueup.links.targets import has_scheme
from trueup.suppression import IgnoreComment, parse

# Part of every cache key: raise it with any change of what a record holds or how it is found.
EXTRACTOR_VERSION = 7

# A file or folder of some repository on GitHub: whether it is this one is asked at every run.
_OWN_URL = re.compile(r"github\.com/[^/]+/[^/]+/(?:blob|tree|raw|edit|blame)/|raw\.githubusercontent\.com/")
_COMMENT_SIGN = "trueup:"
_DEFINITION_SIGN = re.compile(r"\]:")
_SHORTEST_LABEL, _LONGEST_LABEL = 4, 999
# How each generator's pages take in other files that may bring headings along.
_INCLUDES = {
    "mdbook": re.compile(r"\{\{#include\s[^}\s]*\.md"),
    "mkdocs": re.compile(r"--8<--|\{%-?\s*include|\{!"),
    "hugo": re.compile(r"\{\{[<%]-?\s*[\w/-]*(?:include|read-?file|snippet|partial)", re.IGNORECASE),
    "docusaurus": re.compile(r"^import\s.*\.mdx?[\"']", re.MULTILINE),
}
_MARKDOWN_SHORTCODE = re.compile(r"\{\{%-?\s*(/?)\s*([\w/.-]+)")
_WITH_TERM_IDS = frozenset({"hugo", "mdbook"})
_DEFINITION = re.compile(r"\n\n? {0,3}:[ \t]")
_LONGEST_TERM = 500
_LINK_TARGET = re.compile(r"\]\([^()]*\)")
_PAIR = re.compile(r"\[([^\[\]]+)\]\[([^\[\]]+)\]")
_ISSUE = re.compile(r"(?:[\w.-]+(?:/[\w.-]+)?)?#\d+")  # GitHub makes a link of it by itself
_MOST_COMPARISONS = 500_000  # in one document
_NEAR_LABEL = 85  # rapidfuzz's ratio: one wrong letter in seven


class BadComment(msgspec.Struct, frozen=True, array_like=True):
    """An ignore comment that cannot be obeyed."""

    line: int
    column: int
    message: str


class Undefined(msgspec.Struct, frozen=True, array_like=True):
    """A reference to a label that the document does not define; `near` is a defined label that was probably meant."""

    label: str
    is_shortcut: bool
    near: str
    spot: Spot


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One file's contents as one flavour reads them.

    `targets` counts how often each is linked, and leaves out what needs no check: URLs that cannot lead
    into this repository, and fragments of the file itself that exist.
    """

    targets: dict[str, int]
    link_count: int
    anchors: frozenset[str]
    undefined: list[Undefined]
    comments: list[IgnoreComment]
    bad_comments: list[BadComment]
    bad_byte: Spot | None


def make(engine: Engine, data: bytes, dialect: Dialect, site: Site) -> Record:
    """The record of a file's bytes."""
    source = decode(data)
    scan = engine.scan(source.text, dialect)
    names = anchors(scan.headings, scan.ids, site.flavour) | _generated_anchors(source.text, site.flavour)
    lines = LazyLines(data)
    comments: list[IgnoreComment] = []
    bad: list[BadComment] = []
    if _COMMENT_SIGN in source.text:
        places = engine.locate(source.text, dialect).comments
        comments, malformed = parse(source.text, places)
        bad = [BadComment(item.line, item.column, item.message) for item in malformed]
    return Record(
        targets={target: count for target, count in scan.targets.items() if _needs_check(target, names)},
        link_count=scan.link_count,
        anchors=names,
        undefined=list(_undefined(engine, scan, source, dialect, site, lines)) if scan.undefined else [],
        comments=comments,
        bad_comments=bad,
        bad_byte=None if source.bad_byte is None else lines.spot(source.bad_byte, source.bad_byte + 1),
    )


def _needs_check(target: str, names: frozenset[str]) -> bool:
    if target.startswith("#"):
        return len(target) > 1 and target[1:] not in names
    if has_scheme(target):
        return "%5D(" in target or _OWN_URL.search(target.lower()) is not None
    return True


def _generated_anchors(text: str, flavour: str) -> frozenset[str]:
    """What a generator adds to the headings: ids of the terms of definition lists, and whatever it includes."""
    if _takes_in_others(text, flavour):
        return frozenset((ANY_ANCHOR,))
    if flavour not in _WITH_TERM_IDS or "\n:" not in text:
        return frozenset()
    terms: list[str] = []
    for found in _DEFINITION.finditer(text):
        start = text.rfind("\n\n", 0, found.start()) + 1
        terms += text[max(start, found.start() - _LONGEST_TERM) : found.start()].split("\n")
    names: set[str] = set()
    for term in terms:
        for slug in slugs_for(_LINK_TARGET.sub("]", term).strip(), flavour):
            # Numbered together with the headings of the same slug, in an order that is not worth knowing here.
            names.update((slug, f"{slug}-1", f"{slug}-2"))
    return frozenset(names)


def _takes_in_others(text: str, flavour: str) -> bool:
    includes = _INCLUDES.get(flavour)
    if includes is not None and includes.search(text):
        return True
    if flavour != "hugo" or "{{%" not in text:
        return False
    # What {{% name %}} yields is read as Markdown; with {{% /name %}} it is mostly what stands between the two.
    found = _MARKDOWN_SHORTCODE.findall(text)
    return not {name for slash, name in found if not slash} <= {name for slash, name in found if slash}


def _undefined(
    engine: Engine, scan: Scan, source: Source, dialect: Dialect, site: Site, lines: LazyLines
) -> Iterator[Undefined]:
    # Between Hugo's shortcodes stands what is no Markdown: `[params]` of a TOML example.
    no_shortcuts = site.flavour == "hugo" and "{{" in source.text
    data = source.text.encode("utf-8", "surrogatepass")
    near_labels = _NearLabels(engine, source.text, dialect)
    for reference in scan.undefined:
        is_shortcut = reference.form == "shortcut"
        if is_shortcut and no_shortcuts:
            continue
        near = near_labels.of(reference.label)
        # A lone [label] is meant as a link only where a similar one is defined.
        if near is not None if is_shortcut else _is_reference(reference, data):
            spot = lines.spot(reference.start_byte + source.bom_bytes, reference.end_byte + source.bom_bytes)
            yield Undefined(reference.label, is_shortcut, near or "", spot)


def _is_reference(reference: UndefinedReference, data: bytes) -> bool:
    """`array[i][j]`, `[][]` and `[a][1]` without any definition are plain text, not forgotten links."""
    before = data[reference.start_byte - 1 : reference.start_byte]
    written = data[reference.start_byte : reference.end_byte]
    if before.isalnum() or before in (b"_", b"]", b")", b"[", b"$") or b"[]" in written[:2]:
        return False
    pair = _PAIR.fullmatch(written.decode("utf-8", "replace"))
    if pair is not None and _are_tags(pair[1], pair[2]):
        return False
    after = data[reference.end_byte : reference.end_byte + 1]
    return after not in (b"[", b"(") and re.search(r"\w", reference.label) is not None


def _are_tags(text: str, label: str) -> bool:
    """`[1][2]` cites two sources; `[Slow][Serial]`, `[Stretch Goal][Push left]` are tags, unless they share a word."""
    if text.isdecimal() and label.isdecimal():
        return True
    if not (text[:1].isupper() and label[:1].isupper()):
        return False
    return not set(re.findall(r"\w+", text.casefold())) & set(re.findall(r"\w+", label.casefold()))


class _NearLabels:
    """For a `[label]` that is not defined, the defined label that was probably meant.

    Most documents have brackets that were never meant as links: so the engine is asked for the true
    labels only once something that looks like a definition has a similar one.
    """

    def __init__(self, engine: Engine, text: str, dialect: Dialect) -> None:
        self._engine = engine
        self._text = text
        self._dialect = dialect

    def of(self, label: str) -> str | None:
        if len(label) < _SHORTEST_LABEL or _ISSUE.fullmatch(label) or self._likely.nearest(label) is None:
            return None
        return self._true.nearest(label)

    @functools.cached_property
    def _likely(self) -> _Labels:
        text = self._text
        ends = [found.start() for found in _DEFINITION_SIGN.finditer(text)]
        return _Labels([text[text.rfind("[", max(0, end - _LONGEST_LABEL), end) + 1 : end] for end in ends])

    @functools.cached_property
    def _true(self) -> _Labels:
        return _Labels(self._engine.labels(self._text, self._dialect))


class _Labels:
    """Labels that were defined, to be searched for similar ones; case and punctuation do not count."""

    def __init__(self, labels: list[str]) -> None:
        self._plain: dict[str, str] = {}
        for label in labels:
            self._plain.setdefault(label.strip("`*_ ").casefold(), label)
        self._names = list(self._plain)
        self._nearest = Nearest(_MOST_COMPARISONS)

    def nearest(self, label: str) -> str | None:
        plain = label.strip("`*_ ").casefold()
        found = self._nearest.of(plain, self._names, _NEAR_LABEL)
        # [KEP-12] is no typing error for [KEP-13].
        if found is None or re.findall(r"\d+", found) != re.findall(r"\d+", plain):
            return None
        return self._plain[found]
