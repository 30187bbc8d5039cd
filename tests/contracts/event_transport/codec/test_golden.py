"""The golden messages are what the published structs write, and the kit's own decoder reads them."""

from __future__ import annotations

import re

import pytest

from contracts.event_transport.codec import make_golden
from contracts.event_transport.codec.published import MADE_UP, RELEASES
from trueup_contracts.event_transport.codec import Unreadable, decode, encode
from trueup_contracts.event_transport.codec.golden import FOLDER, Broken, Golden, golden, malformed
from trueup_contracts.event_transport.codec.judging import same


def test_the_files_are_what_the_structs_write() -> None:
    hint = "PYTHONPATH=tests python -m contracts.event_transport.codec.make_golden"
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")} == make_golden.files(), hint


@pytest.mark.parametrize("case", golden(), ids=lambda case: case.name)
def test_a_golden_message_is_read(case: Golden) -> None:
    found = decode(case.frames, case.format)
    assert same(found.canonical(), case.message) is None
    assert found.canonical() == case.message  # to the letter, not only in what a reader must tell
    assert found.dialect == case.dialect


@pytest.mark.parametrize("case", golden(), ids=lambda case: case.name)
def test_a_golden_message_is_written(case: Golden) -> None:
    written = encode(case.message, case.format, case.dialect or "array")
    assert same(decode(written, case.format).canonical(), case.message) is None
    assert written[:2] == list(case.frames[:2])


@pytest.mark.parametrize("case", malformed(), ids=lambda case: case.name)
def test_a_malformed_message_is_refused_with_what_is_wrong(case: Broken) -> None:
    with pytest.raises(Unreadable, match=re.escape(case.wrong)) as caught:
        decode(case.frames, case.format)
    assert caught.value.code == "malformed"
    assert len(str(caught.value)) < 300


def test_every_dialect_tag_field_and_kind_of_hash_is_there() -> None:
    cases = [case for case in golden() if case.format == "A"]
    assert {case.dialect for case in cases} == {"array", "map", "array_of_maps", None}
    events = [event for case in cases for event in case.message["batch"]["events"]]
    assert {event["type"] for event in events} == {
        "BlockStored",
        "BlockRemoved",
        "AllBlocksCleared",
        "BlockTransferred",
        "BlockQuantized",
    }
    kinds = {kind for event in events for one in event.get("block_hashes", ()) for kind in one}
    assert kinds == {"i64", "u64", "bytes"}
    assert {case.source["url"] for case in cases} == {one.source for one in {**RELEASES, **MADE_UP}.values()}
