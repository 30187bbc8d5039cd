"""Hostile Markdown: nothing crashes, every place lies in the file. `make fuzz` goes on where this stops."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.link_invariants import check_lines, check_source, check_text

# Pieces that matter to a Markdown or HTML parser, so that random text is not just text.
PIECES = [
    piece.encode()
    for piece in (
        *"[]()<>\"'`#|*_\\%!\t\n\r\0",
        *("](", "]: ", "[^1]", "[^1]: ", "{#id}", "a.md", "#frag", "%zz", "&amp;", "&#x0;", "https://", "www."),
        *("<a href=", "<!--", "-->", "<h1>", "</h1>", "<script>", "</script>", "trueup: ignore links/*: x"),
        *("```\n", "~~~", "# ", "===\n", "---\n", "> ", "- ", "1. ", "    ", "\r\n", "\n\n", "|-|\n"),
        *("\ufeff", "\u202e", "é", "🚀", "中"),
    )
]
PIECES.append(b"\xff")
SOURCES = st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=40).map(b"".join)


@given(SOURCES)
@settings(max_examples=250, deadline=None)
def test_any_bytes_are_read_by_both_engines(data: bytes) -> None:
    check_source(data)


@given(SOURCES)
@settings(max_examples=250, deadline=None)
def test_every_byte_has_a_place(data: bytes) -> None:
    check_lines(data)


@given(st.text() | SOURCES.map(lambda data: data.decode("utf-8", "replace")))
@settings(max_examples=400, deadline=None)
def test_any_text_has_slugs_and_tags(text: str) -> None:
    check_text(text)


@pytest.mark.slow
def test_coverage_guided_fuzzing_finds_nothing(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: it has no wheel for every Python")
    command = [sys.executable, str(Path(__file__).with_name("fuzz_links.py")), "-max_total_time=60", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
