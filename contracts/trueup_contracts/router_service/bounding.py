"""Bounds of what is read: RS-121 to RS-123."""

from __future__ import annotations

import http.client
import select
import socket
from collections.abc import Iterator

from trueup_contracts import requirement
from trueup_contracts.router_service import grids, protocol
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.scripting import give
from trueup_contracts.router_service.steps import Gate, Hold, Raw, Step, always
from trueup_contracts.subject import Subject

BIG_MIB, DEEP = 64, 100_000


def _big_body() -> Iterator[bytes]:
    yield b'{"token_ids": [1, 2, 3], "max_tokens": 1'
    for _ in range(BIG_MIB):
        yield b" " * (1 << 20)
    yield b"}"


def _status_of_a_big_body(served: Fleet, *, in_chunks: bool) -> int | None:
    """The answer, which may come long before the whole body was sent; nothing where the connection was closed."""
    __tracebackhide__ = True
    how = "transfer-encoding: chunked" if in_chunks else f"content-length: {sum(map(len, _big_body()))}"
    head = f"POST {protocol.GENERATE} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{how}\r\n\r\n"
    try:
        with socket.create_connection(served.router.address, served.budgets.signal_s) as one:
            one.sendall(head.encode())
            for piece in _big_body():
                if not _sent(one, b"%x\r\n%b\r\n" % (len(piece), piece) if in_chunks else piece):
                    break
            else:
                one.sendall(b"0\r\n\r\n" if in_chunks else b"")
            answer = http.client.HTTPResponse(one, method="POST")
            answer.begin()
            return answer.status
    except TimeoutError:
        raise AssertionError(f"a body of {BIG_MIB} MiB is neither read nor answered") from None
    except (ConnectionError, http.client.HTTPException):
        return None


def _sent(one: socket.socket, data: bytes) -> bool:
    """Whether all of it was taken before anything came back. `TimeoutError` where neither happens."""
    left = memoryview(data)
    while left:
        readable, writable, _ = select.select([one], [one], [], one.gettimeout())
        if readable:
            return False
        if not writable:
            raise TimeoutError
        left = left[one.send(left) :]
    return True


def _lives(served: Fleet) -> None:
    __tracebackhide__ = True
    assert served.router.status is None, f"the service has ended with status {served.router.status}"
    served.reset()
    served.generate().finished()


@requirement("RS-121")
def test_a_body_that_is_too_big_is_refused(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.bare(trueup_subject)) as served:
        for in_chunks in (True, False):
            status = _status_of_a_big_body(served, in_chunks=in_chunks)
            assert status is None or 400 <= status < 500, f"a body of {BIG_MIB} MiB got status {status}"
        _lives(served)


@requirement("RS-122")
def test_a_body_that_is_nested_too_deep_is_refused(trueup_subject: Subject) -> None:
    deep = {"lists": b"[" * DEEP + b"]" * DEEP, "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP}
    with fleet(trueup_subject, grids.bare(trueup_subject)) as served:
        for what, value in deep.items():
            for field in (b"token_ids", b"extra_args"):
                body = b'{"max_tokens": 1, ' + (b'"token_ids": [1], ' if field != b"token_ids" else b"")
                answer = served.router.generate(body + b'"' + field + b'": ' + value + b"}").wait()
                if (what, field) == ("objects", b"extra_args") and answer.has_status and answer.status == 200:
                    answer.finished()  # there is nothing in it that has to be read
                    continue
                code = answer.refused(400).get("code")
                assert code == "invalid_request", (
                    f"{field.decode()} of {DEEP} {what} in one another: the code is {code!r}"
                )
        _lives(served)


@requirement("RS-123")
def test_an_event_without_an_end_is_a_failure(trueup_subject: Subject) -> None:
    gate = Gate()
    gate.open()
    with fleet(trueup_subject, grids.bare(trueup_subject)) as served:
        steps: list[Step] = [Raw(b'event: item\ndata: {"index": 0, "token_ids": [1')]
        for _ in range(BIG_MIB):
            steps += [Hold(gate), Raw(b"1" * (1 << 20))]
        give(served.last, always(*steps))
        served.generate().failed()
        assert gate.reached < BIG_MIB, f"all {BIG_MIB} MiB of one event were read"
        _lives(served)
