"""Bearer tokens: whose are let in, and files that hold none."""

from __future__ import annotations

from pathlib import Path

import pytest

from trueup_reference.router.app.bearer import TokenError, is_let_in, read_tokens

OLD, NEW = b"0123456789abcdef", b"fedcba9876543210"


@pytest.mark.parametrize(
    ("header", "is_known"),
    [
        (b"Bearer 0123456789abcdef", True),
        (b"bearer   fedcba9876543210 ", True),
        (b"Bearer 0123456789abcdeX", False),
        (b"Bearer 0123456789abcdef0", False),
        (b"Bearer 0123456789abcde", False),
        (b"Bearer \xff", False),
        (b"Bearer", False),
        (b"", False),
        (b"Basic 0123456789abcdef", False),
        (b"0123456789abcdef", False),
    ],
)
def test_who_is_let_in(header: bytes, is_known: bool) -> None:
    assert is_let_in([(b"authorization", header)], (OLD, NEW)) is is_known


def test_none_and_several_are_not() -> None:
    assert not is_let_in([], (OLD,))
    assert not is_let_in([(b"authorization", b"Bearer " + OLD)] * 2, (OLD,))


def test_a_file_of_tokens(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_bytes(b"# the old one goes in March\n" + OLD + b"\r\n\n  " + NEW + b"\n")
    assert read_tokens(path) == (OLD, NEW)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "{path}: there is no token in it"),
        (b"# nothing\n\n", "{path}: there is no token in it"),
        (b"\nsecret\n", "{path}:2: a token of 6 characters; 16 are the least"),
        (b"0123456789 abcdef\n", "{path}:1: the token has characters other than printable ASCII, or white space"),
        (b"x" * 70_000, "{path}: 70,000 bytes; 65,536 are the most"),
    ],
)
def test_files_that_hold_none(text: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_bytes(text)
    with pytest.raises(TokenError) as caught:
        read_tokens(path)
    assert str(caught.value) == told.format(path=path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="No such file or directory"):
        read_tokens(tmp_path / "tokens")
