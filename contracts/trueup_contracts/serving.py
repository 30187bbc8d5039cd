"""The adapter behind `trueup_contracts.serve`: the wire around an implementation in Python. Standard library only.

`python -m trueup_contracts.serving MODULE:ATTRIBUTE` does the same for a factory named by an import string.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from trueup_contracts.errors import Refusal, code_of
from trueup_contracts.wire import values

WIRE = 1
THREADS = 8


def run(
    factory: Callable[..., Any], *, name: str | None = None, version: str = "", by: Mapping[str, str] | None = None
) -> None:
    """Answers requests until the standard input ends or `bye` comes; see `trueup_contracts.serve`."""
    output = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a print in the implementation must not end up on the wire
    _Server(factory, name, version, {"text": "make_from_text", **(by or {})}, output).run(sys.stdin.buffer)


class _Server:
    def __init__(
        self, factory: Callable[..., Any], name: str | None, version: str, by: Mapping[str, str], output: BinaryIO
    ) -> None:
        self._factory = factory
        self._name = name or getattr(factory, "name", None) or getattr(factory, "__name__", type(factory).__name__)
        self._version = version or str(getattr(factory, "version", ""))
        self._by = by
        self._output = output
        self._from_wire: Callable[[Any], Any] = lambda value: value
        self._to_wire: Callable[[Any], Any] = lambda value: value
        self._handles: dict[str, Any] = {}
        self._opened = 0
        self._lock = threading.Lock()  # of the handles, and of the output
        from trueup_contracts.in_process import claims

        self._claims = set(claims(factory))
        if "threads" in self._claims:
            self._claims.add("concurrent_calls")

    def run(self, lines: BinaryIO) -> None:
        concurrent = "concurrent_calls" in self._claims
        with ThreadPoolExecutor(THREADS if concurrent else 1) as pool:
            for line in lines:
                try:
                    request = values.loads(line)
                    identity, operation = request["id"], request["op"]
                except (ValueError, KeyError, TypeError) as error:
                    self._reply({"id": 0, "error": {"code": "malformed", "message": f"no request: {error}"}})
                    continue
                if concurrent and operation not in ("hello", "bye"):
                    pool.submit(self._answer, identity, operation, request)
                else:
                    self._answer(identity, operation, request)
                if operation == "bye":
                    return

    def _answer(self, identity: int, operation: str, request: Mapping[str, Any]) -> None:
        try:
            self._reply({"id": identity, "ok": values.encoded(self._result(operation, request))})
        except Exception as error:  # noqa: BLE001 - whatever the implementation raises is the answer
            self._reply({"id": identity, "error": _told(error)})

    def _result(self, operation: str, request: Mapping[str, Any]) -> Any:
        args = values.decoded(request.get("args", {}))
        if operation == "hello":
            self._use_codec(str(args.get("suite")))
            language = f"Python {platform.python_version()}"
            told = {"wire": WIRE, "name": str(self._name), "version": self._version, "language": language}
            return {**told, "capabilities": sorted(self._claims)}
        if operation == "bye":
            return None
        if operation == "open":
            return self._open(args)
        from trueup_contracts.in_process import operate

        if "on" not in request:  # asked of the factory itself
            return self._to_wire(operate(self._factory, operation, self._from_wire(args)))
        with self._lock:
            handle = str(request["on"])
            if handle not in self._handles:
                raise Refusal("closed", f"there is no open handle {handle}")
            subject = self._handles[handle]
            if operation == "close":
                del self._handles[handle]
        if operation == "close":
            if hasattr(subject, "close"):
                subject.close(**args)
            return None
        return self._to_wire(operate(subject, operation, self._from_wire(args)))

    def _use_codec(self, name: str) -> None:
        from trueup_contracts.registry import FOLDERS, suite

        codec = suite(name).codec if name in FOLDERS else None
        if codec is not None:
            module = importlib.import_module(codec)
            self._from_wire, self._to_wire = module.from_wire, module.to_wire

    def _open(self, args: Mapping[str, Any]) -> str:
        method = self._by.get(next(iter(args))) if len(args) == 1 else None
        make = self._factory if method is None else getattr(self._factory, method, None)
        if make is None:
            raise Refusal("unsupported", f"the factory has no method {method!r}")
        made = make(**args)
        with self._lock:
            self._opened += 1
            handle = f"h{self._opened}"
            self._handles[handle] = made
        return handle

    def _reply(self, message: Mapping[str, Any]) -> None:
        line = memoryview(values.dumps(message))
        with self._lock:
            while line:
                line = line[self._output.write(line) :]


def _told(error: Exception) -> dict[str, Any]:
    if isinstance(error, Refusal):
        return {"code": error.code, "message": error.message}
    code = code_of(error)
    told = {"code": code, "message": str(error) if code != "internal" else f"{type(error).__name__}: {error}"}
    data = getattr(error, "data", None) if code == "incomplete" else None
    return told if data is None else {**told, "data": values.encoded(data)}


def main() -> None:
    """`python -m trueup_contracts.serving MODULE:ATTRIBUTE`."""
    from trueup_contracts.errors import TargetError
    from trueup_contracts.in_process import resolve

    if len(sys.argv) != 2:
        sys.exit("usage: python -m trueup_contracts.serving MODULE:ATTRIBUTE")
    try:
        factory = resolve(sys.argv[1], Path.cwd())
    except TargetError as error:
        sys.exit(str(error))
    run(factory)


if __name__ == "__main__":
    main()
