"""A service that the suite starts and stops: `command: PROGRAM --port {port} …`."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from trueup_contracts.errors import AdapterDiedError, Refusal, TargetError
from trueup_contracts.processes import split
from trueup_contracts.registry import SuiteInfo
from trueup_contracts.services.running import Running
from trueup_contracts.services.url import CALL_S, UrlHandle
from trueup_contracts.subject import About, Calls, Deaths, Settings, Subject

HOST = "127.0.0.1"
STOP_S = 2.0  # for a service to end by itself, before it is scaled
_NAME = re.compile(r"\{([a-z_]+)\}")
_MOST_SHOWN = 20_000  # characters of a file


class CommandHandle(UrlHandle):
    """A running service at `url`. `paths` are the files of its placeholders, which a test may write anew."""

    def __init__(
        self, suite: SuiteInfo, url: str, limits_s: tuple[float, float], running: Running, note: Callable[[Calls], None]
    ) -> None:
        """`limits_s`: for an answer, and for an end of its own."""
        super().__init__(suite, url, limits_s[0], note)
        self._stop_s = limits_s[1]
        self.running = running
        self.paths = running.paths
        self.script = ""  # of a shell: how it was started

    def __enter__(self) -> CommandHandle:
        """`with subject.open(…) as service:` closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def close(self) -> None:
        """Ends the service, and with it everything that it started."""
        self.running.stop(self._stop_s)


class Ended(NamedTuple):
    """How a service ended that was not to become ready; without a status where it did not end."""

    status: int | None
    log: str


class CommandSubject(Subject):
    """A service, started anew for each handle and ended with the test, unless it is kept for the run."""

    in_process = False
    log_name = "what the service wrote"

    def __init__(self, suite: SuiteInfo, label: str, command: str, settings: Settings) -> None:
        """Raises `TargetError` for a program that is not there, and for placeholders that the suite does not know."""
        self.suite = suite
        self.label = label
        self.target = f"command: {command}"
        self._settings = settings
        self._argv = split("command", command)
        self._names = _placeholders(self.target, self._argv, suite)
        program = self._argv[0]
        if shutil.which(settings.root / program if "/" in program else program) is None:
            raise TargetError(
                f"{self.target}: there is no program {program}",
                f"programs are started in {settings.root}, without a shell",
            )
        claimed = settings.claims.get(f"{suite.name}@{label}", frozenset())
        self.capabilities = claimed | {"http", "command"}
        self.about = About(Path(program).name, "", "HTTP", None)
        self._deaths = Deaths("the service")
        self._started: list[Running] = []
        self._kept: dict[Running, Callable[[], None]] = {}
        self._last: Running | None = None
        self._shown = ""
        self._calls = Calls("")

    def open(self, **args: Any) -> CommandHandle:
        """Starts a service and comes back when it is ready; `AdapterDiedError` where it is not, within `start_s`.

        The keywords are the command's placeholders: a mapping or a list becomes a file of JSON, bytes a file, and
        everything else is put into the command as it is.
        """
        __tracebackhide__ = True
        return self.start(args, self.suite.service.ready_path)

    def start(self, args: Mapping[str, Any], ready_path: str) -> CommandHandle:
        """The same, ready by another path's answer."""
        __tracebackhide__ = True
        scale = self._settings.scale
        running, port = self._begun(args)
        try:
            running.wait_until_ready((HOST, port), ready_path, self.suite.service.start_s * scale)
        except AdapterDiedError:
            self._deaths.happened = True
            raise
        limits_s = (CALL_S * scale, STOP_S * scale)
        handle = CommandHandle(self.suite, f"http://{HOST}:{port}", limits_s, running, self._note)
        handle.script = self._shown
        return handle

    def start_wrong(self, *wrong: Mapping[str, Any]) -> list[Ended]:
        """Starts services, all at once, that are to end by themselves; what has not within `start_s` is ended."""
        __tracebackhide__ = True
        begun = [self._begun(args)[0] for args in wrong]
        deadline_s = time.monotonic() + self.suite.service.start_s * self._settings.scale
        ended = []
        for running in begun:
            status: int | None = None
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = running.process.wait(max(0.0, deadline_s - time.monotonic()))
            running.stop(0)
            ended.append(Ended(status, running.log()))
        return ended

    def keep(self, handle: CommandHandle, at_end: Callable[[], None]) -> None:
        """This service outlives its test; it is ended with the run, and `at_end` is called then, or by `drop`."""
        self._started.remove(handle.running)
        self._kept[handle.running] = at_end

    def drop(self, handle: CommandHandle) -> None:
        """Ends a service that was kept, at once: how it ends is no question of its tests any more."""
        at_end = self._kept.pop(handle.running)
        try:
            handle.running.stop(0)
        finally:
            at_end()

    def show(self, handle: CommandHandle) -> None:
        """A failure of this test is one of a service that was kept: its start and its log are shown."""
        self._shown, self._last = handle.script, handle.running
        handle.forget()

    def _begun(self, args: Mapping[str, Any]) -> tuple[Running, int]:
        """A service that is starting, and its port."""
        __tracebackhide__ = True
        known = self.suite.service.placeholders.keys()
        unknown, missing = args.keys() - known, self._names - args.keys() - {"host", "port"}
        if unknown or missing:
            raise TypeError(f"a fault of the suite: placeholders {sorted(unknown | missing)} of {self.target}")
        if self._deaths.happened:
            raise AdapterDiedError("the service did not start or stay before, in this test")
        folder = Path(tempfile.mkdtemp(prefix="trueup-contracts-"))
        paths = _files(folder, args)
        port = _free_port()
        values = {**args, **paths, "host": HOST, "port": port}
        argv = [_NAME.sub(lambda found: str(values.get(found[1], found[0])), word) for word in self._argv]
        self._shown = _script(argv, paths)
        self._calls = Calls("")
        try:
            running = Running(argv, self._settings.root, folder, paths)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise TargetError(f"{self.target}: it cannot be started: {error.strerror}") from error
        self._started.append(running)
        self._last = running
        return running, port

    def open_by(self, method: str, **args: Any) -> CommandHandle:
        """There is one way only."""
        __tracebackhide__ = True
        raise Refusal("unsupported", f"a service is started by its command, not by {method}")

    def begin(self, test: str) -> None:
        """Ends what the test before has left running."""
        self._stop_all()
        self._calls, self._shown = Calls(""), ""
        self._deaths.begin()

    def snippet(self) -> str:
        """A script that starts the last service, and the last calls in Python."""
        calls = [self._calls.opened, *self._calls.last] if self._calls.opened else []
        then = "# then, in Python:" if self.suite.service.client else "# then:"
        return "\n".join([self._shown or f"# {self.target}", *([then, *calls] if calls else [])])

    def log(self) -> str:
        """What the last service wrote, its last 64 KiB."""
        return "" if self._last is None else self._last.log()

    def end(self) -> None:
        """The run is over."""
        self._stop_all()
        while self._kept:
            running, at_end = self._kept.popitem()
            running.stop(0)
            at_end()

    def _stop_all(self) -> None:
        for running in self._started:
            running.stop(STOP_S * self._settings.scale)
        self._started = []
        self._last = None

    def _note(self, calls: Calls) -> None:
        self._calls = calls


