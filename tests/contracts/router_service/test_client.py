"""The suite's client, against sockets that say what a test wants: whatever a router sends, it is told what it was."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from trueup_contracts.budgets import Budgets
from trueup_contracts.errors import WrongAnswerError
from trueup_contracts.router_service.background import Background
from trueup_contracts.router_service.client import Client, Stream

SIGNAL_S = 20.0
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
RESET = b"\x01\0\0\0\0\0\0\0"


class Router:
    """Takes one connection after the other: reads a request, and does as it was told."""

    def __init__(self, act: Callable[[socket.socket], None]) -> None:
        self.requests: list[bytes] = []
        self._act = act
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                one, _ = self._listener.accept()
            except OSError:
                return
            with one:
                raw = b""
                while b"\r\n\r\n" not in raw:
                    raw += one.recv(1 << 16)
                self.requests.append(raw)
                self._act(one)


@pytest.fixture
def background() -> Iterator[Background]:
    made = Background()
    yield made
    made.close()


@pytest.fixture
def router(background: Background) -> Iterator[Callable[..., tuple[Router, Client]]]:
    made: list[Router] = []

    def make(act: Callable[[socket.socket], None] | bytes) -> tuple[Router, Client]:
        does = act if callable(act) else lambda one: one.sendall(act)
        made.append(Router(does))
        return made[-1], Client(background, Budgets(), made[-1].url, lambda text: None)

    yield make
    for one in made:
        one.close()


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces)


EVENTS = (
    b'event: accepted\ndata: {"request_id": "r"}\n\n: hello\n\nevent: item\ndata: {"index": 0, "token_ids": [1, 2]}\n\n'
)
FINISH = b'event: finish\ndata: {"reason": "stop"}\n\n'
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
WHOLE: dict[str, bytes] = {
    "chunks": HEAD + CHUNKED + chunked(EVENTS, FINISH) + b"0\r\n\r\n",
    "chunks of a byte": HEAD + CHUNKED + chunked(*(bytes([one]) for one in EVENTS + FINISH)) + b"0\r\n\r\n",
    "one chunk": HEAD + CHUNKED + chunked(EVENTS + FINISH) + b"0\r\n\r\n",
    "chunks with extensions and trailers": HEAD
    + CHUNKED
    + b"%x;a=b\r\n%s\r\n" % (len(EVENTS + FINISH), EVENTS + FINISH)
    + b"0\r\nx: y\r\n\r\n",
    "a length": HEAD + b"content-length: %d\r\n\r\n" % len(EVENTS + FINISH) + EVENTS + FINISH,
    "until it is closed": HEAD + b"connection: close\r\n\r\n" + EVENTS + FINISH,
    "lines that end as on the wire": HEAD + b"\r\n" + (EVENTS + FINISH).replace(b"\n", b"\r\n"),
    "fields without a space, and others": HEAD
    + b"\r\n"
    + (EVENTS + FINISH).replace(b": {", b":{").replace(b"event: item", b"id: 7\nevent: item"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_streams_that_are_whole(router: Callable[..., tuple[Router, Client]], name: str) -> None:
    served, client = router(WHOLE[name])
    stream = client.generate({"request_id": "r"}, {"x-y": "z"})
    assert stream.next().get("request_id") == "r"
    assert [event.name for event in stream.finished()] == ["accepted", "item", "finish"]
    assert (stream.status, stream.tokens, len(stream.keep_alives)) == (200, [1, 2], 1)
    assert [event.name for event in stream.rest()] == ["item", "finish"]
    request = served.requests[0]
    assert request.startswith(b"POST /v1/generate HTTP/1.1\r\nhost: 127.0.0.1:")
    assert b"content-length: 19\r\ncontent-type: application/json\r\nx-y: z\r\nconnection: close\r\n\r\n" in request


CUT: dict[str, tuple[bytes, str]] = {
    "within a chunk": (HEAD + CHUNKED + b"ff\r\n" + EVENTS, "the body ends within a chunk"),
    "before the last chunk": (HEAD + CHUNKED + chunked(EVENTS, FINISH), "the body ends before its last chunk"),
    "before its length": (
        HEAD + b"content-length: 999\r\n\r\n" + EVENTS + FINISH,
        f"the body ends {999 - len(EVENTS + FINISH)} bytes before",
    ),
    "within an event": (HEAD + b"\r\n" + EVENTS + FINISH + b"event: more\n", "it ends within an event"),
    "after a chunk that is longer than it says": (HEAD + CHUNKED + b"1\r\nab\r\n", "a chunk is longer than it says"),
    "at a chunk without a length": (HEAD + CHUNKED + b"many\r\n", "'many' is no length"),
    "at a length without an end": (HEAD + CHUNKED + b"1" * (2 << 20), "a chunk's length has no end"),
    "at a negative length": (HEAD + b"content-length: -4\r\n\r\n", "a length of -4"),
}


@pytest.mark.parametrize("name", CUT)
def test_streams_that_are_cut_off(router: Callable[..., tuple[Router, Client]], name: str) -> None:
    text, fault = CUT[name]
    stream = router(text)[1].generate({}).wait()
    assert stream.fault is not None
    assert fault in stream.fault
    with pytest.raises(AssertionError, match=r"POST /v1/generate: the answer is cut off: .*; it got status 200"):
        stream.finished()


NOTHING: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "the connection was closed without an answer"),
    "half a head": (b"HTTP/1.1 200 OK\r\ncont", "the connection was closed in the middle of a head"),
    "no HTTP": (b"hello\r\n\r\n", "'hello' is no status line of HTTP/1.1"),
    "a status in words": (b"HTTP/1.1 fine\r\n\r\n", "'HTTP/1.1 fine' is no status line"),
    "an endless head": (HEAD + b"x: " + b"y" * (2 << 20), "a head of more than"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_is_no_answer(router: Callable[..., tuple[Router, Client]], name: str) -> None:
    text, fault = NOTHING[name]
    stream = router(text)[1].generate({}).wait()
    assert fault in str(stream.fault)
    for look in (lambda: stream.status, stream.finished, lambda: stream.refused(400)):
        with pytest.raises(AssertionError, match="no answer"):
            look()


def test_nobody_listens(background: Background) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        client = Client(background, Budgets(), f"http://127.0.0.1:{one.getsockname()[1]}", lambda text: None)
        stream = client.get("/healthz")
    assert "Connect call failed" in str(stream.fault)


def test_an_answer_that_is_no_stream(router: Callable[..., tuple[Router, Client]]) -> None:
    body = b'{"error": {"code": "overloaded"}}'
    head = b"HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\ncontent-length: %d\r\n\r\n" % len(body)
    stream = router(head + body)[1].generate(b"{")
    assert stream.refused(429) == {"code": "overloaded"}
    assert stream.headers["retry-after"] == "1"
    with pytest.raises(AssertionError, match=r"status 400 or 503 is due; it got status 429: b'\{\"error"):
        stream.refused(400, 503)
    with pytest.raises(AssertionError, match="200 is due"):
        stream.failed()


BODIES = {"no JSON": b"<html>", "no object": b"[1]", "no error": b'{"detail": "no"}', "a text": b'{"error": "no"}'}


@pytest.mark.parametrize("name", BODIES)
def test_refusals_without_their_form(router: Callable[..., tuple[Router, Client]], name: str) -> None:
    head = b"HTTP/1.1 400 Bad Request\r\ncontent-length: %d\r\n\r\n" % len(BODIES[name])
    stream = router(head + BODIES[name])[1].generate({})
    with pytest.raises(WrongAnswerError, match=r"POST /v1/generate"):
        stream.refused(400)


def test_events_without_their_form(router: Callable[..., tuple[Router, Client]]) -> None:
    text = b'event: item\ndata: {"index": 0}\n\ndata: [DONE]\n\nevent: error\ndata: {"error": 1}\n\n'
    stream = router(HEAD + b"\r\n" + text)[1].generate({})
    events = stream.whole()
    assert [event.name for event in events] == ["item", "message", "error"]
    with pytest.raises(WrongAnswerError, match=r'the event item has no token_ids: \{"index": 0\}'):
        assert stream.tokens
    with pytest.raises(WrongAnswerError, match="the event message is no JSON"):
        events[1].get("x")
    with pytest.raises(WrongAnswerError, match=r"the event error has no error\.code"):
        events[2].get("error", "code")
    with pytest.raises(AssertionError, match="it ended after status 200, 3 events"):
        stream.until("finish")


@pytest.mark.parametrize("way", ["close", "reset"])
def test_the_client_leaves(router: Callable[..., tuple[Router, Client]], way: str) -> None:
    ends: list[Any] = []
    over = threading.Event()

    def act(one: socket.socket) -> None:
        one.sendall(HEAD + b"\r\n" + EVENTS)
        try:
            ends.append(one.recv(1))
        except ConnectionResetError:
            ends.append("reset")
        over.set()

    stream: Stream = router(act)[1].generate({})
    stream.until("item")
    (stream.close if way == "close" else stream.reset)()
    assert over.wait(SIGNAL_S)
    assert ends == [b"" if way == "close" else "reset"]
    assert (stream.is_ended, stream.fault) == (True, "the client has left")


def test_a_router_that_resets_is_told(router: Callable[..., tuple[Router, Client]]) -> None:
    def act(one: socket.socket) -> None:
        one.sendall(HEAD + b"\r\n" + EVENTS)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    stream = router(act)[1].generate({})
    stream.wait()
    assert "reset" in str(stream.fault).lower()


@pytest.mark.parametrize("accepted", [True, False])
def test_an_error_is_told_before_accepted_and_after(
    router: Callable[..., tuple[Router, Client]], *, accepted: bool
) -> None:
    error = b'{"error": {"code": "no_worker", "pool": "agg-0"}}'
    refusal = b"HTTP/1.1 503 -\r\ncontent-length: %d\r\n\r\n%b" % (len(error), error)
    _, client = router(HEAD + b"\r\nevent: error\ndata: " + error + b"\n\n" if accepted else refusal)
    assert client.generate({}).error() == {"code": "no_worker", "pool": "agg-0"}


@pytest.mark.parametrize("data", [b"{}", b'{"error": "no_worker"}', b'{"error": null}'])
def test_an_error_that_is_no_object_is_a_wrong_answer(
    router: Callable[..., tuple[Router, Client]], data: bytes
) -> None:
    _, client = router(HEAD + b"\r\nevent: error\ndata: " + data + b"\n\n")
    with pytest.raises(WrongAnswerError, match="error"):
        client.generate({}).error()
