"""Adapters that misbehave: each ends within its deadline, with a message that says what it did, and nothing is left."""

from __future__ import annotations

import collections
import contextlib
import os
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trueup_contracts.errors import AdapterDiedError, AdapterError, NotRunError, TargetError, WrongAnswerError
from trueup_contracts.registry import suite
from trueup_contracts.router.model import Axis, agg
from trueup_contracts.subject import Settings
from trueup_contracts.wire.client import WireSubject
from trueup_contracts.wire.process import Process

ADAPTER = Path(__file__).with_name("hostile.py")
CONFIG = agg(Axis(0, 100, 1), Axis(0, 100, 1))
SCALE = 0.1  # a call has one second
LIMIT_S = 8.0


def descendants() -> set[int]:
    """The processes below this one that live, whoever their parents are: those with this process's marker."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                marked = f"TRUEUP_HOSTILE={os.getpid()}\0".encode() in (entry / "environ").read_bytes()
            except OSError:
                continue
            if marked and int(entry.name) != os.getpid():
                found.add(int(entry.name))
    return found


def descriptors() -> dict[int, str]:
    """What this process holds open: number to what it is. Without what wakes threads of ZeroMQ: of other tests."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the descriptor of the listing itself
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
    return {number: what for number, what in found.items() if what != "anon_inode:[eventfd]"}


@pytest.fixture(autouse=True)
def nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TRUEUP_HOSTILE", str(os.getpid()))
    before = descriptors()
    started = time.monotonic()
    yield
    assert time.monotonic() - started < LIMIT_S
    assert descendants() == set()
    assert {number: what for number, what in descriptors().items() if before.get(number) != what} == {}


def started(tmp_path: Path, *words: str, scale: float = SCALE) -> WireSubject:
    command = shlex.join([sys.executable, "-S", str(ADAPTER), *words])
    return WireSubject(suite("router"), "hostile", command, Settings(tmp_path, scale))


DEATHS = {
    "hangs": "gave no answer to select_agg within 1 s",
    "exits": "ended with exit status 3",
    "exits in the middle of a reply": "ended with exit status 0 in the middle of a line: '{\"id\": 2, '",
    "is killed": "was ended by SIGSEGV",
    "prints on stdout": "wrote a line that is no message: 'Loading model \\x1b[31mred\\x1b[0m ...' (Expecting value",
    "answers another request": "answered request 1000000, which was never asked",
    "writes half a line": "gave no answer to select_agg within 1 s",
    "writes a line of 10 MB": "wrote a line of more than 8 MiB",
    "writes endlessly": "wrote a line of more than 8 MiB",
    "leaves a child that holds its output": "and something that it started holds its output open",
    "dies with a traceback": "ended with exit status 1",
    "is no object": "wrote a message that is against the wire's schema: '[1, 2]'",
    "is nested endlessly": "it is nested too deeply",
    "holds NaN": 'NaN is not JSON; write {"float": "NaN"}',
    "holds a huge number": "wrote a line that is no message",
    "holds a key twice": "the key 'ok' stands there twice",
    "is not UTF-8": "wrote a line that is no message",
    "holds both": "is against the wire's schema",
    "has an unknown code": "'oops' is not one of",
}


@pytest.mark.parametrize("how", DEATHS)
def test_what_ends_an_adapter_is_told(how: str, tmp_path: Path) -> None:
    subject = started(tmp_path, how)
    router = subject.open(config=CONFIG)
    with pytest.raises(AdapterDiedError) as caught:
        router.call("select_agg", ttft_target_ms=5)
    assert DEATHS[how] in str(caught.value)
    with pytest.raises(AdapterDiedError):  # nothing is waited for twice in one test
        subject.open(config=CONFIG)
    if how == "dies with a traceback":
        assert "KeyError: 'no such pool'" in subject.log()
    subject.begin("the next test")
    subject.open(config=CONFIG)
    subject.end()


DAEMONS = {
    "leaves a daemon that holds its output": "ended with exit status 0, and something that it started holds its output",
    "leaves a daemon that floods stderr": "ended with exit status 0, and something that it started holds its output",
    "leaves a daemon that writes empty lines": "gave no answer to select_agg within 1 s",
}


@pytest.mark.parametrize("how", DAEMONS)
def test_what_no_kill_reaches_cannot_hold_the_run(how: str, tmp_path: Path) -> None:
    router = (subject := started(tmp_path, how)).open(config=CONFIG)
    with pytest.raises(AdapterDiedError, match=DAEMONS[how]):
        router.call("select_agg", ttft_target_ms=5)
    subject.end()
    deadline_s = time.monotonic() + LIMIT_S  # its output is closed, so it ends
    while descendants() and time.monotonic() < deadline_s:
        time.sleep(0.01)


