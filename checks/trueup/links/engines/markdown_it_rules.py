"""markdown-it-py, made to tell where things stand: its own rules, wrapped so that they record places.

markdown-it-py knows a block's lines, but neither where in its source an inline token stands nor where
a link's target is written. The wrapped rules below call the library's own and note the offsets at
which it worked; `Recorder` keeps them for one parse.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block import heading as heading_rule
from markdown_it.rules_block import reference as reference_rule
from markdown_it.rules_block import table as table_rule
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline import autolink as autolink_rule
from markdown_it.rules_inline import html_inline as html_inline_rule
from markdown_it.rules_inline import image as image_rule
from markdown_it.rules_inline import link as link_rule
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from trueup.links.document import Kind
from trueup.links.engines.bare_urls import BARE_START, match_bare

# How deep blocks, and brackets in a paragraph, may stand in each other. What stands deeper is not read: real documents
# stay far below, and each level costs the library several Python calls on the stack and a pass over the text.
MAX_NESTING = 64
_DEEP_BRACKETS = 32
_LABEL_LIMIT = 999  # characters, CommonMark's own


@dataclass(slots=True)
class Found:
    """One thing in a paragraph (or heading, or cell); offsets in its text, `end` behind the last character."""

    kind: Kind | None  # None: a reference without a definition
    start: int
    end: int
    target: str = ""
    label: str | None = None  # of a reference: its place is that of the definition
    form: str = ""


@dataclass(slots=True)
class Definition:
    """`[label]: target`; offsets in the text of the parse."""

    label: str
    line: int
    start: int
    end: int


@dataclass(slots=True)
class Recorder:
    """What the wrapped rules have seen in one parse."""

    found: list[Found] = field(default_factory=list)  # in the paragraph being read
    labels_seen: set[int] = field(default_factory=set)  # where the second half of an undefined `[a][b]` starts
    images_seen: set[int] = field(default_factory=set)  # where the bracket of an undefined `![a]` stands
    image: StateInline | None = None  # the text in which an image is being read
    image_depth: int = 0
    definitions: dict[str, Definition] = field(default_factory=dict)
    rows: dict[int, tuple[int, int]] = field(default_factory=dict)  # of tables: line to start and end of its text

    def is_alternative(self, state: StateInline) -> bool:
        """Whether `state` reads an image's alternative text again, in which links are not shown.

        Its brackets have been matched by then; matching them once more on every level takes for ever.
        """
        return self.image is not None and state is not self.image

    @staticmethod
    def of(state: StateInline | StateBlock) -> Recorder:
        """The recorder of the parse to which `state` belongs."""
        recorder = state.env["trueup"]
        assert isinstance(recorder, Recorder)
        return recorder


@functools.cache
def parser(max_nesting: int = MAX_NESTING) -> MarkdownIt:
    """CommonMark with GFM's tables, strikethrough, footnotes and bare URLs, recording into `env["trueup"]`."""
    markdown = MarkdownIt("commonmark", {"maxNesting": max_nesting})
    markdown.enable(["table", "strikethrough"])
    markdown.use(footnote_plugin, inline=False, move_to_end=False)
    as_it_is: Callable[[str], str] = str
    for name in ("normalizeLink", "normalizeLinkText"):
        setattr(markdown, name, as_it_is)
    setattr(markdown, "validateLink", lambda _: True)  # noqa: B010  (a link to judge, not one to render)
    inline, block = markdown.inline.ruler, markdown.block.ruler
    for name, rule in (("link", _link), ("image", _image), ("autolink", _autolink), ("html_inline", _html_inline)):
        inline.at(name, rule)
    inline.at("text", _text_rule(markdown))
    inline.before("text", "bare_url", _bare_url)
    block.at("reference", _reference)
    block.at("heading", _heading, {"alt": ["paragraph", "reference", "blockquote"]})
    block.at("table", _table, {"alt": ["paragraph", "reference"]})
    markdown.core.ruler.enableOnly(["normalize", "block"])  # the inline half is run block by block, see `read_inline`
    return markdown


def _text_rule(markdown: MarkdownIt) -> Callable[[StateInline, bool], bool]:
    stop = re.compile(markdown.inline.terminator_re.pattern + "|" + BARE_START)

    def text(state: StateInline, silent: bool) -> bool:
        found = stop.search(state.src, state.pos, state.posMax)
        end = found.start() if found else state.posMax
        if end == state.pos:
            return False
        if not silent:
            _append(state, state.src[state.pos : end])
        state.pos = end
        return True

    return text


