"""How a request is refused: a status, the structure of every error on the client's side, and the headers beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
from starlette.types import Send

from trueup_reference.router.protocol import RouterError

Headers = Sequence[tuple[bytes, bytes]]
JSON: Headers = ((b"content-type", b"application/json"),)
_PLAIN = frozenset(range(0x21, 0x7F))  # what of an id can stand in a header


class Refused(RouterError):
    """What HTTP has a status of its own for, and a router no code: it never comes to a pool."""

    def __init__(self, status: int, code: str, message: str, headers: Headers = ()) -> None:
        """`headers`: that go with the status."""
        Exception.__init__(self, message)
        self.status = status
        self.code = code
        self.message = message
        self.pool = None
        self.retry_after_s = None
        self.retryable = False
        self.headers = headers


def about(request_id: str | None) -> Headers:
    """The header that names the request, where its id can stand in one."""
    if request_id is None or not _PLAIN.issuperset(request_id.encode()):
        return ()
    return ((b"x-request-id", request_id.encode()),)


async def refuse(send: Send, error: RouterError, request_id: str | None) -> None:
    """Sends it. 429 and 503 say when to come again; whoever is ending sends the connection elsewhere."""
    headers = [*about(request_id), *(error.headers if isinstance(error, Refused) else ())]
    if error.retry_after_s is not None or error.status in (429, 503):
        seconds = 1 if error.retry_after_s is None else max(1, math.ceil(error.retry_after_s))
        headers.append((b"retry-after", b"%d" % seconds))
    if error.code == "draining":
        headers.append((b"connection", b"close"))
    await send_json(send, error.status, msgspec.json.encode(error.told(request_id)), headers)


async def send_json(send: Send, status: int, body: bytes, headers: Headers = ()) -> None:
    """A whole answer."""
    await send_whole(send, status, body, [*JSON, *headers])


async def send_whole(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """A whole answer of any kind."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
