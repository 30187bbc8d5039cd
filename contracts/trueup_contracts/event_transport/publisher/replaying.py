"""The server of replays: EP-080 to EP-095."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.budgets import SIGNAL_S
from trueup_contracts.event_transport.publisher.asking import Replay, check_range, gathered, replayed
from trueup_contracts.event_transport.publisher.batches import batch, unencodable
from trueup_contracts.event_transport.publisher.calls import ANYWHERE, Publisher, heard
from trueup_contracts.event_transport.publisher.observing import observed, published
from trueup_contracts.event_transport.publisher.peers import Asking
from trueup_contracts.event_transport.publisher.reading import Heard
from trueup_contracts.subject import Handle, Subject

KEPT = 200  # batches
MALFORMED: dict[str, list[bytes]] = {
    "without a delimiter": [bytes(8)],
    "with a start of 7 bytes": [b"", bytes(7)],
    "with a start of 9 bytes": [b"", bytes(9)],
    "with an empty start": [b"", b""],
    "with a delimiter alone": [b""],
    "with a frame too many": [b"", bytes(8), b"more"],
    "with a start as text": [b"", b"0"],
    "of 1 MiB": [b"", bytes(1 << 20)],
}
CLIENTS = 8
LATE, LATE_BYTES = 2_500, 8 << 10  # batches of these: more than sockets' buffers and the default high-water mark hold
LARGE, LARGE_BYTES = 150, 1 << 16


def _serving(subject: Subject, kept: int = KEPT, **keywords: Any) -> Publisher:
    return Publisher(subject, replay_endpoint=ANYWHERE, replay_batches=kept, **keywords)


def _publish(publisher: Publisher, count: int, size_bytes: int = 0) -> None:
    """So many batches, which are sent when this ends."""
    assert None not in publisher.many(count, size_bytes=size_bytes), "publish refused a batch, and nothing is full"
    assert publisher.flush(), "flush ended without success, and nothing is full"


@requirement("EP-080")
def test_a_replay_is_the_range_that_was_asked_for(trueup_subject: Subject) -> None:
    with _serving(trueup_subject) as publisher:
        _publish(publisher, 50)
        for start in (0, 1, 25, 49):
            check_range(replayed(publisher, start), list(range(start, 50)), f"a replay from {start} of 50 batches")


@requirement("EP-081")
def test_a_replay_ends_once(trueup_subject: Subject) -> None:
    with _serving(trueup_subject) as publisher, Asking(publisher.replay_endpoint) as client:
        _publish(publisher, 5)
        for asked in ("the first replay", "the next one of the same client"):
            client.request(2)
            check_range(gathered(client, publisher.signal_s, asked), [2, 3, 4], asked)
        # Two at once: their answers come one after the other, and are told apart by their ends.
        client.request(0)
        client.request(4)
        check_range(gathered(client, publisher.signal_s, "the first of two"), [0, 1, 2, 3, 4], "the first of two")
        check_range(gathered(client, publisher.signal_s, "the second of two"), [4], "the second of two")


@requirement("EP-082")
def test_where_there_is_nothing_the_end_comes_alone(trueup_subject: Subject) -> None:
    with _serving(trueup_subject) as publisher:
        assert replayed(publisher, 0).numbers == [], "batches were replayed, and none was published"
        _publish(publisher, 3)
        for start in (3, 4, 1 << 40, (1 << 64) - 2):
            found = replayed(publisher, start)
            assert found.numbers == [], f"3 batches were published; a replay from {start} holds {found.told()}"


@requirement("EP-083")
def test_the_buffer_keeps_the_newest(trueup_subject: Subject) -> None:
    with _serving(trueup_subject, 20) as publisher:
        _publish(publisher, 50)
        check_range(replayed(publisher, 0), list(range(30, 50)), "a replay from 0, of 50 batches the last 20 kept,")
        check_range(replayed(publisher, 45), list(range(45, 50)), "a replay from 45, of 50 batches the last 20 kept,")


@requirement("EP-084")
def test_a_replay_repeats_what_was_live(trueup_subject: Subject) -> None:
    topic = "kv@10.0.0.1:5557@блоки"
    keywords = {"replay_endpoint": ANYWHERE, "replay_batches": KEPT, "topic": topic}
    with heard(trueup_subject, **keywords) as (publisher, listener):
        first = publisher.calls
        _publish(publisher, 20)
        live = publisher.until(listener, first + 19)
        found = replayed(publisher, first)
        assert found.numbers == [one.number for one in live]
        assert found.payloads == [one.payload for one in live], "a replayed payload is not the live one, byte for byte"
        assert len(found.forms) == 1, f"replies of one replay have {found.forms} frames"
        told = set(found.topics) - {None}
        assert told <= {topic.encode()}, f"the topic is {topic!r}, and replies tell {told}"


@requirement("EP-085")
def test_malformed_requests_end_nothing(trueup_subject: Subject) -> None:
    with _serving(trueup_subject) as publisher:
        _publish(publisher, 5)
        for name, frames in MALFORMED.items():
            with Asking(publisher.replay_endpoint) as client:
                client.ask(frames)
                publisher.accepted()
                assert publisher.flush(), f"flush ended without success, after a request {name}"
                start = publisher.calls - 1
                client.request(start)
                # What was answered to the malformed one, if anything was, came before.
                until = time.monotonic() + publisher.signal_s
                while True:
                    asked = f"a replay from {start}, asked for after a request {name},"
                    found = gathered(client, until - time.monotonic(), asked)
                    if found.numbers == [start]:
                        break


@requirement("EP-086")
def test_malformed_requests_get_no_batches(trueup_subject: Subject) -> None:
    with _serving(trueup_subject) as publisher:
        _publish(publisher, 5)
        for name, frames in MALFORMED.items():
            with Asking(publisher.replay_endpoint) as client:
                client.ask(frames)
                client.request(5)
                client.request(4)
                asked = f"a replay, asked for after a request {name},"
                for _ in range(3):
                    found = gathered(client, publisher.signal_s, asked)
                    if found.numbers:
                        break
                assert found.numbers == [4], f"a request {name} was answered with batches: {found.told()}"


@requirement("EP-087")
def test_many_clients_get_their_own_answers(trueup_subject: Subject) -> None:
    with _serving(trueup_subject) as publisher, ExitStack() as stack:
        _publish(publisher, 60)
        clients = [stack.enter_context(Asking(publisher.replay_endpoint)) for _ in range(CLIENTS)]
        for number, client in enumerate(clients):
            client.request(7 * number)
        for number, client in enumerate(clients):
            asked = f"a replay from {7 * number}, one of {CLIENTS} at once,"
            check_range(gathered(client, publisher.signal_s, asked), list(range(7 * number, 60)), asked)


@requirement("EP-088")
def test_replays_are_served_under_load(trueup_subject: Subject) -> None:
    with _serving(trueup_subject, 10_000) as publisher:
        _publish(publisher, 20)
        over = threading.Event()

        def load(handle: Handle) -> None:
            while not over.wait(0.001):
                handle.call("publish", batch=batch(publisher.calls))
                publisher.calls += 1

        loading = publisher.beside(load)
        try:
            found = replayed(publisher, 0)
        finally:
            over.set()
            loading.answer(publisher.signal_s, "publish, while a replay was served,")
        assert len(found.numbers) >= 20, f"20 batches were published before the replay, which holds {found.told()}"
        check_range(found, list(range(len(found.numbers))), "a replay from 0, while batches are published,")


@requirement("EP-089")
def test_replays_are_served_when_idle(trueup_subject: Subject) -> None:
    with _serving(trueup_subject) as publisher:
        _publish(publisher, 3)
        for _ in range(3):
            check_range(replayed(publisher, 0), [0, 1, 2], "a replay, after the last batch was published,")


@requirement("EP-090")
def test_a_gap_is_a_hole_in_the_replay(trueup_subject: Subject) -> None:
    with _serving(trueup_subject) as publisher:
        _publish(publisher, 2)
        publisher.refused(unencodable())
        _publish(publisher, 2)
        check_range(replayed(publisher, 0), [0, 1, 3, 4], "a replay from 0, where batch 2 could not be encoded,")
        check_range(replayed(publisher, 2), [3, 4], "a replay from 2, where batch 2 could not be encoded,")


@requirement("EP-091")
def test_clients_that_vanish_or_stall_stop_nobody(trueup_subject: Subject) -> None:
    with _serving(trueup_subject) as publisher:
        _publish(publisher, LARGE, LARGE_BYTES)
        with Asking(publisher.replay_endpoint, RCVHWM=1, RCVBUF=4096) as stalled:
            for _ in range(10):
                stalled.request(0)
            assert stalled.take(publisher.signal_s) is not None, "no reply came"
            with Asking(publisher.replay_endpoint) as vanishing:
                vanishing.request(0)
                assert vanishing.take(publisher.signal_s) is not None, (
                    "a second client got no reply, beside a stalled one"
                )
            publisher.accepted()
            assert publisher.flush(), "flush ended without success, beside a client of replays that does not read"
            last = publisher.calls - 1
            check_range(replayed(publisher, last), [last], "a replay, beside a client that does not read,")


@requirement("EP-092")
def test_a_client_that_reads_late_gets_all(trueup_subject: Subject) -> None:
    with _serving(trueup_subject, LATE) as publisher:
        _publish(publisher, LATE, LATE_BYTES)
        with Asking(publisher.replay_endpoint, RCVHWM=1, RCVBUF=4096) as late:
            late.request(0)
            assert late.socket.poll(round(publisher.signal_s * 1000)), "no reply came"
            replayed(publisher, LATE - 1)  # whoever serves one after the other has now sent all of the first
            asked = f"a replay of {LATE} batches of 8 KiB to a client that reads late"
            check_range(gathered(late, publisher.signal_s, asked), list(range(LATE)), asked)


@requirement("EP-093")
def test_port_0_is_resolved_for_replays_too(trueup_subject: Subject) -> None:
    with _serving(trueup_subject) as one, _serving(trueup_subject) as other:
        found = [one.endpoint, one.replay_endpoint, other.endpoint, other.replay_endpoint]
        assert len(set(found)) == 4, f"two publishers with replays at once name the endpoints {found}"
        _publish(one, 1)
        assert replayed(one, 0).numbers == [0]
        assert replayed(other, 0).numbers == [], "one publisher's replay holds the other's batches"


@requirement("EP-094")
def test_the_end_marker_has_no_payload(trueup_subject: Subject) -> None:
    with _serving(trueup_subject) as publisher:
        _publish(publisher, 1)
        found = replayed(publisher, 0)
        assert found.end_payload == b"", f"the end marker has a payload of {len(found.end_payload)} bytes"


@requirement("EP-095")
def test_replies_tell_the_topic(trueup_subject: Subject) -> None:
    with _serving(trueup_subject, topic="kv@pod") as publisher:
        _publish(publisher, 2)
        found = replayed(publisher, 0)
        assert found.topics == [b"kv@pod"] * 2, (
            "replies are in the first form (delimiter, number, payload), which does not tell whose batches they are"
        )


@requirement("EP-099")
def test_what_was_heard_live_can_be_had_again(trueup_subject: Subject) -> None:
    if "control" in trueup_subject.capabilities:
        with heard(trueup_subject, replay_endpoint=ANYWHERE, replay_batches=KEPT) as (publisher, listener):
            live = published(publisher, listener, 30)
            _check_again(live, replayed(publisher, live[0].number))
        return
    live = observed(trueup_subject, 30)
    with Asking(str(trueup_subject.open().call("replay_endpoint"))) as client:
        client.request(live[0].number)
        limit_s = SIGNAL_S * trueup_subject.scale
        _check_again(live, gathered(client, limit_s, f"a replay from {live[0].number}, which was heard live,"))


def _check_again(live: list[Heard], found: Replay) -> None:
    """Those that were heard and are still kept; more may have come since."""
    payloads = dict(zip(found.numbers, found.payloads, strict=True))
    assert found.numbers == sorted(payloads), f"a replay's numbers are twice or out of order: {found.told()}"
    assert payloads, f"numbers {live[0].number} to {live[-1].number} were heard live, and a replay from there is empty"
    kept = [one for one in live if one.number >= found.numbers[0]]
    for one in kept:
        assert one.number in payloads, f"number {one.number} was heard live; the replay holds {found.told()}"
        assert payloads[one.number] == one.payload, f"number {one.number}: the replayed payload is not the live one"
    assert len(found.forms) == 1, f"replies of one replay have {found.forms} frames"
