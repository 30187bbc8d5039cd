"""Endpoints, files and expositions that misbehave: errors in one line, in bounded time and memory."""

from __future__ import annotations

import contextlib
import gzip
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from checks.metrics.endpoints import Headers, answering
from trueup.cli import main
from trueup.metrics import scraping
from trueup.metrics.exposition.exposition import MOST_FAULTS, read_exposition
from trueup.metrics.exposition.part import judge
from trueup.metrics.policy import PolicySet

GOOD = "# HELP queue_depth Requests that wait.\n# TYPE queue_depth gauge\nqueue_depth 3\n"
BAD = "# HELP requests_total Requests.\n# TYPE requests_total counter\nrequests_total -1\n"
TEXT = "text/plain; version=0.0.4; charset=utf-8"

Capture = pytest.CaptureFixture[str]


def redirect(headers: Headers) -> tuple[int, Headers, bytes]:
    return 302, {"Location": "http://user:pass@127.0.0.1:1/metrics"}, b""


def endless(headers: Headers) -> tuple[int, Headers, bytes]:
    return 200, {"Content-Type": TEXT}, b"x" * 5_000_000


def bomb(headers: Headers) -> tuple[int, Headers, bytes]:
    return 200, {"Content-Type": TEXT, "Content-Encoding": "gzip"}, gzip.compress(b"0" * 50_000_000)


def declares_much(headers: Headers) -> tuple[int, Headers, bytes]:
    return 200, {"Content-Type": TEXT, "Content-Length": str(1 << 30)}, b"queue_depth 3\n"


def damaged_gzip(headers: Headers) -> tuple[int, Headers, bytes]:
    return 200, {"Content-Type": TEXT, "Content-Encoding": "gzip"}, b"\x1f\x8bnonsense"


def login(headers: Headers) -> tuple[int, Headers, bytes]:
    return 401, {"Content-Type": "text/html"}, b"<html>"


MISBEHAVING = [
    (redirect, "it answers with a redirect (302) to http://***@127.0.0.1:1/metrics"),
    (endless, "its answer is larger than 1000000 bytes"),
    (bomb, "its answer unpacks to more than 1000000 bytes"),
    (declares_much, "its answer was cut off: 1073741810 more bytes were declared"),
    (damaged_gzip, "its gzip is damaged: Error -3 while decompressing data: unknown compression method"),
    (login, "it answers with status 401"),
]


@pytest.mark.parametrize(("answer", "message"), MISBEHAVING, ids=[row[0].__name__ for row in MISBEHAVING])
def test_endpoints_that_misbehave(
    answer: Callable[[Headers], tuple[int, Headers, bytes]], message: str, place: Path, capsys: Capture
) -> None:
    with answering(answer) as url:
        assert main(["metrics", "--scrape", url, "--max-bytes", "1000000"]) == 2
    assert capsys.readouterr().err.splitlines()[0] == f"trueup: error: {url}: {message}"


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-", b""],
    ids=["body", "body without an end", "headers", "status"],
)
def test_an_endpoint_that_drips(head: bytes, place: Path, capsys: Capture) -> None:
    """One byte at a time, each well within a read's own time."""
    import socket
    import threading

    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(head)
            with contextlib.suppress(OSError):  # the client had enough
                while not done.wait(0.05):
                    connection.sendall(b"#")

    thread = threading.Thread(target=drip)
    thread.start()
    started = time.monotonic()
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/metrics"
        assert main(["metrics", "--scrape", url, "--timeout", "0.5"]) == 2
    finally:
        done.set()
        thread.join()
        listener.close()
    assert time.monotonic() - started < 10
    assert "it gave no whole answer within 0.5 s" in capsys.readouterr().err


def test_what_ends_behind_the_time_limit_has_been_cut() -> None:
    """By the watch that ends reads which drip: on a busy machine its cut was taken for the answer's end."""
    deadline = time.monotonic() + 0.01

    class Late:
        length = None

        def read1(self, _: int) -> bytes:
            while time.monotonic() < deadline:
                pass
            return b""

    with pytest.raises(TimeoutError):
        scraping._body(Late(), SimpleNamespace(sock=None), deadline, 100)


