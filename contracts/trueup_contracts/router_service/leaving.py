"""Clients that leave, and clients that stay and do not read: RS-096 to RS-099, and RS-128."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from trueup_contracts import requirement
from trueup_contracts.router_service import protocol
from trueup_contracts.router_service.client import Stream
from trueup_contracts.router_service.fleet import Fleet
from trueup_contracts.router_service.retrying import one_instance
from trueup_contracts.router_service.scripting import Once, give
from trueup_contracts.router_service.steps import Finish, Gate, Hang, Hold, Item, Raw, Step, always
from trueup_contracts.router_service.workers import Asked
from trueup_contracts.subject import Subject

# More than the buffers of the system and of a router hold on the way: 64 MiB.
BIG_ITEMS, BIG_BYTES = 4_096, 16 << 10
_SMALL_BUFFER = 1 << 14
TURNS = 50  # of a router


def _work_is_cancelled(served: Fleet, leave: Callable[[Stream], None], *steps: Step) -> None:
    """The worker says nothing more, so that nothing but the client's leaving tells the router."""
    __tracebackhide__ = True
    served.reset()
    give(served.last, always(*steps, Hang()))
    stream = served.generate()
    asked = served.until_asked(*served.last)
    for _ in steps:
        stream.until("item")
    leave(stream)
    _is_left(served, asked)


def _is_left(served: Fleet, asked: Asked) -> None:
    """In time, by the router."""
    __tracebackhide__ = True
    what = f"the client has left, and the router leaves {asked.worker_id}"
    served.until(lambda: asked.outcome == "gone", what, served.budgets.margin_s)


@requirement("RS-096")
def test_a_client_that_closes_ends_the_work(trueup_subject: Subject) -> None:
    with one_instance(trueup_subject) as served:
        _work_is_cancelled(served, Stream.close, Item())


@requirement("RS-097")
def test_a_client_that_resets_ends_the_work(trueup_subject: Subject) -> None:
    with one_instance(trueup_subject) as served:
        _work_is_cancelled(served, Stream.reset, Item())


@requirement("RS-098")
def test_nothing_is_tried_for_a_client_that_has_left(trueup_subject: Subject) -> None:
    with one_instance(trueup_subject) as served:
        for leave in (Stream.close, Stream.reset):
            served.reset()
            give(served.first, always(Hang()))
            stream = served.generate()
            asked = served.until_asked(*served.first)
            leave(stream)
            _is_left(served, asked)
            served.budgets.never(lambda: served.asked()[1:], "a client has left, and its request was tried again")


@contextmanager
def reads_nothing(served: Fleet, request_id: str) -> Iterator[socket.socket]:
    """A connection with a request on it, from which nothing is read."""
    body = json.dumps(served.request(request_id=request_id, max_tokens=BIG_ITEMS)).encode()
    head = f"POST {protocol.GENERATE} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
    with closing(socket.socket()) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
        one.settimeout(served.budgets.signal_s)
        one.connect(served.router.address)
        one.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        yield one


def big_items(count: int = BIG_ITEMS) -> tuple[list[Step], Gate]:
    """The steps of a long answer; and a gate that is open, and counts its items."""
    gate = Gate()
    gate.open()
    tokens = json.dumps([7] * (BIG_BYTES // 3))
    steps: list[Step] = []
    for index in range(count):
        steps += [Hold(gate), Raw(f'event: item\ndata: {{"index": {index}, "token_ids": {tokens}}}\n\n'.encode())]
    return [*steps, Finish()], gate


def until_it_stands(served: Fleet, gate: Gate) -> int:
    """How many have come when no more come, though the router has turns enough to take more: it answers others."""

    def look() -> bool:
        found = gate.reached
        for _ in range(TURNS):
            served.router.look(protocol.READY)
        return 0 < found == gate.reached

    served.budgets.until(look, "an end of what a worker can send to a client that reads nothing")
    return gate.reached


@requirement("RS-099")
def test_who_does_not_read_holds_up_the_worker(trueup_subject: Subject) -> None:
    with one_instance(trueup_subject) as served:
        steps, gate = big_items()
        give(served.last, always(*steps))
        with reads_nothing(served, served.new_id()):
            sent = until_it_stands(served, gate)
            assert sent < BIG_ITEMS, f"the client reads nothing, and the worker could send all of {BIG_ITEMS} items"


@requirement("RS-128")
def test_a_request_that_comes_again_is_served(trueup_subject: Subject) -> None:
    with one_instance(trueup_subject) as served:
        for leave in (Stream.close, Stream.reset):
            served.reset()
            give(served.last, Once(Item(), Hang()))
            body = served.request()
            stream = served.router.generate(body)
            stream.until("item")
            leave(stream)
            served.router.generate(body).finished()
            keys = [one.key for one in served.asked(body["request_id"])]
            assert len(set(keys)) == len(keys), f"workers were asked with the same key again: {keys}"
