"""Links, headings and ids read from rendered HTML: the fast way to learn *what* a document holds.

The HTML is pulldown-cmark's, in which the text of code and of paragraphs is escaped: every `<` opens a
real tag, written by the renderer in one known form or passed through from raw HTML in any form.
"""

from __future__ import annotations

import re
from collections import Counter
from html import unescape

from trueup.links.document import Heading
from trueup.links.engines.bare_urls import bare_target, match_bare
from trueup.links.html_tags import BODY, ids_of, targets_of
from trueup.links.targets import is_normal, normalise

# Nothing here backtracks or is tried again behind an end that is missing, so the time is linear for any text.
_LINK = r"""a\ href="(?P<href>[^"]*)">"""
_OTHER = rf"""
      [hH][1-6](?P<heading_attributes>(?:\s{BODY})?)>
      (?P<heading>[^<]*+(?:<(?!/?[hH][1-6][\s>])[^<]*+)*+)</[hH][1-6]\s*>  # up to the next heading's tag at most
    | img\ src="(?P<src>[^"]*)"\ alt="[^">]*"\ />
    | (?P<footnote>sup\ class="footnote-reference"><a\ href="[^"]*">|div\ class="footnote-definition"\ id="[^"]*">)
    | (?P<raw_text>(?i:script|style))\b.*?(?:</(?i:(?P=raw_text))\s*>|\Z)
    | [a-zA-Z][a-zA-Z0-9-]*\s(?P<attributes>{BODY})(?:>|\Z)
"""
# Most tags are the renderer's own and carry no address: the look-ahead turns those away first.
_NO_ADDRESS = r"""(?!/|(?:p|li|code|em|strong|td|th|tr|ul|ol|pre|br)\b(?:>|\ class="language-|\ />))"""
_TAG = re.compile(rf"<{_NO_ADDRESS}(?:{_LINK}|{_OTHER})", re.VERBOSE | re.DOTALL)
_OTHER_TAG = re.compile(rf'<(?!a\ href="[^"]*"(?:\ title="[^"]*")?>){_NO_ADDRESS}(?:{_OTHER})', re.VERBOSE | re.DOTALL)
_OWN_LINK = re.compile(r'<a href="([^"]*)"(?: title="[^"]*")?>')
_ANY_TAG = re.compile(rf"<!--(?:.*?-->|.*)|</?[a-zA-Z][a-zA-Z0-9-]*+(?:[\s/]{BODY})?+(?:>|\Z)", re.DOTALL | re.VERBOSE)
_EXPLICIT_ID = re.compile(r"""\sid=(?:"([^"]*)"|'([^']*)')""")
# Compiled although they are plain words: that is the fastest search for one that Python has.
_WWW_SIGN, _COMMENT_SIGN = re.compile(r"www\."), re.compile(r"<!--")
# Most URLs are the renderer's own attributes. The look-behind comes last: a pattern that starts with a word is faster.
_SCHEME_SIGN = re.compile(r'://(?<!="http://)(?<!="https://)')
_UP_TO_SPACE = re.compile(r"[^\s<]+")
_ADDRESSING = re.compile(r"(?:href|src|id|name|srcset)\s*=", re.IGNORECASE)
_BEFORE_WWW = frozenset(" \t\n*_~(>")
_BLOCK_ENDS = ("</p>", "</li>", "</td>", "</th>", "</h", "<p>", "<li>", "<td", "<h")
_NOT_TEXT = ("<code", "<a ", "<script", "<style", "<textarea", "<title")


class Contents:
    """What one pass over the HTML collects."""

    def __init__(self) -> None:
        self.targets: Counter[str] = Counter()
        self.headings: list[Heading] = []
        self.ids: list[str] = []


def read(html: str, *, explicit_ids: bool) -> Contents:
    """Everything in a rendered document. `explicit_ids`: a heading's `id` names it instead of its text."""
    html = without_comments(html)
    contents = Contents()
    if _read_tags(_OTHER_TAG, html, contents, explicit_ids):
        # Nine tags of ten are the renderer's own links: those are found without a step of Python for each.
        links = Counter(_OWN_LINK.findall(html))
        if is_normal("".join(links)):
            for written, count in links.items():
                contents.targets[_normal(written) if "&" in written else written] += count
        else:
            for written, count in links.items():
                if " " in written or "\n" in written:  # a raw tag; the renderer writes neither
                    _read_attributes(f'<a href="{written}">', contents, count)
                else:
                    contents.targets[_normal(written)] += count
    else:
        contents = Contents()
        _read_tags(_TAG, html, contents, explicit_ids)
    if "://" in html or "www." in html:
        contents.targets.update(bare_urls(html))
    return contents


