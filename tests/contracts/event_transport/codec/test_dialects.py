"""Which dialect a publisher speaks, and whether it keeps to it."""

from __future__ import annotations

import pytest

from contracts.event_transport.codec.published import RELEASES
from trueup_contracts.event_transport.codec import Decoded, Speech, decode, speech
from trueup_contracts.event_transport.codec.golden import golden
from trueup_contracts.event_transport.codec.messagepack import Unreadable
from trueup_contracts.event_transport.codec.replies import WITH_TOPIC, WITHOUT_TOPIC, end, parse, reply, request


def of(name: str) -> list[Decoded]:
    """The golden messages of a release."""
    return [decode(case.frames, case.format) for case in golden() if case.name.startswith(f"{name}:")]


@pytest.mark.parametrize("name", [name for name in RELEASES if name != "sglang-salt"])
def test_a_release_speaks_one_dialect_and_breaks_no_law(name: str) -> None:
    heard = speech([message for message in of(name) if not heard_of_several_hashes(message, name)])
    assert heard.dialect == RELEASES[name].dialect
    assert [breach for breach in heard.breaches if breach.law != "hash-kinds"] == []


def heard_of_several_hashes(message: Decoded, name: str) -> bool:
    """Golden messages of one release have hashes of every kind; a stream has one."""
    return name in ("vllm-spec-kind", "vllm-map", "vllm-array-of-maps") and "bytes" in message.hash_kinds


def test_two_lengths_under_one_tag_are_a_breach() -> None:
    heard = speech(of("sglang-salt"))
    assert [(breach.law, breach.what) for breach in heard.breaches] == [
        ("two-shapes", "BlockStored: array of 7 after array of 8")
    ]


def test_a_change_of_dialect_is_told_once_and_where() -> None:
    heard = Speech()
    old, new = of("vllm-group-idx")[0], of("vllm-session")[0]
    assert heard.hear(old) == []
    told = {(breach.law, breach.what) for breach in heard.hear(new)}
    assert ("dialect-change", "array_of_maps after array") in told
    assert ("two-shapes", "BlockStored: map after array of 10") in told
    assert heard.hear(new) == []
    assert heard.dialect is None
    assert heard.dialects == {"array": 1, "array_of_maps": 2}


def test_hashes_of_two_kinds_are_a_breach() -> None:
    whole = [message for message in of("vllm-map") if message.events]
    told = [breach.what for breach in speech(whole).breaches]
    assert told == ["unsigned hashes after bytes ones", "signed hashes after bytes, unsigned ones"]


def test_small_hashes_are_of_either_kind() -> None:
    heard = speech(of("tomorrow-map"))
    assert set(heard.hash_kinds) <= {"signed", "unsigned"}


def test_what_a_stream_does_not_tell_is_lacking() -> None:
    lacking = [breach.what for breach in speech(of("vllm-first")).lacking()]
    assert lacking == [
        "no BlockStored has lora_name: two adapters' blocks look the same",
        "no BlockStored has medium: a block in host memory looks like one on the GPU",
        "no BlockStored has group_idx: blocks of several layer groups look the same",
        "no BlockStored has extra_keys or cache_salt or metadata: two tenants' blocks look the same",
    ]
    assert [breach.what for breach in speech(of("sglang-maps")).lacking()] == [
        "no BlockStored has lora_name: two adapters' blocks look the same"
    ]
    # What is nil is left out of maps: a stream without salts is no stream that cannot tell them.
    plain = [message for message in of("vllm-array-of-maps") if "bytes" not in message.hash_kinds]
    assert [breach.what for breach in speech(plain[1:2]).lacking()] == []
    assert speech(of("vllm-session")).lacking() == []
    assert speech([]).lacking() == []


def test_added_fields_name_what_wrote_them_first() -> None:
    assert speech(of("sglang-maps")).added() == {
        "medium": "vLLM #19737, SGLang #18205",
        "cache_salt": "SGLang #37482",
        "session_id": "SGLang #37482",
    }


@pytest.mark.parametrize("form", [WITHOUT_TOPIC, WITH_TOPIC])
def test_replies_of_both_forms_are_read(form: str) -> None:
    found = parse(reply(form, "kv", 258, b"\x90"))
    assert (found.form, found.sequence, found.payload, found.end) == (form, 258, b"\x90", False)
    assert found.topic == ("kv" if form == WITH_TOPIC else None)
    assert parse(end(form)).end


def test_the_end_may_lack_the_topic_or_tell_a_window() -> None:
    assert parse([b"", b"\xff" * 8, b""]).end
    assert parse([b"", b"\xff" * 8, b"\x92\x00\x07"]).end  # ATOM: oldest and latest


def test_a_request_has_its_delimiter() -> None:
    assert request(258) == [b"", b"\0\0\0\0\0\0\x01\x02"]


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        ([b"", b"x"], "reply: 2 frames; a reply has 3 or 4: an empty one, perhaps the topic, sequence, payload"),
        ([b"kv", b"\0" * 8, b""], "delimiter: 2 bytes; the first frame is empty"),
        ([b"", b"\0" * 7, b""], "sequence: 7 bytes; 8 are due"),
        ([b"", b"\xff", b"\0" * 8, b""], "topic, byte 0: it is not UTF-8 (invalid start byte)"),
    ],
)
def test_a_malformed_reply_says_what_is_wrong(frames: list[bytes], told: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(frames)
    assert str(caught.value) == told
