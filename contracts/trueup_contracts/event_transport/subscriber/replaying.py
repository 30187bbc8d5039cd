"""What was missed is asked for, and joined with what is sent: ES-070 to ES-078."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from trueup_contracts import requirement
from trueup_contracts.budgets import Budgets
from trueup_contracts.event_transport.frames import batch, frames_a, number
from trueup_contracts.event_transport.peers import Peer
from trueup_contracts.event_transport.replays import FIRST, MIXED, SECOND, Form, ReplayServer
from trueup_contracts.event_transport.subscriber.calls import Got, Subscriber, sequences
from trueup_contracts.subject import Subject

NO_REPLIES: Sequence[Sequence[bytes]] = (
    [b"", number(2)],
    [b"", number(2)[1:], batch(2)],
    [b"", b"kv", number(2), batch(2), b"", b""],
    [b"no delimiter", number(2), batch(2)],
)


class _Stream:
    """A publisher and its replays: what it publishes is sent, unless it is lost, and is held for replays."""

    def __init__(self, peer: Peer, server: ReplayServer, subscriber: Subscriber) -> None:
        self._peer, self.server, self.subscriber = peer, server, subscriber

    def publish(self, sequences: Iterable[int], *, is_lost: bool = False, is_held: bool = True) -> None:
        for sequence in sequences:
            if is_held:
                self.server.batches[sequence] = batch(sequence)
            if not is_lost:
                self._peer.send(frames_a(sequence))

    def received(self, due: Iterable[int], what: str) -> list[Got]:
        """These numbers, in this order, and nothing else."""
        __tracebackhide__ = True
        numbers = list(due)
        found = [self.subscriber.message(what)]
        while found[-1].sequence < numbers[-1]:
            found.append(self.subscriber.message(f"{what}, and after {sequences(found)}"))
        assert sequences(found) == numbers, f"{what}: received were {sequences(found)}; {numbers} is due"
        wrong = [one.sequence for one in found if one.payload != batch(one.sequence)]
        assert not wrong, f"{what}: the batches {wrong} are not those that were published"
        return found


@contextmanager
def _streaming(subject: Subject, server: ReplayServer) -> Iterator[_Stream]:
    __tracebackhide__ = True
    with (
        server,
        Peer(Budgets(subject.scale)) as peer,
        Subscriber(subject, peer.endpoint, replay_endpoints=[server.endpoint]) as subscriber,
    ):
        peer.wait(1, subscriber.nothing)
        stream = _Stream(peer, server, subscriber)
        stream.publish([0, 1])
        stream.received([0, 1], "0 and 1 were published")
        yield stream


def _recovers(subject: Subject, form: Form) -> list[Got]:
    __tracebackhide__ = True
    with _streaming(subject, ReplayServer(form)) as stream:
        stream.publish([2, 3], is_lost=True)
        stream.publish([4, 5])
        found = stream.received(range(2, 6), "2 and 3 were lost and can be replayed, 4 and 5 were sent")
        stream.subscriber.nothing("after everything was received")
        return found


@requirement("ES-070")
def test_what_was_missed_is_asked_for(trueup_subject: Subject) -> None:
    found = _recovers(trueup_subject, FIRST)
    told = {one.sequence: one.replayed for one in found}
    due = {2: True, 3: True, 4: False, 5: False}
    # 4 and 5 were published when the replay was asked for: they may come of either.
    assert {2: told[2], 3: told[3]} == {2: True, 3: True}, f"replayed is {told}; {due} is due"


@requirement("ES-071")
def test_the_request_is_a_request(trueup_subject: Subject) -> None:
    with _streaming(trueup_subject, ReplayServer()) as stream:
        stream.publish([2, 3], is_lost=True)
        stream.publish([4])
        before = len(stream.server.requests)

        def look() -> list[list[bytes]]:
            stream.subscriber.recv()
            return stream.server.requests[before:]

        asked = stream.subscriber.budgets.until(look, "a gap was received, and no replay was asked for")
        shown = [[frame.hex() for frame in request] for request in asked]
        assert asked[0] == [b"", number(2)], (
            f"after 0, 1 and 4 the request, without the identity, was {shown[0]}; an empty delimiter and the number 2 "
            f"in 8 bytes are due: ['', '{number(2).hex()}']"
        )


@requirement("ES-072")
def test_both_forms_of_replies(trueup_subject: Subject) -> None:
    for form in (FIRST, SECOND, MIXED):
        _recovers(trueup_subject, form)


@requirement("ES-073")
def test_what_came_meanwhile_is_joined(trueup_subject: Subject) -> None:
    begun, may_go_on = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        may_go_on.wait(Budgets(trueup_subject.scale).signal_s)

    may_go_on.set()  # what is asked for at the start
    with _streaming(trueup_subject, ReplayServer(before_reply=hold)) as stream:
        begun.clear()
        may_go_on.clear()
        stream.publish([2, 3], is_lost=True)
        stream.publish([4])

        found: list[Got] = []

        def look() -> bool:
            one = stream.subscriber.recv()
            found.extend([] if one is None else [one])
            return begun.is_set()

        try:
            stream.subscriber.budgets.until(look, "a gap was received, and no replay was asked for")
            stream.publish(range(5, 40))  # while the replay is under way
        finally:
            may_go_on.set()
        assert found == [], f"2 and 3 were lost and are under way; before them were received {sequences(found)}"
        stream.received(range(2, 40), "2 and 3 were lost, and 5 to 39 were sent before the replay had begun")
        stream.subscriber.nothing("after everything was received")


@requirement("ES-074")
def test_a_replay_that_never_ends(trueup_subject: Subject) -> None:
    for server in (ReplayServer(is_silent=True), ReplayServer(has_end=False)):
        with _streaming(trueup_subject, server) as stream:
            stream.publish([2, 3], is_lost=True, is_held=False)
            stream.publish([4, 5], is_held=False)
            stream.received([4, 5], "2 and 3 were lost, and their replay never ends; 4 and 5 were sent")


@requirement("ES-075")
def test_what_is_gone_is_a_gap(trueup_subject: Subject) -> None:
    with _streaming(trueup_subject, ReplayServer()) as stream:
        stream.publish([2, 3], is_lost=True, is_held=False)
        stream.publish([4, 5], is_lost=True)
        stream.publish([6])
        found = stream.received([4, 5, 6], "2 to 5 were lost, and only 4 and 5 can be replayed")
        told = [(one.kind, (one.before or {}).get("missed")) for one in found]
        due = [("gap", 2), (None, None), (None, None)]
        assert told == due, f"2 and 3 are lost for ever: before 4, 5 and 6 is told {told}; {due} is due"


@requirement("ES-076")
def test_replies_that_are_none(trueup_subject: Subject) -> None:
    with _streaming(trueup_subject, ReplayServer(between=NO_REPLIES)) as stream:
        stream.publish(range(2, 8), is_lost=True)
        stream.publish([8])
        stream.received(range(2, 9), "2 to 7 were lost; between their replays come replies that are none")


@requirement("ES-077")
def test_a_restart_is_not_replayed_as_a_gap(trueup_subject: Subject) -> None:
    with _streaming(trueup_subject, ReplayServer()) as stream:
        stream.server.batches.clear()
        stream.publish([0, 1, 2])
        found = sequences(stream.subscriber.messages(3, "and the publisher restarted at 0"))
        assert found == [0, 1, 2], f"0 and 1 were received, and then the publisher restarted at 0: received {found}"
        stream.subscriber.nothing("after everything was received")


@requirement("ES-078")
def test_a_replay_that_is_faster(trueup_subject: Subject) -> None:
    with _streaming(trueup_subject, ReplayServer()) as stream:
        stream.publish([2, 3], is_lost=True)
        stream.publish([5, 6], is_lost=True)  # they are under way, and can be replayed already
        stream.publish([4])
        stream.received(range(2, 7), "2 and 3 were lost, 4 was sent, and the replay held 2 to 6")
        stream.publish([5, 6, 7])
        found = stream.subscriber.message("and 5, 6 and 7 came after 5 and 6 were replayed")
        assert (found.sequence, found.kind) == (7, None), (
            f"5 and 6 were replayed before they came themselves, and then 7: received was {found}; 7 alone is due"
        )
        stream.subscriber.counts(restarts=0)
