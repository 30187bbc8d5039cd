"""Servers that do not answer, or not as they should: ER-010 to ER-021, ER-025."""

from __future__ import annotations

import gc
import threading

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.event_transport.frames import number
from trueup_contracts.event_transport.replay.calls import Client, check, numbers
from trueup_contracts.event_transport.replay.servers import TOPIC, Answering, Server, nowhere
from trueup_contracts.subject import Subject
from trueup_contracts.usage import usage

SHORT_S = 0.25
IDLE_S, MOST_CPU_S = 1.5, 0.15  # of one core
CYCLES = 25
# Replies that are none, by what is wrong with them.
ODD: dict[str, list[bytes]] = {
    "without a delimiter": [number(5), b"payload"],
    "of a delimiter alone": [b""],
    "with a number of 7 bytes": [b"", bytes(7), b"payload"],
    "with a number of 9 bytes": [b"", bytes(9), b"payload"],
    "of five frames": [b"", TOPIC.encode(), number(5), b"payload", b"more"],
    "with a topic that is no UTF-8": [b"", b"\xff\xfe", number(5), b"payload"],
}


@requirement("ER-010")
def test_a_replay_without_its_end_is_incomplete(trueup_subject: Subject) -> None:
    with Server(lambda answering: answering.first(5, 6, 7)) as server, Client(trueup_subject) as client:
        why = "three batches came and no end marker"
        check(client.fails(server.endpoint, 5, SHORT_S, why), [5, 6, 7], None)


@requirement("ER-011")
def test_a_silent_server(trueup_subject: Subject) -> None:
    with Server(lambda _: None) as server, Client(trueup_subject) as client:
        for timeout_s in (SHORT_S, 2 * SHORT_S):
            assert client.fails(server.endpoint, 5, timeout_s, "the server does not answer") == []


@requirement("ER-012")
def test_nobody_there(trueup_subject: Subject) -> None:
    with Client(trueup_subject) as client:
        assert client.fails(nowhere(), 5, SHORT_S, "nobody is at the endpoint") == []


@requirement("ER-013")
def test_a_server_that_drips(trueup_subject: Subject) -> None:
    def answer(answering: Answering) -> None:
        one = 5
        while answering.pause(0.02):
            answering.first(one)
            one += 1

    with Server(answer) as server, Client(trueup_subject) as client:
        found = client.fails(server.endpoint, 5, 2 * SHORT_S, "the server sends a batch every 20 ms, and never ends")
        check(found, list(range(5, 5 + len(found))), None)


@requirement("ER-014")
def test_a_server_that_dies(trueup_subject: Subject) -> None:
    is_sent = threading.Event()

    def answer(answering: Answering) -> None:
        answering.second(5, 6)
        is_sent.set()

    with Server(answer) as server, Client(trueup_subject) as client:

        def end() -> None:
            is_sent.wait(client.budgets.signal_s)
            server.end()

        ending = threading.Thread(target=end)
        ending.start()
        found = client.fails(server.endpoint, 5, SHORT_S, "the server ended after two batches")
        ending.join()
        # What it had sent may have been lost with it.
        check([one._replace(topic=TOPIC) for one in found], [5, 6][: len(found)], TOPIC)


@requirement("ER-015")
def test_nothing_of_another_replay_comes(trueup_subject: Subject) -> None:
    asked: list[Answering] = []

    def answer(answering: Answering) -> None:
        asked.append(answering)
        if answering.start == 0:
            answering.first(0, 1)
            return
        for late in asked[:-1]:  # the rest of what was asked for before
            late.first(2, 3)
            late.end()
        answering.first(100, 101)
        answering.end()

    with Server(answer) as server, Client(trueup_subject) as client:
        client.fails(server.endpoint, 0, SHORT_S, "two batches came and no end marker")
        check(client.complete(server.endpoint, 100), [100, 101], None)


