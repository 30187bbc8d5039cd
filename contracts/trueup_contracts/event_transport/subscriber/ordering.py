"""The order of messages, and what their numbers tell: ES-050 to ES-063."""

from __future__ import annotations

from trueup_contracts import requirement
from trueup_contracts.budgets import Budgets
from trueup_contracts.event_transport.frames import batch, frames_a, frames_b
from trueup_contracts.event_transport.peers import Peer
from trueup_contracts.event_transport.relay import Relay
from trueup_contracts.event_transport.subscriber.calls import Got, Subscriber, sequences, subscribed
from trueup_contracts.subject import Subject

BURST = 500


@requirement("ES-050")
def test_messages_arrive_in_order(trueup_subject: Subject) -> None:
    with Peer(Budgets(trueup_subject.scale)) as peer, subscribed(trueup_subject, peer) as subscriber:
        peer.send(*(frames_a(sequence) for sequence in range(BURST)))
        found = subscriber.messages(BURST, f"and {BURST} messages were sent")
        wrong = next((at for at, one in enumerate(found) if one.sequence != at or one.payload != batch(at)), None)
        assert wrong is None, f"{BURST} messages were sent; number {wrong} that was received is {found[wrong or 0]}"
        subscriber.nothing("after the last message")
        subscriber.counts(gaps=0, restarts=0, duplicates=0)


@requirement("ES-051")
def test_gaps_are_counted(trueup_subject: Subject) -> None:
    _received(trueup_subject, [0, 1, 4, 5, 100], gaps=2, restarts=0)


@requirement("ES-052")
def test_a_restart_is_no_old_message(trueup_subject: Subject) -> None:
    _received(trueup_subject, [5, 6, 0, 1, 2], gaps=0, restarts=1)
    _received(trueup_subject, [5, 6, 6, 7], gaps=0, restarts=1)
    _received(trueup_subject, [5, 6, 3, 4, 8], gaps=1, restarts=1)


@requirement("ES-053")
def test_the_first_message_is_neither(trueup_subject: Subject) -> None:
    _received(trueup_subject, [5_000, 5_001], gaps=0, restarts=0, uncertain=0)


@requirement("ES-054")
def test_messages_tell_what_was_before_them(trueup_subject: Subject) -> None:
    found = _received(trueup_subject, [3, 4, 7, 8, 0, 1, 1_000], gaps=2, restarts=1)
    told = [(one.sequence, one.kind, (one.before or {}).get("missed") if one.kind == "gap" else None) for one in found]
    due = [
        (3, None, None),
        (4, None, None),
        (7, "gap", 2),
        (8, None, None),
        (0, "restart", None),
        (1, None, None),
        (1_000, "gap", 998),
    ]
    wrong = [(one, must) for one, must in zip(told, due, strict=True) if one != must]
    assert not wrong, f"after 3, 4, 7, 8, 0, 1, 1000: number, kind and missed are {wrong[0][0]}; {wrong[0][1]} is due"


@requirement("ES-055")
def test_a_jump_after_a_reconnection_is_uncertain(trueup_subject: Subject) -> None:
    budgets = Budgets(trueup_subject.scale)
    with (
        Peer(budgets) as peer,
        Relay(peer.endpoint) as relay,
        subscribed(trueup_subject, peer, via=relay.endpoint) as subscriber,
    ):
        peer.send(frames_a(0), frames_a(1))
        subscriber.messages(2)
        relay.drop()
        subscriber.nothing()
        relay.mend()
        peer.wait(1, subscriber.nothing)
        peer.send(frames_a(9), frames_a(10))
        found = subscriber.messages(2, "after the connection was lost and came back")
        told = [(one.sequence, one.kind) for one in found]
        assert told == [(9, "uncertain"), (10, None)], (
            f"after 0, 1, a lost connection, 9 and 10: {told[0]} and {told[1]}; a publisher that restarted and one "
            "that went on look alike here: uncertain is due, once"
        )
        subscriber.counts(gaps=0, uncertain=1)


@requirement("ES-056")
def test_endpoints_are_told_apart(trueup_subject: Subject) -> None:
    budgets = Budgets(trueup_subject.scale)
    with (
        Peer(budgets) as one,
        Peer(budgets) as two,
        Subscriber(trueup_subject, one.endpoint, two.endpoint) as subscriber,
    ):
        for peer in (one, two):
            peer.wait(1, subscriber.nothing)
        for sequence in range(20):
            one.send(frames_a(sequence))
            two.send(frames_a(100 + sequence))
        found = subscriber.messages(40, "and 20 messages were sent at each of two endpoints")
        for peer, start in ((one, 0), (two, 100)):
            numbers = sequences([each for each in found if each.endpoint == peer.endpoint])
            due = list(range(start, start + 20))
            foreign = [number for number in numbers if number not in due]
            told = f"{len(foreign)} messages that another endpoint had sent were told to be of {peer.endpoint}"
            assert not foreign, told
            assert numbers == due, f"of {peer.endpoint} were received {numbers}; {due} is due, with that endpoint"
        subscriber.counts(gaps=0, restarts=0, received=40)


@requirement("ES-057")
def test_publishers_of_format_b_are_told_apart(trueup_subject: Subject) -> None:
    with Peer(Budgets(trueup_subject.scale)) as peer, subscribed(trueup_subject, peer, format="B") as subscriber:
        for sequence in range(5):
            peer.send(frames_b(1, sequence), frames_b(2, 50 + sequence))
        found = [
            (one.publisher_id, one.sequence)
            for one in subscriber.messages(10, "and two publishers sent at one endpoint")
        ]
        due = [pair for sequence in range(5) for pair in ((1, sequence), (2, 50 + sequence))]
        assert found == due, f"of two publishers at one endpoint were received {found}; {due} is due"
        subscriber.counts(gaps=0, restarts=0, duplicates=0)
        peer.send(frames_b(1, 7))
        subscriber.message()
        subscriber.counts(gaps=1, restarts=0, duplicates=0)


