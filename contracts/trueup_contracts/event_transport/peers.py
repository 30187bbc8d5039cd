"""Publishers of the kit: in this process, and in one of their own, which can be killed, stopped and started again.

An XPUB socket with XPUB_VERBOSE tells of every subscription, so nobody sleeps for slow joiners. Each peer has a
context of its own and belongs to the thread that made it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import zmq

from trueup_contracts.budgets import Budgets
from trueup_contracts.errors import NotRunError
from trueup_contracts.event_transport.frames import told
from trueup_contracts.processes import GRACE_S

if TYPE_CHECKING:
    from zmq.auth.thread import ThreadAuthenticator

_MOST_TOLD = 3  # messages
ANYWHERE = "tcp://127.0.0.1:*"
_CODE = (
    "import sys; sys.path[:] = sys.argv.pop(1).split('\\n'); "
    "from trueup_contracts.event_transport import peers; peers.main()"
)


class Curve(NamedTuple):
    """The keys of a publisher and of the only client that it lets in, in Z85."""

    secret_key: str
    client_key: str

    def guard(self, context: zmq.Context[zmq.Socket[bytes]], socket: zmq.Socket[bytes]) -> ThreadAuthenticator:
        """Makes a socket speak CURVE. Without a ZAP handler any client would be let in."""
        from zmq.auth.thread import ThreadAuthenticator

        gate = ThreadAuthenticator(context)
        gate.start()
        gate.configure_curve_callback("kv", _OneClient(self.client_key))
        socket.set(zmq.ZAP_DOMAIN, b"kv")
        socket.set(zmq.CURVE_SERVER, 1)
        socket.set(zmq.CURVE_SECRETKEY, self.secret_key.encode())
        return gate


class _OneClient:
    """Asked for each client that comes, with its key in Z85."""

    def __init__(self, client_key: str) -> None:
        self._key = client_key.encode()

    def callback(self, domain: str, key: bytes) -> bool:
        """Whether it is the one."""
        return key == self._key


class _Publisher:
    """What both kinds of publisher do: wait for subscriptions, and tell what they send."""

    _budgets: Budgets
    tell: Callable[[str], None] | None = None  # for people who repeat a failure

    def _tell(self, messages: Sequence[Sequence[bytes]]) -> None:
        if self.tell is not None and messages:
            shown = ", then ".join(map(told, messages[-_MOST_TOLD:]))
            others = len(messages) - _MOST_TOLD
            self.tell(f"the publisher sends {f'{others} messages, then ' if others > 0 else ''}{shown}")

    def notices(self) -> list[bytes]:
        """The topics of subscriptions that have come since."""
        raise NotImplementedError

    def wait(self, subscriptions: int = 1, meanwhile: Callable[[], object] | None = None) -> list[bytes]:
        """The topics of the next subscriptions, when so many have come. `AssertionError` where they do not.

        `meanwhile` is called again and again: after a reconnection, a SUB socket of libzmq sends its subscriptions
        only when its owner calls it.
        """
        __tracebackhide__ = True
        found: list[bytes] = []

        def looked() -> bool:
            __tracebackhide__ = True
            found.extend(self.notices())
            if len(found) < subscriptions and meanwhile is not None:
                meanwhile()
                found.extend(self.notices())
            return len(found) >= subscriptions

        self._budgets.until(looked, "its subscription has not reached the publisher")
        return found


class Peer(_Publisher):
    """A publisher: what it sends, frame by frame, reaches whoever has subscribed by then."""

    def __init__(
        self, budgets: Budgets, endpoint: str = ANYWHERE, *, high_water_mark: int = 0, curve: Curve | None = None
    ) -> None:
        """Binds; `endpoint` is then the real one. `high_water_mark`: messages that wait for a subscriber, 0 for all."""
        self._budgets = budgets
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.set(zmq.XPUB_VERBOSE, 1)
        self._socket.set(zmq.SNDHWM, high_water_mark)
        self._socket.set(zmq.LINGER, 0)
        self._gate: ThreadAuthenticator | None = None
        try:
            if curve is not None:
                self._gate = curve.guard(self._context, self._socket)
            bind(self._socket, endpoint, budgets)
        except BaseException:
            self.close()
            raise
        self.endpoint = str(self._socket.get_string(zmq.LAST_ENDPOINT)).rstrip("\0")

    def notices(self) -> list[bytes]:
        """The topics of subscriptions that have come since."""
        found = []
        with contextlib.suppress(zmq.Again):
            while True:
                notice = self._socket.recv(zmq.NOBLOCK)
                found += [notice[1:]] if notice[:1] == b"\x01" else []
        return found

    def send(self, *messages: Sequence[bytes]) -> None:
        """These messages, each a list of frames."""
        self._tell(messages)
        for frames in messages:
            self._socket.send_multipart(frames)

    def close(self) -> None:
        """At once; what was not sent is lost."""
        if self._gate is not None:
            self._gate.stop()
        self._context.destroy(linger=0)

    def __enter__(self) -> Peer:
        """Closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """At once."""
        self.close()


class PeerProcess(_Publisher):
    """A publisher in a process of its own."""

    def __init__(self, budgets: Budgets, endpoint: str = ANYWHERE, *, before: Sequence[str] = ()) -> None:
        """Starts it; `endpoint` is then the real one. `before`: words before the command, such as `ip netns exec`."""
        self._budgets = budgets
        path = "\n".join(one for one in sys.path if one)
        self._process = subprocess.Popen(
            [*before, sys.executable, "-c", _CODE, path, endpoint],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path.cwd(),
            start_new_session=True,
        )
        self.endpoint = self._line()

    def notices(self) -> list[bytes]:
        """The topics of subscriptions that have come since."""
        return [b"" if one == "-" else bytes.fromhex(one) for one in self._asked("notices").split()]

    def send(self, *messages: Sequence[bytes]) -> None:
        """These messages, each a list of frames."""
        self._tell(messages)
        for frames in messages:
            self._asked(f"send {' '.join(one.hex() or '-' for one in frames)}")

    def kill(self) -> None:
        """SIGKILL: it says no goodbye."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGSTOP: its connections stay, and nothing answers."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def go_on(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Ends it and what it runs in."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(GRACE_S)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()

    def __enter__(self) -> PeerProcess:
        """Ended at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """At once."""
        self.close()

    def _asked(self, line: str) -> str:
        __tracebackhide__ = True
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        __tracebackhide__ = True
        assert self._process.stdout is not None
        told = self._process.stdout.readline().decode().strip()
        if not told:
            raise NotRunError("the kit's publisher in a process of its own has ended")
        return told.removeprefix("done").strip()


def bind(socket: zmq.Socket[bytes], endpoint: str, budgets: Budgets) -> None:
    """Binds; an address that a publisher has just left may be busy for a moment."""

    def bound() -> bool:
        try:
            socket.bind(endpoint)
        except zmq.ZMQError as error:
            if error.errno != zmq.EADDRINUSE:
                raise
            return False
        return True

    budgets.until(bound, f"the kit cannot bind to {endpoint}, which is in use")


def main() -> None:
    """The process: lines on its standard input, an answer to each. It ends with its input."""
    with Peer(Budgets(), sys.argv[1]) as peer:
        print(f"done {peer.endpoint}", flush=True)
        for answer in _answers(peer, sys.stdin):
            print(answer, flush=True)


def _answers(peer: Peer, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        word, *rest = line.split()
        if word == "notices":
            yield f"done {' '.join(one.hex() or '-' for one in peer.notices())}"
        else:
            peer.send([b"" if one == "-" else bytes.fromhex(one) for one in rest])
            yield "done"
