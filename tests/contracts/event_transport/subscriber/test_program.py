"""A program of its own that writes and never receives is given up in time."""

from __future__ import annotations

import threading

import pytest

from contracts.event_transport.subscriber.running import limits, verdicts


class Talks:
    """Its `recv` never comes back in a program of its own, and tells that it waits."""

    def __init__(self, endpoints: list[str], topic: str, recv_timeout_ms: int, format: str) -> None:
        import zmq

        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.subscribe(topic)
        self.socket.connect(endpoints[0])

    def recv(self) -> None:
        while not threading.Event().wait(0.05):
            print("waiting", flush=True)


@pytest.mark.parametrize("named", ["ES-028", "ES-029"])
def test_one_that_only_talks_is_given_up(named: str) -> None:
    with limits(5.0, 2.0):  # its process has to start
        told = verdicts(Talks, only=named)[named]
    assert "a program that uses it has received nothing: " in told
    assert told.endswith("waiting")
