from __future__ import annotations

import json
import unicodedata
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.reports import escape

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
MIXED = st.lists(st.sampled_from(["##[", "#", "[", "::", " ", "\n", "\x1b", "\udc80", "é", "a", "%0A", "]]>"])).map(
    "".join
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("docs/größe 猫 🚀.md", "docs/größe 猫 🚀.md"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31m\x00\x7f\x9b", r"\x1b[31m\x00\x7f\x9b"),
        ("caf\udce9.md", r"caf\xe9.md"),
        ("\ud800", r"\ud800"),
        ("\u202egnp.exe\u202c\u2066\u2069", r"\u202egnp.exe\u202c\u2066\u2069"),
        ("\u2028\u2029\ufeff\u200b\uffff", r"\u2028\u2029\ufeff\u200b\uffff"),
        ("ده 👩\u200d🚒", "ده 👩\u200d🚒"),  # a joiner is part of many emoji and scripts
        (r"back\slash", r"back\slash"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert escape.visible(text) == shown


@given(ANY_TEXT | MIXED)
def test_visible_text_is_one_line_that_acts_on_nothing(text: str) -> None:
    shown = escape.visible(text)
    assert {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"} == set()
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    shown.encode()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("::error::x", r"\x3a:error::x"),
        (" \u3000::error::x", r"\x3a:error::x"),
        ("docs/a.md:1:2", "docs/a.md:1:2"),
        ("a::b", "a::b"),
        ("see ##[add-mask]x", r"see ##\[add-mask]x"),
        ("## [Heading](x)", "## [Heading](x)"),
    ],
)
def test_log_line(text: str, line: str) -> None:
    assert escape.log_line(text) == line


@given(ANY_TEXT | MIXED)
def test_no_log_line_is_a_command(text: str) -> None:
    line = escape.log_line(text)
    assert not line.lstrip().startswith("::")
    assert "##[" not in line


@given(st.lists(ANY_TEXT | MIXED).map(lambda texts: [escape.encodable(text) for text in texts]))
def test_json_says_the_same_to_a_reader(texts: list[str]) -> None:
    document = escape.json_document(texts)
    assert json.loads(document) == texts
    assert "##[" not in document
    assert escape.visible(document.replace("\n", "")) == document.replace("\n", "")


@given(st.binary(min_size=1, max_size=40).map(lambda name: name.replace(b"\0", b"")))
def test_a_uri_holds_exactly_the_bytes_of_the_path(name: bytes) -> None:
    uri = escape.uri_path(name.decode("utf-8", "surrogateescape"))
    parts = urlsplit(uri)
    assert uri.isascii()
    assert (parts.scheme, parts.query, parts.fragment) == ("", "", "")
    assert unquote_to_bytes(uri) == name


def test_a_path_with_a_surrogate_that_is_no_byte_has_bytes_too() -> None:
    assert escape.path_bytes("\ud800\udc80") == b"\xed\xa0\x80\xed\xb2\x80"


@given(ANY_TEXT | MIXED)
def test_a_workflow_command_gives_its_text_back(text: str) -> None:
    sent = escape.workflow_property(text)
    assert not set(sent) & set("\r\n:,")
    undone = sent.replace("%2C", ",").replace("%3A", ":").replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
    assert undone == text.replace("##[", r"##\[")


def test_markdown() -> None:
    assert escape.markdown("docs/a_b.md | <b> www.x @y\n") == (
        "docs/a&#95;b.md &#124; &#60;b&#62; www&#46;x &#64;y&#92;n"
    )
