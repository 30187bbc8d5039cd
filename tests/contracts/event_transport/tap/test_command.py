"""The tap as a command: Ctrl-C, terminals, libraries that are not there, and what cannot be asked for."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import zmq

from contracts.event_transport.tap.engine import LIMIT_MS, engine
from contracts.event_transport.tap.tapping import STORED, TS, Tapped, batch, command
from fix_repository import PROJECT
from trueup_contracts.event_transport.tap.capture import Item, Writer


def test_ctrl_c_ends_it_with_the_summary() -> None:
    with engine() as made:
        process = command(made.endpoint)
        made.wait_for_subscriber()
        made.publish([batch(0), batch(1)])
        assert process.stdout is not None
        while " 1 stored " not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT_MS / 1_000)
        made.wait_for_end()
    assert (process.returncode, err) == (0, "")
    assert "  messages    2 (" in out


def test_ctrl_c_in_a_replay_ends_it_with_the_summary() -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router, engine() as made:
        router.bind("tcp://127.0.0.1:*")
        words = ("--count", "1", "--replay-endpoint", router.get_string(zmq.LAST_ENDPOINT))
        process = command(made.endpoint, *words)
        made.wait_for_subscriber()
        made.publish([batch(0)])
        assert router.poll(LIMIT_MS), "no replay was asked for"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT_MS / 1_000)
        made.wait_for_end()
    assert (process.returncode, err) == (0, "")
    assert "  messages    1 (" in out
    assert "  replay " not in out


def test_colours_come_on_a_terminal_alone(tmp_path: Path) -> None:
    path = tmp_path / "kv.jsonl"
    writer = Writer(str(path), ["tcp://h:1"], "", "A", TS)
    evil = ("BlockStored", {**STORED, "lora_name": "\x1b[2J"})
    writer.add(Item(0.0, 0, frames=tuple(batch(0, evil))))
    writer.close()
    words = [sys.executable, "-m", "trueup", "events", "tap", str(path)]
    plain = subprocess.run(words, capture_output=True, check=True).stdout
    terminal, other_side = pty.openpty()
    process = subprocess.Popen(words, stdout=other_side, env={**os.environ, "TERM": "xterm-256color"})
    os.close(other_side)
    shown = b""
    with contextlib.suppress(OSError):  # Linux says so when the other side is closed
        while part := os.read(terminal, 65_536):
            shown += part
    os.close(terminal)
    assert process.wait() == 0
    assert b"\x1b" not in plain
    assert b"\x1b[32mstored" in shown
    assert b"\x1b[2J" not in shown
    assert re.sub(rb"\x1b\[[\d;]*m| *\r", b"", shown).split() == plain.split()


@pytest.mark.parametrize(("module", "package"), [("zmq", "pyzmq"), ("rich", "rich")])
def test_a_missing_library_is_one_line(tmp_path: Path, module: str, package: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\nfound = util.find_spec\n"
        f"util.find_spec = lambda name, *rest: None if name == {module!r} else found(name, *rest)\n"
    )
    process = command("tcp://127.0.0.1:9", PYTHONPATH=str(tmp_path))
    _, err = process.communicate(timeout=LIMIT_MS / 1_000)
    assert process.returncode == 2
    assert err == f"trueup: error: trueup events tap needs {package}\nhint: pip install 'trueup[zmq]'\n"


def test_a_capture_is_read_without_pyzmq(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['zmq'] = None\n")
    process = command(str(PROJECT / "examples/kv-events/kv.jsonl"), "--quiet", PYTHONPATH=str(tmp_path))
    out, err = process.communicate(timeout=LIMIT_MS / 1_000)
    assert (process.returncode, err) == (0, "")
    assert "9 of 9 as seen live" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl: No such file or directory"),
        (["tcp://127.0.0.1"], "tcp://127.0.0.1: it is no endpoint"),
        (["tcp://127.0.0.1:99999"], "tcp://127.0.0.1:99999: ports are from 1 to 65535"),
        (["ftp://127.0.0.1:1"], "ftp://127.0.0.1:1: this transport is not known"),
        (["tcp://127.0.0.1:9", "kv.jsonl"], "either endpoints or one capture can be read"),
        (["kv.jsonl", "--for", "3"], "--for is for endpoints, and kv.jsonl is none of the form tcp://HOST:PORT"),
        (["tcp://127.0.0.1:9", "--for", "soon"], "argument --for: 'soon' is no number of seconds"),
        (["tcp://127.0.0.1:9", "--count", "0"], "argument --count: '0' is no number of messages"),
        (["tcp://127.0.0.1:9", "--record", "no/such/folder"], "no/such/folder: No such file or directory"),
        (
            ["tcp://127.0.0.1:9", "tcp://127.0.0.1:8", "--replay-endpoint", "tcp://127.0.0.1:7"],
            "--replay-endpoint is of one endpoint, and there are several",
        ),
    ],
)
def test_usage(tapped: Tapped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str) -> None:
    monkeypatch.chdir(tmp_path)
    found = tapped.run(*words)
    assert (found.code, found.lines) == (2, [])
    assert found.err.splitlines()[0] == f"trueup: error: {told}"
