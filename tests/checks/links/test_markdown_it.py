from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.links.document import Dialect, Document, Heading, Kind, scan_of
from trueup.links.engines.markdown_it import MarkdownItEngine
from trueup.links.targets import normalise

ENGINE = MarkdownItEngine()


def read(text: str, dialect: Dialect = Dialect.GFM) -> Document:
    return ENGINE.locate(text, dialect)


def links(text: str, dialect: Dialect = Dialect.GFM) -> list[tuple[str, str, str]]:
    """Kind, target, and the target as it is written at the link's place."""
    data = text.encode()
    return [
        (link.kind, link.target, data[link.start_byte : link.end_byte].decode()) for link in read(text, dialect).links
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](b.md)", [("link", "b.md", "b.md")]),
        ("[a](<b c.md> 'title')", [("link", "b%20c.md", "b c.md")]),
        ("[a]()", [("link", "", "")]),
        ("[a](<>)", [("link", "", "")]),
        ("[a](b\\_c&amp;d.md)", [("link", "b_c&d.md", "b\\_c&amp;d.md")]),
        ("[a](\n  b.md\n)", [("link", "b.md", "b.md")]),
        ("[a](é(x).md)", [("link", "%C3%A9(x).md", "é(x).md")]),
        ("![i](i.png)", [("image", "i.png", "i.png")]),
        ("[![i](i.png)](a.md)", [("image", "i.png", "i.png"), ("link", "a.md", "a.md")]),
        ("![a [b](c)](d)", [("image", "d", "d")]),
        (
            "[a][b] [b] [b][] ![b]\n\n[b]: <x y.md> 'title'\n",
            [("link", "x%20y.md", "x y.md")] * 3 + [("image", "x%20y.md", "x y.md")],
        ),
        ("> [a]\n>\n> [a]:\n>   b.md\n", [("link", "b.md", "b.md")]),
        ("[a]\n\n[a]: b.md\n[a]: c.md\n", [("link", "b.md", "b.md")]),
        (
            "<https://a.example> <m@example.org>",
            [
                ("autolink", "https://a.example", "https://a.example"),
                ("autolink", "mailto:m@example.org", "m@example.org"),
            ],
        ),
        (
            "See https://a.example/b_c. Or (www.d.example).",
            [
                ("bare", "https://a.example/b_c", "https://a.example/b_c"),
                ("bare", "http://www.d.example", "www.d.example"),
            ],
        ),
        ("[https://a.example](b)", [("link", "b", "b")]),
        ("_https://a.example_", [("bare", "https://a.example", "https://a.example")]),
        ('x <a href="b.md">https://c.example</a>', [("html", "b.md", "b.md")]),
        ('<p>\n<img\n  src="i.png" srcset="j.png 2x">\n', [("html", "i.png", "i.png"), ("html", "j.png", "j.png")]),
        ("> <img\n> src=i.png>\n", [("html", "i.png", "i.png")]),
        ("`[a](b)` `<a href=b>`\n\n    [a](b)\n\n```\n[a](b) https://a.example\n```\n\n<!-- [a](b) -->\n", []),
        ("| a |\n|---|\n| [x](y\\|z.md) `\\|` [b](c) |\n", [("link", "y%7Cz.md", "y\\|z.md"), ("link", "c", "c")]),
        ("|\u00a0a|b|\n|-|-|\n|\u00a0[x](y)| [z](w)", [("link", "y", "y"), ("link", "w", "w")]),
        ("# [a](b) #\n\n[c](d)\n===\n", [("link", "b", "b"), ("link", "d", "d")]),
        ("- 1\n  - [a](b)\n\n\t[c](d)\n", [("link", "b", "b"), ("link", "d", "d")]),
        ("x[^1]\n\n[^1]: [a](b)\n", [("link", "b", "b")]),
        ("[a](b)\r\n[c](d)\r[e](f)\n", [("link", "b", "b"), ("link", "d", "d"), ("link", "f", "f")]),
        ("𝄞 [a](b)\0 [c](d)", [("link", "b", "b"), ("link", "d", "d")]),
    ],
)
def test_links(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert links(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A *b* `c` [d](e) &amp; \\*\n", [Heading("A b c d & *")]),
        ("# ![i](i.png) A\n", [Heading(" A")]),
        ("A\nb\n===\n", [Heading("A\nb")]),
        ("# A <b>c</b> <!-- d -->\n", [Heading("A c ")]),
        ("# A[^1]\n\n[^1]: b\n", [Heading("A1")]),
        ("# A {#b}\n", [Heading("A {#b}")]),
        ('<h1 align="center">\nA <b>b</b>\n</h1>\n\n## C\n', [Heading("\nA b\n"), Heading("C")]),
        ("<h2>\n\n**A**\n\n</h2>\n", [Heading("\nA\n")]),
        ("<h2>never closed\n\n# A\n", [Heading("A")]),
        ("- [x] A\n  -\n", [Heading("A")]),
        ("    # code\n", []),
    ],
)
def test_headings(text: str, expected: list[Heading]) -> None:
    assert read(text).headings == expected


