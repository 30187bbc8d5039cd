"""The pure-Python engine: markdown-it-py. Slow and simple, it is the oracle for the other one.

It is used where pyromark has no wheel, and by the tests, which hold both engines to the same answers.
"""

from __future__ import annotations

from collections.abc import Collection

from trueup.links.document import Dialect, Document, LocatedLink, Scan, scan_of
from trueup.links.engines.collector import Collector, take_attributes
from trueup.links.engines.markdown_it_rules import MAX_NESTING, Recorder, new_environment, parser, read_inline
from trueup.links.engines.places import Places


class MarkdownItEngine:
    """See `document.Engine`."""

    name = "markdown-it"

    def scan(self, source: str, dialect: Dialect) -> Scan:
        """What there is, without places; this engine has no quicker way than to locate everything."""
        return scan_of(self.locate(source, dialect))

    def labels(self, source: str, dialect: Dialect) -> list[str]:
        """The `definitions` of `locate`, alone."""
        return self.locate(source, dialect).definitions

    def places(self, source: str, dialect: Dialect, wanted: Collection[str]) -> list[LocatedLink]:
        """The links of `locate` whose target is wanted."""
        return [link for link in self.locate(source, dialect).links if link.target in wanted]

    def locate(self, source: str, dialect: Dialect) -> Document:
        """What there is, with places."""
        if dialect is Dialect.HTML:
            collector = Collector(Places(source), {})
            collector.read_html(source, lambda offset: offset)
            return collector.document()
        for max_nesting in (MAX_NESTING, 20, 5):
            try:
                return _locate_markdown(source, dialect, max_nesting)
            except RecursionError:
                continue  # the caller has used up most of the stack: less depth is read, rather than nothing
        return Collector(Places(source), {}).document()


def _locate_markdown(source: str, dialect: Dialect, max_nesting: int) -> Document:
    markdown, environment = parser(max_nesting), new_environment()
    recorder: Recorder = environment["trueup"]
    places = Places(source)
    tokens = markdown.parse(source, environment)
    collector = Collector(places, recorder.definitions)
    cell = 0
    around = ""
    for number, token in enumerate(tokens):
        if token.type == "tr_open":
            cell = 0
        elif token.type == "html_block" and token.map:
            collector.read_html(token.content, places.of_lines(token.content, *token.map))
        elif token.type == "inline" and token.map:
            if around in ("th_open", "td_open"):
                place = places.of_cell(recorder.rows[token.map[0]], token.map[0], cell, token.content)
                cell += 1
            elif "start" in token.meta:
                place = places.of_run(token.meta["start"], token.map[0])
            else:
                place = places.of_lines(token.content, *token.map)
            is_heading = around == "heading_open"
            explicit_id = take_attributes(token) if is_heading and dialect is Dialect.GFM_ATTRIBUTES else None
            found = read_inline(markdown, token, environment)
            if is_heading:
                in_item = number > 1 and tokens[number - 2].type == "list_item_open"
                collector.read_heading(token, found, place, explicit_id, in_item=in_item)
            else:
                collector.read_inline(token, found, place)
        around = token.type
    return collector.document()
