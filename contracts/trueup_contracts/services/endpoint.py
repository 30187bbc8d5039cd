"""What publishes at an endpoint of ZeroMQ already: it is listened to, and nothing of it is driven."""

from __future__ import annotations

import socket
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from trueup_contracts.errors import Refusal, TargetError
from trueup_contracts.registry import SuiteInfo
from trueup_contracts.subject import About, Calls, Handle, Settings, Subject

REACH_S = 5.0  # before it is scaled
FORM = "tcp://HOST:PORT, or tcp://HOST:PORT?replay=PORT"


class Endpoints(NamedTuple):
    """Where it publishes, and where its replays are asked for, if that is known."""

    live: str
    replay: str | None


class EndpointHandle(Handle):
    """The publisher: its attributes are all that can be asked."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def call(self, operation: str, /, **args: Any) -> Any:
        """Where it is; everything else is refused."""
        known = {"endpoint": self._endpoints.live, "replay_endpoint": self._endpoints.replay}
        if known.get(operation) is None:
            raise Refusal("unsupported", f"{operation}: what publishes at {self._endpoints.live} is only listened to")
        return known[operation]


class EndpointSubject(Subject):
    """A publisher that somebody else has started. It is reached once here, so that one that is down is told once."""

    in_process = False

    def __init__(self, suite: SuiteInfo, label: str, target: str, settings: Settings) -> None:
        """Raises `TargetError` for what is no endpoint, or where nobody listens."""
        self.suite, self.label, self.target = suite, label, target
        self._endpoints = parsed(target)
        for one in self._endpoints:
            if one is not None:
                _reach(one, REACH_S * settings.scale)
        replay = frozenset() if self._endpoints.replay is None else frozenset({"replay"})
        self.capabilities = frozenset({"tcp"}) | replay
        self.about = About(self._endpoints.live, "", "ZMTP", None)

    def open(self, **args: Any) -> EndpointHandle:
        """The publisher itself: it takes no keywords."""
        __tracebackhide__ = True
        if args:
            raise Refusal("unsupported", f"what publishes at {self.target} cannot be made with {', '.join(args)}")
        return EndpointHandle(self._endpoints)

    def open_by(self, method: str, **args: Any) -> EndpointHandle:
        """There is one way only."""
        __tracebackhide__ = True
        raise Refusal("unsupported", f"what publishes at {self.target} cannot be made by {method}")

    def call(self, operation: str, /, **args: Any) -> Any:
        """Nothing can be asked of whoever made it."""
        __tracebackhide__ = True
        raise Refusal("unsupported", f"{operation}: what publishes at {self.target} is only listened to")

    def snippet(self) -> str:
        """How to see the same."""
        calls = Calls(f"trueup events tap {self._endpoints.live}")
        return calls.opened


def parsed(target: str) -> Endpoints:
    """The endpoints of a target. `TargetError` for one that cannot be listened to."""
    try:
        parts = urlsplit(target)
        port, asked = parts.port, parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise TargetError(f"{target!r} is no endpoint: {error}", f"write {FORM}") from error
    replay = asked.pop("replay", [])
    is_one = parts.scheme == "tcp" and parts.hostname and port and not asked and not parts.path and len(replay) < 2
    if not is_one or any(not (one.isascii() and one.isdigit() and 0 < int(one) < 1 << 16) for one in replay):
        raise TargetError(f"{target!r} is no endpoint that can be listened to", f"write {FORM}")
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return Endpoints(f"tcp://{host}:{port}", f"tcp://{host}:{replay[0]}" if replay else None)


def _reach(endpoint: str, limit_s: float) -> None:
    parts = urlsplit(endpoint)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), limit_s).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise TargetError(
            f"{endpoint}: nobody listens there: {reason}", "start the publisher before the run"
        ) from error
