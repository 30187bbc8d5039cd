"""GFM's bare URLs (*extended autolinks*) at one place of a text.

Source: the GFM specification, "Autolinks (extension)". E-mail addresses and `ftp:` are left out: no
check follows them. Unlike GitHub's renderer we take URLs in brackets too, up to the bracket, and in raw HTML.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from trueup.links.html_tags import texts_of, unescape
from trueup.links.targets import normalise

# Where a bare URL may start, to find such places quickly.
BARE_START = r"[hH][tT][tT][pP][sS]?://|www\."
_START = re.compile(BARE_START)
_REST = re.compile(r"[^\s<]*")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_LINK_INSIDE = re.compile(r"\[[^\[\]]*\]\(")  # `https://example.org/[text](target)`: the link is what was meant
_ENTITY = re.compile(r"&[A-Za-z0-9]+;\Z")


def match_bare(text: str, start: int, limit: int) -> int | None:
    """Where the bare URL ends that starts at `start`; `None` when none does."""
    prefix = _START.match(text, start, limit)
    if prefix is None:
        return None
    before = text[start - 1] if start > 0 else "\n"
    if prefix[0] == "www.":
        if before not in "*_~(" and not before.isspace():
            return None
        domain_start = start
    else:
        if before.isascii() and before.isalpha():
            return None
        domain_start = prefix.end()
    domain_end = _domain_end(text, domain_start, limit)
    domain = text[domain_start:domain_end]
    if domain_end == limit or text[domain_end] not in "/?#:":
        domain = domain.rstrip("_")  # the end of emphasis: `_https://example.org_`
    segments = domain.split(".")
    if domain_end <= prefix.end() - (prefix[0] == "www.") or any("_" in segment for segment in segments[-2:]):
        return None
    if prefix[0] == "www." and not segments[1]:
        return None
    rest = _REST.match(text, domain_end, limit)
    assert rest is not None
    url = text[start : rest.end()]
    link = _LINK_INSIDE.search(url)
    return start + _trimmed(url[: link.start()] if link else url)


def bare_target(written: str) -> str:
    """Where a bare URL leads, in normal form: entities and backslash escapes resolved, `http://` before `www.`."""
    url = unescape(_ESCAPE.sub(r"\1", written) if "\\" in written else written)
    return normalise("http://" + url if url.startswith("www.") else url)


def bare_in_html(html: str) -> Iterator[tuple[int, int]]:
    """Where bare URLs stand in raw HTML. GitHub leaves those as text; for readers they are addresses all the same."""
    if "://" in html or "www." in html:
        for begin, limit in texts_of(html):
            start = begin
            while (found := _START.search(html, start, limit)) is not None:
                end = match_bare(html, found.start(), limit)
                if end is not None:
                    yield found.start(), end
                start = max(found.end(), end or 0)


def _domain_end(text: str, start: int, limit: int) -> int:
    position = start
    while position < limit and (text[position] in "-_." or _is_host_character(text[position])):
        if position == start and text[position] in "-_.":
            break
        position += 1
    return position


def _is_host_character(char: str) -> bool:
    if char.isascii():
        return char.isalnum()
    return not char.isspace() and unicodedata.category(char)[0] != "P"


def _trimmed(url: str) -> int:
    """The length without what is not the URL's: punctuation at its end, `)` too many, an entity, `]` around it."""
    depth = 0
    for position, char in enumerate(url):
        depth += (char == "[") - (char == "]")
        if depth < 0:
            url = url[:position]
            break
    end = len(url)
    opening, closing = url.count("("), url.count(")")
    while end > 0:
        last = url[end - 1]
        if last in "?!.,:*_~'\"":
            end -= 1
        elif last == ")" and closing > opening:
            closing -= 1
            end -= 1
        elif last == ";":
            entity = _ENTITY.search(url, max(0, end - 40), end)
            end = entity.start() if entity else end - 1
        else:
            break
    return end