def _bare_url(state: StateInline, silent: bool) -> bool:
    if silent or state.linkLevel > 0:  # in a link's text, or in brackets that may become one
        return False
    end = match_bare(state.src, state.pos, state.posMax)
    if end is None:
        return False
    recorder = Recorder.of(state)
    if not recorder.image_depth:
        recorder.found.append(Found(Kind.BARE, state.pos, end, state.src[state.pos : end]))
    _append(state, state.src[state.pos : end])
    state.pos = end
    return True


def _append(state: StateInline, text: str) -> None:
    if hasattr(state, "append_pending"):  # since 4.2; before, each addition copies what is pending
        state.append_pending(text)
    else:
        state.pending += text


def _link(state: StateInline, silent: bool) -> bool:
    start = state.pos
    if state.src[start] != "[" or start in _too_deep(state.src):
        return False
    recorder = Recorder.of(state)
    if recorder.is_alternative(state):
        return False
    before = len(state.tokens)
    matched = link_rule(state, silent)
    if silent or recorder.image_depth:
        return matched
    if matched:
        token = next(token for token in state.tokens[before:] if token.type == "link_open")
        _record_link(state, start, start, Kind.LINK, str(token.attrs["href"]))
    else:
        _record_undefined(state, start, start)
    return matched


def _image(state: StateInline, silent: bool) -> bool:
    start = state.pos
    if not state.src.startswith("![", start) or start + 1 in _too_deep(state.src):
        return False
    recorder = Recorder.of(state)
    if recorder.is_alternative(state):
        return False
    outer, recorder.image = recorder.image, state
    recorder.image_depth += 1
    try:
        matched = image_rule(state, silent)
    finally:
        recorder.image_depth -= 1
        recorder.image = outer
    if silent or recorder.image_depth:
        return matched
    if matched:
        _record_link(state, start, start + 1, Kind.IMAGE, str(state.tokens[-1].attrs["src"]))
    else:
        _record_undefined(state, start, start + 1)
    return matched


def _label_end(state: StateInline, bracket: int, *, image: bool = False) -> int:
    """Where the `]` stands that belongs to `bracket`, or -1; a link, unlike an image, cannot hold links."""
    end: int = state.md.helpers.parseLinkLabel(state, bracket, not image)
    return end


def _record_link(state: StateInline, start: int, bracket: int, kind: Kind, target: str) -> None:
    """Of the link that has just been read up to `state.pos`."""
    source, end = state.src, state.pos
    label_end = _label_end(state, bracket, image=kind is Kind.IMAGE)
    found = Found(kind, start, end, target)
    if end == label_end + 1:
        found.label = source[bracket + 1 : label_end]
    elif source[label_end + 1] == "[":
        found.label = source[label_end + 2 : end - 1] or source[bracket + 1 : label_end]
    else:
        found.start, found.end = _destination(state, label_end + 2, end)
    Recorder.of(state).found.append(found)


def _destination(state: StateInline | StateBlock, position: int, end: int, text: str | None = None) -> tuple[int, int]:
    source = state.src if text is None else text
    while position < end and source[position] in " \t\n":
        position += 1
    result = state.md.helpers.parseLinkDestination(source, position, end)
    if source.startswith("<", position) and result.ok:
        return position + 1, result.pos - 1
    return position, result.pos if result.ok else position


def _record_undefined(state: StateInline, start: int, bracket: int) -> None:
    """A full, collapsed or shortcut reference at `bracket` that the library did not take for a link."""
    recorder, source = Recorder.of(state), state.src
    label_end = _label_end(state, bracket, image=bracket != start)
    if label_end < 0 or bracket in recorder.images_seen:
        return
    label, form, end = source[bracket + 1 : label_end], "shortcut", label_end + 1
    if source.startswith("[", end) and end < state.posMax:
        second_end = _label_end(state, end, image=True)
        second = source[end + 1 : second_end] if second_end >= 0 else "^"
        if not second.startswith("^") and (not second or _is_label(second)):
            recorder.labels_seen.add(end)
            label, form, end = second or label, "full" if second else "collapsed", second_end + 1
    if form == "shortcut" and (bracket in recorder.labels_seen or _is_plain(label)):
        return
    if bracket != start:
        recorder.images_seen.add(bracket)
    if _is_label(label):
        recorder.found.append(Found(None, start, end, label=label, form=form))


