"""The socket of a subscriber's endpoint, and what all of its endpoints have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import zmq

from trueup_reference.event_transport.curve import ClientKeys
from trueup_reference.event_transport.limits import Limits
from trueup_reference.event_transport.messages import Format

Context: TypeAlias = "zmq.Context[zmq.Socket[bytes]]"


@dataclass(frozen=True)
class Receiving:
    """What the endpoints of one subscriber have in common."""

    format: Format
    topic: str
    match: str
    limits: Limits
    recv_hwm: int
    heartbeat_ms: int
    replay_timeout_ms: int
    replay_from: int | None
    most_held: int
    most_held_bytes: int
    keys: ClientKeys | None


def subscribed_socket(context: Context, receiving: Receiving) -> zmq.Socket[bytes]:
    """Subscribed, and not connected yet."""
    socket = context.socket(zmq.SUB)
    socket.linger = 0
    socket.rcvhwm = receiving.recv_hwm
    # The limit that counts is checked on what was read; this one keeps a hostile peer from filling the memory.
    socket.maxmsgsize = max(4 * receiving.limits.message_bytes, 1 << 20)
    if receiving.heartbeat_ms:  # a peer that is gone without a word is noticed, and connected to again
        socket.heartbeat_ivl = receiving.heartbeat_ms
        socket.heartbeat_timeout = 3 * receiving.heartbeat_ms
    socket.reconnect_ivl = 50
    socket.reconnect_ivl_max = 2_000
    if receiving.keys is not None:
        receiving.keys.apply(socket)
    socket.subscribe(b"" if receiving.match == "all" else receiving.topic.encode())
    return socket
