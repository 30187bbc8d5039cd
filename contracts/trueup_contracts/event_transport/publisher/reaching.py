"""Whom a publisher reaches: encryption, readiness, brokers: EP-015 to EP-018, EP-045, EP-046, EP-096 to EP-098."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

import zmq

from trueup_contracts import requirement
from trueup_contracts.event_transport.publisher.calls import Publisher, check_marks
from trueup_contracts.event_transport.publisher.peers import Broker, Listener
from trueup_contracts.subject import Subject


def _keys() -> tuple[str, str]:
    """Public and secret, in Z85."""
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


def _as_client(server_public: str, keys: tuple[str, str]) -> dict[str, Any]:
    return {
        "CURVE_SERVERKEY": server_public.encode(),
        "CURVE_PUBLICKEY": keys[0].encode(),
        "CURVE_SECRETKEY": keys[1].encode(),
    }


@requirement("EP-015")
def test_a_client_that_is_allowed_hears(trueup_subject: Subject) -> None:
    server, allowed = _keys(), [_keys(), _keys()]
    keys: dict[str, Any] = {"server_secret_key": server[1], "allowed_client_keys": [one[0] for one in allowed]}
    with Publisher(trueup_subject, **keys) as publisher:
        for client in allowed:
            with Listener(publisher.endpoint, **_as_client(server[0], client)) as listener:
                publisher.reach(listener)
                check_marks(publisher.until(listener, publisher.accepted()))


@requirement("EP-016")
def test_a_stranger_is_refused(trueup_subject: Subject) -> None:
    server, allowed = _keys(), _keys()
    for known in ([allowed[0]], []):
        keys: dict[str, Any] = {"server_secret_key": server[1], "allowed_client_keys": known}
        with Publisher(trueup_subject, **keys) as publisher:
            _check_shut_out(
                publisher,
                f"a client whose key is not one of the {len(known)} allowed ones",
                **_as_client(server[0], _keys()),
            )


@requirement("EP-017")
def test_a_client_without_encryption_is_refused(trueup_subject: Subject) -> None:
    server, allowed = _keys(), _keys()
    keys: dict[str, Any] = {"server_secret_key": server[1], "allowed_client_keys": [allowed[0]]}
    with Publisher(trueup_subject, **keys) as publisher:
        _check_shut_out(publisher, "a client that does not encrypt")
        with Listener(publisher.endpoint, **_as_client(server[0], allowed)) as listener:
            publisher.reach(listener)


@requirement("EP-018")
def test_keys_that_cannot_be_are_refused(trueup_subject: Subject) -> None:
    from trueup_contracts.errors import Refusal

    for secret, known in (("0" * 39 + "~", []), (_keys()[1], ["~" * 40])):
        try:
            Publisher(trueup_subject, server_secret_key=secret, allowed_client_keys=known).close()
        except Refusal as error:
            assert error.code == "invalid", f"a key that is no Z85 was refused as {error}; invalid is due"
        else:
            raise AssertionError("a key that is no Z85 was taken: its publisher speaks to nobody, or to everybody")


def _check_shut_out(publisher: Publisher, who: str, **settings: Any) -> None:
    """It is told so in the handshake, and hears nothing of what is published meanwhile."""
    with Listener(publisher.endpoint, **settings) as stranger:
        until, verdict = time.monotonic() + publisher.signal_s, None
        while verdict is None and time.monotonic() < until:
            publisher.publish()
            verdict = stranger.take(0) is not None or stranger.is_let_in(0.02)
        assert verdict is not None, f"{who} is neither let in nor refused"
        assert not verdict, f"{who} was let in: CURVE alone lets every client in that knows the server's key"


@requirement("EP-045")
def test_readiness_counts_every_subscriber(trueup_subject: Subject) -> None:
    with Publisher(trueup_subject) as publisher:
        assert not _ready(publisher, 1, 0.05), "a publisher tells that a subscriber is there, and there is none"
        with ExitStack() as stack:
            prefixes = [b"", b"kv", b"kv"]
            listeners = [stack.enter_context(Listener(publisher.endpoint, prefix=one)) for one in prefixes]
            told = (
                "three subscribers are connected, two of them with the same prefix, and the publisher does not notice"
            )
            assert _ready(publisher, 3), told
            first = publisher.accepted()
            for listener in listeners:
                found = publisher.until(listener, first)
                assert [one.number for one in found] == [first], (
                    "a subscriber that was told ready missed the next batch"
                )


@requirement("EP-046")
def test_readiness_ends_with_the_subscriber(trueup_subject: Subject) -> None:
    with Publisher(trueup_subject) as publisher:
        with Listener(publisher.endpoint):
            assert _ready(publisher, 1), "a subscriber is there, and the publisher does not notice"
        until = time.monotonic() + publisher.signal_s
        while _ready(publisher, 1, 0.02):
            assert time.monotonic() < until, "the only subscriber has gone, and the publisher tells that it is there"
            publisher.publish()


def _ready(publisher: Publisher, count: int, timeout_s: float | None = None) -> bool:
    limit_s = publisher.signal_s if timeout_s is None else timeout_s
    asked = {"count": count, "timeout_ms": round(limit_s * 1000)}
    found = publisher.within(
        limit_s + publisher.margin_s,
        lambda: publisher.handle.call("wait_for_subscribers", **asked),
        "wait_for_subscribers",
    )
    assert isinstance(found, bool), f"wait_for_subscribers answered {found!r}; True or False is due"
    return found


@requirement("EP-096")
def test_a_broker_hands_it_on(trueup_subject: Subject) -> None:
    with (
        Broker() as broker,
        Publisher(trueup_subject, endpoint=broker.inward, broker=True) as publisher,
        Listener(broker.outward) as listener,
    ):
        publisher.reach(listener)
        for _ in range(50):
            last = publisher.accepted()
        check_marks(publisher.until(listener, last))


@requirement("EP-097")
def test_a_broker_may_not_be_there(trueup_subject: Subject) -> None:
    with Broker() as broker:
        endpoint = broker.inward
    with Publisher(trueup_subject, endpoint=endpoint, broker=True) as publisher:
        publisher.many(200)
        publisher.close(0.2)


@requirement("EP-098")
def test_a_broker_may_come_back(trueup_subject: Subject) -> None:
    with (
        Broker() as broker,
        Publisher(trueup_subject, endpoint=broker.inward, broker=True) as publisher,
        Listener(broker.outward) as listener,
    ):
        publisher.reach(listener)
        broker.stop()
        publisher.publish()
        broker.start()
        publisher.reach(listener)
        check_marks(publisher.until(listener, publisher.accepted()))
