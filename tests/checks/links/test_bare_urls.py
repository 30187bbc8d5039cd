from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.links.engines.bare_urls import bare_in_html, bare_target, match_bare


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The marked character is where the URL may start.
        ("|https://example.org/a b", "https://example.org/a"),
        ("|HTTP://Example.org", "HTTP://Example.org"),
        ("|http://localhost:8080/x", "http://localhost:8080/x"),
        ("|www.example.org/a", "www.example.org/a"),
        ("(|www.example.org)", "www.example.org"),
        ("x|www.example.org", None),
        ("x|https://example.org", None),
        ('"|https://example.org"', "https://example.org"),
        ("1|https://example.org", "https://example.org"),
        ("|WWW.example.org", None),
        ("|www.", None),
        ("|https://", None),
        ("|https:///path", None),
        ("|https://$HOST/", None),
        ("|https://{host}/", None),
        ("|https://a_b.example.org", "https://a_b.example.org"),
        ("|https://a.b_c.org", None),
        ("|https://例え.jp/x", "https://例え.jp/x"),
        ("|https://example.org. Next", "https://example.org"),
        ("|https://example.org/a?!.,:*_~'\"", "https://example.org/a"),
        ("|https://example.org/a_(b)", "https://example.org/a_(b)"),
        ("|https://example.org/a_(b))).", "https://example.org/a_(b)"),
        ("|https://example.org/?a=b&hl;", "https://example.org/?a=b"),
        ("|https://example.org/?a=b;", "https://example.org/?a=b"),
        ("|https://example.org/<b>", "https://example.org/"),
        ("[|https://example.org/a]", "https://example.org/a"),
        ("|https://example.org/?q[]=1", "https://example.org/?q[]=1"),
        ("|https://example.org/x.[y](z)", "https://example.org/x"),
        ("|ftp://example.org", None),
        ("|mail@example.org", None),
    ],
)
def test_where_a_bare_url_ends(text: str, expected: str | None) -> None:
    start = text.index("|")
    text = text.replace("|", "")
    end = match_bare(text, start, len(text))
    assert (None if end is None else text[start:end]) == expected


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("www.example.org", "http://www.example.org"),
        ("https://example.org/a\\_b", "https://example.org/a_b"),
        ("https://example.org/?a&amp;b", "https://example.org/?a&b"),
        ("https://example.org/é", "https://example.org/%C3%A9"),
    ],
)
def test_target(written: str, target: str) -> None:
    assert bare_target(written) == target


def test_raw_html() -> None:
    html = '<p>https://a.example <a href="https://b.example">https://c.example</a> www.d.example.</p>'
    assert [html[start:end] for start, end in bare_in_html(html)] == ["https://a.example", "www.d.example"]


@given(st.text(alphabet="ht p:/w.a_)(][;&é\n<"), st.integers(0, 5))
def test_the_end_lies_in_the_text(rest: str, before: int) -> None:
    text = " " * before + "https://" + rest
    end = match_bare(text, before, len(text))
    assert end is None or before + len("https://") < end <= len(text)
