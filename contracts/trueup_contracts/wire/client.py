"""A program in any language as the implementation of a suite."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from trueup_contracts.errors import AdapterDiedError, AdapterError, NotRunError, Refusal, TargetError, WrongAnswerError
from trueup_contracts.processes import members, split
from trueup_contracts.registry import SuiteInfo
from trueup_contracts.subject import About, Calls, Deaths, Handle, Settings, Subject, known_capabilities
from trueup_contracts.wire import values
from trueup_contracts.wire.messages import VERSION, Messages
from trueup_contracts.wire.process import Process
from trueup_contracts.wire.transcript import Transcript, exchange

START_S, CALL_S, END_S = 30.0, 10.0, 2.0  # deadlines, before they are scaled


class WireHandle(Handle):
    """An instance in the adapter's process."""

    def __init__(self, subject: WireSubject, process: Process, identity: str, calls: Calls) -> None:
        """`calls` begins with the exchange that made it."""
        self._subject = subject
        self._process = process
        self._identity = identity
        self.calls = calls
        self._is_closed = False

    def call(self, operation: str, /, **args: Any) -> Any:
        """The answer, without tags. `WrongAnswerError` where its shape is against the suite's schema."""
        __tracebackhide__ = True
        self._is_closed = self._is_closed or operation == "close"
        request = {"op": operation, "on": self._identity, "args": values.encoded(args)}
        return self._subject.ask(self._process, request, self.calls)

    def __del__(self) -> None:
        """Nobody else knows of it: the adapter may forget it."""
        if not self._is_closed:
            self._subject.forget(self._process, self._identity)


