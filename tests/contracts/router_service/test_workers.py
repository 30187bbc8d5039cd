"""The suite's scripted workers, asked by the standard library's client: they do as they are told, and know it."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from trueup_contracts.router_service import formats
from trueup_contracts.router_service.background import Background
from trueup_contracts.router_service.steps import (
    Close,
    Cut,
    End,
    Error,
    Finish,
    Gate,
    Hang,
    Head,
    Hold,
    Item,
    KeepAlives,
    Raw,
    Status,
    Step,
    Transfer,
    told,
)
from trueup_contracts.router_service.workers import Asked, Worker

SIGNAL_S = 20.0
ASKED = {
    "request_id": "r",
    "router_id": "x",
    "attempt": 0,
    "phase": "agg",
    "token_ids": [1, 2, 3],
    "max_tokens": 2,
}


@pytest.fixture
def background() -> Iterator[Background]:
    made = Background()
    yield made
    made.close()


@pytest.fixture
def worker(background: Background) -> Iterator[Worker]:
    made = Worker(background, 2, "w", "agg-0", "agg")
    yield made
    made.close()


_open: list[http.client.HTTPConnection | http.client.HTTPResponse] = []


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    yield
    while _open:
        _open.pop().close()


def connect(worker: Worker) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=SIGNAL_S)
    _open.append(connection)
    return connection


def ask(worker: Worker, **changes: Any) -> http.client.HTTPConnection:
    connection = connect(worker)
    connection.request("POST", "/generate", json.dumps({**ASKED, **changes}))
    return connection


def begun(worker: Worker, **changes: Any) -> http.client.HTTPResponse:
    response = ask(worker, **changes).getresponse()
    _open.append(response)
    return response


def answer(worker: Worker, **changes: Any) -> tuple[int, str]:
    response = begun(worker, **changes)
    return response.status, response.read().decode()


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        if block and not block.startswith(":"):
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_it_answers_whole_by_itself(worker: Worker) -> None:
    status, text = answer(worker)
    assert status == 200
    assert events(text) == [
        ("item", {"index": 0, "token_ids": [3000]}),
        ("item", {"index": 1, "token_ids": [3001]}),
        ("finish", {"reason": "length", "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
    ]
    [asked] = worker.asked
    assert (asked.request_id, asked.phase, asked.attempt, asked.max_tokens) == ("r", "agg", 0, 2)
    assert asked.outcome == "answered"
    assert asked.at_s <= asked.sent_at_s[0] <= asked.ended_at_s
    _, text = answer(worker, request_id="s", phase="prefill")
    assert events(text) == [
        ("transfer", {"transfer": {"worker": "w", "request": "s"}}),
        ("finish", {"reason": "prefill", "usage": {"prompt_tokens": 3, "completion_tokens": 0}}),
    ]
    for name, data in events(text):
        formats.check(f"worker_event.{name}", data, name)


STEPS: dict[str, tuple[list[Step], int, str]] = {
    "a status": ([Status(429, {"Retry-After": "3"}, "full")], 429, '"code": "full"'),
    "an error": ([Item([5]), Error("broken", "no", retryable=True)], 200, '"retryable": true'),
    "bytes as they are": (
        [Raw(b"event: odd\n"), Raw(b"data: 1\n\n"), Finish("stop", {})],
        200,
        "event: odd\ndata: 1\n",
    ),
    "an end without one": ([Item(), End()], 200, '"token_ids": [3000]'),
    "a head, and a transfer": ([Head(), Transfer({"a": 1}), End()], 200, '{"transfer": {"a": 1}}'),
    "an item of another number": ([Item([9], 4), End()], 200, '{"index": 4, "token_ids": [9]}'),
}


@pytest.mark.parametrize("name", STEPS)
def test_steps(worker: Worker, name: str) -> None:
    steps, status, text = STEPS[name]
    worker.script(*steps)
    found, got = answer(worker)
    assert found == status
    assert text in got
    assert worker.asked[0].outcome == "answered"


def test_scripts_are_taken_so_many_times_and_then_the_one_before(worker: Worker) -> None:
    worker.script(Status(500))
    worker.script_by(lambda asked: [Item([asked.attempt]), End()], times=1)
    assert [answer(worker, attempt=number)[0] for number in range(3)] == [200, 500, 500]
    worker.reset()
    assert worker.asked == []
    assert answer(worker, attempt=9)[0] == 200


ENDS: dict[str, tuple[Step, type[Exception] | None]] = {
    "a reset": (Cut(), ConnectionResetError),
    "an end in the middle": (Close(), http.client.IncompleteRead),
}


@pytest.mark.parametrize("name", ENDS)
def test_connections_that_end_too_early(worker: Worker, background: Background, name: str) -> None:
    step, error = ENDS[name]
    gate = Gate()
    worker.script(Item(), Hold(gate), step)
    response = begun(worker)
    assert response.readline() == b"event: item\n"
    gate.open()
    assert error is not None
    with pytest.raises(error):
        response.read()
    background.until(lambda: worker.asked[0].outcome == "cut", "its outcome", SIGNAL_S)


def reset(one: socket.socket) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    one.close()


LEAVING: dict[str, Callable[[socket.socket], None]] = {"closed": socket.socket.close, "reset": reset}


@pytest.mark.parametrize("way", LEAVING)
@pytest.mark.parametrize("steps", [[Hang()], [Item(), Hold(Gate())], [KeepAlives(0.01)]], ids=["hangs", "held", "idle"])
def test_who_leaves_is_noticed(worker: Worker, background: Background, way: str, steps: list[Step]) -> None:
    worker.script(*steps)
    connection = ask(worker)
    background.until(lambda: worker.in_flight, "the request", SIGNAL_S)
    assert worker.connections == 1
    assert connection.sock is not None
    LEAVING[way](connection.sock)
    background.until(lambda: worker.asked[0].outcome == "gone", "its outcome", SIGNAL_S)
    background.until(lambda: worker.connections == 0, "no connection", SIGNAL_S)
    assert worker.in_flight == []


def test_a_gate_holds_all_until_it_is_opened(worker: Worker, background: Background) -> None:
    gate = Gate()
    worker.script(Hold(gate), Status(503))
    connections = [ask(worker, attempt=number, request_id=f"r{number}") for number in range(3)]
    background.until(lambda: gate.reached == 3, "three at the gate", SIGNAL_S)
    gate.open()
    assert [one.getresponse().status for one in connections] == [503] * 3
    assert answer(worker, attempt=9)[0] == 503


def test_keep_alives_go_on_until_the_gate_is_open(worker: Worker) -> None:
    gate = Gate()
    worker.script(KeepAlives(0.001, gate), Item(), End())
    response = begun(worker)
    assert [response.readline() for _ in range(4)] == [b": keep-alive\n", b"\n"] * 2
    gate.open()
    assert b"event: item\n" in response.read()


def test_a_piece_of_work_is_done_once(worker: Worker) -> None:
    assert [answer(worker)[0], answer(worker)[0], answer(worker, attempt=1)[0]] == [200, 409, 200]
    assert [answer(worker, router_id="y")[0], answer(worker, phase="decode")[0]] == [200, 200]


def test_a_new_attempt_ends_the_older(worker: Worker, background: Background) -> None:
    worker.script(Item(), Hang(), times=1)
    older = begun(worker)
    background.until(lambda: worker.in_flight, "the request", SIGNAL_S)
    assert answer(worker, attempt=1)[0] == 200
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        older.read()


def test_a_worker_is_killed_and_comes_back(worker: Worker, background: Background) -> None:
    worker.script(Hang(), times=1)
    connection = ask(worker)
    background.until(lambda: worker.in_flight, "the request", SIGNAL_S)
    worker.stop()
    assert worker.asked[0].outcome == "cut"
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        connection.getresponse()
    with pytest.raises(ConnectionRefusedError):
        ask(worker)
    worker.stop()
    port = worker.port
    worker.start()
    assert worker.port == port
    assert answer(worker, attempt=1)[0] == 200


def test_a_black_hole_takes_no_connection_and_refuses_none(worker: Worker) -> None:
    worker.black_hole()
    with socket.socket() as one:
        one.settimeout(0.3)
        with pytest.raises(TimeoutError):
            one.connect(("127.0.0.1", worker.port))
    worker.start()
    assert answer(worker)[0] == 200


def test_connections_are_kept(worker: Worker) -> None:
    connection = connect(worker)
    for number in range(3):
        connection.request("POST", "/generate", json.dumps({**ASKED, "attempt": number}))
        assert b"event: finish" in connection.getresponse().read()
    body = json.dumps({**ASKED, "attempt": 3}).encode()
    connection.request("POST", "/generate", iter([body[:7], body[7:]]), encode_chunked=True)
    assert b"event: finish" in connection.getresponse().read()
    connection.request("GET", "/health")
    assert json.loads(connection.getresponse().read()) == {"status": "ok"}
    worker.health_status = 503
    connection.request("GET", "/health")
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())) == (503, {"status": "ill"})
    connection.request("GET", "/other")
    response = connection.getresponse()
    assert (response.status, b"no GET /other here" in response.read()) == (404, True)
    assert (worker.connections_made, worker.health_asked, len(worker.asked)) == (1, 2, 4)


def test_what_is_no_request_is_kept_as_it_is(worker: Worker) -> None:
    connection = connect(worker)
    connection.request("POST", "/generate", b"[1]")
    assert connection.getresponse().status == 200
    [asked] = worker.asked
    assert (asked.raw, asked.body, asked.request_id, asked.max_tokens) == (b"[1]", {}, "", 1)
    with socket.create_connection(("127.0.0.1", worker.port), SIGNAL_S) as one:
        one.sendall(b"POST /generate HTTP/1.1\r\ncontent-length: many\r\n\r\n")
        assert one.recv(100) == b""


def test_what_it_does_is_told_in_words(background: Background) -> None:
    notes: list[str] = []
    worker = Worker(background, 0, "w", "agg-0", "agg", notes.append)
    answer(worker)
    worker.script(Status(503), times=1)
    answer(worker, attempt=1)
    worker.stop()
    worker.start()
    worker.close()
    assert notes == [
        "# w asked for r (agg, attempt 1): Status(status=503)",
        "# w is killed: connections are reset, and new ones refused",
        f"# w listens on port {worker.port}",
    ]
    shown = told([Item(), Item([1] * 100), Hold(Gate()), Error(), KeepAlives(0.5), *[Item()] * 5])
    tokens = f"token_ids={[1] * 100}"[:60]
    assert shown == f"Item, Item({tokens}…), Hold, Error, KeepAlives(every_s=0.5), Item, Item, Item, and 2 more"


def test_what_never_happens_is_told(background: Background, worker: Worker) -> None:
    with pytest.raises(AssertionError, match=r"a request: not within 0.01 s"):
        background.until(lambda: worker.asked, "a request", 0.01)
    assert repr(Asked("w", 0, _head(), b'{"request_id": "r", "token_ids": [1]}')) == (
        'Asked(w, {"request_id": "r"}, under way)'
    )


def _head() -> Any:
    from trueup_contracts.router_service.http11 import Head as HttpHead

    return HttpHead("POST /generate HTTP/1.1", {})


def test_a_connection_that_is_to_be_closed_is_closed_after_its_answer(worker: Worker) -> None:
    with socket.create_connection(("127.0.0.1", worker.port), SIGNAL_S) as one:
        one.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\nConnection: close\r\n\r\n")
        told_by = b"".join(iter(lambda: one.recv(1 << 16), b""))
    assert told_by.startswith(b"HTTP/1.1 200 ")


def test_steps_are_shown_by_what_is_not_as_always() -> None:
    steps = [Status(503), Status(429, {"retry-after": "1"}), Item(), Error(retryable=True), Hold(Gate()), Cut()]
    shown = ["Status(status=503)", "Status(status=429, headers={'retry-after': '1'})", "Item", "Error(retryable=True)"]
    assert [repr(one) for one in steps] == [*shown, "Hold", "Cut"]