def test_heading_attributes() -> None:
    text = "# A {#b .c}\n\n## D { #e #f }\n\nG {#h}\n---\n\n# I {.j}\n"
    assert read(text, Dialect.GFM_ATTRIBUTES).headings == [
        Heading("A", "b"),
        Heading("D", "f"),
        Heading("G", "h"),
        Heading("I"),
    ]


def test_html() -> None:
    text = "<h1 id=a>É &amp; [b](c)</h1><!-- d --><a name=e href='f'>g</a>"
    document = read(text, Dialect.HTML)
    assert links(text, Dialect.HTML) == [("html", "f", "f")]
    assert (document.headings, document.ids) == ([Heading("É & [b](c)")], ["a", "e"])
    assert [text.encode()[start:end] for start, end in document.comments] == [b"<!-- d -->"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("é [a][b]", [("b", "full", "[a][b]")]),
        ("[a][]", [("a", "collapsed", "[a][]")]),
        ("![a][b] ![c]", [("b", "full", "![a][b]"), ("c", "shortcut", "![c]")]),
        ("arr[0] [ ] [x] [ X ] [^1] [!NOTE] []", [("0", "shortcut", "[0]")]),
        ("[a][b][c]", [("b", "full", "[a][b]"), ("c", "full", "[b][c]")]),
        ("[a\n  b]", [("a b", "shortcut", "[a\n  b]")]),
        ("[a] [b] `[c]` \\[d] [e](f)\n\n[a]: x\n", [("b", "shortcut", "[b]")]),
        ("[a [b](c)][d]", [("d", "shortcut", "[d]")]),
    ],
)
def test_undefined_references(text: str, expected: list[tuple[str, str, str]]) -> None:
    data = text.encode()
    found = [(u.label, u.form, data[u.start_byte : u.end_byte].decode()) for u in read(text).undefined]
    assert found == expected


def test_definitions_ids_and_comments() -> None:
    text = "[B  b]: x\n\n> [c]: y\n\n<a id='d'></a> <!-- e -->\n\n<!--\nf\n-->\n"
    document = read(text)
    assert (document.definitions, document.ids) == (["B b", "c"], ["d"])
    assert [text[start:end] for start, end in document.comments] == ["<!-- e -->", "<!--\nf\n-->"]


PARTS = (
    *("[a]", "(b)", "[", "]", "![", "(<c d>)", "[a]: y\n", "[^1]", "https://a.example/x", "www.b.example"),
    *("\n", "\n\n", "\r\n", "\r", "> ", "- ", "    ", "\t", "# ", "|", "|-|-|\n", "`", "```\n", "*", "\\", "é", "\0"),
    *("<a href=x>", "<!--", "-->", "<h1>", "&amp;"),
)
TEXTS = st.lists(st.sampled_from(PARTS), max_size=25).map("".join) | st.text(max_size=60)


@given(TEXTS, st.sampled_from(Dialect))
def test_every_target_stands_where_it_is_said_to_stand(text: str, dialect: Dialect) -> None:
    """The written target, read by itself, is the target."""
    from html import unescape

    document = read(text, dialect)
    data = text.encode()
    for link in document.links:
        written = data[link.start_byte : link.end_byte].decode()
        if link.kind in (Kind.LINK, Kind.IMAGE) and not set(written) & set("\\&\0"):
            assert normalise(written) == link.target
        elif link.kind is Kind.HTML and not set(written) & set(">|\\\t\r\n \0"):
            assert normalise(unescape(written)) == link.target
    assert ENGINE.scan(text, dialect) == scan_of(document)
    wanted = {link.target for link in document.links[::2]}
    assert ENGINE.places(text, dialect, wanted) == [link for link in document.links if link.target in wanted]


HOSTILE: dict[str, Callable[[int], str]] = {
    "quotes": lambda n: ">" * n + " [a](b)",
    "brackets": lambda n: "[" * n,
    "balanced brackets": lambda n: "[" * n + "]" * n,
    "images": lambda n: "![" * n + "](a)" * n,
    "lists": lambda n: "- " * n + "a",
    "emphasis": lambda n: "*a_ " * n,
    "comments": lambda n: "a <!--" * n,
    "tags": lambda n: '<a b="' * n,
    "headings": lambda n: "<h1>\n\n" * n,
    "bare": lambda n: "https://" * n,
    "parentheses": lambda n: "https://a.example/" + ")" * n,
    "undefined": lambda n: "[a][b] " * n,
    "definitions": lambda n: "".join(f"[a{i}]: b\n" for i in range(n)),
    "wide table": lambda n: "|a" * n + "|\n" + "|-" * n + "|\n" + "|b" * n + "|",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_ten_thousand_of_anything(kind: str) -> None:
    def seconds(count: int) -> float:
        text = HOSTILE[kind](count)
        start = time.perf_counter()
        read(text)
        return time.perf_counter() - start

    short = max(seconds(1_250), 0.005)
    # Quadratic time would be 64 times as long.
    assert seconds(10_000) < 32 * short


def test_a_used_up_stack_is_survived() -> None:
    text = "[a](b)\n\n" + ">" * 50 + " [c](d)\n"

    def at_depth(levels: int) -> Document:
        return read(text) if levels == 0 else at_depth(levels - 1)

    document = at_depth(sys.getrecursionlimit() - len(inspect.stack(0)) - 130)
    assert [link.target for link in document.links][:1] == ["b"]
