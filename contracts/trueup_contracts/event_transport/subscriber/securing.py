"""CURVE: ES-080 to ES-082. The kit's publisher lets one client in; ZAP asks it."""

from __future__ import annotations

from typing import NamedTuple

import zmq

from trueup_contracts import requirement
from trueup_contracts.budgets import Budgets
from trueup_contracts.event_transport.frames import frames_a
from trueup_contracts.event_transport.peers import Curve, Peer
from trueup_contracts.event_transport.subscriber.calls import Subscriber
from trueup_contracts.subject import Subject


class _Pair(NamedTuple):
    public: str
    secret: str


def _pair() -> _Pair:
    public, secret = zmq.curve_keypair()
    return _Pair(public.decode(), secret.decode())


@requirement("ES-080")
def test_encrypted_messages_arrive(trueup_subject: Subject) -> None:
    server, client = _pair(), _pair()
    with (
        Peer(Budgets(trueup_subject.scale), curve=Curve(server.secret, client.public)) as peer,
        Subscriber(
            trueup_subject, peer.endpoint, server_key=server.public, client_secret_key=client.secret
        ) as subscriber,
    ):
        peer.wait(1, subscriber.nothing)
        peer.send(frames_a(0))
        assert subscriber.message("of a publisher whose key it has").sequence == 0


@requirement("ES-081")
def test_a_publisher_with_another_key(trueup_subject: Subject) -> None:
    server, client, another = _pair(), _pair(), _pair()
    with (
        Peer(Budgets(trueup_subject.scale), curve=Curve(another.secret, client.public)) as peer,
        Subscriber(
            trueup_subject, peer.endpoint, server_key=server.public, client_secret_key=client.secret
        ) as subscriber,
    ):
        _nothing_comes(subscriber, peer, "a publisher with another key than server_key")


@requirement("ES-082")
def test_a_publisher_without_keys(trueup_subject: Subject) -> None:
    server, client = _pair(), _pair()
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        Subscriber(
            trueup_subject, peer.endpoint, server_key=server.public, client_secret_key=client.secret
        ) as subscriber,
    ):
        _nothing_comes(subscriber, peer, "a publisher that does not encrypt, while server_key was given")


def _nothing_comes(subscriber: Subscriber, peer: Peer, of: str) -> None:
    __tracebackhide__ = True

    def look() -> object:
        peer.send(frames_a(0))
        return subscriber.recv(f"beside {of}")

    subscriber.budgets.never(look, f"received from {of}")
    subscriber.nothing(f"beside {of}")
