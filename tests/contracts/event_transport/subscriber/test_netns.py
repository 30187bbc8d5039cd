"""A network that is really cut: the publisher in a network namespace of its own, and the link between set down."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from contracts.event_transport.subscriber.hooked import Hooked
from contracts.event_transport.subscriber.running import subject_of
from trueup_contracts.budgets import Budgets
from trueup_contracts.event_transport.frames import frames_a
from trueup_contracts.event_transport.peers import PeerProcess
from trueup_contracts.event_transport.subscriber.calls import subscribed

OURS, THEIRS = "10.213.77.1", "10.213.77.2"
NAME = f"trueup{os.getpid()}"
LINK = f"tu{os.getpid() % 100_000}"


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


@pytest.fixture
def link() -> Iterator[str]:
    """The link to the namespace, which is up."""
    if shutil.which("ip") is None:
        pytest.skip("there is no `ip`: Debian's iproute2 brings it")
    if os.geteuid() != 0:
        pytest.skip("network namespaces are made by root")
    try:
        _ip("netns", "add", NAME)
    except OSError as error:
        pytest.skip(f"network namespaces cannot be made here: {error}")
    try:
        try:
            _ip("link", "add", LINK, "type", "veth", "peer", "name", "eth0", "netns", NAME)
            _ip("addr", "add", f"{OURS}/30", "dev", LINK)
            _ip("link", "set", LINK, "up")
            for words in (["addr", "add", f"{THEIRS}/30", "dev", "eth0"], ["link", "set", "eth0", "up"]):
                _ip("-n", NAME, *words)
        except OSError as error:
            pytest.skip(f"no link can be made here: {error}")
        yield LINK
    finally:
        _ip("netns", "del", NAME)


def test_a_link_that_is_cut_and_mended(link: str) -> None:
    subject, budgets = subject_of(Hooked), Budgets()
    with (
        PeerProcess(budgets, f"tcp://{THEIRS}:*", before=["ip", "netns", "exec", NAME]) as peer,
        subscribed(subject, peer) as subscriber,
    ):
        peer.send(frames_a(0))
        assert subscriber.message("over the link").sequence == 0
        _ip("link", "set", link, "down")
        peer.send(frames_a(1))
        for _ in range(5):
            subscriber.nothing("with its link cut")
        _ip("link", "set", link, "up")
        sequences = itertools.count(2)

        def look() -> bool:
            peer.send(frames_a(next(sequences)))
            return subscriber.recv("after its link was mended") is not None

        budgets.until(look, "no message was received after the link was mended")
        assert subscriber.stats()["gaps"] == 0, "TCP sends again what the cut has held up"
    subject.end()
