"""What is counted becomes metrics, and what happens is logged, never on the root logger."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from trueup_reference.event_transport import Broker, Publisher, Subscriber, TransportCollector
from trueup_reference.event_transport.logs import logger, tell, warn, warn_seldom
from trueup_reference.event_transport.metrics import COUNTERS, GAUGES, PREFIX
from trueup_reference.logging_setup import LOGGER, configure

ANY_PORT = "tcp://127.0.0.1:0"


def test_every_number_is_a_metric() -> None:
    with (
        Publisher(ANY_PORT, "kv", name="engine", replay_endpoint=ANY_PORT) as publisher,
        Subscriber(publisher.endpoint, "kv", 10_000, name="router") as subscriber,
        Broker(ANY_PORT, ANY_PORT) as broker,
    ):
        assert publisher.wait_for_subscribers()
        publisher.publish(b"x")
        assert subscriber.recv() is not None
        registry = CollectorRegistry()
        registry.register(TransportCollector(publisher, subscriber, broker))
        page = generate_latest(registry).decode()
        for source in (publisher, subscriber, broker):
            known = COUNTERS[source.role].keys() | GAUGES[source.role].keys()
            assert source.numbers().keys() <= known
    lines = page.splitlines()
    assert f'{PREFIX}_publisher_sent_total{{publisher="engine"}} 1.0' in lines
    assert f'{PREFIX}_publisher_subscribers{{publisher="engine"}} 1.0' in lines
    assert f'{PREFIX}_subscriber_received_total{{subscriber="router"}} 1.0' in lines
    assert f'{PREFIX}_broker_messages_total{{broker="broker"}} 0.0' in lines


def test_two_of_one_name_cannot_be_told_apart() -> None:
    with (
        Publisher(ANY_PORT) as one,
        Publisher(ANY_PORT) as other,
        pytest.raises(ValueError, match="two publishers 'publisher'"),
    ):
        TransportCollector(one, other)


@pytest.fixture
def quiet() -> Iterator[None]:
    above = logging.getLogger(LOGGER)
    handlers, level, propagate = list(above.handlers), above.level, above.propagate
    yield
    above.handlers[:], above.propagate = handlers, propagate
    above.setLevel(level)


@pytest.mark.usefixtures("quiet")
def test_what_it_tells_is_written_where_logging_is_set_up(capsys: pytest.CaptureFixture[str]) -> None:
    root = list(logging.getLogger().handlers)
    for _ in range(2):
        configure("WARNING", json=True)
        warn("something", count=1)
    tell("nothing")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["message"], line["extra"]["fields"]) for line in lines] == [("something count=1", {"count": 1})] * 2
    assert logging.getLogger().handlers == root


def test_what_a_peer_sends_fills_no_disk(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING", logger=logger.name):
        for count in range(1, 2001):
            warn_seldom("message_malformed", count, why="noise")
    assert [record.getMessage() for record in caplog.records] == [
        "message_malformed count=1 why=noise",
        "message_malformed count=1001 why=noise",
    ]
    assert [record.__dict__["event"] for record in caplog.records] == ["message_malformed"] * 2
