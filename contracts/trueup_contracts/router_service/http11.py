"""HTTP/1.1 on asyncio's streams, for both ends: a message's head, its body in pieces, and resets."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

MOST_HEAD_BYTES = 1 << 16
MOST_BODY_BYTES = 16 << 20
_CHUNK = 1 << 16
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with 0 s: closing sends a reset


class FaultError(Exception):
    """What came is no message of HTTP/1.1, or its end is missing."""


class Head(NamedTuple):
    """The first line, and the headers by their names in lower case; of a name that comes twice, both values."""

    line: str
    headers: Mapping[str, str]


async def read_head(reader: asyncio.StreamReader, before: bytes = b"") -> Head | None:
    """The next head, of which `before` was read already; nothing where the other end has closed instead."""
    try:
        raw = before + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if not before + error.partial:
            return None
        raise FaultError(f"the connection was closed in the middle of a head: {error.partial[:200]!r}") from error
    except asyncio.LimitOverrunError as error:
        raise FaultError(f"a head of more than {MOST_HEAD_BYTES} bytes") from error
    first, _, rest = raw.partition(b"\r\n")
    try:
        parsed = http.client.parse_headers(io.BytesIO(rest))
    except http.client.HTTPException as error:
        raise FaultError(f"headers that cannot be read: {error}") from error
    headers: dict[str, str] = {}
    for name, value in parsed.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return Head(first.decode("latin-1"), headers)


async def pieces(reader: asyncio.StreamReader, head: Head, *, until_close: bool) -> AsyncIterator[bytes]:
    """The body as it comes. `until_close`: of an answer, whose end may be the connection's. `FaultError`: it is cut."""
    try:
        if "chunked" in head.headers.get("transfer-encoding", "").lower():
            async for piece in _chunks(reader):
                yield piece
        elif "content-length" in head.headers:
            left = _number(head.headers["content-length"], 10)
            while left > 0:
                piece = await reader.read(min(left, _CHUNK))
                if not piece:
                    raise FaultError(f"the body ends {left} bytes before its length")
                left -= len(piece)
                yield piece
        elif until_close:
            while piece := await reader.read(_CHUNK):
                yield piece
    except asyncio.IncompleteReadError as error:
        raise FaultError("the body ends before its last chunk") from error
    except asyncio.LimitOverrunError as error:
        raise FaultError("a chunk's length has no end") from error


async def body(reader: asyncio.StreamReader, head: Head) -> bytes:
    """A request's whole body."""
    found = bytearray()
    async for piece in pieces(reader, head, until_close=False):
        found += piece
        if len(found) > MOST_BODY_BYTES:
            raise FaultError(f"a body of more than {MOST_BODY_BYTES} bytes")
    return bytes(found)


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection by a reset: what was not sent yet is lost."""
    found = writer.get_extra_info("socket")
    if found is not None:
        with contextlib.suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readuntil(b"\r\n")
        size = _number(line.decode("latin-1").partition(";")[0], 16)
        if size == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass  # trailers
            return
        while size > 0:
            piece = await reader.read(min(size, _CHUNK))
            if not piece:
                raise FaultError("the body ends within a chunk")
            size -= len(piece)
            yield piece
        if await reader.readexactly(2) != b"\r\n":
            raise FaultError("a chunk is longer than it says")


def _number(text: str, base: int) -> int:
    try:
        found = int(text.strip(), base)
    except ValueError as error:
        raise FaultError(f"{text.strip()[:40]!r} is no length") from error
    if found < 0:
        raise FaultError(f"a length of {found}")
    return found
