"""A process that has a publisher open can end: EP-068 and EP-069."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trueup_contracts import requirement
from trueup_contracts.budgets import Budgets
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
print("open", flush=True)
ends_s = time.monotonic() + given["stays_s"]  # also where nobody is left to end it
while time.monotonic() < ends_s:
    publisher.publish(batch=given["batch"])
    time.sleep(0.01)
"""

_STAYS = 4  # times as long as is waited for its end


@requirement("EP-068")
def test_the_interpreter_ends_with_a_publisher_open(trueup_subject: Subject) -> None:
    with _process(trueup_subject, stays_s=0) as process:
        status = _status(process, trueup_subject, "its program had ended, with a publisher still open,")
        assert status == 0, f"a program that leaves a publisher open ended with status {status}: {_last(process)}"


@requirement("EP-069")
def test_an_interrupt_ends_the_process(trueup_subject: Subject) -> None:
    with _process(trueup_subject, stays_s=_STAYS * Budgets(trueup_subject.scale).signal_s) as process:
        process.send_signal(signal.SIGINT)
        status = _status(process, trueup_subject, "SIGINT came, with a publisher open,")
        assert status != 0, "SIGINT ended a program with status 0: whoever started it takes it for done"


@contextmanager
def _process(subject: Subject, *, stays_s: float) -> Iterator[subprocess.Popen[str]]:
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
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "open\n":
            told = _last(process)
            if "no such target" in told:
                raise NotRunError(told)
            raise AssertionError(f"a publisher cannot be opened in an interpreter of its own: {told}")
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def _status(process: subprocess.Popen[str], subject: Subject, told: str) -> int:
    limit_s = Budgets(subject.scale).signal_s
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{told} and {limit_s:.0f} s later the process was still there") from None


def _last(process: subprocess.Popen[str]) -> str:
    process.kill()
    return process.communicate()[1].strip()[-300:] or "it wrote nothing"
