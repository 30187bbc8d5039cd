"""`trueup events tap` on real publishers on loopback, one for each dialect; nothing is published before it listens."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import zmq

from contracts.event_transport.codec.published import RELEASES
from contracts.event_transport.tap.engine import LIMIT_MS, Engine, engine, replaying
from fix_repository import PROJECT
from trueup.cli import main
from trueup_contracts.event_transport.codec.golden import golden, malformed
from trueup_contracts.event_transport.codec.replies import WITH_TOPIC, WITHOUT_TOPIC
from trueup_contracts.event_transport.tap import read_capture
from trueup_contracts.event_transport.tap.capture import Item, Writer

Frames = Sequence[bytes]
LIMIT = ("--for", str(LIMIT_MS // 1_000))
TS = 1_789_095_808.5
STORED: dict[str, Any] = {
    "block_hashes": [0xDAB8C5F2E1D0A7F0, 1],
    "parent_block_hash": None,
    "token_ids": list(range(32)),
    "block_size": 16,
    "lora_id": None,
    "medium": "GPU",
    "lora_name": "sql-adapter",
}


def batch(sequence: int, *events: tuple[str, dict[str, Any]], release: str = "vllm-map", topic: str = "kv") -> Frames:
    """A message of a release."""
    kinds = events or (("BlockStored", STORED),)
    return (topic.encode(), sequence.to_bytes(8, "big"), RELEASES[release].payload(TS, kinds, 0))


class Outcome:
    """What a run printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str = "") -> None:
        self.code, self.err = code, err
        self.lines = [re.sub(r"^\d\d:\d\d:\d\d\.\d{3}", "TIME", line.rstrip()) for line in out.splitlines()]
        self.text = "\n".join(self.lines)

    def row(self, name: str) -> str:
        """A line of the summary."""
        found = [line for line in self.lines if line.startswith(f"  {name} ")]
        assert len(found) == 1, self.text
        return found[0].removeprefix(f"  {name}").strip()

    @property
    def findings(self) -> list[str]:
        """Level, kind and words."""
        return [
            re.sub(r"^  (error|warning) +", r"\1 ", line) for line in self.lines if re.match("  (error|warning) ", line)
        ]


class Tapped:
    """Runs the command in this process, with an engine in a thread."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, messages: Sequence[Frames], *options: str) -> Outcome:
        """The engine publishes messages once the tap listens; it ends with the last one."""
        with engine() as made:

            def publish() -> None:
                made.wait_for_subscriber()
                made.publish(messages)
                made.wait_for_end()

            thread = threading.Thread(target=publish)
            thread.start()
            try:
                return self.run(made.endpoint, "--count", str(len(messages)), *LIMIT, *options)
            finally:
                thread.join()

    def run(self, *words: str) -> Outcome:
        """The command's outcome."""
        self._capsys.readouterr()
        code = main(["events", "tap", *words])
        told = self._capsys.readouterr()
        return Outcome(code, told.out, told.err)


@pytest.fixture
def tapped(capsys: pytest.CaptureFixture[str]) -> Tapped:
    return Tapped(capsys)


def test_events_are_lines_and_the_end_is_a_summary(tapped: Tapped) -> None:
    parent = STORED["block_hashes"][0]
    child = {**STORED, "parent_block_hash": parent, "block_hashes": [(1 << 64) - 1], "group_idx": 2, "medium": "CPU"}
    removed = {"block_hashes": [1], "medium": "GPU"}
    found = tapped(
        [
            batch(0),
            batch(1, ("BlockStored", {**child, "extra_keys": [("salt",)]}), ("BlockRemoved", removed)),
            batch(2, ("AllBlocksCleared", {})),
        ]
    )
    assert found.code == 0
    endpoint = found.lines[0].rpartition(" ")[2]
    assert [line for line in found.lines if "ts to receipt" not in line] == [
        f"TIME  connected  {endpoint}",
        "time          sequence event        blocks first hash        parent            medium     group lora"
        "           more",
        "TIME         0 stored       2 x 16 dab8c5f2e1d0a7f0  root              GPU        -     sql-adapter",
        "TIME         1 stored       1 x 16 ffffffffffffffff  dab8c5f2e1d0a7f0  CPU        2     sql-adapter    "
        "extra keys",
        "TIME         1 removed           1 0000000000000001                    GPU        -     -",
        "TIME         2 cleared                                                 -          -     -",
        "",
        endpoint,
        "  format      A, map (vLLM's main for a time after #42892)",
        found.lines[9],
        "  events      2 BlockStored (3 blocks), 1 BlockRemoved (1 block), 1 AllBlocksCleared",
        "  resident    0 blocks stored here and not removed since",
        "  hashes      unsigned",
        "  fields      medium (vLLM #19737, SGLang #18205), lora_name (vLLM #27577), extra_keys (vLLM #33304), "
        "group_idx (vLLM #37688)",
        "  media       GPU x 2, CPU x 1",
        "  groups      2 x 1",
        "  adapters    sql-adapter x 2",
        "  ranks       0 x 3",
        "  topics      kv x 3",
        "  gaps        none",
        "  restarts    none",
        "  malformed   none",
    ]
    assert re.fullmatch(r"  messages    3 \(\d+ bytes\), sequence 0 to 2", found.lines[9])


