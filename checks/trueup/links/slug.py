"""The anchors that renderers give to headings: one set of rules per flavour.

A flavour can have several *readings*: ways to slug a whole document between which nobody outside can
decide (does GitHub keep an emoji's variation selector?) or in which versions of a generator differ.
Every reading is numbered by itself, as one renderer would do it, and all of them are accepted: a
false alarm costs more than a miss.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from trueup.links.document import Heading

_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_CONTROL = re.compile(r"[\x00-\x1f]")
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_SPACES = "\t\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
# Symbols (category So) that are alphabetic all the same: circled, squared and negative Latin letters.
_ALPHABETIC_SYMBOLS = (range(0x24B6, 0x24EA), range(0x1F130, 0x1F14A), range(0x1F150, 0x1F16A), range(0x1F170, 0x1F18A))


class _Table(dict[int, "int | None"]):
    """For `str.translate`: decides about each character once. A line end stays: it separates the texts of a batch."""

    def __init__(self, keeps: Callable[[str], bool], *, hyphens: str) -> None:
        super().__init__({ord(char): ord("-") for char in hyphens})
        self[ord("\n")] = ord("\n")
        self._keeps = keeps

    def __missing__(self, code: int) -> int | None:
        self[code] = result = code if self._keeps(chr(code)) else None
        return result


def _github_keeps(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LM" or category in ("Nd", "Nl", "Pc") or char == "-" or _is_alphabetic_symbol(char)


def _mdbook_keeps(char: str) -> bool:
    # Rust's `char::is_alphanumeric`: what is Alphabetic, and all numbers. Python does not know which marks are
    # alphabetic; by their combining class, vowel signs are, and accents, viramas and variation selectors are not.
    category = unicodedata.category(char)
    if category in ("Mn", "Mc"):
        joins = unicodedata.combining(char)
        return (joins == 0 and not _VARIATION_SELECTORS.match(char)) or 10 <= joins <= 36
    return category[0] in "LN" or char in "_-" or _is_alphabetic_symbol(char)


def _hugo_keeps(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] == "L" or category == "Nd" or char in "_-"


def _is_alphabetic_symbol(char: str) -> bool:
    return any(ord(char) in block for block in _ALPHABETIC_SYMBOLS)


_GITHUB = _Table(_github_keeps, hyphens=" ")
_MDBOOK = _Table(_mdbook_keeps, hyphens=_SPACES)
_HUGO = _Table(_hugo_keeps, hyphens=" \t")


def _translate(texts: list[str], table: _Table) -> list[str]:
    """All texts in one call, which is what makes it fast; one by one where a text holds the separator itself."""
    joined = "\n".join(texts)
    if joined.count("\n") == len(texts) - 1:
        return joined.translate(table).split("\n")
    return [text.translate(table).replace("\n", "") for text in texts]


def _lower(texts: list[str]) -> list[str]:
    return [text.lower() for text in texts]


def _strip(texts: list[str]) -> list[str]:
    return [text.strip() for text in texts]


def _github(texts: list[str]) -> Iterator[list[str]]:
    """Lower case; letters, marks, decimal and letter numbers, `_` and `-` stay; each space becomes a hyphen.

    Source: the Markdown and HTML pipeline that GitHub published, and what its pages show today. A variation
    selector stays (it is a mark), a space at an end becomes a hyphen, a line end goes: that is the likeliest.
    Uncertain, and accepted besides: no variation selector; space at the ends stripped; line ends and the space
    around them as one space (a raw HTML heading over several lines); a final sigma that is not treated as final.
    """
    joined = "\n".join(texts)
    whitespace, selectors, sigmas = [texts], [False], [False]
    if not joined.isascii():
        selectors += [True] * (_VARIATION_SELECTORS.search(joined) is not None)
        sigmas += [True] * ("Σ" in joined)
    whitespace += [other for other in (_strip(texts), _one_line(texts)) if other != texts]
    for plain, drop, not_final in itertools.product(whitespace, selectors, sigmas):
        chosen = plain
        if drop:
            chosen = [_VARIATION_SELECTORS.sub("", text) for text in chosen]
        if not_final:
            chosen = [text.replace("Σ", "σ") for text in chosen]
        yield _translate(_lower(chosen), _GITHUB)


def _one_line(texts: list[str]) -> list[str]:
    return [" ".join(text.split()) if _CONTROL.search(text) else text for text in texts]


def _mdbook(texts: list[str]) -> Iterator[list[str]]:
    """Source: mdBook 0.5 (`id_from_content`); mdBook 0.4 lowered ASCII letters only."""
    trimmed = _strip(texts)
    yield [slug or "section" for slug in _translate(_lower(trimmed), _MDBOOK)]
    if not all(text.isascii() for text in trimmed):
        yield _translate([text.translate(_ASCII_LOWER) for text in trimmed], _MDBOOK)


def _mkdocs(texts: list[str]) -> Iterator[list[str]]:
    """Source: Python-Markdown's `toc` (`slugify`, then `slugify_unicode`) and the slugs of pymdown-extensions."""
    ascii_only = [unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii") for text in texts]
    for kept in (ascii_only, texts) if ascii_only != texts else (texts,):
        yield [re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower()) for text in kept]
    yield [re.sub(r"[^\w\- ]", "", text).strip().lower().replace(" ", "-") for text in texts]


