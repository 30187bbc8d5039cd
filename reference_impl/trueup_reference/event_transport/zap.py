"""Who may connect: a handler of ZMQ's authentication protocol (RFC 27) with a list of public keys.

CURVE alone lets any client in that knows the server's key; without this handler a stranger's key is as good as another.
"""

from __future__ import annotations

from collections.abc import Collection

import zmq
from zmq.utils import z85

from trueup_reference.event_transport.logs import warn_seldom

_VERSION = b"1.0"
ADDRESS = "inproc://zeromq.zap.01"  # fixed by the protocol


class AllowList:
    """Answers for the sockets of one context; owned by the thread that polls `socket`."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], keys: Collection[str]) -> None:
        """`keys`: in Z85. Must be bound before the sockets that it guards."""
        self._keys = frozenset(z85.decode(key.encode()) for key in keys)
        self.socket = context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind(ADDRESS)
        self.counts = {"refused_peers": 0}

    def answer(self) -> None:
        """All requests that are there."""
        while True:
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if b"" not in frames:
                continue
            at = frames.index(b"") + 1
            head, request = frames[:at], frames[at:]
            if len(request) < 6 or request[0] != _VERSION:
                continue
            number, address, mechanism, credentials = request[1], request[3], request[5], request[6:]
            allowed = mechanism == b"CURVE" and len(credentials) == 1 and credentials[0] in self._keys
            if not allowed:
                self.counts["refused_peers"] += 1
                address_text = ascii(address.decode("ascii", "replace"))
                warn_seldom("peer_refused", self.counts["refused_peers"], address=address_text)
            status = [b"200", b"OK"] if allowed else [b"400", b"no such key"]
            self.socket.send_multipart([*head, _VERSION, number, *status, b"", b""], zmq.NOBLOCK)
