"""Where targets stand: what is found without a walk through the document is what the walk finds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueup.links import engines
from trueup.links.document import Dialect
from trueup.links.sources import decode
from trueup.links.spots import _written_plainly, spots_of

# Everything that makes the bytes of a target something else than a link, or a link of something else.
PIECES = (
    *(
        "[x](a_b.md)",
        "[x](a\\_b.md)",
        "[x](a&#95;b.md)",
        "[x](a&lowbar;b.md)",
        "![y](<a_b.md>)",
        "[x]( a_b.md 'a_b.md')",
    ),
    *(
        "[x](c&d.md)",
        "[x](c&amp;d.md)",
        "c&d.md",
        "(c&d.md)",
        "(a_b.md)",
        "<a_b.md>",
        '"a_b.md"',
        " a_b.md ",
        "a\\_b.md",
    ),
    *(
        "`[x](a_b.md)`",
        "`",
        "``",
        "```\n",
        "\n```\n",
        "~~~\n",
        "    ",
        "\t",
        "\n",
        "\n\n",
        "\r\n",
        "\\",
        "&amp;",
        "> ",
        "- ",
    ),
    *(
        '<a href="a_b.md">',
        "<a href=a_b.md>",
        "<img src='a_b.md' alt=\"a_b.md\">",
        "<!-- ",
        " -->",
        "<div>\n",
        "</div>\n\n",
    ),
    *(
        "\n\n[l]: a_b.md\n\n",
        "\n\n[l]:\n a_b.md\n\n",
        "\n\n[l]: <a_b.md>\n\n",
        "[x][l]",
        "[l]",
        "é",
        "🚀",
        "| [x](a_b.md) |\n",
        "|---|\n",
    ),
    *(
        "\\[x](a_b.md)",
        "[x\\](a_b.md)",
        "[x](a_b.md",
        "[x]\\(a_b.md)",
        "[[x](a_b.md)](a_b.md)",
        "[x](a_b.md)(a_b.md)",
        "# ",
    ),
    *(
        "[x](a_b.md#s)",
        '[x](a_b.md#s "t")',
        "(a_b.md#s)",
        "[x](#s)",
        "[x](?q)",
        "[x](<>)",
        "[x]()",
        "\n[x](\na_b.md\n)\n",
    ),
    *(
        '<img srcset="x.png 1x,a_b.md 2x">',
        '<img srcset="a_b.md,x.png 2x">',
        '<img srcset="a_b.md\t1x,\fx.png">',
        "(a_b.md)`",
        "`(a_b.md",
    ),
)
DOCUMENTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@pytest.mark.parametrize("name", ["pyromark", "markdown-it"])
@settings(max_examples=400, deadline=None)
@given(text=DOCUMENTS)
def test_places_found_without_a_walk_are_the_walked_ones(name: str, text: str) -> None:
    engine = engines.load(name)
    source = decode(text.encode())
    body = source.text.encode()
    for target, count in engine.scan(source.text, Dialect.GFM).targets.items():
        plain = _written_plainly(body, target, count)
        if plain is not None:
            walked = {(link.start_byte, link.end_byte) for link in engine.places(source.text, Dialect.GFM, {target})}
            assert sorted(plain) == sorted(walked), target


TABLE = [
    # text, target, how often it is linked, and where it is certain without a walk
    ("[x](a.md)", "a.md", 1, [(4, 8)]),
    ("[x](a.md) ![y](<a.md>)", "a.md", 2, [(4, 8), (16, 20)]),
    ("[x](a.md) `[x](a.md)`", "a.md", 1, None),
    ("[x](aa.md) [y](a.md)", "a.md", 1, [(15, 19)]),
    ("[x][l]\n\n[l]: a.md", "a.md", 1, [(13, 17)]),
    ("[x][l] `(a.md)`\n\n[l]: a.md", "a.md", 2, None),
    ("[x][l] `(a.md)`\n\n[l]:\n  <a.md>", "a.md", 2, None),
    ('`(a.md)` <img srcset="x 1x,a.md 2x">', "a.md", 1, None),
    ("`(a_b.md)` [x](a\\_b.md)", "a_b.md", 1, None),
    ("`(a_b.md)` [x](a&#95;b.md)", "a_b.md", 1, None),
    ("[x](a%20b.md)", "a%20b.md", 1, None),
    ("https://x.org/a", "https://x.org/a", 1, None),
    ("[x]()", "", 1, None),
]


@pytest.mark.parametrize(("text", "target", "count", "expected"), TABLE)
def test_what_is_certain(text: str, target: str, count: int, expected: list[tuple[int, int]] | None) -> None:
    assert _written_plainly(text.encode(), target, count) == expected


def test_spots_are_places_in_the_file_as_it_lies_there() -> None:
    data = "\ufeff---\r\nx: y\r\n---\r\nÜ 🚀 [x](a.md)\r\n\r\n[y](größe.md) [z](a.md)\r\n".encode()
    found = spots_of(engines.load("auto"), data, Dialect.GFM, {"a.md": 2, "gr%C3%B6%C3%9Fe.md": 1})
    assert {
        target: [(spot.line, spot.column, spot.end_column) for spot in spots] for target, spots in found.items()
    } == {
        "a.md": [(4, 9, 13), (6, 19, 23)],
        "gr%C3%B6%C3%9Fe.md": [(6, 5, 13)],
    }
    for spots in found.values():
        for spot in spots:
            assert data[spot.start_byte : spot.end_byte] == spot.written