def _hugo(texts: list[str]) -> Iterator[list[str]]:
    """Source: Hugo's `autoHeadingIDType = "github"`; older versions trimmed the heading first."""
    stripped = _strip(texts)
    for kept in (texts, stripped) if stripped != texts else (texts,):
        yield [slug or "heading" for slug in _translate([_lower_runes(text) for text in kept], _HUGO)]


def _lower_runes(text: str) -> str:
    # Go lowers each rune by itself: no final sigma, and `İ` becomes a plain `i`.
    return text.lower() if text.isascii() else "".join(char.lower()[:1] for char in text)


class _Flavour(NamedTuple):
    readings: Callable[[list[str]], Iterable[list[str]]]
    separator: str = "-"
    counts_up: bool = False  # `a_1` repeated becomes `a_2`, not `a_1_1`
    prefix: str = ""  # what is put before every id on the rendered page, while links work without it too


_FLAVOURS = {
    "github": _Flavour(_github, prefix="user-content-"),
    "mdbook": _Flavour(_mdbook),
    "mkdocs": _Flavour(_mkdocs, separator="_", counts_up=True),
    "docusaurus": _Flavour(_github),
    "hugo": _Flavour(_hugo),
}
FLAVOURS = frozenset(_FLAVOURS)
_COUNTED = re.compile(r"(.*)_([0-9]{1,9})", re.DOTALL)


class Slugger:
    """Makes the slugs of one document unique, as the flavour's renderer does, in time linear in their number."""

    def __init__(self, flavour: str) -> None:
        """Raises `KeyError` for a flavour that is not in `FLAVOURS`."""
        self._flavour = _FLAVOURS[flavour]
        self._next: dict[str, int] = {}  # the slugs that are taken, and for each the number to try next

    def slug(self, text: str) -> str:
        """The anchor of the next heading, by the likeliest reading."""
        return self.number(slugs(text, self._flavour.readings)[0])

    def reserve(self, anchor: str) -> None:
        """Marks an explicit id as taken."""
        self._next.setdefault(anchor, 1)

    def number(self, slug: str) -> str:
        """The slug itself when it is free, else with the first number behind it that makes it so."""
        taken = self._next
        if slug not in taken and (slug or not self._flavour.counts_up):
            taken[slug] = 1
            return slug
        stem, count = slug, taken.get(slug, 1)
        if self._flavour.counts_up and (counted := _COUNTED.fullmatch(slug)):
            stem = counted[1]
            count = max(int(counted[2]) + 1, taken.get(slug, 1))
        while (anchor := f"{stem}{self._flavour.separator}{count}") in taken:
            count = max(count + 1, taken[anchor] if self._flavour.counts_up else 0)
        taken[slug] = count + 1
        taken[anchor] = 1
        return anchor


def slugs(text: str, readings: Callable[[list[str]], Iterable[list[str]]]) -> tuple[str, ...]:
    """Every slug that one text can have, the likeliest first."""
    return tuple(dict.fromkeys(reading[0] for reading in readings([text])))


def github_slugs(text: str) -> tuple[str, ...]:
    """Every slug that GitHub may give to a heading of this text content, the likeliest first."""
    return slugs(text, _github)


def mdbook_slugs(text: str) -> tuple[str, ...]:
    """The same for mdBook."""
    return slugs(text, _mdbook)


def mkdocs_slugs(text: str) -> tuple[str, ...]:
    """The same for MkDocs."""
    return slugs(text, _mkdocs)


def docusaurus_slugs(text: str) -> tuple[str, ...]:
    """The same for Docusaurus."""
    return slugs(text, _github)


def hugo_slugs(text: str) -> tuple[str, ...]:
    """The same for Hugo."""
    return slugs(text, _hugo)


def anchors(headings: list[Heading], ids: list[str], flavour: str) -> frozenset[str]:
    """Every fragment that leads somewhere on the rendered page, without the empty one and `top`.

    GitHub's prefix `user-content-` is left out: a fragment counts with it and without it.
    Raises `KeyError` for a flavour that is not in `FLAVOURS`.
    """
    prefix = _FLAVOURS[flavour].prefix
    found = set(ids)
    found.update(heading.explicit_id for heading in headings if heading.explicit_id is not None)
    # GitHub does not know `{#id}`; elsewhere an explicit id takes the slug's place.
    texts = [heading.text for heading in headings if heading.explicit_id is None or prefix]
    if texts:
        reserved = () if prefix else tuple(found - set(ids))
        for reading in _FLAVOURS[flavour].readings(texts):
            found |= _numbered(reading, reserved, flavour)
    if prefix and ids:
        found = {anchor.removeprefix(prefix) for anchor in found}
    found.discard("")
    return frozenset(found)


def _numbered(reading: list[str], reserved: tuple[str, ...], flavour: str) -> set[str]:
    distinct = set(reading)
    if len(distinct) == len(reading) and distinct.isdisjoint(reserved) and "" not in distinct:
        return distinct
    slugger = Slugger(flavour)
    for anchor in reserved:
        slugger.reserve(anchor)
    return {slugger.number(slug) for slug in reading}


def slugs_for(text: str, flavour: str) -> tuple[str, ...]:
    """Every slug that a heading of this text can have in a flavour, the likeliest first."""
    return slugs(text, _FLAVOURS[flavour].readings)
