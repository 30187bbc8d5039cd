"""Format B: EP-020 to EP-024."""

from __future__ import annotations

from trueup_contracts import requirement
from trueup_contracts.event_transport.publisher.batches import batch
from trueup_contracts.event_transport.publisher.calls import Publisher, check_marks, heard
from trueup_contracts.subject import Subject

IDS = [0, 1, 0x0102030405060708, (1 << 64) - 1]


@requirement("EP-020")
def test_a_message_is_four_frames(trueup_subject: Subject) -> None:
    with heard(trueup_subject, format="B", publisher_id=IDS[2]) as (publisher, listener):
        for size_bytes in (0, 1, 300, 100_000):
            number = publisher.accepted(size_bytes=size_bytes)
            [message] = publisher.until(listener, number)
            assert message.number == number, f"number {number} was published, and the third frame says {message.number}"
            assert message.topic == b"kv", f"the topic is 'kv', and the first frame {message.topic!r}"


@requirement("EP-021")
def test_the_envelope_agrees_with_the_frames(trueup_subject: Subject) -> None:
    topic = "блоки"
    with heard(trueup_subject, format="B", topic=topic, publisher_id=IDS[2]) as (publisher, listener):
        number = publisher.accepted()
        [message] = publisher.until(listener, number)
        given = batch(number, "B")
        due = {
            "publisher_id": message.publisher_id,
            "sequence": number,
            "published_at": given["published_at_ms"],
            "topic": topic,
            "payload": given["payload"],
        }
        found = {name: message.envelope.get(name) for name in due}
        assert found == due, f"the envelope is {found}, due is {due}"


@requirement("EP-022")
def test_the_publisher_has_the_id_that_it_was_given(trueup_subject: Subject) -> None:
    for given in IDS:
        with heard(trueup_subject, format="B", publisher_id=given) as (publisher, listener):
            told = publisher.ask("publisher_id")
            assert told == given, f"publisher_id is {told}, {given} was given"
            [message] = publisher.until(listener, publisher.accepted())
            assert message.publisher_id == given, f"the frame has the id {message.publisher_id}, {given} was given"


@requirement("EP-023")
def test_every_publisher_has_an_id_of_its_own(trueup_subject: Subject) -> None:
    found = []
    for _ in range(3):
        with Publisher(trueup_subject, format="B") as publisher:
            found.append(publisher.ask("publisher_id"))
    assert len(set(found)) == len(found), f"publishers that were started one after the other have the ids {found}"


@requirement("EP-024")
def test_numbers_begin_at_0_in_b_too(trueup_subject: Subject) -> None:
    with heard(trueup_subject, format="B") as (publisher, listener):
        first = publisher.calls
        for _ in range(50):
            publisher.accepted()
        found = publisher.all_until_now(listener)
        assert [one.number for one in found] == list(range(first, first + 50)), "numbers are missing or out of order"
        check_marks(found, "B")