_BRACKET = re.compile(r"\\.|([\[\]])", re.DOTALL)


def _is_label(text: str) -> bool:
    """What CommonMark lets be a label: something that is not white space, and no bracket but with a backslash."""
    return bool(text.strip()) and len(text) <= _LABEL_LIMIT and not any(b[1] for b in _BRACKET.finditer(text))


def _is_plain(label: str) -> bool:
    """`[x]` is a task's box, `[^1]` a footnote, `[!NOTE]` an alert: never meant as links."""
    return label.strip() in ("x", "X") or label.startswith("^") or re.fullmatch(r"!\w+", label) is not None


@functools.lru_cache(maxsize=16)
def _too_deep(source: str) -> frozenset[int]:
    """The brackets that are not read as links, in a text that nests them absurdly deep; see `MAX_NESTING`.

    Trying each of n nested brackets costs n passes over the text, so those beyond the limit, and those that are
    never closed, are left alone.
    """
    if source.count("[") <= _DEEP_BRACKETS:
        return frozenset()
    opened: list[int] = []
    deep: set[int] = set()
    deepest = 0
    for found in _BRACKET.finditer(source):
        if found[1] == "[":
            opened.append(found.start())
            deepest = max(deepest, len(opened))
            if len(opened) > _DEEP_BRACKETS:
                deep.add(found.start())
        elif found[1] and opened:
            opened.pop()
    return frozenset(deep.union(opened)) if deepest > _DEEP_BRACKETS else frozenset()


def _autolink(state: StateInline, silent: bool) -> bool:
    start = state.pos
    matched = autolink_rule(state, silent)
    recorder = Recorder.of(state)
    if matched and not silent and not recorder.image_depth:
        target = str(state.tokens[-3].attrs["href"])
        recorder.found.append(Found(Kind.AUTOLINK, start + 1, state.pos - 1, target))
    return matched


def _html_inline(state: StateInline, silent: bool) -> bool:
    start = state.pos
    matched = html_inline_rule(state, silent)
    recorder = Recorder.of(state)
    if matched and not silent:
        tag = state.src[start : start + 7].lower()
        if tag.startswith(("<code>", "<code ")):  # no bare URLs in there; the library does the same for `<a>`
            state.linkLevel += 1
        elif tag.startswith("</code>"):
            state.linkLevel = max(0, state.linkLevel - 1)
        if not recorder.image_depth:
            recorder.found.append(Found(Kind.HTML, start, state.pos))
    return matched


def _reference(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    matched = reference_rule(state, start_line, end_line, silent)
    if matched and not silent:
        offsets: list[int] = []
        for line in range(start_line, state.line):
            offsets.extend(range(state.bMarks[line] + state.tShift[line], state.eMarks[line] + 1))
        text = "".join(state.src[offset] if offset < len(state.src) else "\n" for offset in offsets)
        label_end = next(b.start() for b in _BRACKET.finditer(text) if b[1] == "]")
        label = text[1:label_end]
        begin, end = _destination(state, label_end + 2, len(text), text)
        definition = Definition(label, start_line + text.count("\n", 0, begin), offsets[begin], offsets[end])
        Recorder.of(state).definitions.setdefault(normalizeReference(label), definition)
    return matched


def _heading(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    matched = heading_rule(state, start_line, end_line, silent)
    if matched and not silent:
        token = state.tokens[-2]
        marks = state.bMarks[start_line] + state.tShift[start_line] + len(state.tokens[-1].markup)
        token.meta["start"] = state.src.find(token.content, marks)
    return matched


def _table(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    matched = table_rule(state, start_line, end_line, silent)
    if matched and not silent:
        for line in range(start_line, state.line):
            Recorder.of(state).rows[line] = (state.bMarks[line] + state.tShift[line], state.eMarks[line])
    return matched


def read_inline(markdown: MarkdownIt, token: Token, environment: dict[str, Any]) -> list[Found]:
    """Reads the text of one block; its parts become the token's children."""
    recorder = environment["trueup"]
    recorder.found, recorder.labels_seen, recorder.images_seen = [], set(), set()
    token.children = []
    markdown.inline.parse(token.content, markdown, environment, token.children)
    found: list[Found] = recorder.found
    return found


def new_environment() -> dict[str, Any]:
    """What a parse needs as its `env`."""
    return {"trueup": Recorder()}