@pytest.mark.parametrize("name", ["vllm-spec-kind", "vllm-map", "vllm-array-of-maps", "sglang-maps", "atom"])
def test_every_dialect_is_named(tapped: Tapped, name: str) -> None:
    messages = [case.frames for case in golden() if case.name.startswith(f"{name}:")]
    found = tapped(messages)
    assert found.row("format").startswith(f"A, {RELEASES[name].dialect} (")
    assert found.row("malformed") == "none"


def test_the_event_plane_is_recognised(tapped: Tapped) -> None:
    messages = [case.frames for case in golden() if case.format == "B"]
    found = tapped(messages)
    assert found.row("format") == "B (event plane), 3 publishers"
    assert "publisher 3039       12 bytes  namespace.dynamo.kv-events" in found.text


def test_gaps_restarts_and_malformed_messages_stand_where_they_happen(tapped: Tapped) -> None:
    bad = next(case for case in malformed() if case.name == "a sequence of 7 bytes")
    found = tapped([batch(0), batch(4), bad.frames, batch(5), batch(0)], "--check")
    told = [line for line in found.lines if re.match(r"TIME  (gap|malformed|restart) ", line)]
    assert told == [
        "TIME  gap  3 messages are missing: 1 to 3",
        "TIME  malformed  sequence: 7 bytes; 8 are due",
        "TIME  restart  sequence 0 after 5: the publisher has restarted, or repeats itself",
    ]
    assert found.code == 1
    assert found.findings[:3] == [
        "error malformed: 1 of 5 messages cannot be read: sequence: 7 bytes; 8 are due",
        "error gap: 3 messages are missing: 1 to 3",
        "warning restart: sequence 0 after 5: the publisher has restarted, or repeats itself",
    ]
    assert (found.row("gaps"), found.row("restarts"), found.row("malformed")) == ("1 (3 messages)", "1 restart", "1")


def test_a_clean_stream_passes_the_check(tapped: Tapped) -> None:
    salted = ("BlockStored", {**STORED, "group_idx": 0, "extra_keys": [("salt",), None]})
    found = tapped([batch(number, salted) for number in range(5)], "--check")
    assert found.code == 0
    assert [one.partition(":")[0] for one in found.findings] in ([], ["warning late"], ["warning clock-skew"])


def test_laws_of_dialects_are_checked(tapped: Tapped) -> None:
    named = "block_hashes parent_block_hash token_ids block_size lora_id medium"
    old = ("BlockStored", {name: STORED[name] for name in named.split()})
    found = tapped([batch(0), batch(1, old, release="vllm-medium")], "--check")
    assert found.code == 1
    assert "error dialect-change: array after map, at sequence 1" in found.findings
    assert "error two-shapes: BlockStored: array of 7 after map, at sequence 1" in found.findings


def test_json_lines_hold_everything(tapped: Tapped) -> None:
    case = next(case for case in golden() if case.name == "tomorrow-map: 64-bit edges")
    found = tapped([case.frames, (b"\x1b[2J", b"x", b"y")], "--json")
    told = [json.loads(line) for line in found.lines]
    assert [one["kind"] for one in told] == ["connection", "message", "breach", "malformed", "summary"]
    message = told[1]
    assert message["dialect"] == "map"
    assert message["sequence"] == {"int": str((1 << 64) - 2)}
    assert message["batch"]["events"][0]["block_hashes"] == case.message["batch"]["events"][0]["block_hashes"]
    assert told[2]["law"] == "hash-kinds"
    assert told[3]["wrong"] == "sequence: 1 bytes; 8 are due"
    assert told[4]["malformed"] == 1
    assert "\x1b" not in found.text


