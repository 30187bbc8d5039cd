"""Bounds of what is read: RS-121 to RS-123."""

from __future__ import annotations

import contextlib
import http.client
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


def _lives(served: Fleet) -> None:
    __tracebackhide__ = True
    assert served.router.status is None, f"the service has ended with status {served.router.status}"
    served.reset()
    served.generate().finished()


@requirement("RS-121")
def test_a_body_that_is_too_big_is_refused(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.bare(trueup_subject)) as served:
        length = sum(map(len, _big_body()))
        for more in ({}, {"content-length": str(length)}):  # in chunks, and with its length said before
            connection = http.client.HTTPConnection(*served.router.address, timeout=served.budgets.signal_s)
            status: int | None = None
            with contextlib.closing(connection), contextlib.suppress(ConnectionError, http.client.BadStatusLine):
                headers = {"content-type": "application/json", **more}
                connection.request("POST", protocol.GENERATE, _big_body(), headers)
                status = connection.getresponse().status
            # Nothing, where the connection was closed before all of it had been sent.
            assert status is None or 400 <= status < 500, f"a body of {BIG_MIB} MiB got status {status}"
        _lives(served)


@requirement("RS-122")
def test_a_body_that_is_nested_too_deep_is_refused(trueup_subject: Subject) -> None:
    deep = {"lists": b"[" * DEEP + b"]" * DEEP, "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP}
    with fleet(trueup_subject, grids.bare(trueup_subject)) as served:
        for what, value in deep.items():
            for field in (b"token_ids", b"extra_args"):
                body = b'{"max_tokens": 1, ' + (b'"token_ids": [1], ' if field != b"token_ids" else b"")
                found = served.router.generate(body + b'"' + field + b'": ' + value + b"}").refused(400)
                code = found.get("code")
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
