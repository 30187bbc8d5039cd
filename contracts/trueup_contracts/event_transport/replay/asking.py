"""What a client asks, and what it makes of the answers: ER-001 to ER-009, ER-016 and ER-022 to ER-024."""

from __future__ import annotations

from trueup_contracts import requirement
from trueup_contracts.event_transport.frames import END, number
from trueup_contracts.event_transport.replay.calls import Client, Got, check, numbers
from trueup_contracts.event_transport.replay.servers import TOPIC, Answering, Server, payload
from trueup_contracts.subject import Subject

STARTS = [0, 1, 255, 256, 0x0102030405060708, 1 << 63, (1 << 64) - 2]
LONG = 5_000
LARGE_BYTES = 1 << 20


def _three(answering: Answering) -> None:
    answering.first(5, 6, 7)
    answering.end()


@requirement("ER-001")
def test_a_request_is_a_delimiter_and_a_start(trueup_subject: Subject) -> None:
    with Server(_three) as server, Client(trueup_subject) as client:
        client.complete(server.endpoint, 5)
        [request] = server.requests
        shown = [one.hex() for one in request]
        assert len(request) == 2, (
            f"after the identity, a request has an empty delimiter and a start; this one has {len(request)}: {shown}"
        )
        assert request[0] == b"", f"a request begins with an empty delimiter: {shown}"
        assert len(request[1]) == 8, f"the start has {len(request[1])} bytes, 8 are due: {shown}"


@requirement("ER-002")
def test_the_start_is_unsigned_and_big_endian(trueup_subject: Subject) -> None:
    with Server(lambda answering: answering.end()) as server, Client(trueup_subject) as client:
        for start in STARTS:
            client.complete(server.endpoint, start)
            found = server.requests[-1][-1]
            assert found == number(start), f"start={start} was asked for as {found.hex()}; {number(start).hex()} is due"


@requirement("ER-003")
def test_every_reply_of_the_first_form_is_read(trueup_subject: Subject) -> None:
    with Server(_three) as server, Client(trueup_subject) as client:
        check(client.complete(server.endpoint, 5), [5, 6, 7], None)


@requirement("ER-004")
def test_every_reply_of_the_second_form_is_read(trueup_subject: Subject) -> None:
    def answer(answering: Answering) -> None:
        answering.second(5, 6, 7)
        answering.end(topic=TOPIC)

    with Server(answer) as server, Client(trueup_subject) as client:
        found = client.complete(server.endpoint, 5)
        check([one._replace(topic=TOPIC) for one in found], [5, 6, 7], TOPIC)


@requirement("ER-005")
def test_the_topic_is_handed_on(trueup_subject: Subject) -> None:
    for topic in (TOPIC, "", "блоки", "12345678"):

        def answer(answering: Answering, topic: str = topic) -> None:
            answering.second(5, 6, topic=topic)
            answering.end(topic=topic)

        with Server(answer) as server, Client(trueup_subject) as client:
            check(client.complete(server.endpoint, 5), [5, 6], topic)


@requirement("ER-006")
def test_every_end_marker_is_one(trueup_subject: Subject) -> None:
    ends: dict[str, str | None] = {"with the topic": TOPIC, "with an empty topic": "", "without a topic": None}
    for name, topic in ends.items():

        def answer(answering: Answering, topic: str | None = topic) -> None:
            answering.second(5, 6)
            answering.end(topic=topic)

        with Server(answer) as server, Client(trueup_subject) as client:
            found = client.complete(server.endpoint, 5)
            assert len(found) == 2, f"two replies with a topic, and an end marker {name}: came {numbers(found)}"


@requirement("ER-007")
def test_an_end_alone_is_an_empty_replay(trueup_subject: Subject) -> None:
    ends: list[str | None] = [None, TOPIC]
    for topic in ends:

        def answer(answering: Answering, topic: str | None = topic) -> None:
            answering.end(topic=topic)

        with Server(answer) as server, Client(trueup_subject) as client:
            found = client.complete(server.endpoint, 5)
            assert found == [], f"the end marker came alone, and replay answered {numbers(found)}"


@requirement("ER-008")
def test_holes_and_a_later_beginning_are_told_as_they_are(trueup_subject: Subject) -> None:
    due = [7, 8, 10, 11, 15, 200]

    def answer(answering: Answering) -> None:
        answering.first(*due)
        answering.end()

    with Server(answer) as server, Client(trueup_subject) as client:
        check(client.complete(server.endpoint, 5), due, None)


@requirement("ER-009")
def test_numbers_are_unsigned(trueup_subject: Subject) -> None:
    due = [(1 << 53) + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 2]

    def answer(answering: Answering) -> None:
        answering.first(*due)
        answering.end()

    with Server(answer) as server, Client(trueup_subject) as client:
        check(client.complete(server.endpoint, 5), due, None)


@requirement("ER-016")
def test_a_long_replay_is_complete(trueup_subject: Subject) -> None:
    def answer(answering: Answering) -> None:
        answering.second(*range(LONG))
        answering.end(topic=TOPIC)

    with Server(answer) as server, Client(trueup_subject) as client:
        found = client.complete(server.endpoint, 0)
        assert len(found) == LONG, f"{LONG} batches were sent, and replay answered {len(found)}: {numbers(found)}"
        check([one._replace(topic=TOPIC) for one in found], range(LONG), TOPIC)


@requirement("ER-022")
def test_an_end_marker_may_have_a_payload(trueup_subject: Subject) -> None:
    def answer(answering: Answering) -> None:
        answering.first(5)
        answering.reply(b"", END, b"\x92\x00\x05")

    with Server(answer) as server, Client(trueup_subject) as client:
        check(client.complete(server.endpoint, 5), [5], None)


@requirement("ER-023")
def test_a_large_payload_arrives_whole(trueup_subject: Subject) -> None:
    large = bytes(range(256)) * (LARGE_BYTES // 256)

    def answer(answering: Answering) -> None:
        answering.reply(b"", number(5), large)
        answering.end()

    with Server(answer) as server, Client(trueup_subject) as client:
        [found] = client.complete(server.endpoint, 5)
        assert found.payload == large, f"a payload of {len(large)} bytes was sent, {len(found.payload)} bytes came"


@requirement("ER-024")
def test_an_empty_payload_is_no_end(trueup_subject: Subject) -> None:
    def answer(answering: Answering) -> None:
        answering.first(5)
        answering.reply(b"", number(6), b"")
        answering.first(7)
        answering.end()

    with Server(answer) as server, Client(trueup_subject) as client:
        found = client.complete(server.endpoint, 5)
        due = [Got(5, None, payload(5)), Got(6, None, b""), Got(7, None, payload(7))]
        assert found == due, f"batch 6 has no payload, and the end comes after 7; replay answered {numbers(found)}"
