"""The body of a request, read within bounds of size and depth: its sender is not trusted."""

from __future__ import annotations

import re

from starlette.types import Receive, Scope

from trueup_reference.router.app.errors import Refused
from trueup_reference.router.protocol import RouterError

MOST_BYTES = 16 << 20
MOST_DEPTH = 32  # of objects and arrays in each other
MOST_BRACKETS = 50_000  # objects and arrays in all: each costs far more memory than its two bytes
MOST_STRINGS = 250_000  # of a body that has more brackets than may be nested: they have to be told apart
# What is no bracket, strings as a whole, and then a bracket. Nothing is tried twice: each step takes what it can.
_TO_A_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+"?+)*+([\[\]{}])', re.DOTALL)


class ClientGone(Exception):
    """The client went before its request was whole."""


async def read_body(scope: Scope, receive: Receive, most_bytes: int = MOST_BYTES) -> bytes:
    """The whole body. `Refused` where it is too large; `ClientGone` where it breaks off.

    How long it may take is for the connection to say.
    """
    length = next((value for name, value in scope["headers"] if name == b"content-length"), None)
    if length is not None and length.isdigit() and int(length) > most_bytes:
        raise _too_large(most_bytes)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > most_bytes:
            raise _too_large(most_bytes)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def check_depth(body: bytes) -> None:
    """`RouterError` 400 where objects and arrays are nested too deep, or are too many."""
    if body.count(b"[") + body.count(b"{") <= MOST_DEPTH:  # nearly every request
        return
    if body.count(b'"') > 2 * MOST_STRINGS:
        raise _refused(f"holds more than {MOST_STRINGS:,} strings")
    depth = brackets = position = 0
    while (found := _TO_A_BRACKET.match(body, position)) is not None:
        position = found.end()
        if found[1] in b"[{":
            depth += 1
            brackets += 1
            if depth > MOST_DEPTH:
                raise _refused(f"is nested more than {MOST_DEPTH} deep, at byte {position}")
            if brackets > MOST_BRACKETS:
                raise _refused(f"holds more than {MOST_BRACKETS:,} objects and arrays, at byte {position}")
        else:
            depth -= 1
            if depth < 0:  # no JSON, which whoever decodes it says
                return


def _too_large(most_bytes: int) -> RouterError:
    return Refused(413, "invalid_request", f"the body is larger than {most_bytes:,} bytes")


def _refused(what: str) -> RouterError:
    return RouterError("invalid_request", f"the body {what}")
