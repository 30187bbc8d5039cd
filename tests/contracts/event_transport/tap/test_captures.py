"""What the tap keeps it reads back as it was seen, replays with it; what is no capture is refused with its line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.event_transport.tap.engine import replaying
from contracts.event_transport.tap.tapping import Tapped, batch
from trueup_contracts.event_transport.codec.golden import malformed
from trueup_contracts.event_transport.codec.replies import WITH_TOPIC, WITHOUT_TOPIC, end, reply
from trueup_contracts.event_transport.tap import read_capture
from trueup_contracts.event_transport.tap.replaying import compare
from trueup_contracts.event_transport.tap.watching import Watch


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


def test_a_replay_is_compared_with_what_came_since_the_restart(tapped: Tapped) -> None:
    life = [batch(number) for number in range(3)]
    with replaying(life) as endpoint:
        found = tapped([batch(100), batch(103), *life], "--replay-endpoint", endpoint, "--check")
    assert found.row("replay") == "form v1, 3 messages, 0 to 2; 3 of 3 as seen live"
    assert not [one for one in found.findings if "replay" in one]
    assert found.row("resident").startswith("2 blocks")


def test_gaps_as_wide_as_numbers_are_take_no_time() -> None:
    watch = Watch("tcp://h:1")
    watch.losses = [(number << 40, (number << 40) + 900_000) for number in range(1, 10_001)]
    replies = [reply("v1", "", sequence, b"") for sequence in (5, (7 << 40) + 9, (7 << 40) + 10, 1 << 63)]
    began = time.process_time()
    assert compare(0, [*replies, end("v1")], watch).filled == 2
    assert time.process_time() - began < 5  # walking through them takes minutes


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
        ([json.dumps(HEAD), '{"at_s": NaN}'], "2: `at_s` is no number of seconds"),
        ([json.dumps(HEAD), '{"at_s": 1' + "0" * 400 + "}"], "2: `at_s` is no number of seconds"),
        ([json.dumps({**HEAD, "started_at": 10**400})], "1: `topic`, `format` or `started_at` is something else"),
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
