"""`trueup events tap` on real publishers on loopback, one for each dialect; nothing is published before it listens."""

from __future__ import annotations

import json
import re
import threading

import pytest
import zmq

from contracts.event_transport.codec.published import RELEASES
from contracts.event_transport.tap.engine import Engine, engine
from contracts.event_transport.tap.tapping import LIMIT, STORED, Tapped, batch
from trueup_contracts.event_transport.codec.golden import golden, malformed


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


def test_no_socket_and_no_thread_is_left(tapped: Tapped) -> None:
    before, shared = threading.active_count(), zmq.Context._instance
    tapped([batch(0)])
    assert threading.active_count() == before
    assert zmq.Context._instance is shared  # the tap's contexts are its own
