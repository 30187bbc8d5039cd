from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.links.html_tags import comments_of, ids_of, pieces_of, targets_of, texts_of, unescape


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        # value, and how it is written
        ('<a href="x.md">', [("x.md", "x.md")]),
        ("<a href='x.md'>", [("x.md", "x.md")]),
        ("<a href=x.md>", [("x.md", "x.md")]),
        ("<a href=x/>", [("x/", "x/")]),
        ("<A\n  HREF = x.md\n>", [("x.md", "x.md")]),
        ('<img alt="a > b" src="x.png">', [("x.png", "x.png")]),
        ('<img alt="stray"" src="x.png">', [("x.png", "x.png")]),
        ('<a href="a.md" href="b.md">', [("a.md", "a.md")]),
        ('<a href="">', [("", "")]),
        ('<a href=" x.md ">', [("x.md", "x.md")]),
        ('<a href="x\n.md">', [("x.md", "x\n.md")]),
        ('<a href="?a=1&amp;b=2">', [("?a=1&b=2", "?a=1&amp;b=2")]),
        ('<a href="?a=1&copy=2&region=3&copy;">', [("?a=1&copy=2&region=3©", "?a=1&copy=2&region=3&copy;")]),
        ('<source srcset="a.png 1x, b,c.png 2x,d.png">', [("a.png",) * 2, ("b,c.png",) * 2, ("d.png",) * 2]),
        ('<img srcset=" , ">', []),
        ('<video src="a"></video><iframe src=b></iframe>', [("a", "a"), ("b", "b")]),
        ('<!-- <a href="no"> --><a href="yes">', [("yes", "yes")]),
        ('<!--><a href="yes"> -->', [("yes", "yes")]),
        ('<!-- <a href="no">', []),
        ('<script src="s.js">"<a href=no>"</script><a href=yes>', [("s.js", "s.js"), ("yes", "yes")]),
        ("<style><a href=no></style >", []),
        ("</a href=no>", []),
        ("<a href>", []),
        ('<a data-href="no">', []),
        ('<a href="no" ', []),
        ('a < b href="no">', []),
    ],
)
def test_targets(html: str, expected: list[tuple[str, str]]) -> None:
    assert [(value, html[start:end]) for value, start, end in targets_of(html)] == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<a name=x id='y'>", ["x", "y"]),
        ('<h1 ID="a&amp;b">', ["a&b"]),
        ('<input name="no"><p id="">', []),
        ("<!-- <a id=no> --><script>'<a id=no>'</script>", []),
    ],
)
def test_ids(html: str, expected: list[str]) -> None:
    assert list(ids_of(html)) == expected


def test_pieces() -> None:
    html = "a &lt; b<H1 class=x>T<br/>&amp; U</H1><!-- c -->d"
    assert list(pieces_of(html)) == [
        ("text", "a < b"),
        ("open", "h1"),
        ("text", "T"),
        ("open", "br"),
        ("text", "& U"),
        ("close", "h1"),
        ("text", "d"),
    ]


def test_texts_leave_out_links_and_code() -> None:
    html = "a<b>b</b><a href=x>c</a><code>d</code><!-- e --><script>f</script>g"
    assert [html[start:end] for start, end in texts_of(html)] == ["a", "b", "g"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("&#65;&#x42;&#67", "ABC"), ("&notit;", "&notit;"), ("&not it", "¬ it"), ("&", "&"), ("&&amp;;", "&&;")],
)
def test_unescape(value: str, expected: str) -> None:
    assert unescape(value) == expected


@pytest.mark.parametrize("html", ["<!-- a -->", "<!---->", "<!-->", "<!--->", "<!-- a --!>", "<!-- unclosed -"])
def test_comments(html: str) -> None:
    text = f"x{html}" if "unclosed" in html else f"x{html}y -->"
    assert [text[start:end] for start, end in comments_of(text)] == [html]


SNIPPETS = st.lists(st.sampled_from([*"<>!-/=\"' aéh&;,\n", "href", "<!--", "-->", "<script", "</script>", "srcset"]))


@given(SNIPPETS.map("".join))
def test_offsets_lie_in_the_text(html: str) -> None:
    for value, start, end in targets_of(html):
        assert 0 <= start <= end <= len(html)
        assert value or start == end or not unescape(html[start:end]).strip()
    assert all(0 <= start < end <= len(html) for start, end in [*comments_of(html), *texts_of(html)])
    assert all(ids_of(html))


@pytest.mark.parametrize(
    "part",
    [
        "<a ",
        '<a href="',
        "<a href='\"",
        "<!--",
        "<a =",
        "<script>",
        "<script ",
        "</a ",
        "<!",
        '<a srcset="a,,,,',
        "&",
        "<a x=1 ",
    ],
)
def test_unclosed_markup_takes_linear_time(part: str) -> None:
    def seconds(count: int) -> float:
        text = part * count
        start = time.perf_counter()
        list(targets_of(text)), list(ids_of(text)), list(pieces_of(text)), list(texts_of(text))
        return time.perf_counter() - start

    # Quadratic time would be 64 times as long.
    assert seconds(32_000) < 30 * max(min(seconds(4_000), seconds(4_000)), 0.002)