def test_what_a_publisher_sends_is_never_acted_out(tapped: Tapped) -> None:
    evil = {**STORED, "lora_name": "\x1b]0;owned\x07", "medium": "\x1b[31m\u202e", "session_id": "a\nb"}
    found = tapped([batch(0, ("BlockStored", evil), release="vllm-session", topic="kv\x1b[2J\n::error::x")])
    assert r"\x1b[31m" in found.text
    assert r"\x1b]0;owned\x07" in found.text
    assert r"kv\x1b[2J\n::error::x" in found.row("topics")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", found.text)
    assert not any(line.startswith("::") for line in found.lines)


def test_only_the_topics_that_were_asked_for(tapped: Tapped) -> None:
    with engine() as made:

        def publish() -> None:
            assert made.wait_for_subscriber() == b"kv@"
            made.publish([batch(0, topic="load"), batch(0, topic="kv@a"), batch(1, topic="kv@b")])
            made.wait_for_end()

        thread = threading.Thread(target=publish)
        thread.start()
        found = tapped.run(made.endpoint, "--topic", "kv@", "--count", "2", *LIMIT)
        thread.join()
    assert found.row("topics") == "kv@a x 1, kv@b x 1"


def test_two_ranks_are_told_apart(tapped: Tapped) -> None:
    with engine() as one, engine() as other:

        def publish(made: Engine, number: int) -> None:
            made.wait_for_subscriber()
            made.publish([batch(number)])
            made.wait_for_end()

        threads = [threading.Thread(target=publish, args=pair) for pair in ((one, 0), (other, 7))]
        for thread in threads:
            thread.start()
        found = tapped.run(one.endpoint, other.endpoint, "--count", "2", *LIMIT)
        for thread in threads:
            thread.join()
    stored = [line.split() for line in found.lines if re.search(r" stored +2 x 16", line)]
    assert sorted((line[0], line[2]) for line in stored) == [("#0", "0"), ("#1", "7")]
    assert [line.split(", ")[-1] for line in found.lines if line.startswith("  messages")] == [
        "sequence 0 to 0",
        "sequence 7 to 7",
    ]


def test_nothing_listens(tapped: Tapped) -> None:
    found = tapped.run("tcp://127.0.0.1:9", "--wait", "0.2")
    assert found.code == 1
    assert found.findings == [
        "error not-connected: nobody answered: is the engine up, are its KV events on, is this its rank's port?"
    ]


def test_nothing_is_published(tapped: Tapped) -> None:
    with engine() as made:
        found = tapped.run(made.endpoint, "--wait", "0.5")
        quiet = tapped.run(made.endpoint, "--for", "0.3", "--wait", "0", "--topic", "kv")
    assert (found.code, quiet.code) == (1, 1)
    assert found.findings == [
        "error no-messages: connected, and no message came: is there traffic, and is prefix caching on?"
    ]
    assert "no message came with a topic that begins with 'kv'" in quiet.findings[0]


def test_a_capture_is_read_back_as_it_was_seen(tapped: Tapped, tmp_path: Path) -> None:
    path = tmp_path / "kv.jsonl"
    bad = next(case for case in malformed() if case.name == "a batch that is nil")
    messages = [batch(0), batch(3), bad.frames, batch(4)]
    live = tapped(messages, "--record", str(path), "--check")
    again = tapped.run(str(path), "--check")
    assert again.lines == live.lines
    assert again.code == live.code == 1
    assert read_capture(path).messages() == [tuple(frames) for frames in messages]
    assert json.loads(path.read_text().splitlines()[0])["capture"] == "trueup-events"


@pytest.mark.parametrize("form", [WITHOUT_TOPIC, WITH_TOPIC])
def test_a_replay_fills_the_gaps(tapped: Tapped, tmp_path: Path, form: str) -> None:
    everything = [batch(number) for number in range(8)]
    seen = everything[:2] + everything[4:6]
    path = tmp_path / "kv.jsonl"
    with replaying(everything, form) as endpoint:
        found = tapped(seen, "--replay-endpoint", endpoint, "--record", str(path), "--check")
    told = f"form {form}, 8 messages, 0 to 7; 4 of 4 as seen live; 2 of the 2 missing ones"
    assert found.row("replay") == told
    assert [one for one in found.findings if "replay" in one] == []
    assert tapped.run(str(path)).row("replay") == told


