"""`trueup contracts replay FILE -- ADAPTER`: asks an adapter again what a transcript holds, without pytest."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from trueup.errors import UsageError
from trueup.reports.escape import visible
from trueup_contracts.errors import AdapterDiedError
from trueup_contracts.registry import FOLDERS, suite
from trueup_contracts.wire.client import CALL_S
from trueup_contracts.wire.messages import Messages
from trueup_contracts.wire.process import Process


class Entry:
    """A request of a transcript, and what was answered then, if that is known."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.reply: dict[str, Any] | None = None
        self.is_first = False  # of its process


def run(file: str, argv: Sequence[str], *, implementation: str | None, test: str | None, scale: float) -> int:
    """Prints every exchange, and what differs from the recorded one. 1 where something does, or the adapter dies."""
    entries = list(_entries(file, _lines(file), implementation, test))
    if not entries:
        raise UsageError(f"{file}: it holds no request", hint="a transcript is what --contracts-transcript writes")
    differing = 0
    process: Process | None = None
    handles: dict[str, str] = {}  # recorded handle to the one of now
    judge = _judge(entries)
    try:
        for entry in entries:
            if process is None or entry.is_first:
                if process is not None:
                    process.close(0)
                process, handles = _started(argv, judge), {}
            # Of a test alone: what came before it has opened this one.
            if test is None or entry.request.get("on") is None or entry.request["on"] in handles:
                differing += _asked(process, entry, handles, scale)
    except AdapterDiedError as error:
        log = process.log() if process is not None else ""
        sys.stdout.write(f"{error}\n" + "".join(f"stderr: {visible(line)}\n" for line in log.splitlines()))
        return 1
    finally:
        if process is not None:
            process.close(scale)
    sys.stdout.write(f"{len(entries)} requests, {differing} answered otherwise than recorded\n")
    return 1 if differing else 0


def _asked(process: Process, entry: Entry, handles: dict[str, str], scale: float) -> bool:
    request = {name: value for name, value in entry.request.items() if name != "id"}
    if "on" in request:
        request["on"] = handles.get(request["on"], request["on"])
    sys.stdout.write(f"> {visible(json.dumps(request))}\n")
    sys.stdout.flush()
    reply = {name: value for name, value in process.ask(request, CALL_S * scale)[1].items() if name != "id"}
    sys.stdout.write(f"< {visible(json.dumps(reply))}\n")
    if entry.reply is None:
        if request["op"] == "open" and "ok" in reply:  # nobody has said what it was called: by its number
            handles[f"h{len(handles) + 1}"] = reply["ok"]
        return False
    recorded = {name: value for name, value in entry.reply.items() if name != "id"}
    if request["op"] == "open" and {"ok"} == reply.keys() == recorded.keys():
        handles[recorded["ok"]] = reply["ok"]
        return False
    # An error's words may change; its code must not. Who answers hello may be another version.
    if request["op"] == "hello" or _essence(reply) == _essence(recorded):
        return False
    sys.stdout.write(f"! recorded: {visible(json.dumps(recorded))}\n")
    return True


def _essence(reply: dict[str, Any]) -> Any:
    return ("error", reply["error"]["code"]) if "error" in reply else ("ok", reply["ok"])


def _judge(entries: Sequence[Entry]) -> Any:
    named = [entry.request["args"].get("suite") for entry in entries if entry.request["op"] == "hello"]
    messages = Messages(suite(named[0] if named and named[0] in FOLDERS else next(iter(FOLDERS))))
    return lambda reply: messages.fault("reply", reply)


def _started(argv: Sequence[str], judge: Any) -> Process:
    try:
        return Process(argv, Path.cwd(), judge)
    except OSError as error:
        raise UsageError(f"{shlex.join(argv)}: it cannot be started: {error.strerror}") from error


def _lines(file: str) -> list[str]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: it cannot be read: {error}") from error
    return text.splitlines()


def _entries(file: str, lines: Sequence[str], implementation: str | None, test: str | None) -> Iterator[Entry]:
    seen: set[str] = set()
    last: Entry | None = None
    is_wanted, is_first = test is None, False
    for number, line in enumerate(lines, 1):
        told = _parsed(file, number, line) if line.strip() else {}
        if "implementation" in told:
            seen.add(told["implementation"])
            if implementation is not None and told["implementation"] != implementation:
                continue
            if len(seen) > 1 and implementation is None:
                hint = f"choose one by --implementation: {', '.join(sorted(seen))}"
                raise UsageError(f"{file}: it holds several implementations", hint=hint)
        if "started" in told:
            is_first = True
        elif "test" in told:
            is_wanted = test is None or test in told["test"]
        elif "sent" in told:
            last = Entry(_request(file, number, told["sent"]))
            if last.request["op"] == "hello":
                last.is_first, is_first = is_first, False
            if is_wanted or last.request["op"] == "hello":
                yield last
        elif "received" in told and last is not None:
            last.reply = told["received"] if isinstance(told["received"], dict) else None


def _parsed(file: str, number: int, line: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file}:{number}: it is no JSON: {error}") from error
    if not isinstance(told, dict):
        raise UsageError(f"{file}:{number}: an object is due", hint='such as {"sent": {"op": "hello", …}}')
    return {"sent": told} if "op" in told else told


def _request(file: str, number: int, request: Any) -> dict[str, Any]:
    shape = {"op": str, "args": dict, "on": str}
    if not isinstance(request, dict) or not {"op", "args"} <= request.keys():
        raise UsageError(f"{file}:{number}: a request has op and args")
    for name, kind in shape.items():
        if name in request and not isinstance(request[name], kind):
            raise UsageError(f"{file}:{number}: {name} of a request is a {kind.__name__}")
    return request
