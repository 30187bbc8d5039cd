"""Links, anchors and headings of raw HTML, as a browser's tokeniser would read them.

One pass of one regular expression takes the source apart. Every quantifier in it is possessive or
runs to a mark or the end of the text, so that the time is linear for any input: an unclosed tag or quote
takes the rest of the text, as it does in a browser, counts for nothing, and is never tried twice.

Source: the HTML standard, "Tokenization" and "Parsing a srcset attribute".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SPACE = " \t\n\f\r"
# The attributes of a tag: quotes count only behind `=`, so that a stray one does not swallow the page.
BODY = r"""
    (?: [^=>]++
      | = [ \t\n\f\r]*+ (?: "[^"]*+ (?:"|\Z) | '[^']*+ (?:'|\Z) | [^ \t\n\f\r>"'][^ \t\n\f\r>]*+ )?+
    )*+
"""
_TOKEN = re.compile(
    rf"""
      (?P<comment> <!-- (?: -?> | .*? (?: --!?> | \Z ) ) )
    | < (?P<raw> script | style | textarea | title | xmp ) (?=[ \t\n\f\r/>])
        (?P<raw_body> {BODY} ) (?: (?P<raw_closed> > ) | \Z )
        .*? (?: (?= </ (?P=raw) [ \t\n\f\r/>] ) | \Z )
    | < (?P<name> [a-z][^ \t\n\f\r/>]*+ ) (?P<body> {BODY} ) (?: (?P<closed> > ) | \Z )
    | </ (?P<end> [a-z][^ \t\n\f\r/>]*+ ) {BODY} (?: > | \Z )
    | <[!?/] [^>]*+ (?: > | \Z )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"""
    ([^ \t\n\f\r/>=]++)
    [ \t\n\f\r]*+ = [ \t\n\f\r]*+
    (?: "([^"]*+) | '([^']*+) | ([^ \t\n\f\r>"'][^ \t\n\f\r>]*+) )
    """,
    re.VERBOSE,
)
_CANDIDATE = re.compile(r"[^ \t\n\f\r,](?:[^ \t\n\f\r]*[^ \t\n\f\r,])?+")
_REFERENCE = re.compile(r"&(?:#(?:[xX][0-9a-fA-F]++|[0-9]++);?|[A-Za-z][A-Za-z0-9]*+(?:;|(?![A-Za-z0-9=])))")
_TARGETS = frozenset({"href", "src"})
_NOT_RUNNING_TEXT = frozenset({"a", "code"})


def targets_of(html: str) -> Iterator[tuple[str, int, int]]:
    """Each URL of an `href`, `src` or `srcset`: its value, and where it stands in `html` (offsets in characters).

    The value has entities resolved, white space around it stripped, and tabs and line ends inside it
    removed, as the URL standard has it; the offsets are those of the raw value without the white space around it.
    """
    for _, name, start, end in _attributes(html):
        if name in _TARGETS:
            raw = html[start:end]
            begin = start + len(raw) - len(raw.lstrip(_SPACE))
            stripped = raw.strip(_SPACE)
            yield _url(stripped), begin, begin + len(stripped)
        elif name == "srcset":
            for begin, stop in _candidates(html, start, end):
                yield _url(html[begin:stop]), begin, stop


def ids_of(html: str) -> Iterator[str]:
    """The values of `id` on any tag and of `name` on `<a>`, entities resolved, empty ones left out."""
    for tag, name, start, end in _attributes(html):
        if start < end and (name == "id" or (name == "name" and tag == "a")):
            yield unescape(html[start:end])


def comments_of(html: str) -> Iterator[tuple[int, int]]:
    """Where comments stand (offsets in characters), `<!--` and `-->` included."""
    for token in _TOKEN.finditer(html):
        if token["comment"] is not None:
            yield token.span()


def pieces_of(html: str) -> Iterator[tuple[str, str]]:
    """Text and tags in order: `("text", decoded text)`, `("open", name)`, `("close", name)`; names in lower case."""
    position = 0
    for token in _TOKEN.finditer(html):
        if token.start() > position:
            yield "text", unescape(html[position : token.start()])
        position = token.end()
        if token["name"] is not None:
            yield "open", token["name"].lower()
        elif token["end"] is not None:
            yield "close", token["end"].lower()
    if position < len(html):
        yield "text", unescape(html[position:])


def texts_of(html: str) -> Iterator[tuple[int, int]]:
    """Where text stands that is neither in a link nor in code (offsets in characters)."""
    position = inside = 0
    for token in _TOKEN.finditer(html):
        if token.start() > position and not inside:
            yield position, token.start()
        position = token.end()
        if (token["name"] or "").lower() in _NOT_RUNNING_TEXT:
            inside += 1
        elif (token["end"] or "").lower() in _NOT_RUNNING_TEXT and inside:
            inside -= 1
    if position < len(html) and not inside:
        yield position, len(html)


def unescape(value: str) -> str:
    """Resolves entities as in an attribute: `&copy=1` and `&region` are not entities there, `&copy;` is."""
    return _REFERENCE.sub(_entity, value) if "&" in value else value


def _attributes(html: str) -> Iterator[tuple[str, str, int, int]]:
    """Tag name, attribute name (both in lower case) and the place of the raw value."""
    for token in _TOKEN.finditer(html):
        if token["closed"]:
            tag, group = token["name"], "body"
        elif token["raw_closed"]:
            tag, group = token["raw"], "raw_body"
        else:
            continue
        if "=" not in token[group]:
            continue
        tag = tag.lower()
        seen = set()
        for found in _ATTRIBUTE.finditer(html, *token.span(group)):
            name = found[1].lower()
            if name not in seen:  # of two attributes of one name a browser takes the first
                seen.add(name)
                assert found.lastindex is not None
                yield tag, name, *found.span(found.lastindex)


def _candidates(html: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The places of the URLs in a `srcset`; a comma inside a URL belongs to it, one at its end does not."""
    while (found := _CANDIDATE.search(html, start, end)) is not None:
        yield found.span()
        comma = html.find(",", found.end(), end)
        if comma < 0:
            return
        start = comma + 1


def _url(raw: str) -> str:
    value = unescape(raw)
    return value.translate({9: None, 10: None, 13: None})


def _entity(found: re.Match[str]) -> str:
    import html
    from html.entities import html5

    if found[0][1] == "#":
        return html.unescape(found[0])
    return html5.get(found[0][1:], found[0])