@requirement("ER-017")
def test_replies_that_are_none_do_no_harm(trueup_subject: Subject) -> None:
    for name, frames in ODD.items():

        def answer(answering: Answering, frames: list[bytes] = frames) -> None:
            answering.first(5)
            answering.reply(*frames)
            answering.first(6)
            answering.end()

        with Server(answer) as server, Client(trueup_subject) as client:
            try:
                found = client.replay(server.endpoint, 5, 4 * SHORT_S)
            except Refusal as error:
                assert error.code in ("malformed", "incomplete"), (
                    f"a reply {name}: replay was refused as {error}; malformed is due, or that it is skipped"
                )
            else:
                told = f"a reply {name} came between 5 and 6; replay answered {numbers(found)}"
                assert [one.sequence for one in found] == [5, 6], told


@requirement("ER-018")
def test_a_client_works_after_a_replay_that_failed(trueup_subject: Subject) -> None:
    def answer(answering: Answering) -> None:
        answering.second(*range(answering.start or 0, 8))
        if answering.start:
            answering.end(topic=TOPIC)

    with Server(answer) as server, Client(trueup_subject) as client:
        client.fails(server.endpoint, 0, SHORT_S, "eight batches came and no end marker")
        client.fails(nowhere(), 0, SHORT_S, "nobody is at the endpoint")
        for start in (6, 3):
            found = client.complete(server.endpoint, start)
            check([one._replace(topic=TOPIC) for one in found], list(range(start, 8)), TOPIC)


@requirement("ER-019")
def test_waiting_takes_no_processor(trueup_subject: Subject) -> None:
    with Server(lambda _: None) as server, Client(trueup_subject) as client:
        before = usage(trueup_subject.process_ids).cpu_s
        client.fails(server.endpoint, 5, IDLE_S, "the server does not answer")
        took_s = usage(trueup_subject.process_ids).cpu_s - before
        assert took_s < MOST_CPU_S, (
            f"waiting {IDLE_S} s for a server that does not answer took {took_s:.2f} s of processor"
        )


@requirement("ER-020")
def test_nothing_is_left_of_replays(trueup_subject: Subject) -> None:
    def answer(answering: Answering) -> None:
        answering.first(5)
        if answering.start == 5:
            answering.end()

    with Server(answer) as server, Client(trueup_subject) as client:

        def cycle(times: int) -> None:
            for _ in range(times):
                client.complete(server.endpoint, 5)
                client.fails(server.endpoint, 4, 0.01, "a batch came and no end marker")

        cycle(2)
        gc.collect()
        before = usage(trueup_subject.process_ids)
        cycle(CYCLES)

        def is_flat() -> bool:
            gc.collect()
            after = usage(trueup_subject.process_ids)
            most = CYCLES // 2
            return after.descriptors - before.descriptors < most and after.threads - before.threads < most

        try:
            client.budgets.until(is_flat, "gone")
        except AssertionError:
            after = usage(trueup_subject.process_ids)
            raise AssertionError(
                f"{CYCLES} replays that ended and {CYCLES} that did not left "
                f"{after.descriptors - before.descriptors} descriptors and {after.threads - before.threads} threads"
            ) from None


@requirement("ER-021")
def test_arguments_that_cannot_be_are_refused(trueup_subject: Subject) -> None:
    wrong: list[dict[str, object]] = [
        {"start": -1},
        {"start": 1 << 64},
        {"start": "5"},
        {"timeout_ms": -1},
        {"timeout_ms": True},
        {"endpoint": "nowhere"},
    ]
    with Server(lambda answering: answering.end()) as server, Client(trueup_subject) as client:
        for one in wrong:
            args = {"endpoint": server.endpoint, "start": 5, "timeout_ms": 1000, **one}
            try:
                found = client.call(1.0, "replay", **args)
            except Refusal as error:
                assert error.code == "invalid", f"{one} was refused as {error}; invalid is due"
            else:
                raise AssertionError(f"{one} was taken, and replay answered {found!r}")


@requirement("ER-025")
def test_close_twice_and_after_it(trueup_subject: Subject) -> None:
    with Server(lambda answering: answering.end()) as server, Client(trueup_subject) as client:
        client.replay(server.endpoint, 5)
        client.close()
        client.close()
        try:
            found = client.replay(server.endpoint, 5)
        except Refusal as error:
            assert error.code == "closed", f"replay after close was refused as {error}; closed is due"
        else:
            raise AssertionError(f"replay after close answered {numbers(found)}; the error closed is due")