def test_nobody_is_told_of_a_death_before_nothing_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However long the threads take that read and close its pipes: a busy machine had them close after the test."""
    close = Process._close_input

    def close_late(process: Process) -> None:
        time.sleep(0.1)
        close(process)

    monkeypatch.setattr(Process, "_close_input", close_late)
    before = descriptors()
    with pytest.raises(TargetError, match="ended with exit status 3"):
        started(tmp_path, "exits", "hello")
    assert descriptors() == before


def test_a_start_that_fails_closes_the_transcript(tmp_path: Path) -> None:
    command = shlex.join([sys.executable, "-S", str(ADAPTER), "exits", "hello"])
    before = descriptors()
    with pytest.raises(TargetError):
        WireSubject(suite("router"), "x", command, Settings(tmp_path, 1.0, tmp_path / "t.jsonl"))
    assert descriptors() == before
    assert '"died": "the adapter ended with exit status 3"' in (tmp_path / "t.jsonl").read_text()


@pytest.mark.parametrize("how", ["answers twice", "closes its input and stays", "stops reading"])
def test_what_shows_at_the_next_call_only(how: str, tmp_path: Path) -> None:
    subject = started(tmp_path, how)
    router = subject.open(config=CONFIG)
    told = {
        "answers twice": "answered request 2, which was answered already",
        "closes its input and stays": "closed its input",
        "stops reading": "gave no answer to select_agg within 1 s",
    }[how]
    with pytest.raises(AdapterDiedError, match=told):
        # The second answer may be seen by the first call already, or come after the next request has left.
        collections.deque((router.call("select_agg", ttft_target_ms=5) for _ in range(100)), maxlen=0)
    subject.end()


def test_one_that_reads_nothing_cannot_block_a_long_request(tmp_path: Path) -> None:
    subject = started(tmp_path, "stops reading", "hello")
    namespaces = ["x" * 100] * 20_000  # more than a pipe holds
    with pytest.raises(AdapterDiedError, match=r"does not read its input: \d+ bytes of the request open are left"):
        subject.open(config={**CONFIG, "agg_pool_dynamo_namespaces": namespaces})
    subject.end()


ANSWERS: dict[str, tuple[type[Exception], str]] = {
    "fails": (AdapterError, "select_agg failed: no CUDA"),
    "answers a text": (WrongAnswerError, "select_agg answered 'pool 1': 'pool 1' is not of type 'integer'"),
    "answers a wrong tag": (WrongAnswerError, "select_agg answered {'int': 'many'}: invalid literal for int"),
}


@pytest.mark.parametrize("how", ANSWERS)
def test_wrong_answers_leave_the_adapter_alive(how: str, tmp_path: Path) -> None:
    subject = started(tmp_path, how)
    router = subject.open(config=CONFIG)
    error, told = ANSWERS[how]
    for _ in range(2):
        with pytest.raises(error) as caught:
            router.call("select_agg")
        assert told in str(caught.value)
    subject.end()


def test_much_on_stderr_is_no_fault_and_its_end_is_kept(tmp_path: Path) -> None:
    subject = started(tmp_path, "floods stderr")
    assert subject.open(config=CONFIG).call("select_agg") == 0
    subject.end()
    assert 60_000 < len(subject.log()) <= 65_536


STARTS: dict[str, tuple[list[str], str]] = {
    "hangs": (["hangs", "hello"], "gave no answer to hello within 3 s"),
    "exits": (["exits", "hello"], "ended with exit status 3"),
    "a traceback": (["dies with a traceback", "hello"], "it wrote to stderr:\nTraceback"),
    "claims": (["claims what nobody knows"], "router@hostile claims 'telepathy', which the suite does not know"),
    "answer": (["answers a text", "hello"], "its answer to hello is wrong: 'pool 1' is not of type 'object'"),
    "refusal": (["fails", "hello"], "its answer to hello is wrong: internal: no CUDA"),
}


@pytest.mark.parametrize(("words", "told"), STARTS.values(), ids=STARTS)
def test_adapters_that_do_not_start(words: list[str], told: str, tmp_path: Path) -> None:
    with pytest.raises(TargetError) as caught:
        started(tmp_path, *words)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("./none", "exec: ./none: it cannot be started: No such file or directory"),
        ("/", "exec: /: it cannot be started: Permission denied"),
        ("'half", "exec: 'half: No closing quotation"),
        ("", "exec: names no program"),
    ],
)
def test_programs_that_cannot_be_started(command: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(TargetError) as caught:
        WireSubject(suite("router"), "x", command, Settings(tmp_path))
    assert told in str(caught.value)


def test_one_that_stays_after_the_end_is_killed(tmp_path: Path) -> None:
    subject = started(tmp_path, "never ends")
    subject.open(config=CONFIG)
    subject.end()


def test_after_three_deaths_in_a_row_the_rest_is_not_run(tmp_path: Path) -> None:
    subject = started(tmp_path, "exits")
    for test in ("one", "two", "three"):
        subject.begin(test)
        with pytest.raises(AdapterDiedError):
            subject.open(config=CONFIG).call("select_agg")
    with pytest.raises(NotRunError, match="died in 3 tests one after the other; the rest is not run"):
        subject.begin("four")
    subject.end()


def test_a_test_without_a_death_ends_the_row(tmp_path: Path) -> None:
    subject = started(tmp_path, "exits")
    for test in ("one", "two", "", "three", "four"):
        subject.begin(test)
        if test:
            with pytest.raises(AdapterDiedError):
                subject.open(config=CONFIG).call("select_agg")
    subject.begin("five")
    subject.end()


def test_requests_longer_than_the_adapter_reads_are_not_sent(tmp_path: Path) -> None:
    subject = started(tmp_path, "reads short lines")
    subject.open(config=CONFIG)
    with pytest.raises(NotRunError, match="reads lines of 1024 bytes, and the request open is longer"):
        subject.open(config={**CONFIG, "mode": "x" * 1024})
    subject.end()


def test_handles_that_nobody_holds_are_closed(tmp_path: Path) -> None:
    transcript = tmp_path / "t.jsonl"
    command = shlex.join([sys.executable, "-S", str(ADAPTER)])
    subject = WireSubject(suite("router"), "x", command, Settings(tmp_path, 1.0, transcript))
    for _ in range(3):
        subject.open(config=CONFIG).call("select_agg")
    subject.end()
    assert transcript.read_text().count('"op": "close"') == 2