@requirement("ES-058")
def test_a_message_of_two_brokers_arrives_once(trueup_subject: Subject) -> None:
    budgets = Budgets(trueup_subject.scale)
    with (
        Peer(budgets) as one,
        Peer(budgets) as two,
        Subscriber(trueup_subject, one.endpoint, two.endpoint, format="B") as subscriber,
    ):
        for peer in (one, two):
            peer.wait(1, subscriber.nothing)
        for sequence in range(10):
            one.send(frames_b(7, sequence))
            two.send(frames_b(7, sequence))
        found = sorted(sequences(subscriber.messages(10, "and 10 messages were sent at each of two brokers")))
        assert found == list(range(10)), f"two brokers sent 0 to 9 of one publisher; received were {found}"
        subscriber.nothing("after what both brokers sent")
        subscriber.counts(received=10, duplicates=10)


@requirement("ES-059")
def test_other_messages_with_the_same_number_are_no_duplicates(trueup_subject: Subject) -> None:
    with Peer(Budgets(trueup_subject.scale)) as peer, subscribed(trueup_subject, peer, format="B") as subscriber:
        peer.send(frames_b(1, 0), frames_b(2, 0), frames_b(3, 0))
        found = [
            (one.publisher_id, one.sequence)
            for one in subscriber.messages(3, "and three publishers sent their number 0")
        ]
        assert found == [(1, 0), (2, 0), (3, 0)], f"three publishers sent their number 0; received were {found}"
        subscriber.counts(duplicates=0)


@requirement("ES-060")
def test_topics_have_numbers_of_their_own(trueup_subject: Subject) -> None:
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        subscribed(trueup_subject, peer, format="B", match="all") as subscriber,
    ):
        sent = [("kv", 0), ("load", 0), ("kv", 1), ("load", 1)]
        peer.send(*(frames_b(1, sequence, topic=topic) for topic, sequence in sent))
        found = [(one.topic, one.sequence) for one in subscriber.messages(len(sent), f"and {sent} was sent")]
        assert found == sent, f"one publisher sent {sent}; received were {found}"
        subscriber.counts(duplicates=0, gaps=0, restarts=0)


@requirement("ES-061")
def test_a_late_message_is_no_duplicate(trueup_subject: Subject) -> None:
    budgets = Budgets(trueup_subject.scale)
    with (
        Peer(budgets) as one,
        Peer(budgets) as two,
        Subscriber(trueup_subject, one.endpoint, two.endpoint, format="B") as subscriber,
    ):
        for peer in (one, two):
            peer.wait(1, subscriber.nothing)
        one.send(frames_b(7, 0), frames_b(7, 1), frames_b(7, 3))
        subscriber.messages(3)
        two.send(frames_b(7, 2))
        found = subscriber.message("and message 2, which one broker has lost, came from the other after 3")
        assert found.sequence == 2, f"message 2 came late, from the other broker; received was {found}"
        subscriber.counts(duplicates=0, received=4)


@requirement("ES-062")
def test_a_publisher_of_format_b_that_comes_back(trueup_subject: Subject) -> None:
    with Peer(Budgets(trueup_subject.scale)) as peer, subscribed(trueup_subject, peer, format="B") as subscriber:
        peer.send(frames_b(1, 5), frames_b(1, 6), frames_b(99, 0), frames_b(99, 1))
        found = [
            (one.publisher_id, one.sequence)
            for one in subscriber.messages(4, "and a publisher came back with another id")
        ]
        assert found == [(1, 5), (1, 6), (99, 0), (99, 1)], f"a publisher came back with another id: received {found}"
        subscriber.counts(gaps=0, duplicates=0)


@requirement("ES-063")
def test_what_a_socket_drops_is_a_gap(trueup_subject: Subject) -> None:
    budgets, count, payload = Budgets(trueup_subject.scale), 400, batch(1, 60_000)
    with (
        Peer(budgets, high_water_mark=5) as peer,
        Relay(peer.endpoint) as relay,
        subscribed(trueup_subject, peer, via=relay.endpoint) as subscriber,
    ):
        relay.stall()
        peer.send(*(frames_a(sequence, payload) for sequence in range(count)))
        relay.mend()
        found = [subscriber.message("and the network was mended")]
        last = count

        def look() -> bool:  # until the queue has room again
            nonlocal last
            peer.send(frames_a(last))
            last += 1
            one = subscriber.recv()
            found.extend([one] if one is not None else [])
            return found[-1].sequence >= count

        budgets.until(look, "no message was received after the publisher's queue was full")
        missed = sum((one.before or {}).get("missed") or 0 for one in found if one.kind == "gap")
        due = found[-1].sequence - found[0].sequence + 1 - len(found)
        assert due > 0, "the kit's publisher has dropped nothing"
        assert missed == due, f"its publisher's queue was full, and {due} messages are missing: told are {missed}"


def _ids(found: list[Got]) -> list[tuple[int | None, int]]:
    return [(one.publisher_id, one.sequence) for one in found]


def _received(subject: Subject, sent: list[int], **counts: int) -> list[Got]:
    __tracebackhide__ = True
    with Peer(Budgets(subject.scale)) as peer, subscribed(subject, peer) as subscriber:
        peer.send(*(frames_a(sequence) for sequence in sent))
        found = subscriber.messages(len(sent), f"and the numbers {sent} were sent")
        assert sequences(found) == sent, f"the numbers {sent} were sent; received were {sequences(found)}"
        subscriber.counts(**counts)
        return found
