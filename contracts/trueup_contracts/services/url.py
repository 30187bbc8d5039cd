"""What runs at a URL already, asked over HTTP."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult

from trueup_contracts.errors import Refusal, TargetError
from trueup_contracts.in_process import arguments, guarded, operate
from trueup_contracts.registry import SuiteInfo, imported
from trueup_contracts.services.urls import PORTS, parsed
from trueup_contracts.subject import About, Calls, Handle, Settings, Subject

CALL_S, REACH_S = 10.0, 5.0  # deadlines, before they are scaled


class UrlHandle(Handle):
    """A service at `url`. `call` asks the suite's client, where it has one; `limit_s` is the time for one answer."""

    def __init__(self, suite: SuiteInfo, url: str, limit_s: float, note: Callable[[Calls], None]) -> None:
        """`note` is told this handle's calls at each of them."""
        self.url = url
        self.limit_s = limit_s
        self._note = note
        self._client = None if suite.service.client is None else imported(suite.service.client)(url, limit_s)
        self._opened = _opened(suite, url, limit_s)
        self.forget()

    def call(self, operation: str, /, **args: Any) -> Any:
        """The answer of the client's method. `AdapterError` where the service cannot be reached."""
        __tracebackhide__ = True
        if self._client is None:
            raise Refusal("unsupported", f"the suite has no client: requests go to {self.url}")
        self.note(f"subject.{operation}({arguments(args)})")
        return guarded(lambda: operate(self._client, operation, args), operation)

    def forget(self) -> None:
        """What was called before says nothing about the test that begins."""
        self._calls = Calls(self._opened)
        self._note(self._calls)

    def note(self, call: str) -> None:
        """A request that a test has sent by itself, as a line that repeats it."""
        self._calls.add(call)
        self._note(self._calls)


class UrlSubject(Subject):
    """A service that somebody else has started. It is reached once here, so that one that is down is told once."""

    in_process = False

    def __init__(self, suite: SuiteInfo, label: str, url: str, settings: Settings) -> None:
        """Raises `TargetError` for a URL that cannot be asked, or where nothing answers."""
        self.suite = suite
        self.label = label
        self.target = url
        self._limit_s = CALL_S * settings.scale
        parts = parsed(url)
        _reach(url, parts, REACH_S * settings.scale)
        self.capabilities = settings.claims.get(f"{suite.name}@{label}", frozenset()) | {"http"}
        self.about = About(parts.netloc, "", parts.scheme.upper(), None)
        self._calls = Calls("")

    def open(self, **args: Any) -> UrlHandle:
        """The service itself: it takes no keywords, and every handle is of the same one."""
        __tracebackhide__ = True
        if args:
            raise Refusal("unsupported", f"what runs at {self.target} cannot be made with {', '.join(args)}")
        return UrlHandle(self.suite, self.target, self._limit_s, self._note)

    def open_by(self, method: str, **args: Any) -> UrlHandle:
        """There is one way only."""
        __tracebackhide__ = True
        raise Refusal("unsupported", f"what runs at {self.target} cannot be made by {method}")

    def begin(self, test: str) -> None:
        """What earlier tests called says nothing about this one."""
        self._calls = Calls("")

    def snippet(self) -> str:
        """The last calls, in Python where the suite has a client."""
        return "\n".join([self._calls.opened or f"# {self.target}", *self._calls.last])

    def _note(self, calls: Calls) -> None:
        self._calls = calls


def _reach(url: str, parts: SplitResult, limit_s: float) -> None:
    assert parts.hostname is not None
    try:
        socket.create_connection((parts.hostname, parts.port or PORTS[parts.scheme]), limit_s).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise TargetError(f"{url}: nothing answers there: {reason}", "start the service before the run") from error


def _opened(suite: SuiteInfo, url: str, limit_s: float) -> str:
    if suite.service.client is None:
        return f"# {url}"
    module, _, name = suite.service.client.partition(":")
    return f"from {module} import {name}\n\nsubject = {name}({url!r}, {limit_s:g})"