class WireSubject(Subject):
    """The adapter: started when its claims are asked for, and again after each death."""

    in_process = False

    def __init__(self, suite: SuiteInfo, label: str, command: str, settings: Settings) -> None:
        """Starts the adapter and asks who it is. `TargetError` where it does not answer as it must."""
        self.suite = suite
        self.label = label
        self.target = f"exec: {command}"
        self._argv = split("exec", command)
        self._settings = settings
        self._messages = Messages(suite)
        self._judge = lambda reply: self._messages.fault("reply", reply)
        self._transcript = Transcript(settings.transcript, f"{suite.name}@{label}")
        self._lock = threading.Lock()  # of the next two, and of what is shown
        self._forgotten: list[tuple[Process, str]] = []
        self._shown = Calls("")
        self._deaths = Deaths("the adapter")
        self._process: Process | None = None
        try:
            self._started()
            told = self._told
            self.about = About(told["name"], told["version"], told["language"], VERSION)
            claimed = known_capabilities(suite, label, told["capabilities"])
        except AdapterDiedError as error:
            self._transcript.close()
            raise TargetError(f"{self.target}: {error}", self._log_hint()) from error
        except TargetError:
            if self._process is not None:
                self._process.close(0)
            self._transcript.close()
            raise
        # Calls from several threads reach an adapter one after the other, unless it can take them at once.
        self.capabilities = claimed if "concurrent_calls" in claimed else claimed - {"threads"}

    def open(self, **args: Any) -> WireHandle:
        """A new instance, with these keywords."""
        __tracebackhide__ = True
        process = self._living()
        self._close_forgotten()
        calls = Calls("")
        identity = self.ask(process, {"op": "open", "args": values.encoded(args)}, calls)
        return WireHandle(self, process, identity, calls)

    def open_by(self, method: str, **args: Any) -> WireHandle:
        """Over the wire the keywords tell the methods apart."""
        __tracebackhide__ = True
        return self.open(**args)

    def call(self, operation: str, /, **args: Any) -> Any:
        """A request without a handle."""
        __tracebackhide__ = True
        return self.ask(self._living(), {"op": operation, "args": values.encoded(args)}, Calls(""))

    def ask(self, process: Process, request: Mapping[str, Any], calls: Calls) -> Any:
        """One exchange; its lines are added to `calls`, which becomes what is shown of the last ones."""
        __tracebackhide__ = True
        operation = request["op"]
        wrong = self._messages.fault(f"{operation}.args", request["args"])
        if wrong is not None:
            raise TypeError(f"a fault of the suite: the arguments of {operation} are against its schema: {wrong}")
        self._check_length(request)
        try:
            sent, received = process.ask(request, CALL_S * self._settings.scale)
        except AdapterDiedError as error:
            self._note(calls, operation, exchange(request, None))
            self._transcript.add({"sent": request})
            self._transcript.add({"died": str(error)})
            self._deaths.happened = True
            raise
        self._note(calls, operation, exchange(sent, received))
        self._transcript.add({"sent": sent})
        self._transcript.add({"received": received})
        if "error" in received:
            told = received["error"]
            if told["code"] == "internal":
                raise AdapterError(f"{operation} failed: {told['message']}")
            raise Refusal(told["code"], told["message"], _data(operation, told))
        try:
            answer = values.decoded(received["ok"])
        except ValueError as error:
            raise WrongAnswerError(f"{operation} answered {received['ok']!r}: {error}") from error
        wrong = self._messages.fault(f"{operation}.result", received["ok"])
        if wrong is not None:
            raise WrongAnswerError(f"{operation} answered {received['ok']!r}: {wrong}")
        return answer

    def forget(self, process: Process, identity: str) -> None:
        """Nobody holds this handle any more: it is closed before the next one is opened."""
        self._forgotten.append((process, identity))

    def snippet(self) -> str:
        """A command that repeats the last exchanges."""
        with self._lock:
            shown = "\n".join([self._shown.opened, *self._shown.last])
        hello = exchange({"id": 0, "op": "hello", "args": self._hello()}, None)
        lines = [*hello, *shown.splitlines()]
        return "\n".join([f"trueup contracts replay - -- {shlex.join(self._argv)} <<'END'", *lines, "END"])

    def log(self) -> str:
        """What the adapter wrote to stderr, its last 64 KiB."""
        return self._process.log() if self._process is not None else ""

    def begin(self, test: str) -> None:
        """Counts the deaths in a row."""
        self._transcript.add({"test": test})
        self._deaths.begin()

    def give_up(self, thread: threading.Thread) -> None:
        """The process is ended: it may have stopped reading."""
        self._deaths.happened = True
        if self._process is not None:
            self._process.give_up("was ended: a test waits no more for its answer")

    @property
    def process_ids(self) -> Sequence[int]:
        """The adapter's, and those of what it started."""
        return [] if self._process is None else members(self._process.process_id)

    def end(self) -> None:
        """Says goodbye, and ends what does not go."""
        limit_s = END_S * self._settings.scale
        if self._process is not None and self._process.fault is None:
            try:
                sent, received = self._process.ask({"op": "bye", "args": {}}, limit_s)
                self._transcript.add({"sent": sent})
                self._transcript.add({"received": received})
            except AdapterDiedError as error:
                self._transcript.add({"died": str(error)})
        if self._process is not None:
            self._process.close(limit_s)
        self._transcript.close()

    def _living(self) -> Process:
        __tracebackhide__ = True
        process = self._process
        if process is None or process.fault is not None:
            if self._deaths.happened:
                raise AdapterDiedError(f"the adapter {process.fault if process is not None else 'is gone'}")
            process = self._started()
        return process

    def _started(self) -> Process:
        with self._lock:
            self._forgotten, self._shown = [], Calls("")
        try:
            self._process = process = Process(self._argv, self._settings.root, self._judge)
        except OSError as error:
            raise TargetError(
                f"{self.target}: it cannot be started: {error.strerror}",
                f"programs are started in {self._settings.root}, without a shell",
            ) from error
        self._transcript.add({"started": self._argv})
        hello = {"op": "hello", "args": self._hello()}
        try:
            sent, received = process.ask(hello, START_S * self._settings.scale)
        except AdapterDiedError as error:
            self._transcript.add({"sent": hello})
            self._transcript.add({"died": str(error)})
            self._deaths.happened = True
            raise
        self._transcript.add({"sent": sent})
        self._transcript.add({"received": received})
        wrong: Any = received.get("error")
        if wrong is None:
            wrong = self._messages.fault("hello.result", received["ok"])
        if wrong is not None:
            told = wrong if isinstance(wrong, str) else f"{wrong['code']}: {wrong['message']}"
            raise TargetError(f"{self.target}: its answer to hello is wrong: {told}", self._log_hint())
        self._told: dict[str, Any] = received["ok"]
        return process

    def _hello(self) -> dict[str, Any]:
        return {"wire": VERSION, "suite": self.suite.name, "edition": self.suite.edition}

    def _close_forgotten(self) -> None:
        forgotten, self._forgotten = self._forgotten, []
        for process, identity in forgotten:
            if process is self._process and process.fault is None:
                self.ask(process, {"op": "close", "on": identity, "args": {}}, Calls(""))

    def _check_length(self, request: Mapping[str, Any]) -> None:
        most = self._told.get("limits", {}).get("line_bytes")
        if most is not None and len(values.dumps(request)) + 24 > most:  # 24: the id
            raise NotRunError(f"the adapter reads lines of {most} bytes, and the request {request['op']} is longer")

    def _note(self, calls: Calls, operation: str, lines: list[str]) -> None:
        with self._lock:
            if calls.opened:
                calls.add("\n".join(lines), reads=operation in self.suite.reads)
            else:
                calls.opened = "\n".join(lines)
            self._shown = calls

    def _log_hint(self) -> str | None:
        log = self.log().strip()
        return f"it wrote to stderr:\n{log[-2000:]}" if log else None


def _data(operation: str, told: Mapping[str, Any]) -> Any:
    """What came, of an error `incomplete`."""
    try:
        return values.decoded(told.get("data"))
    except ValueError as error:
        raise WrongAnswerError(f"{operation} answered {told!r}: {error}") from error