Answer = Callable[[list[list[bytes]]], list[list[bytes]]]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda replies: replies[1:], "warning replay-too-short: it begins at 1; 1 live messages are older"),
        (
            lambda replies: [replies[0], *replies[2:]],
            "error replay-incomplete: 1 messages that were seen live are not in it: 1",
        ),
        (
            lambda replies: [replies[0], [*replies[1][:-1], b"\x90"], *replies[2:]],
            "error replay-differs: sequence 1 has another payload than it had live",
        ),
        (lambda replies: [replies[1], replies[0], *replies[2:]], "error replay-order: sequence 0 after 1"),
        (
            lambda replies: [replies[0], [b"", b"x"], *replies[1:]],
            "error replay-malformed: reply: 2 frames; a reply has 3 or 4: an empty one, perhaps the topic, sequence, "
            "payload",
        ),
    ],
)
def test_what_is_wrong_with_a_replay(tapped: Tapped, answer: Answer, told: str) -> None:
    everything = [batch(number) for number in range(4)]
    with replaying(everything, answer=answer) as endpoint:
        found = tapped(everything, "--replay-endpoint", endpoint, "--check")
    assert told in found.findings


def test_a_replay_without_its_end_is_given_up(tapped: Tapped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueup_contracts.event_transport.tap.running.REPLAY_S", 0.3)
    everything = [batch(number) for number in range(3)]
    with replaying(everything, answer=lambda replies: replies[:-1]) as endpoint:
        found = tapped(everything, "--replay-endpoint", endpoint, "--check")
    assert "error replay-without-end: no end marker came; 3 messages did" in found.findings


def test_a_restart_on_the_same_endpoint_is_seen(tapped: Tapped) -> None:
    with engine() as first:
        endpoint = first.endpoint

        def publish() -> None:
            first.wait_for_subscriber()
            first.publish([batch(0), batch(1)])
            first.die()
            with engine(endpoint) as second:
                second.wait_for_subscriber()
                second.publish([batch(0), batch(1)])
                second.wait_for_end()

        thread = threading.Thread(target=publish)
        thread.start()
        found = tapped.run(endpoint, "--count", "4", *LIMIT)
        thread.join()
    assert [line.split()[1] for line in found.lines if "connected  " in line] == [
        "connected",
        "disconnected",
        "connected",
    ]
    assert found.row("restarts") == "1 restart"
    assert found.row("connections") == "2, lost 1 time"


def command(*words: str, **environment: str) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "trueup", "events", "tap", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


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


HEAD = {"capture": "trueup-events", "version": 1, "endpoints": ["tcp://h:1"], "topic": "", "format": "A"}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["[]"], "1: its first line is no head of a capture"),
        (["{"], "1: it is no JSON"),
        ([json.dumps({**HEAD, "version": 2})], "1: version 2 is not known"),
        ([json.dumps({**HEAD, "endpoints": []})], "1: `endpoints` is no list of texts"),
        ([json.dumps({**HEAD, "format": "C"})], "1: `topic`, `format` or `started_at` is something else"),
        ([json.dumps(HEAD), "3"], "2: a line is an object"),
        ([json.dumps(HEAD), '{"at_s": "x"}'], "2: `at_s` is no number of seconds"),
        ([json.dumps(HEAD), '{"at_s": 0, "from": 1}'], "2: `from` is no number of an endpoint"),
        ([json.dumps(HEAD), '{"at_s": 0}'], "2: none of frames, replay and connected"),
        ([json.dumps(HEAD), '{"at_s": 0, "frames": ["zz"]}'], "2: `frames` is no list of frames in hex"),
        ([json.dumps(HEAD), '{"at_s": 0, "frames": 3}'], "2: `frames` is no list of frames in hex"),
        ([json.dumps(HEAD), "[" * 100_000], "2: it is no JSON"),
    ],
)
def test_a_capture_that_is_none_names_its_line(tapped: Tapped, tmp_path: Path, lines: list[str], told: str) -> None:
    path = tmp_path / "kv.jsonl"
    path.write_text("\n".join(lines))
    found = tapped.run(str(path))
    assert found.code == 2
    assert found.err.startswith(f"trueup: error: {path}:{told}")


def test_no_socket_and_no_thread_is_left(tapped: Tapped) -> None:
    before = threading.active_count()
    tapped([batch(0)])
    assert threading.active_count() == before
    assert zmq.Context._instance is None or zmq.Context._instance.closed  # the tap's contexts are its own
