"""Bearer tokens: who may send work, where the router is told to ask."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from pathlib import Path

LEAST_CHARACTERS = 16
_MOST_BYTES = 64 << 10


class TokenError(ValueError):
    """A token file that cannot be used; the text never holds a token."""


def read_tokens(path: Path) -> tuple[bytes, ...]:
    """The tokens of a file: one a line, so that a new one can be let in before the old one goes; `#` begins a comment.

    `TokenError` for a file that cannot be read, holds none, or one that is too short or could not stand in a header.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise TokenError(f"{path}: {error.strerror}") from error
    if len(text) > _MOST_BYTES:
        raise TokenError(f"{path}: {len(text):,} bytes; {_MOST_BYTES:,} are the most")
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    tokens = [(number, line) for number, line in lines if line and not line.startswith(b"#")]
    for number, token in tokens:
        if len(token) < LEAST_CHARACTERS:
            raise TokenError(f"{path}:{number}: a token of {len(token)} characters; {LEAST_CHARACTERS} are the least")
        if not all(0x21 <= character <= 0x7E for character in token):
            raise TokenError(f"{path}:{number}: the token has characters other than printable ASCII, or white space")
    if not tokens:
        raise TokenError(f"{path}: there is no token in it")
    return tuple(token for _, token in tokens)


def is_let_in(headers: Iterable[tuple[bytes, bytes]], tokens: tuple[bytes, ...]) -> bool:
    """Whether the request bears one of these tokens; how long the answer takes says nothing about them."""
    given = [value for name, value in headers if name == b"authorization"]
    if len(given) != 1:
        return False
    scheme, _, token = given[0].strip().partition(b" ")
    # Every token is compared, in constant time each.
    return bool(sum([hmac.compare_digest(token.strip(), each) for each in tokens])) and scheme.lower() == b"bearer"