def test_credentials_are_sent_and_not_shown(place: Path, capsys: Capture) -> None:
    seen: list[str] = []

    def answer(headers: Headers) -> tuple[int, Headers, bytes]:
        seen.append(headers.get("authorization", ""))
        return 200, {"Content-Type": TEXT}, BAD.encode()

    with answering(answer) as url:
        assert main(["metrics", "--scrape", url.replace("//", "//me:s%40crt@")]) == 1
    assert seen == ["Basic bWU6c0BjcnQ="]
    printed = capsys.readouterr()
    assert "s@crt" not in printed.out + printed.err
    assert "s%40crt" not in printed.out + printed.err


# --- files that misbehave ---

STRANGE = [
    (gzip.compress(GOOD.encode()), "it is gzip-compressed"),
    (b"\x7fELF\0\0", "it is binary: a zero byte at offset 4"),
    (b"<!DOCTYPE html><html>", "it is a web page"),
    (b'{"status": "ok"}', "it is JSON"),
    (GOOD.encode("utf-16"), "it is UTF-16"),
    (b"\xef\xbb\xbf" + GOOD.encode(), "it begins with a byte-order mark"),
]


@pytest.mark.parametrize(("data", "message"), STRANGE, ids=[row[1] for row in STRANGE])
def test_what_is_no_exposition(data: bytes, message: str) -> None:
    assert [(one.rule, one.message) for one in judge(data, PolicySet([])).faults] == [("not-an-exposition", message)]


def test_bytes_that_are_not_utf8_have_their_place() -> None:
    found = judge(GOOD.encode() + b'queue_depth{a="\xe9"} 1\n', PolicySet([]))
    assert [(one.line, one.column, one.message) for one in found.faults] == [(4, 16, "byte 0xe9 is not UTF-8")]


HOSTILE = [
    ("a deep nest of braces", "{" * 200_000 + "\n"),
    ("one very long line", "a" * 3_000_000 + " 1\n"),
    ("one label of megabytes", 'a{b="' + "c" * 3_000_000 + '"} 1\n'),
    ("a label that never ends", 'a{b="' + "\\" * 1_000_000 + "\n"),
    ("many labels", "a{" + ",".join(f'l{i}="v"' for i in range(60_000)) + "} 1\n"),
    ("many families", "".join(f"# TYPE f{i} gauge\nf{i} 1\n" for i in range(20_000))),
    ("families that take turns", "".join(f"# TYPE f{i % 7} gauge\nf{i % 7} 1\n" for i in range(20_000))),
    ("many spaces", "a" + " " * 1_000_000 + "1\n"),
    ("comments only", "# x\n" * 200_000),
    ("every line at fault", "!\n" * 100_000),
]


@pytest.mark.parametrize(("what", "text"), HOSTILE, ids=[row[0] for row in HOSTILE])
def test_hostile_expositions_cost_bounded_time(what: str, text: str) -> None:
    started = time.process_time()
    found = read_exposition(text.encode(), PolicySet([]))
    assert time.process_time() - started < 10
    assert len(found.faults) <= MOST_FAULTS
    assert found.faults
    assert all(len(one.message) < 1000 or what == "one very long line" for one in found.faults)


def test_escapes_of_a_terminal_are_neutralised(place: Path, capsys: Capture) -> None:
    (place / "a.prom").write_text(GOOD + 'queue_depth{a="\x1b[31mred"} x\x1b[2J\n::error::nasty 1\n')
    assert main(["metrics", "a.prom"]) == 1
    assert "\x1b" not in capsys.readouterr().out
    assert main(["metrics", "a.prom", "--report", "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert not [line for line in lines if line.startswith("::error::nasty") or "\x1b" in line]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process its own peak")
def test_memory_is_that_of_the_largest_family(tmp_path: Path) -> None:
    """An exposition of many families, 40 MB of them, is read in less."""
    place = tmp_path / "large.prom"
    body = "".join(f'FAMILY{{pod="pod-{i}"}} {i}\n' for i in range(2000))
    with open(place, "w") as file:
        for number in range(700):
            name = f"family_{number}"
            file.write(f"# HELP {name} X.\n# TYPE {name} gauge\n" + body.replace("FAMILY", name))
    script = (
        "import re, sys\nfrom trueup.cli import main\ncode = main(['metrics', '-q', sys.argv[1]])\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1], code)"
    )
    # In a folder without a policy.
    words = [sys.executable, "-c", script, str(place)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    kib, code = done.stdout.split()
    assert code == "0"
    assert place.stat().st_size > 40_000_000
    assert int(kib) < 64 * 1024
