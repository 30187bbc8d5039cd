"""One GET of an exposition: only http and https, bounded in time and size, credentials never shown.

Redirects are not followed unless that is asked for: a scraper of the configuration's URL must not end elsewhere.
Proxies of the environment are not used: what is asked is the endpoint itself.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit, urlunsplit

from trueup.errors import UsageError

if TYPE_CHECKING:
    import socket

DEFAULT_TIMEOUT_S = 10.0
DEFAULT_LIMIT_BYTES = 64 << 20
_MOST_REDIRECTS = 5
_CHUNK = 1 << 16


class Answer(NamedTuple):
    """What an endpoint said. `body` is decompressed."""

    status: int
    content_type: str
    body: bytes
    seconds: float


class NoAnswer(Exception):
    """The endpoint gave none: not reachable, too slow, too large. The text holds no credentials."""


def shown_url(url: str) -> str:
    """The URL without the user and password that it may hold."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "URL"
    if "@" not in parts.netloc:
        # `user:password@host` without a scheme is no URL, but what stands before the host is a secret all the same.
        return url if "://" in url or "@" not in url else "***@" + url.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc="***@" + parts.netloc.rpartition("@")[2]))


def refuse_url(url: str) -> None:
    """`UsageError` for what is no http or https URL."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"{shown_url(url)!r} is no URL of an endpoint", hint="http://HOST:PORT/metrics, or https")
    if not url.isascii() or any(letter <= " " or letter == "\x7f" for letter in url):
        raise UsageError(
            f"{shown_url(url)!r}: a URL has no spaces and no letters outside ASCII", hint="write them as %20, %C3%A9, …"
        )


def scrape(
    url: str,
    accept: str | None,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    limit_bytes: int = DEFAULT_LIMIT_BYTES,
    redirects: bool = False,
    user_agent: str | None = None,
) -> Answer:
    """Asks once; `accept` is the header's value, `None` for no such header. Raises `NoAnswer`."""
    started = time.monotonic()
    deadline = started + timeout_s
    for _ in range(_MOST_REDIRECTS + 1):
        status, headers, body = _get(url, accept, deadline, timeout_s, limit_bytes, user_agent)
        target = headers.get("location")
        if not (300 <= status < 400 and target):
            return Answer(status, headers.get("content-type", ""), body, time.monotonic() - started)
        if not redirects:
            raise NoAnswer(f"it answers with a redirect ({status}) to {shown_url(urljoin(url, target))[:200]}")
        origin, url = urlsplit(url), urljoin(url, target)
        if urlsplit(url).scheme not in ("http", "https") or (
            origin.scheme == "https" and urlsplit(url).scheme == "http"
        ):
            raise NoAnswer(f"it redirects to {shown_url(url)[:200]}, which is not followed")
    raise NoAnswer(f"it redirects more than {_MOST_REDIRECTS} times")


def _get(
    url: str, accept: str | None, deadline: float, timeout_s: float, limit_bytes: int, user_agent: str | None
) -> tuple[int, dict[str, str], bytes]:
    import http.client
    import ssl
    import threading

    from trueup import __version__

    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    remaining = max(0.001, deadline - time.monotonic())
    connection = kind(parts.hostname or "", parts.port, timeout=remaining)
    watch: threading.Timer | None = None
    try:
        connection.connect()
        # The socket's timeout is one for each read: a server that drips its headers must end in time, too.
        watch = threading.Timer(max(0.0, deadline - time.monotonic()) + 0.01, _cut, (connection.sock,))
        watch.daemon = True
        watch.start()
        headers = {
            "User-Agent": user_agent or f"trueup/{__version__}",
            "Accept-Encoding": "gzip",
            "X-Prometheus-Scrape-Timeout-Seconds": f"{timeout_s:g}",
        }
        if accept is not None:
            headers["Accept"] = accept
        if parts.username is not None:
            headers["Authorization"] = _basic(parts.username, parts.password or "")
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        connection.putrequest("GET", target, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        data = _body(response, connection, deadline, limit_bytes)
        found = {name.lower(): value for name, value in response.getheaders()}
        if "gzip" in found.get("content-encoding", "").lower():
            data = _unzipped(data, limit_bytes)
        return response.status, found, data
    except (OSError, http.client.HTTPException, ValueError, NoAnswer) as error:
        if isinstance(error, TimeoutError) or time.monotonic() >= deadline:
            raise NoAnswer(f"it gave no whole answer within {timeout_s:g} s") from None
        if isinstance(error, NoAnswer):
            raise
        if isinstance(error, ssl.SSLError):
            raise NoAnswer(f"TLS: {error.reason or error}") from None
        if isinstance(error, OSError):
            raise NoAnswer(error.strerror or str(error) or type(error).__name__) from None
        raise NoAnswer(f"its answer is no HTTP: {type(error).__name__}") from None
    finally:
        if watch is not None:
            watch.cancel()
        connection.close()


def _cut(connected: socket.socket) -> None:
    """Ends whatever waits for this socket."""
    with contextlib.suppress(OSError):
        connected.shutdown(2)  # SHUT_RDWR


def _body(response: object, connection: object, deadline: float, limit_bytes: int) -> bytes:
    """Reads in pieces, so that an endpoint that drips one byte a second ends in time too."""
    pieces: list[bytes] = []
    size = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:  # type: ignore[attr-defined]
            connection.sock.settimeout(left)  # type: ignore[attr-defined]
        piece: bytes = response.read1(_CHUNK)  # type: ignore[attr-defined]
        if not piece:
            if time.monotonic() >= deadline:  # `_cut` looks like an end
                raise TimeoutError
            if response.length:  # type: ignore[attr-defined]
                raise NoAnswer(f"its answer was cut off: {response.length} more bytes were declared")  # type: ignore[attr-defined]
            return b"".join(pieces)
        size += len(piece)
        if size > limit_bytes:
            raise NoAnswer(f"its answer is larger than {limit_bytes} bytes")
        pieces.append(piece)


def _unzipped(data: bytes, limit_bytes: int) -> bytes:
    import zlib

    unzip = zlib.decompressobj(wbits=31)
    try:
        plain = unzip.decompress(data, limit_bytes + 1)
    except zlib.error as error:
        raise NoAnswer(f"its gzip is damaged: {error}") from None
    if len(plain) > limit_bytes:
        raise NoAnswer(f"its answer unpacks to more than {limit_bytes} bytes")
    if not unzip.eof:
        raise NoAnswer("its gzip is cut off")
    return plain


def _basic(user: str, password: str) -> str:
    import base64
    from urllib.parse import unquote

    return "Basic " + base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode("ascii")
