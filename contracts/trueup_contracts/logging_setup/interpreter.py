"""Child interpreters: started fresh, within a deadline, read through pipes of their own, and ended with their group."""

from __future__ import annotations

import functools
import json
import os
import re
import selectors
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trueup_contracts.errors import AdapterDiedError
from trueup_contracts.processes import GRACE_S, ending, kill_group

_FOLDER = Path(__file__).parent
# The folder of the probes is imported as if nothing of `trueup_contracts` were, and forgotten: it may be what is asked.
_BOOT = """\
import sys, types
for name, path in (("trueup_contracts", sys.argv[1]), ("trueup_contracts.logging_setup", sys.argv[2])):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
from trueup_contracts.logging_setup.child import main
for name in [*sys.modules]:
    if name.partition(".")[0] == "trueup_contracts":
        del sys.modules[name]
del name, path, sys, types
main.script()
"""
# Of the run's own environment: what changes how an interpreter or a package starts, and is not the user's wish here.
_LEFT_OUT = re.compile(
    r"PYTEST_.*|COV(ERAGE)?_.*|PYTHON(STARTUP|INSPECT|VERBOSE|WARNINGS|DEVMODE|PROFILEIMPORTTIME|OPTIMIZE|IOENCODING)"
    r"|PYTHONUNBUFFERED|PYTHONASYNCIODEBUG|PYTHONTRACEMALLOC|.*LOG.*LEVEL.*|.*VERBOSITY.*"
)
MOST_BYTES = 8 << 20  # of what a child writes
_LOOK_S = 0.05  # between two looks at whether it has ended, where others hold its pipes open


@dataclass
class Run:
    """What became of one child. `out` and `err`: by phase; `packets`: each write by itself, where asked for."""

    report: dict[str, Any]
    out: dict[str, str] = field(default_factory=dict)
    err: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    packets: list[bytes] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that it wrote, without marks."""
        return "".join([*self.out.values(), *self.err.values()])

    def lines(self, token: str) -> list[str]:
        """The lines, of all that it wrote, that hold this token; what `logging` says of records that failed aside."""
        return [line for line in self._told[0] if f"token {token}" in line]

    def error(self, token: str) -> str:
        """What was raised when the record with this token was to be written."""
        return next((raised for block, raised in self._told[1] if f"token {token}" in block), "")

    @functools.cached_property
    def _told(self) -> tuple[list[str], list[tuple[str, str]]]:
        """The lines that are records; and what `logging` said of those that failed, each with what was raised."""
        lines: list[str] = []
        blocks: list[tuple[str, str]] = []
        block: list[str] = []
        for line in self.text.split("\n"):
            if line == "--- Logging error ---":
                block = [line]
            elif not block:
                lines.append(line)
            else:
                block.append(line)
                if line.startswith("Arguments: "):
                    stack = block.index("Call stack:") if "Call stack:" in block else 1
                    blocks.append(("\n".join(block), block[stack - 1]))
                    block = []
        return lines + block, blocks


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """What a child gets: ours, without what makes this run special."""
    return {name: value for name, value in os.environ.items() if not _LEFT_OUT.fullmatch(name)} | dict(extra)


def command(request: Mapping[str, Any], number: int) -> list[str]:
    """The words that start a child; a further word says who it is."""
    return [sys.executable, "-c", _BOOT, str(_FOLDER.parent), str(_FOLDER), json.dumps(request), str(number)]


def run(request: dict[str, Any], root: Path, limit_s: float, extra: Mapping[str, str], *, packets: bool = False) -> Run:
    """Answers a request in a child of its own. `AdapterDiedError` where it dies, or takes longer than `limit_s`."""
    __tracebackhide__ = True
    mark = f"trueup-mark-{uuid.uuid4().hex}-"
    request = {**request, "mark": mark}
    report, told = os.pipe()
    ours, theirs = zip(*(_pair(packets) for _ in range(2)), strict=True)
    try:
        process = subprocess.Popen(
            command(request, told),
            cwd=root,
            env=environment(extra),
            stdin=subprocess.DEVNULL,
            stdout=theirs[0],
            stderr=theirs[1],
            pass_fds=[told],
            start_new_session=True,
        )
    finally:
        for number in (told, *theirs):
            os.close(number)
    got = _read(process, [report, *ours], limit_s)
    if got is None:
        raise AdapterDiedError(f"the interpreter had not ended after {limit_s:g} s, in {request['probe']}")
    text = b"".join(got[0])
    if not text:
        last = b"".join(got[2]).decode("utf-8", "replace").strip().splitlines()[-1:]
        raise AdapterDiedError(
            f"the interpreter {ending(process.returncode)}, in {request['probe']}; {''.join(last)[:300]}"
        )
    made = Run(json.loads(text))
    if packets:
        made.packets = [*got[1], *got[2]]
    else:
        made.out, made.err = (_phases(b"".join(one), mark) for one in got[1:])
        made.raw = b"".join(got[1]) + b"".join(got[2])
    return made


def _pair(packets: bool) -> tuple[int, int]:
    """Two ends. Of a pipe; or of a socket that keeps each write apart, so that a line in two writes is seen."""
    if not packets:
        return os.pipe()
    kind = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM
    one, other = socket.socketpair(socket.AF_UNIX, kind)
    return one.detach(), other.detach()


def _read(process: subprocess.Popen[bytes], numbers: list[int], limit_s: float) -> list[list[bytes]] | None:
    """What came through each until its end; nothing where the time was up. The group is gone afterwards."""
    deadline_s = time.monotonic() + limit_s
    got: list[list[bytes]] = [[] for _ in numbers]
    left = dict.fromkeys(range(len(numbers)), MOST_BYTES)
    is_over, last_s = False, deadline_s
    with selectors.DefaultSelector() as selector:
        for index, number in enumerate(numbers):
            selector.register(number, selectors.EVENT_READ, index)
        while selector.get_map() and not is_over:
            ready = selector.select(_LOOK_S)
            now_s = time.monotonic()
            if process.poll() is not None:  # what it has started may hold them open, and go on writing
                last_s = min(last_s, now_s + GRACE_S)
                if not ready or now_s > last_s:
                    break
            is_over = now_s > deadline_s
            for key, _ in ready:
                chunk = os.read(key.fd, 1 << 18)
                left[key.data] -= len(chunk)
                if not chunk:
                    selector.unregister(key.fd)
                elif left[key.data] >= 0:
                    got[key.data].append(chunk)
    try:
        process.wait(max(0.0, deadline_s - time.monotonic()) if not is_over else 0)
    except subprocess.TimeoutExpired:
        is_over = True
    kill_group(process)
    for number in numbers:
        os.close(number)
    return None if is_over else got


def _phases(data: bytes, mark: str) -> dict[str, str]:
    """What was written, by phase; before the first mark, `""`."""
    parts = data.decode("utf-8", "surrogateescape").split(f"\n{mark}")
    phases = {"": parts[0]}
    for part in parts[1:]:
        name, _, text = part.partition("\n")
        phases[name] = text
    return phases
