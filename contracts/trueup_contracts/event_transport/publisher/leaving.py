"""A process that has a publisher open can end: EP-068 and EP-069."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from trueup_contracts import requirement
from trueup_contracts.budgets import SIGNAL_S, Budgets
from trueup_contracts.errors import NotRunError
from trueup_contracts.event_transport.publisher.batches import batch
from trueup_contracts.event_transport.publisher.calls import ANYWHERE
from trueup_contracts.subject import Subject

# What is given to it: the module search path, and where the factory is.
_PROGRAM = """
import json, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is started with it ignored
given = json.loads(sys.argv[1])
sys.path[:] = given["path"]
from pathlib import Path
from trueup_contracts.errors import TargetError
from trueup_contracts.event_transport.looping import in_loop
from trueup_contracts.in_process import resolve
try:
    make = resolve(given["target"], Path.cwd())
except TargetError as error:
    sys.exit(f"no such target: {error}")
publisher = in_loop(make(endpoint=given["endpoint"], topic="kv", format="A"))
for _ in range(20):
    publisher.publish(batch=given["batch"])
print("trueup: open", flush=True)
ends_s = time.monotonic() + given["stays_s"]  # also where nobody is left to end it
while time.monotonic() < ends_s:
    publisher.publish(batch=given["batch"])
    time.sleep(0.01)
"""

_STAYS = 4  # times as long as is waited for its end


_OPEN = b"trueup: open"


class _Process(NamedTuple):
    process: subprocess.Popen[bytes]
    log: IO[bytes]  # what it writes on its standard error


@requirement("EP-068")
def test_the_interpreter_ends_with_a_publisher_open(trueup_subject: Subject) -> None:
    with _process(trueup_subject, stays_s=0) as opened:
        status = _status(opened, trueup_subject, "its program had ended, with a publisher still open,")
        assert status == 0, f"a program that leaves a publisher open ended with status {status}: {_last(opened)}"


@requirement("EP-069")
def test_an_interrupt_ends_the_process(trueup_subject: Subject) -> None:
    with _process(trueup_subject, stays_s=_STAYS * Budgets(trueup_subject.scale).signal_s) as opened:
        opened.process.send_signal(signal.SIGINT)
        status = _status(opened, trueup_subject, "SIGINT came, with a publisher open,")
        assert status != 0, "SIGINT ended a program with status 0: whoever started it takes it for done"


@contextmanager
def _process(subject: Subject, *, stays_s: float) -> Iterator[_Process]:
    """An interpreter that has opened a publisher and published."""
    module = subject.target.partition(":")[0]
    found = getattr(sys.modules.get(module), "__file__", None)
    roots = [] if found is None else [str(Path(found).resolve().parents[module.count(".")])]
    given = {
        "path": [*sys.path, *roots],
        "target": subject.target,
        "endpoint": ANYWHERE,
        "batch": batch(0),
        "stays_s": stays_s,
    }
    argv = [sys.executable, "-c", _PROGRAM, json.dumps(given)]
    with tempfile.TemporaryFile() as log:  # no pipe: one that nobody reads would stop whoever writes a lot
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log)
        try:
            _must_open(_Process(process, log), SIGNAL_S * max(1.0, subject.scale))  # to start takes what it takes
            yield _Process(process, log)
        finally:
            process.kill()
            process.communicate()


def _must_open(opened: _Process, limit_s: float) -> None:
    """It says so. What it prints itself comes before."""
    stdout, until, said = opened.process.stdout, time.monotonic() + limit_s, b""
    assert stdout is not None
    while _OPEN not in said:
        left_s = until - time.monotonic()
        if left_s <= 0 or not select.select([stdout], [], [], left_s)[0]:
            raise AssertionError(f"a publisher in an interpreter of its own was not open after {limit_s:.0f} s")
        more = os.read(stdout.fileno(), 1 << 16)
        said += more
        if not more:
            told = _last(opened)
            if "no such target" in told:
                raise NotRunError(told)
            raise AssertionError(f"a publisher cannot be opened in an interpreter of its own: {told}")


def _status(opened: _Process, subject: Subject, told: str) -> int:
    limit_s = Budgets(subject.scale).signal_s
    try:
        opened.process.communicate(timeout=limit_s)  # which reads, so that what it prints does not stop it
        return opened.process.returncode
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{told} and {limit_s:.0f} s later the process was still there") from None


def _last(opened: _Process) -> str:
    """What it wrote last: of a traceback, the error; and then where it comes from."""
    opened.process.kill()
    opened.process.wait()
    opened.log.seek(0)
    lines = opened.log.read().decode("utf-8", "replace").strip().splitlines()
    if not lines:
        return "it wrote nothing"
    return "\n".join([lines[-1], *lines[-9:-1]]) if len(lines) > 1 else lines[0]