def without_comments(html: str) -> str:
    """The HTML without its comments; one that is never closed takes the rest."""
    pieces: list[str] = []
    end = 0
    for found in _COMMENT_SIGN.finditer(html):
        start = found.start()
        if start < end:
            continue
        pieces.append(html[end:start])
        end = html.find("-->", start + 2) + 3
        if end < 3:
            return "".join(pieces)
    return "".join([*pieces, html[end:]]) if pieces else html


def _normal(written: str) -> str:
    return normalise(unescape(written) if "&" in written else written)


def _read_tags(pattern: re.Pattern[str], html: str, contents: Contents, explicit_ids: bool) -> bool:
    """Whether each `<a href` in the HTML is a link: not in scripts, styles, and the renderer's own footnote marks."""
    plain = True
    for found in pattern.finditer(html):
        kind = found.lastgroup
        if kind == "href" or kind == "src":
            target = found[kind]
            if " " in target or "\n" in target:  # a raw tag; the renderer writes neither
                _read_attributes(found[0], contents)
            else:
                contents.targets[_normal(target)] += 1
        elif kind == "heading":
            attributes, inner = found["heading_attributes"], found["heading"]
            explicit = _EXPLICIT_ID.search(attributes) if attributes and explicit_ids else None
            if attributes and explicit is None:
                _read_attributes(f"<h1{attributes}>", contents)
            if "<" in inner:
                plain = _read_tags(pattern, inner, contents, explicit_ids) and plain
            contents.headings.append(
                Heading(text_of(inner), unescape(explicit[1] or explicit[2] or "") if explicit else None)
            )
        elif kind == "attributes":
            if _ADDRESSING.search(found["attributes"]):
                _read_attributes(found[0], contents)
        elif kind == "raw_text" or kind == "footnote":
            plain = False
    return plain


def _read_attributes(tag: str, contents: Contents, count: int = 1) -> None:
    for value, _, _ in targets_of(tag):
        contents.targets[normalise(value)] += count
    contents.ids.extend(ids_of(tag))


def text_of(html: str) -> str:
    """The text content: tags and comments removed, entities resolved."""
    if "<" in html:
        html = _ANY_TAG.sub("", html)
    return unescape(html) if "&" in html else html


def bare_urls(html: str) -> list[str]:
    """The targets of GFM's extended autolinks in rendered text, comments gone; not in code, links or tags."""
    urls: list[str] = []
    for sign in (_SCHEME_SIGN, _WWW_SIGN):
        text = _RunningText(html)
        end_of_last = 0
        for found in sign.finditer(html):
            position = found.start()
            if sign is _WWW_SIGN:
                start = position
            elif html.startswith("https", position - 5):
                start = position - 5
            else:
                start = position - 4
            if position < end_of_last or (sign is _SCHEME_SIGN and not html.startswith("http", start)):
                continue
            if not _may_be_bare(html, start, sign) or not text.holds(start):
                continue
            written = _UP_TO_SPACE.match(html, start)
            url = unescape(written[0]) if written else ""
            end = match_bare(url, 0, len(url))
            if end is not None:
                urls.append(bare_target(url[:end]))
                end_of_last = start + end - 1  # not behind its end: entities make it longer here than it is
    return urls


def _may_be_bare(html: str, start: int, sign: re.Pattern[str]) -> bool:
    before = html[start - 1] if start else " "
    if sign is _WWW_SIGN:
        return before in _BEFORE_WWW
    # `="https:` is an attribute (or text so rare that it is not worth a second look).
    return not (before in "\"'" and html[start - 2] == "=") and not ("a" <= before.lower() <= "z")


class _RunningText:
    """Tells of places, asked for in ascending order, whether they are text outside tags, links and code."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._seen = self._seen_links = 0
        self._tag = self._tag_end = self._link = -1
        self._in_link = False

    def holds(self, position: int) -> bool:
        html = self._html
        tag = html.rfind("<", self._seen, position)
        self._seen = position
        if tag >= 0:
            self._tag, self._tag_end = tag, html.find(">", tag)
        if self._tag < 0:
            return True
        if html.startswith(_NOT_TEXT, self._tag) or not 0 <= self._tag_end < position:
            return False
        opened = html.rfind("<a ", self._seen_links, position)
        closed = html.rfind("</a>", self._seen_links, position)
        self._seen_links = position
        if opened >= 0 or closed >= 0:
            self._in_link, self._link = opened > closed, opened
        if self._in_link and any(html.find(end, self._link, position) >= 0 for end in _BLOCK_ENDS):
            self._in_link = False  # `<a name="x">` that nobody closes
        return not self._in_link