def _placeholders(target: str, argv: list[str], suite: SuiteInfo) -> set[str]:
    names = {name for word in argv for name in _NAME.findall(word)}
    known = ["host", "port", *suite.service.placeholders]
    for name in sorted(names - set(known)):
        from trueup.rules import nearest_hint

        raise TargetError(f"{target}: the suite {suite.name} has no placeholder {{{name}}}", nearest_hint(name, known))
    if "port" not in names:
        raise TargetError(f"{target}: nothing tells it its port", "write {port} where the program takes it")
    return names


def _files(folder: Path, args: Mapping[str, Any]) -> dict[str, Path]:
    paths = {}
    for name, value in args.items():
        if isinstance(value, Mapping | list):
            paths[name] = folder / f"{name}.json"
            paths[name].write_text(written(value), encoding="utf-8")
        elif isinstance(value, bytes):
            paths[name] = folder / name
            paths[name].write_bytes(value)
    return paths


def written(value: Mapping[str, Any] | list[Any]) -> str:
    """JSON with a line for each field, or for each element: failures show these files."""
    lines = (
        [f"{json.dumps(name)}: {json.dumps(one)}" for name, one in value.items()]
        if isinstance(value, Mapping)
        else [json.dumps(one) for one in value]
    )
    start, end = "{}" if isinstance(value, Mapping) else "[]"
    return f"{start}\n " + ",\n ".join(lines) + f"\n{end}\n"


def _free_port() -> int:
    """One that nobody listens on now. Another program may take it before the service does: then that does not start."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
        return port


def _script(argv: list[str], paths: Mapping[str, Path]) -> str:
    """Shell that starts the service again, with its files."""
    import shlex

    lines = [f"mkdir -p {shlex.quote(str(path.parent))}" for path in list(paths.values())[:1]]
    for path in paths.values():
        text = path.read_bytes()[:_MOST_SHOWN].decode("utf-8", "replace")
        lines += [f"cat > {shlex.quote(str(path))} <<'END'", text.rstrip("\n"), "END"]
    return "\n".join([*lines, f"{shlex.join(argv)} &"])
