"""What reaches a client, and when: RS-020 to RS-027."""

from __future__ import annotations

from functools import partial

from trueup_contracts import requirement
from trueup_contracts.router_service import formats, grids
from trueup_contracts.router_service.client import Event, Stream
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.steps import Error, Finish, Gate, Hold, Item, KeepAlives, Raw, Status, Step
from trueup_contracts.router_service.workers import Asked
from trueup_contracts.subject import Subject

MANY = 1_000  # items of one stream
SIDE_BY_SIDE = 24  # streams


def _check_order(served: Fleet, events: list[Event], items: int, last: str) -> None:
    __tracebackhide__ = True
    names = [event.name for event in events]
    due = ["accepted", *["routed"] * len(served.grid.phases), *["item"] * items, last]
    shown = ", ".join(names if len(names) < 20 else [*names[:10], "…", *names[-5:]])
    assert names == due, f"the events are {shown}; {len(served.grid.phases)} routed, {items} items, and {last} are due"


@requirement("RS-020")
def test_events_come_in_their_order(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        _check_order(served, served.generate().finished(), 3, "finish")
        served.last[0].script(Item(), Item(), Error(), times=1)
        failed = served.generate()
        failed.failed()
        _check_order(served, failed.events, 2, "error")


def _has_items(stream: Stream, count: int) -> bool:
    return len(stream.named("item")) >= count


@requirement("RS-021")
def test_items_come_as_they_are_made(trueup_subject: Subject) -> None:
    """Each item is read by the client before the worker is let go on."""
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        gates = [Gate(), Gate(), Gate()]
        served.last[0].script(Item(), Hold(gates[0]), Item(), Hold(gates[1]), Item(), Hold(gates[2]), Finish())
        stream = served.generate()
        for number, gate in enumerate(gates):
            served.until_reached(gate)
            what = f"item {number}, which the worker has sent before it pauses"
            served.until(partial(_has_items, stream, number + 1), what)
            gate.open()
        stream.finished()


@requirement("RS-022")
def test_it_says_what_it_does_before_a_worker_has_answered(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        gate = Gate()
        served.first[0].script(Hold(gate), times=1)
        stream = served.generate()
        told = [stream.next().name, stream.next().name]
        assert told == ["accepted", "routed"], f"while its worker is silent the client got {', '.join(told)}"
        failed = stream.named("error")
        assert not failed, f"{stream.what}: it said so when it gave up: {failed[0]}"
        gate.open()


@requirement("RS-023")
def test_items_and_the_end_are_the_workers_own(trueup_subject: Subject) -> None:
    tokens = [[7], [8, 9, 10], [], [0], [2_147_483_647], [128_000] * 50]
    usage = {"prompt_tokens": 4, "completion_tokens": 56, "cached_tokens": 2}
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        served.last[0].script(*(Item(one) for one in tokens), Finish("stop", usage))
        events = served.generate(max_tokens=64).finished()
        items = [event for event in events if event.name == "item"]
        found = [item.get("token_ids") for item in items]
        assert found == tokens, f"the worker's token ids are {tokens}, and the client got {found}"
        numbers = [item.get("index") for item in items]
        assert numbers == list(range(len(tokens))), f"the client's items have the numbers {numbers}"
        end = {name: events[-1].get(name) for name in ("reason", "usage")}
        assert end == {"reason": "stop", "usage": usage}, (
            f"the worker ended with stop and {usage}, the client got {end}"
        )


@requirement("RS-024")
def test_a_long_stream_is_complete(trueup_subject: Subject) -> None:
    """Between the items are keep-alives of the worker; items come many to a segment, and one of them in two."""
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        half = MANY // 2
        together = b"".join(
            b'event: item\ndata: {"index": %d, "token_ids": [%d]}\n\n: keep-alive\n\n' % (number, number)
            for number in range(half)
        )
        pause = Gate()
        pause.open()
        rest = [Item([number], number) for number in range(half + 1, MANY)]
        middle = Gate()
        second = b'ta: {"index": %d, "token_ids": [%d]}\n\n' % (half, half)
        parts: list[Step] = [Raw(b"event: item\nda"), Hold(middle), Raw(second)]
        served.last[0].script(Raw(together), KeepAlives(0.01, pause), *parts, *rest, Finish())
        stream = served.generate(max_tokens=MANY)
        served.until_reached(middle)
        served.budgets.never(lambda: stream.is_ended, "the end of an answer that is still coming")  # it reads the half
        middle.open()
        events = stream.finished()
        _check_order(served, events, MANY, "finish")
        found = [event.get("token_ids") for event in events if event.name == "item"]
        lost = [number for number, tokens in enumerate(found) if tokens != [number]]
        assert not lost, f"of {MANY} items the client got others in the places {lost[:5]} …"


@requirement("RS-025")
def test_streams_side_by_side_are_not_mixed_up(trueup_subject: Subject) -> None:
    """All are open at once, each held at its second item."""
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        gate = Gate()

        def own(number: int) -> list[int]:
            return [number * 1_000, number * 1_000 + 1]

        def two_items(asked: Asked) -> list[Step]:
            first, second = own(asked.body["token_ids"][0])
            return [Item([first]), Hold(gate), Item([second]), Finish()]

        served.last[0].script_by(two_items)
        streams = [served.generate(token_ids=[number, 1, 2]) for number in range(1, SIDE_BY_SIDE + 1)]
        served.until_reached(gate, SIDE_BY_SIDE)
        gate.open()
        for number, stream in enumerate(streams, 1):
            stream.finished()
            assert stream.tokens == own(number), f"the request of prompt {number} got the tokens {stream.tokens}"


@requirement("RS-026")
def test_events_have_their_form(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        streams = [served.generate()]
        streams[0].finished()
        for step in (Error(), Status(422), Error("engine_failed", "", retryable=True)):
            served.last[0].script(step, times=1)
            streams.append(served.generate())
            streams[-1].failed()
        for stream in streams:
            for event in stream.events:
                formats.check(f"client_event.{event.name}", event.data, f"the event {event!r}")


@requirement("RS-027")
def test_routed_says_who_was_asked(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.by_target(trueup_subject)) as served:
        for pool in (0, 1):
            request = served.request(targets={"ttft_ms": grids.ttft_of(pool)})
            events = served.router.generate(request).finished()
            told = [
                tuple(event.get(name) for name in ("phase", "pool", "worker", "attempt"))
                for event in events
                if event.name == "routed"
            ]
            done = [
                (one.phase, served.worker_of(one).namespace, one.worker_id, one.attempt)
                for one in served.asked(request["request_id"])
            ]
            assert told == done, f"routed says {told}, and the workers were asked {done}"
