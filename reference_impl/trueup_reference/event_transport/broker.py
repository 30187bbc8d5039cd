"""A broker: publishers connect to its XSUB socket, subscribers to its XPUB socket; neither has to know the other."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import NamedTuple

import zmq

from trueup_reference.event_transport import exiting
from trueup_reference.event_transport.curve import server_keys
from trueup_reference.event_transport.errors import ClosedError, SettingError
from trueup_reference.event_transport.managed import Managed
from trueup_reference.event_transport.metrics import Role
from trueup_reference.event_transport.sending import bound_endpoint
from trueup_reference.event_transport.settings import checked_count, checked_endpoint, checked_endpoints, wildcard_port
from trueup_reference.event_transport.waking import Wakeup
from trueup_reference.event_transport.zap import AllowList

_STATISTICS = 8  # numbers: messages and bytes received and sent, of the one side and of the other


class BrokerUrl(NamedTuple):
    """Where the brokers are: `Publisher(url.xsub, broker=True)`, `Subscriber(url.xpub)`."""

    xsub: tuple[str, ...]
    xpub: tuple[str, ...]


def parse_broker_url(text: str) -> BrokerUrl:
    """`xsub=tcp://h1:5555;tcp://h2:5555 , xpub=tcp://h1:5556;tcp://h2:5556`. `SettingError` for anything else."""
    form = re.fullmatch(r"\s*xsub\s*=([^,=]+),\s*xpub\s*=([^,=]+)", text)
    if form is None:
        raise SettingError(f"{text!r} is no broker URL: write xsub=tcp://HOST:PORT;… , xpub=tcp://HOST:PORT;…")
    xsub, xpub = ([part.strip() for part in side.split(";")] for side in form.groups())
    if len(xsub) != len(xpub):
        raise SettingError(f"{text!r} names {len(xsub)} xsub and {len(xpub)} xpub endpoints: each broker has both")
    return BrokerUrl(checked_endpoints(xsub, "xsub"), checked_endpoints(xpub, "xpub"))


class Broker(Managed):
    """Runs ZMQ's own proxy in a thread, which can be asked and ended."""

    role: Role = "broker"

    def __init__(
        self,
        xsub_endpoint: str,
        xpub_endpoint: str,
        *,
        hwm: int = 100_000,
        server_secret_key: str | None = None,
        allowed_client_keys: Sequence[str] | None = None,
        name: str = "broker",
    ) -> None:
        """Binds both; with keys, publishers and subscribers alike are its clients."""
        self.name = name
        self._ends = (checked_endpoint(xsub_endpoint), checked_endpoint(xpub_endpoint))
        self._hwm = checked_count("hwm", hwm, 0)
        self._keys = server_keys(server_secret_key, allowed_client_keys)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._control = self._context.socket(zmq.REQ)
        self._control.linger = 0
        self._lock = threading.Lock()  # of the control socket
        self._closed = False
        self._guard: _Guard | None = None
        self._failed: BaseException | None = None
        self._bound = threading.Event()
        self.xsub_endpoint = self.xpub_endpoint = ""
        self._thread = threading.Thread(target=self._run, name="event-broker", daemon=True)
        self._thread.start()
        self._bound.wait()
        if self._failed is not None:
            self._thread.join()
            self._control.close(0)
            self._context.term()
            raise self._failed
        self._control.connect("inproc://control")
        exiting.opened(self)

    def numbers(self) -> dict[str, float]:
        """For `TransportCollector`: messages and bytes handed on to subscribers, counted for each."""
        found = self._tell(b"STATISTICS")
        numbers = [int.from_bytes(frame, "little") for frame in found]
        refused = {} if self._guard is None else dict(self._guard.counts)
        return {"messages": numbers[6], "bytes": numbers[7], **refused} if len(numbers) == _STATISTICS else {**refused}

    def close(self) -> None:
        """Ends at once. A second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._control.send(b"TERMINATE")
            self._thread.join()
            self._control.close(0)
            if self._guard is not None:
                self._guard.close()
            self._context.term()
        exiting.closed(self)

    def _tell(self, command: bytes) -> list[bytes]:
        with self._lock:
            if self._closed:
                raise ClosedError("the broker is closed")
            self._control.send(command)
            return self._control.recv_multipart()

    def _run(self) -> None:
        sockets: list[zmq.Socket[bytes]] = []
        try:
            try:
                if self._keys is not None:
                    self._guard = _Guard(self._context, self._keys.allowed_client_keys)
                control = self._context.socket(zmq.REP)
                sockets.append(control)
                control.bind("inproc://control")
                for kind, endpoint in zip((zmq.XSUB, zmq.XPUB), self._ends, strict=True):
                    socket = self._context.socket(kind)
                    sockets.append(socket)
                    socket.linger = 0
                    socket.set_hwm(self._hwm)
                    if self._keys is not None:
                        self._keys.apply(socket)
                    socket.bind(wildcard_port(endpoint))
                self.xsub_endpoint, self.xpub_endpoint = map(bound_endpoint, sockets[1:])
            except BaseException as error:  # noqa: BLE001 - it is raised by whoever made the broker
                self._failed = error
                return
            finally:
                self._bound.set()
            zmq.proxy_steerable(sockets[1], sockets[2], None, control)
        finally:
            for socket in sockets:
                socket.close(0)
            if self._failed is not None and self._guard is not None:
                self._guard.close()


class _Guard:
    """The list of keys, in a thread of its own: the proxy keeps its thread to itself."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], keys: Sequence[str]) -> None:
        self._list = AllowList(context, keys)
        self.counts = self._list.counts
        self._wakeup = Wakeup()
        self._thread = threading.Thread(target=self._run, name="event-broker-keys", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self._wakeup.wake()
        self._thread.join()
        self._wakeup.close()

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._wakeup.fileno(), zmq.POLLIN)
        poller.register(self._list.socket, zmq.POLLIN)
        while self._wakeup.fileno() not in dict(poller.poll()):
            self._list.answer()
        self._list.socket.close(0)
